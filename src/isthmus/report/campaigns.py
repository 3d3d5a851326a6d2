"""Campaigns in the report: fans, outcomes, weeks, decisions and arrivals, years to rebuild, money by year."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import pandas as pd

from isthmus.report import figures
from isthmus.report.context import Context, Triple
from isthmus.report.elements import Body, Drawing, Row, Table
from isthmus.report.wording import change, number, percent, plain, points, rounded, spread, years

FAN_WEEKS = (1, 13, 26, 52, 104, 156)
OUTCOMES = {"defence_unsustained": "Defence unsustained", "undecided": "Undecided", "attack_unsustained": "Attack unsustained"}
MONEY = {"cost_of_output": "Output", "cost_of_use": "Use"}
SERIES = {"authorised": "Authorised", "shipped": "Delivered: sent, net of losses", "arrived": "Arrived by the end"}
NOTABLE = 0.01
"""Change of a share from which the summary counts it."""


class CampaignSection:
    """Tables and figures of what is simulated week by week."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def glance(self) -> Table:
        """Of every duel: what the defender can reach and how often he is unsustained, in the first and the last ecosystem."""
        run = self.run
        bodies = []
        for duel in run.manifest["duels"]:
            theater, mission = duel.rsplit(".", 1)
            front = run.defender(theater)
            rows = []
            for case in run.cases_of(theater):
                cells = [
                    change(*(percent(run.shares[e, case, theater, mission][name]) for e in (run.first, run.last)))
                    for name in OUTCOMES
                ]
                cells += [
                    change(*(percent(run.reach[e, front, mission, measure][1]) for e in (run.first, run.last)))
                    for measure in ("reach", "hub_share")
                ]
                rows.append(Row(plain(case), tuple(cells)))
            bodies.append(Body(run.names.place(theater, mission), tuple(rows)))
        head = (
            "Theater and mission",
            "War case",
            *(f"{o}, share of worlds" for o in OUTCOMES.values()),
            "Reach of the defending front",
            "Hub share of that reach",
        )
        return Table(
            "t-glance",
            f"Simulated missions, {plain(run.first)} → {plain(run.last)}",
            ("model result",),
            head,
            tuple(bodies),
            note="Reach and hub share are medians and do not depend on the war case.",
            marked=run.campaign_marked,
        )

    @cached_property
    def verdict(self) -> list[tuple[str, int, int, int]]:
        """Outcome, and in how many duels × war cases its share falls, rises or hardly changes from the first to the last ecosystem."""
        run = self.run
        plain_cases = {c["name"] for c in run.plain_cases or run.war_cases}
        out = []
        for name, title in OUTCOMES.items():
            if name == "undecided":
                continue
            steps = [
                run.shares[run.last, c, t, m][name] - v[name]
                for (e, c, t, m), v in run.shares.items()
                if e == run.first and c in plain_cases
            ]
            falls, rises = sum(d < -NOTABLE for d in steps), sum(d > NOTABLE for d in steps)
            out.append((title.lower(), falls, rises, len(steps) - falls - rises))
        return out

    @cached_property
    def fans(self) -> list[Drawing]:
        return [self._fan(i, view) for i, view in enumerate(self.run.manifest["views"])]

    def _fan(self, index: int, view: str) -> Drawing:
        run = self.run
        front, mission = view.rsplit(".", 1)
        panels, bodies = [], []
        weeks = [w for w in FAN_WEEKS if w <= run.horizon]
        for case in run.cases_of(run.theater_of(front)):
            fans = {eco: run.results.fan(view, case, eco, shares=figures.FAN_SHARES) for eco in run.ends}
            differences = {eco: run.results.mean_difference(view, case, eco) for eco in run.ecosystems[1:]}
            panels.append(figures.FanPanel(plain(case), fans, differences))
            rows = [Row(plain(eco), tuple(spread(*_ends(fan, w), percent) for w in weeks)) for eco, fan in fans.items()]
            rows += [
                Row(f"{plain(eco)} − {plain(run.first)}, mean", tuple(points(float(d[w - 1])) for w in weeks))
                for eco, d in differences.items()
            ]
            bodies.append(Body(plain(case), tuple(rows)))
        title = run.names.place(front, mission)
        note = (
            f"Use as a share of need, week by week, over {run.futures:,} futures: median (thick line), middle half (band), 5th and "
            f"95th percentile (thin lines). Beneath: mean difference from {plain(run.first)} in the same future, in percentage points."
        )
        svg = figures.fan_figure(panels, run.ecosystems, {e: plain(e) for e in run.ecosystems}, f"{title}. {note}", f"ff{index}")
        head = ("War case", "Ecosystem", *(f"Week {w}" for w in weeks))
        caption = f"{title}: use by need in chosen weeks, median (5–95%); differences in percentage points"
        table = Table(f"t-fan-{index}", caption, ("model result",), head, tuple(bodies))
        return Drawing(f"fig-fan-{index}", title, svg, note, table=table, marked=run.campaign_marked)

    @cached_property
    def outcomes(self) -> list[Drawing]:
        return [self._outcome(i, duel) for i, duel in enumerate(self.run.manifest["duels"])]

    def _outcome(self, index: int, duel: str) -> Drawing:
        run = self.run
        theater, mission = duel.rsplit(".", 1)
        colours = (figures.DEFENCE, figures.UNDECIDED, figures.ATTACK)
        groups, bodies = [], []
        for case in [c["name"] for c in run.war_cases if theater in c["starts"]]:
            shares = {eco: run.shares[eco, case, theater, mission] for eco in run.ecosystems}
            bars = [figures.Bar(plain(e), tuple((n, float(s[n])) for n in OUTCOMES), colours) for e, s in shares.items()]
            groups.append(figures.Group(plain(case), tuple(bars)))
            rows = [
                Row(plain(e), (*(percent(float(s[n])) for n in OUTCOMES), number(float(s["week_defence_unsustained"]))))
                for e, s in shares.items()
            ]
            bodies.append(Body(plain(case), tuple(rows)))
        title = run.names.place(theater, mission)
        note = f"Share of {run.futures:,} model worlds by outcome. Shares below 5% carry no number here; they are in the table."
        svg = figures.stacked_bars(
            groups, f"{title}. {note}", f"fo{index}", xlabel="share of model worlds", hatches=("////", "", "....")
        )
        head = (
            "War case",
            "Ecosystem",
            *OUTCOMES.values(),
            "Median week in which the defence became unsustained, where it did",
        )
        table = Table(f"t-outcome-{index}", f"{title}: share of model worlds by outcome", ("model result",), head, tuple(bodies))
        key = (
            ("fig-defence", "defence unsustained (hatched)"),
            ("fig-undecided", "undecided"),
            ("fig-attack", "attack unsustained (dotted)"),
        )
        return Drawing(f"fig-outcome-{index}", title, svg, note, key=key, table=table, marked=run.campaign_marked)

    @cached_property
    def weeks(self) -> list[Table]:
        run = self.run
        head = ("Front and mission", "Ecosystem", "Weeks met", "Weeks rationed", "Weeks starved")
        return [
            Table(
                f"t-weeks-{i}",
                f"{plain(case)}: weeks by state of supply, median (5–95%)",
                ("model result",),
                head,
                self._views(case, ("weeks_met", "weeks_rationed", "weeks_starved"), lambda v: f"{v:.0f}"),
                marked=run.campaign_marked,
            )
            for i, case in enumerate(c["name"] for c in run.war_cases)
        ]

    @cached_property
    def deliveries(self) -> Table:
        """What desks had authorised by the end, what was sent and what had arrived, in the widest war case."""
        run = self.run
        return Table(
            "t-deliveries",
            f"Authorised, delivered and arrived by the end of {plain(run.widest_case)}, in effect of the mission: median (5–95%)",
            ("model result",),
            ("Front and mission", "Ecosystem", *SERIES.values()),
            self._views(run.widest_case, tuple(SERIES), rounded, ecosystems=run.ends),
            marked=run.campaign_marked,
        )

    def _views(
        self, case: str, outcomes: tuple[str, ...], say: Callable[[float], str], ecosystems: tuple[str, ...] | None = None
    ) -> tuple[Body, ...]:
        """A body for every front and mission at war in a case, a row per ecosystem, a column per outcome."""
        run = self.run
        bodies = []
        for view in run.manifest["views"]:
            if run.results.at_war(case, view):
                front, mission = view.rsplit(".", 1)
                rows = [
                    Row(plain(e), tuple(spread(*run.quantile[e, case, front, mission, o], say) for o in outcomes))
                    for e in ecosystems or run.ecosystems
                ]
                bodies.append(Body(run.names.place(front, mission), tuple(rows)))
        return tuple(bodies)

    @cached_property
    def rebuild(self) -> Table:
        """Years to rebuild in the widest war case, first and last ecosystem."""
        run = self.run
        sides: dict[str, list[Row]] = {}
        for group in run.manifest["groups"]:
            side, materiel = group.split(".", 1)
            cells = tuple(spread(*run.quantile[e, run.widest_case, side, materiel, "years_to_rebuild"], years) for e in run.ends)
            sides.setdefault(side, []).append(Row(run.names.of("materiel", materiel), cells))
        return Table(
            "t-rebuild",
            f"Years to rebuild the opening stock after {plain(run.widest_case)}: median (5–95%)",
            ("model result",),
            ("Side", "Materiel", *(plain(e) for e in run.ends)),
            tuple(Body(side, tuple(rows)) for side, rows in sides.items()),
            marked=run.campaign_marked,
        )

    @cached_property
    def costs(self) -> Table:
        """Money of output and use by side and year, in the widest war case; lower bounds."""
        run = self.run
        found = sorted({tuple(c.split(".")) for c in run.manifest["columns"] if c.split(".", 1)[0] in MONEY})
        sides = list(dict.fromkeys(side for _, side, _ in found))
        span = sorted({year for _, _, year in found}, key=lambda y: int(y.removeprefix("year")))
        bodies = [
            Body(
                side,
                tuple(
                    Row(
                        f"{title}, {plain(eco)}",
                        tuple(spread(*_billions(run.quantile[eco, run.widest_case, side, y, name]), number) for y in span),
                    )
                    for name, title in MONEY.items()
                    for eco in run.ends
                ),
            )
            for side in sides
        ]
        head = ("Side", "What", *(f"Year {y.removeprefix('year')}" for y in span))
        return Table(
            "t-costs",
            f"Cost of output and of use by year in {plain(run.widest_case)}, billion US dollars, at least: median (5–95%)",
            ("model result",),
            head,
            tuple(bodies),
            note=self._uncosted,
            marked=run.campaign_marked,
        )

    @cached_property
    def _uncosted(self) -> str:
        """How much of the simulated materiel has no known cost, where the register is at hand."""
        run = self.run
        if run.plan is None:
            return ""
        made = {g.split(".", 1)[1] for g in run.manifest["groups"]}
        costed = {u.removeprefix("cost:") for u in run.plan.supply.uncertainties if u.startswith("cost:")}
        return f"{len(made - costed)} of {len(made)} kinds of simulated materiel have no known unit cost and count nothing."


def _billions(millions: Triple) -> Triple:
    low, median, high = (v / 1000 for v in millions)
    return low, median, high


def _ends(fan: pd.DataFrame, week: int) -> Triple:
    """5th percentile, median and 95th percentile of a fan in a week, counted from 1."""
    low, median, high = (float(fan[share].iloc[week - 1]) for share in (0.05, 0.5, 0.95))
    return low, median, high
