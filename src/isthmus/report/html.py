"""The report of a run: one HTML file that holds its figures, tables, assumptions and sources and asks the network for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from isthmus.axes import LAYERS
from isthmus.ensemble import Uncertainty
from isthmus.errors import IsthmusError
from isthmus.interop.supply import Binding
from isthmus.register import Register
from isthmus.register.register import EVIDENCE
from isthmus.report import figures
from isthmus.report.figures import percent
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.schema import Study
from isthmus.sustainment.kernel import NEVER_YEARS

FAN_WEEKS = (1, 13, 26, 52, 104, 156)
LAYER_FUTURES = 512
NAMED_SHARE = 0.05
"""Width from which a donor without a colour of its own is still named in a bar."""
REACH_COLUMNS = {
    "reach": "Reach",
    "reach_if_both_draw": "Reach if both fronts draw",
    "hub_share": "Hub share",
    "scale_ratio": "Scale ratio",
    "days_of_supply": "Days of supply",
}
OUTCOMES = {"defence_unsustained": "Defence unsustained", "undecided": "Undecided", "attack_unsustained": "Attack unsustained"}
INPUTS = {"stock": "opening stock, units", "line.base": "output today, units a year", "line.plan": "output planned, units a year"}
FIELDS = {
    "claim": "What another war and peacetime take first",
    "desk": "How donors decide: first step, size, gap, stop",
    "donor_class": "Treaty ally, past partner or neither",
    "duel": "When a side counts as unsustained",
    "effect": "Effect of one unit, within its class",
    "engage": "Share of launches that is engaged",
    "familiarity": "What common exercises do to friction",
    "fights": "Whether an ally fights",
    "fires": "Which launcher fires which materiel",
    "floor": "Reserve that a holder keeps",
    "forward": "Share of stock held in the theater",
    "friction": "Weeks and losses in taking foreign materiel",
    "industry": "What a security-of-supply agreement adds",
    "interchange": "Interchange between makes of one calibre",
    "lag": "Weeks from decision to arrival",
    "launchers": "Launchers, tubes and cells by maturity",
    "lift": "Tonnes a week that can be moved",
    "line": "From stated output to complete rounds; plans to output",
    "line.base": "Output today",
    "line.plan": "Output planned",
    "mass": "Mass as shipped",
    "need": "Need by week",
    "plan": "How an army rations and orders",
    "prior": "Prior for what nobody looked up",
    "rate": "Highest rate of fire of a launcher",
    "shots": "Interceptors a target",
    "stock": "Opening stock",
    "weight": "Weights between classes of one mission",
}
OWN_DRAWS = {
    "desk": "Own part of a donor's hesitation, one draw for each donor and front",
    "desk.common": "Common part of hesitation, one draw for each front",
    "fights": "Draw against the chance that an ally fights, one for each ally and theater",
}


@dataclass(frozen=True)
class Link:
    text: str
    url: str | None
    note: str = ""


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[str | tuple[Link, ...], ...]


@dataclass(frozen=True)
class Body:
    """Rows under one heading; without a title the table has one heading column only."""

    title: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """`kinds`: what its numbers are; `words`: columns of `cells` that hold text, not figures.

    With `filter` the reader may narrow it, and titles of bodies are rows of their own, not a column.
    """

    id: str
    caption: str
    kinds: tuple[str, ...]
    head: tuple[str, ...]
    bodies: tuple[Body, ...]
    words: tuple[int, ...] = ()
    note: str = ""
    filter: bool = False


@dataclass(frozen=True)
class Drawing:
    id: str
    title: str
    svg: str
    note: str
    kinds: tuple[str, ...] = ("model result",)
    key: tuple[tuple[str, str], ...] = ()
    """(CSS variable, meaning) of the colours that are not written in the figure."""
    table: Table | None = None


def write_report(results: Results, out: Path) -> list[Path]:
    """Write `out/report.html` and return its path. Results that need the register are left out, with the reason, where it has changed."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["web"] = web
    template = environment.from_string(resources.files("isthmus.report").joinpath("template.html.j2").read_text(encoding="utf-8"))
    page = Page(results)
    text = template.render(
        page=page,
        light=Markup(figures.css_variables(dark=False)),  # noqa: S704 - constants of this package
        dark=Markup(figures.css_variables(dark=True)),  # noqa: S704
        svg=Markup,
    )
    out.mkdir(parents=True, exist_ok=True)
    path = out / "report.html"
    path.write_text(text, encoding="utf-8")
    return [path]


def web(url: object) -> str | None:
    """An address that may become a link, or None: nothing but http and https."""
    return str(url) if str(url).lower().startswith(("https://", "http://")) else None


def number(value: float) -> str:
    """Three significant figures, thousands separated."""
    if np.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def spread(low: float, median: float, high: float, say: Callable[[float], str] = number) -> str:
    """Median with 5 to 95% in brackets; a dash where there is nothing."""
    if np.isnan(median):
        return "–"
    bottom, middle, top = say(low), say(median), say(high)
    if bottom == middle == top:
        return middle
    to = " to " if " " in top else "–"
    return f"{middle} ({bottom.removesuffix('%') if top.endswith('%') else bottom}{to}{top})"


def ratio(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}" if value < 9.95 else number(value)


def years(value: float) -> str:
    return "not at this rate" if value >= NEVER_YEARS else "–" if np.isnan(value) else f"{value:.1f}"


def points(value: float) -> str:
    shown = f"{value * 100:+.1f}".replace("-", "−")
    return "0" if shown[1:] == "0.0" else shown


def basis(results: Results) -> tuple[Plan | None, str]:
    """The plan of the run, rebuilt from the register it was made with; or why that cannot be done."""
    wanted = results.manifest["register"]["hash"]
    root = Path(results.manifest["register"]["root"])
    seen = []
    loads: tuple[Callable[[], Register], ...] = (lambda: Register.load(root), Register.reference)
    for load in loads:
        try:
            register = load()
            if register.hash == wanted:
                plan = make_plan(Study.model_validate(results.study), register)
                if plan.input_hash == results.manifest["input_hash"]:
                    return plan, ""
                return None, "this version of Isthmus draws its futures from other ranges than the version that made the run"
            seen.append(register.hash[:16])
        except (IsthmusError, OSError, ValueError) as bad:
            seen.append(type(bad).__name__)
    return (
        None,
        f"the run was made with the register {wanted[:16]}, and the register at hand is another one ({', '.join(dict.fromkeys(seen))})",
    )


class Names:
    """Names for readers; without a register an id is read out as it stands."""

    def __init__(self, register: Register | None) -> None:
        self._names: dict[str, dict[str, str]] = {}
        keys = (
            ("actors", "actor_id"),
            ("materiel", "materiel_id"),
            ("missions", "mission_id"),
            ("theaters", "theater_id"),
            ("elements", "element_id"),
        )
        for table, key in (*keys, ("layers", "layer_id"), ("uncertainties", "uncertainty_id")):
            frame = register.table(table) if register is not None else None
            self._names[table] = {} if frame is None else dict(zip(frame[key], frame["name"], strict=True))

    def of(self, table: str, key: str) -> str:
        found = self._names[table].get(key)
        return str(found) if found else plain(key)

    def front(self, front_id: str) -> str:
        theater, _, side = front_id.partition(".")
        return f"{self.of('theaters', theater)}, {side}" if side else self.of("theaters", theater)

    def element(self, element: str) -> str:
        """An input's element: actor and materiel, or whatever its parts name."""
        tables = ("actors", "materiel", "elements", "uncertainties")
        parts = element.split(":")
        return ": ".join(next((str(self._names[t][p]) for t in tables if p in self._names[t]), p) for p in parts)


PROPER = {
    name.lower(): name
    for name in ("Europe", "Pacific", "Asia", "Korea", "Taiwan", "Ukraine", "Japan", "China", "Russia", "Iran", "Baltic")
}


def plain(identifier: str) -> str:
    return " ".join(PROPER.get(word, word) for word in identifier.split("_"))


class Page:
    """Everything that the template shows, computed when it is asked for."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.manifest = results.manifest
        self.study = results.study
        with ThreadPoolExecutor(1) as beside:
            digest = beside.submit(results.folder.digest)
            self.plan, self.reason = basis(results)
            self.digest = digest.result()
        self.names = Names(self.plan.register if self.plan else None)
        self.ecosystems = [e["name"] for e in self.study["ecosystems"]]
        self.first, self.last = self.ecosystems[0], self.ecosystems[-1]
        self.run_name = results.folder.root.resolve().name
        self.horizon = int(self.study["horizon_weeks"])

    # how to read it

    @property
    def ecosystem_rules(self) -> list[tuple[str, str]]:
        says = {
            "implemented": "counts only what is implemented",
            "agreed": "counts what is agreed as if it were done",
            "declared": "counts what is declared as if it were done",
        }
        out = []
        for spec in self.study["ecosystems"]:
            text = says[spec["threshold"]]
            text += "".join(f"; {layer}: {step}" for layer, step in spec["layers"].items())
            if spec["complete"]:
                text += f"; and every {', '.join(spec['complete'])} of a coalition is held by all of it to whom it applies"
            out.append((plain(spec["name"]), text))
        return out

    @property
    def war_cases(self) -> list[tuple[str, str]]:
        return [
            (
                plain(c["name"]),
                "; ".join(f"{self.names.of('theaters', t)} from week {start + 1}" for t, start in c["starts"].items()),
            )
            for c in self.study["war_cases"]
        ]

    @property
    def tiers(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for theater, mission, tier in self.manifest["tiers"]:
            out.setdefault(tier, []).append(f"{self.names.of('missions', mission)} ({self.names.of('theaters', theater)})")
        return out

    @property
    def not_modelled(self) -> list[str]:
        if self.plan is None:
            return []
        here = {m for _, m, _ in self.manifest["tiers"]}
        missions = self.plan.register.table("missions")
        return [str(n) for m, n in zip(missions["mission_id"], missions["name"], strict=True) if m not in here]

    @property
    def claims(self) -> list[str]:
        return [f"{plain(c['claim'])} ({c['state']}; takes from {', '.join(c['actors'])})" for c in self.study["claims"]]

    @property
    def hubs(self) -> str:
        """Who the hub of each side is, in brackets; empty where the register is not at hand."""
        hubs = self.plan.wide.hub_of if self.plan else {}
        return (
            " (" + "; ".join(f"{side}: {self.names.of('actors', hub)}" for side, hub in sorted(hubs.items())) + ")"
            if hubs
            else ""
        )

    @property
    def sampling_error(self) -> str:
        return f"{50 / np.sqrt(self.study['futures']):.1f}"

    def cases_of(self, theater: str) -> list[str]:
        """The war case of this theater alone and the one of every theater from the start; where neither exists, the first two with it."""
        theaters = {f["theater"] for f in self.study["fronts"]}
        cases = {c["name"]: c["starts"] for c in self.study["war_cases"] if theater in c["starts"]}
        alone = [n for n, starts in cases.items() if set(starts) == {theater}]
        both = [n for n, starts in cases.items() if set(starts) == theaters and not any(starts.values())]
        chosen = list(dict.fromkeys(alone[:1] + both[:1]))
        return chosen or list(cases)[:2]

    # results

    @cached_property
    def _reach(self) -> dict[tuple[str, str, str, str], tuple[float, float, float]]:
        frame = self.results.reach
        keys = zip(frame["ecosystem"], frame["front"], frame["mission"], frame["measure"], strict=True)
        return dict(zip(keys, zip(frame["low"], frame["median"], frame["high"], strict=True), strict=True))

    @cached_property
    def _quantile(self) -> dict[tuple[str, str, str, str, str], tuple[float, float, float]]:
        frame = self.results.quantiles
        keys = zip(frame["ecosystem"], frame["war_case"], frame["front"], frame["mission"], frame["outcome"], strict=True)
        return dict(zip(keys, zip(frame["low"], frame["median"], frame["high"], strict=True), strict=True))

    @cached_property
    def _shares(self) -> dict[tuple[str, str, str, str], Mapping[str, Any]]:
        return {
            (r["ecosystem"], r["war_case"], r["front"], r["mission"]): {str(k): v for k, v in r.items()}
            for r in self.results.shares.to_dict("records")
        }

    def _missions(self, front: str) -> list[str]:
        order = {"campaign": 0, "magazine": 1, "indicator": 2}
        tier = {(t, m): order[name] for t, m, name in self.manifest["tiers"]}
        theater = front.split(".")[0]
        return sorted({m for _, f, m, _ in self._reach if f == front}, key=lambda m: (tier[theater, m], m))

    def _tier(self, front: str, mission: str) -> str:
        theater = next(f["theater"] for f in self.study["fronts"] if f["front"] == front)
        return next(str(name) for t, m, name in self.manifest["tiers"] if (t, m) == (theater, mission))

    @property
    def layer_futures(self) -> int:
        return int(min(LAYER_FUTURES, self.study["futures"]))

    def _held(self, front: str, mission: str) -> bool:
        """Whether the register knows of anything that the side holds or makes for a mission."""
        return any(self._reach[e, front, mission, "coalition"][1] > 0 for e in self.ecosystems)

    @cached_property
    def fronts(self) -> list[str]:
        return [f["front"] for f in self.study["fronts"]]

    @property
    def glance(self) -> Table:
        """Of every duel: what the defender can reach and how often he is unsustained, in the first and the last ecosystem."""
        bodies = []
        for duel in self.manifest["duels"]:
            theater, mission = duel.rsplit(".", 1)
            front = next(f["front"] for f in self.study["fronts"] if f["theater"] == theater and f["role"] == "defender")
            rows = []
            for case in self.cases_of(theater):
                cells: list[str] = []
                for name in OUTCOMES:
                    cells.append(
                        " → ".join(percent(self._shares[e, case, theater, mission][name]) for e in (self.first, self.last))
                    )
                for measure in ("reach", "hub_share"):
                    cells.append(" → ".join(percent(self._reach[e, front, mission, measure][1]) for e in (self.first, self.last)))
                rows.append(Row(plain(case), tuple(cells)))
            bodies.append(Body(f"{self.names.of('theaters', theater)}: {self.names.of('missions', mission)}", tuple(rows)))
        head = (
            "Theater and mission",
            "War case",
            *(f"{o}, share of worlds" for o in OUTCOMES.values()),
            "Reach of the defending front",
            "Hub share of that reach",
        )
        caption = f"Simulated missions, {plain(self.first)} → {plain(self.last)}"
        return Table(
            "t-glance",
            caption,
            ("model result",),
            head,
            tuple(bodies),
            note="Reach and hub share are medians and do not depend on the war case.",
        )

    @property
    def verdict(self) -> list[tuple[str, int, int, int]]:
        """Outcome, and in how many duels × war cases its share falls, rises or hardly changes from the first to the last ecosystem."""
        out = []
        for name, title in OUTCOMES.items():
            if name == "undecided":
                continue
            change = [
                self._shares[self.last, c, t, m][name] - v[name] for (e, c, t, m), v in self._shares.items() if e == self.first
            ]
            falls, rises = sum(d < -0.01 for d in change), sum(d > 0.01 for d in change)
            out.append((title.lower(), falls, rises, len(change) - falls - rises))
        return out

    @property
    def reach_tables(self) -> list[Table]:
        return [self._reach_table(i, front) for i, front in enumerate(self.fronts)]

    def _reach_table(self, index: int, front: str) -> Table:
        bodies = []
        for mission in self._missions(front):
            rows = []
            for eco in self.ecosystems if self._held(front, mission) else ():
                says = {"scale_ratio": ratio, "days_of_supply": number}
                cells = tuple(spread(*self._reach[eco, front, mission, x], says.get(x, percent)) for x in REACH_COLUMNS)
                rows.append(Row(plain(eco), cells))
            nothing = Row("nothing of this side in the register", ("–",) * len(REACH_COLUMNS))
            bodies.append(Body(f"{self.names.of('missions', mission)} ({self._tier(front, mission)})", tuple(rows) or (nothing,)))
        return Table(
            f"t-reach-{index}",
            f"Reach of {self.names.front(front)}: median (5–95% of futures)",
            ("model result",),
            ("Mission (tier)", "Ecosystem", *REACH_COLUMNS.values()),
            tuple(bodies),
        )

    @cached_property
    def _donors(self) -> dict[tuple[str, str, str], dict[str, float]]:
        out: dict[tuple[str, str, str], dict[str, float]] = {}
        frame = self.results.donors
        for eco, front, mission, donor, share in zip(
            *(frame[c] for c in ("ecosystem", "front", "mission", "donor", "share")), strict=True
        ):
            out.setdefault((eco, front, mission), {})[donor] = float(share)
        return out

    @property
    def donor_figures(self) -> list[Drawing]:
        return [self._donor_figure(i, front) for i, front in enumerate(self.fronts)]

    def _donor_figure(self, index: int, front: str) -> Drawing:
        side = front.rsplit(".", 1)[-1]
        weight: dict[str, float] = {}
        for (eco, other, _), shares in self._donors.items():
            if other.rsplit(".", 1)[-1] == side and eco in (self.first, self.last):
                for donor, share in shares.items():
                    weight[donor] = weight.get(donor, 0) + share
        named = sorted(weight, key=lambda d: -weight[d])[: len(figures.DONORS)]
        colour = dict(zip(named, figures.DONORS, strict=False))
        groups, bodies = [], []
        for mission in [m for m in self._missions(front) if self._held(front, m)]:
            bars = []
            for eco in dict.fromkeys((self.first, self.last)):
                shares = self._donors.get((eco, front, mission), {})
                total = float(np.nan_to_num(self._reach[eco, front, mission, "reach"][1]))
                ranked = sorted(shares, key=lambda d: (named.index(d) if d in colour else len(named), -shares[d]))
                parts = [(d, shares[d] * total) for d in ranked if d in colour or shares[d] * total >= NAMED_SHARE]
                rest = max(0.0, total - sum(w for _, w in parts))
                bars.append(
                    figures.Bar(
                        plain(eco),
                        (*parts, ("others", rest)),
                        (*(colour.get(d, figures.OTHERS) for d, _ in parts), figures.OTHERS),
                    )
                )
            groups.append(figures.Group(f"{self.names.of('missions', mission)} ({self._tier(front, mission)})", tuple(bars)))
            bodies.append(self._donor_body(front, mission))
        title = f"Who could supply {self.names.front(front)}"
        table = Table(
            f"t-donors-{index}",
            f"{title}: mean share of what is reachable",
            ("model result",),
            ("Mission", "Donor", plain(self.first), plain(self.last)),
            tuple(bodies),
        )
        note = (
            f"Length of a bar: median reach, as a share of the coalition's stock and output over {self.horizon} weeks. "
            "Its parts: the mean share of each donor. Parts too narrow for a name are in the table below."
        )
        svg = figures.stacked_bars(groups, f"{title}. {note}", f"fd{index}", xlabel="share of the coalition's stock and output")
        seen = {name for g in groups for b in g.bars for name, _ in b.parts}
        key = tuple((figures.VARIABLES[c][0], f"{d} {self.names.of('actors', d)}") for d, c in colour.items() if d in seen)
        return Drawing(f"fig-donors-{index}", title, svg, note, key=(*key, ("fig-others", "other donors")), table=table)

    def _donor_body(self, front: str, mission: str) -> Body:
        before, after = (self._donors.get((eco, front, mission), {}) for eco in (self.first, self.last))
        ranked = sorted({*before, *after}, key=lambda d: -(before.get(d, 0) + after.get(d, 0)))
        rows = [Row(self.names.of("actors", d), (percent(before.get(d, 0.0)), percent(after.get(d, 0.0)))) for d in ranked[:10]]
        if len(ranked) > 10:
            rest = tuple(percent(sum(s.get(d, 0.0) for d in ranked[10:])) for s in (before, after))
            rows.append(Row(f"{len(ranked) - 10} others", rest))
        return Body(self.names.of("missions", mission), tuple(rows) or (Row("no holdings in the register", ("–", "–")),))

    @property
    def fan_figures(self) -> list[Drawing]:
        return [self._fan_figure(i, view) for i, view in enumerate(self.manifest["views"])]

    def _fan_figure(self, index: int, view: str) -> Drawing:
        front, mission = view.rsplit(".", 1)
        theater = next(f["theater"] for f in self.study["fronts"] if f["front"] == front)
        shown = list(dict.fromkeys((self.first, self.last)))
        panels, bodies = [], []
        for case in self.cases_of(theater):
            fans = {eco: self.results.fan(view, case, eco, shares=figures.FAN_SHARES) for eco in shown}
            differences = {eco: self.results.mean_difference(view, case, eco) for eco in self.ecosystems[1:]}
            panels.append(figures.FanPanel(plain(case), fans, differences))
            weeks = [w for w in FAN_WEEKS if w <= self.horizon]
            rows = [Row(plain(eco), tuple(spread(*_ends(fan, w), percent) for w in weeks)) for eco, fan in fans.items()]
            rows += [
                Row(f"{plain(eco)} − {plain(self.first)}, mean", tuple(points(float(d[w - 1])) for w in weeks))
                for eco, d in differences.items()
            ]
            bodies.append(Body(plain(case), tuple(rows)))
        title = f"{self.names.front(front)}: {self.names.of('missions', mission)}"
        note = (
            f"Use as a share of need, week by week, over {self.study['futures']:,} futures: median (thick line), middle half (band), 5th and "
            f"95th percentile (thin lines). Beneath: mean difference from {plain(self.first)} in the same future, in percentage points."
        )
        svg = figures.fan_figure(
            panels, self.ecosystems, {e: plain(e) for e in self.ecosystems}, f"{title}. {note}", f"ff{index}"
        )
        head = ("War case", "Ecosystem", *(f"Week {w}" for w in FAN_WEEKS if w <= self.horizon))
        caption = f"{title}: use by need in chosen weeks, median (5–95%); differences in percentage points"
        return Drawing(
            f"fig-fan-{index}", title, svg, note, table=Table(f"t-fan-{index}", caption, ("model result",), head, tuple(bodies))
        )

    @property
    def outcome_figures(self) -> list[Drawing]:
        out = []
        colours = (figures.DEFENCE, figures.UNDECIDED, figures.ATTACK)
        for i, duel in enumerate(self.manifest["duels"]):
            theater, mission = duel.rsplit(".", 1)
            groups, bodies = [], []
            for case in [c["name"] for c in self.study["war_cases"] if theater in c["starts"]]:
                shares = {eco: self._shares[eco, case, theater, mission] for eco in self.ecosystems}
                bars = [figures.Bar(plain(e), tuple((n, float(s[n])) for n in OUTCOMES), colours) for e, s in shares.items()]
                groups.append(figures.Group(plain(case), tuple(bars)))
                rows = [
                    Row(plain(e), (*(percent(float(s[n])) for n in OUTCOMES), number(float(s["week_defence_unsustained"]))))
                    for e, s in shares.items()
                ]
                bodies.append(Body(plain(case), tuple(rows)))
            title = f"{self.names.of('theaters', theater)}: {self.names.of('missions', mission)}"
            note = f"Share of {self.study['futures']:,} model worlds by outcome. Shares below 5% carry no number here; they are in the table."
            svg = figures.stacked_bars(
                groups, f"{title}. {note}", f"fo{i}", xlabel="share of model worlds", hatches=("////", "", "....")
            )
            head = (
                "War case",
                "Ecosystem",
                *OUTCOMES.values(),
                "Median week in which the defence became unsustained, where it did",
            )
            table = Table(f"t-outcome-{i}", f"{title}: share of model worlds by outcome", ("model result",), head, tuple(bodies))
            key = tuple(
                zip(
                    ("fig-defence", "fig-undecided", "fig-attack"),
                    ("defence unsustained (hatched)", "undecided", "attack unsustained (dotted)"),
                    strict=True,
                )
            )
            out.append(Drawing(f"fig-outcome-{i}", title, svg, note, key=key, table=table))
        return out

    @property
    def weeks_tables(self) -> list[Table]:
        out = []
        for i, case in enumerate(c["name"] for c in self.study["war_cases"]):
            bodies = []
            for view in self.manifest["views"]:
                if not self.results.at_war(case, view):
                    continue
                front, mission = view.rsplit(".", 1)
                rows = [
                    Row(
                        plain(e),
                        tuple(
                            spread(*self._quantile[e, case, front, mission, f"weeks_{state}"], lambda v: f"{v:.0f}")
                            for state in ("met", "rationed", "starved")
                        ),
                    )
                    for e in self.ecosystems
                ]
                bodies.append(Body(f"{self.names.front(front)}: {self.names.of('missions', mission)}", tuple(rows)))
            head = ("Front and mission", "Ecosystem", "Weeks met", "Weeks rationed", "Weeks starved")
            out.append(
                Table(
                    f"t-weeks-{i}",
                    f"{plain(case)}: weeks by state of supply, median (5–95%)",
                    ("model result",),
                    head,
                    tuple(bodies),
                )
            )
        return out

    @property
    def rebuild_table(self) -> Table:
        """Years to rebuild in the widest war case, first and last ecosystem."""
        case = max((c for c in self.study["war_cases"]), key=lambda c: (len(c["starts"]), -sum(c["starts"].values())))["name"]
        sides: dict[str, list[Row]] = {}
        for group in self.manifest["groups"]:
            side, materiel = group.split(".", 1)
            cells = tuple(
                spread(*self._quantile[e, case, side, materiel, "years_to_rebuild"], years)
                for e in dict.fromkeys((self.first, self.last))
            )
            sides.setdefault(side, []).append(Row(self.names.of("materiel", materiel), cells))
        head = ("Side", "Materiel", *(plain(e) for e in dict.fromkeys((self.first, self.last))))
        bodies = tuple(Body(side, tuple(rows)) for side, rows in sides.items())
        return Table(
            "t-rebuild",
            f"Years to rebuild the opening stock after {plain(case)}: median (5–95%)",
            ("model result",),
            head,
            bodies,
        )

    @cached_property
    def layers_table(self) -> Table | None:
        frame = self.results.layers
        if frame is None:
            return None
        reach = frame[frame["outcome"] == "reach_gain"].set_index(["front", "mission", "layer"])
        bodies = []
        for front in self.fronts:
            rows = []
            for mission in self._missions(front):
                if not self._held(front, mission):
                    continue
                cells = tuple(_gain(reach.loc[(front, mission, layer)]) for layer in LAYERS)
                rows.append(Row(f"{self.names.of('missions', mission)} ({self._tier(front, mission)})", cells))
            if rows:
                bodies.append(Body(self.names.front(front), tuple(rows)))
        caption = (
            f"Shapley share of each layer in the gain of reachable effect from {plain(self.first)} to {plain(self.last)}, in percent of"
            " what is reachable as it is: mean ± standard error; n.e.: not estimable"
        )
        return Table(
            "t-layers",
            caption,
            ("model result",),
            ("Front", "Mission (tier)", *(self.names.of("layers", x) for x in LAYERS)),
            tuple(bodies),
        )

    @cached_property
    def evidence(self) -> Evidence | None:
        return None if self.plan is None else Evidence(self.plan, self.names)


def _ends(fan: pd.DataFrame, week: int) -> tuple[float, float, float]:
    """5th percentile, median and 95th percentile of a fan in a week, counted from 1."""
    low, median, high = (float(fan[share].iloc[week - 1]) for share in (0.05, 0.5, 0.95))
    return low, median, high


def _gain(row: pd.Series[Any]) -> str:
    return f"{100 * row['shapley']:+.1f} ± {100 * row['shapley_se']:.1f}" if row["estimable"] else "n.e."


class Evidence:
    """What a run rests on: bindings, ranges and the register rows behind them."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        found = {(b.field, b.element): b for supply in (plan.wide, plan.supply) for b in supply.bindings}
        self.bindings: list[Binding] = [found[key] for key in sorted(found)]
        self.uncertainties: dict[str, Uncertainty] = {u.name: u for u in plan.design.uncertainties}
        self._rows = _rows_by_id(plan.register)
        sources = plan.register.table("sources")
        self._sources = {str(s["source_id"]): s for s in sources.to_dict("records")}

    def kind(self, binding: Binding) -> str:
        """Kind of a binding, unless the study has put a range of its own on it."""
        u = self.uncertainties.get(binding.element) or self.uncertainties.get(f"{binding.field}:{binding.element}")
        return u.kind if u else binding.kind

    @property
    def fields_table(self) -> Table:
        rows = []
        for field in sorted({b.field for b in self.bindings}):
            mine = [b for b in self.bindings if b.field == field]
            kinds = [self.kind(b) for b in mine]
            counts = tuple(f"{kinds.count(k):,}" for k in ("fact", "estimate", "assumption"))
            used = len({f for b in mine for f in b.evidence})
            rows.append(Row(FIELDS.get(field, plain(field)), (field, f"{len(mine):,}", *counts, f"{used:,}")))
        head = ("Input", "Field", "Elements", "Facts", "Estimates", "Assumptions", "Register rows used")
        return Table(
            "t-fields",
            "What the inputs rest on, element by element",
            ("fact", "estimate", "assumption"),
            head,
            (Body(None, tuple(rows)),),
            words=(0,),
        )

    @cached_property
    def assumptions_table(self) -> Table:
        groups: dict[str, list[Row]] = {}
        copies: dict[tuple[str, float, float, float], list[Uncertainty]] = {}
        for u in sorted(self.uncertainties.values(), key=lambda u: u.name):
            if u.kind != "assumption":
                continue
            prefix = u.name.split(":", 1)[0]
            if ":" in u.name and (prefix in OWN_DRAWS or u.rule.startswith("own draw of ")):
                copies.setdefault((prefix, u.low, u.mode, u.high), []).append(u)
                continue
            groups.setdefault(_field(u.name), []).append(Row(self._title(u), (u.name, _range(u), u.unit, self._reason(u))))
        for (prefix, *_), same in copies.items():
            title = OWN_DRAWS.get(prefix, same[0].rule)
            name = f"{prefix}:… × {len(same)}"
            groups.setdefault(_field(prefix), []).append(Row(title, (name, _range(same[0]), same[0].unit, same[0].rule)))
        bodies = tuple(Body(FIELDS.get(g, plain(g)), tuple(rows)) for g, rows in sorted(groups.items()))
        head = ("Assumption", "Name in the register or study", "Range", "Unit", "Reason")
        return Table(
            "t-assumptions", "All assumptions that are drawn", ("assumption",), head, bodies, words=(0, 1, 2, 3), filter=True
        )

    @property
    def assumption_count(self) -> int:
        return sum(u.kind == "assumption" for u in self.uncertainties.values())

    @property
    def fixed_table(self) -> Table:
        """Assumptions that enter with one value: nothing is drawn for them."""
        groups: dict[tuple[str, str], list[str]] = {}
        for b in self.bindings:
            drawn = b.element in self.uncertainties or f"{b.field}:{b.element}" in self.uncertainties
            if b.kind == "assumption" and not drawn:
                groups.setdefault((b.field, self._notes(b.evidence) or b.rule), []).append(self.names.element(b.element))
        rows = [Row(FIELDS.get(f, plain(f)), (f"{len(e)}", reason, "; ".join(e))) for (f, reason), e in sorted(groups.items())]
        head = ("Input", "Elements", "Reason", "Which")
        return Table(
            "t-fixed",
            "Assumptions that enter with one value",
            ("assumption",),
            head,
            (Body(None, tuple(rows)),),
            words=(1, 2),
            filter=True,
        )

    @cached_property
    def inputs_table(self) -> Table:
        groups: dict[str, list[Row]] = {}
        for b in self.bindings:
            u = self.uncertainties.get(f"{b.field}:{b.element}")
            if b.field not in INPUTS or u is None:
                continue
            actor, _, materiel = b.element.partition(":")
            rows = [self._rows[f] for f in b.evidence if f in self._rows]
            grades = "/".join(sorted({str(r["confidence"]) for r in rows if r["confidence"]})) or "–"
            links = tuple(self._link(r) for r in rows)
            cells = (
                INPUTS[b.field],
                _range(u),
                u.kind,
                grades,
                f"{len(b.evidence)}",
                b.rule.removeprefix("resolved from "),
                links,
            )
            groups.setdefault(self.names.of("actors", actor), []).append(Row(self.names.of("materiel", materiel), cells))
        head = (
            "Materiel",
            "Input",
            "Low – mode – high",
            "Kind",
            "Grade",
            "Observations",
            "Rule",
            "Source, date and stated value",
        )
        bodies = tuple(Body(actor, tuple(rows)) for actor, rows in sorted(groups.items()))
        return Table(
            "t-inputs",
            "Stocks and lines",
            ("fact", "estimate", "assumption"),
            head,
            bodies,
            words=(0, 2, 3, 5, 6),
            filter=True,
        )

    @property
    def layers_table(self) -> Table:
        """What the ecosystems are read from: items and adoptions by layer and side."""
        view = self.plan.register.at(self.plan.study.date)
        items, adoptions = view.table("items"), self._adoptions
        layer = dict(zip(items["item_id"], items["layer"], strict=True))
        side = dict(zip(items["item_id"], items["side"], strict=True))
        rows = []
        for name in LAYERS:
            cells: list[str] = []
            for which in ("allied", "rival"):
                mine = adoptions[[layer.get(i) == name and side.get(i) == which for i in adoptions["item_id"]]]
                steps = mine["maturity"].value_counts()
                cells.append(f"{int(((items['layer'] == name) & (items['side'] == which)).sum()):,}")
                cells.append(" / ".join(f"{int(steps.get(s, 0)):,}" for s in ("declared", "agreed", "implemented")))
            rows.append(Row(self.names.of("layers", name), tuple(cells)))
        head = (
            "Layer",
            "Items, allied",
            "Adoptions, allied: declared / agreed / implemented",
            "Items, rival",
            "Adoptions, rival: declared / agreed / implemented",
        )
        return Table(
            "t-held",
            "What the ecosystems are read from: register rows by layer and side",
            ("fact", "estimate", "assumption"),
            head,
            (Body(None, tuple(rows)),),
        )

    @cached_property
    def _adoptions(self) -> pd.DataFrame:
        """Adoptions by the actors of the study, or by a bloc that one of them is in."""
        view = self.plan.register.at(self.plan.study.date)
        actors = {p.actor_id for f in self.plan.wide.setting.fronts for p in f.participants}
        members = view.table("memberships")
        actors |= set(members[members["actor_id"].isin(actors)]["bloc_id"])
        adoptions = view.table("adoptions")
        return adoptions[adoptions["actor_id"].isin(actors)]

    @cached_property
    def sources(self) -> list[Mapping[str, Any]]:
        """Sources behind quantities."""
        ids = {f for b in self.bindings for f in b.evidence} | {f for u in self.uncertainties.values() for f in u.evidence}
        return self._listed(str(self._rows[f]["source_id"]) for f in ids if f in self._rows and self._rows[f]["source_id"])

    @cached_property
    def layer_sources(self) -> list[Mapping[str, Any]]:
        """Sources behind items and adoptions that are not among those of quantities."""
        view = self.plan.register.at(self.plan.study.date)
        items = view.table("items")
        held = items[items["item_id"].isin(self._adoptions["item_id"])]
        ids = {str(s) for frame in (held, self._adoptions) for s in frame["source_id"] if s}
        return self._listed(ids - {str(s["source_id"]) for s in self.sources})

    def _listed(self, ids: Iterable[str]) -> list[Mapping[str, Any]]:
        found = [{str(k): v for k, v in self._sources[i].items()} for i in set(ids) if i in self._sources]
        return sorted(found, key=lambda s: (str(s["publisher"]).casefold(), str(s["title"]).casefold(), str(s["source_id"])))

    def _title(self, u: Uncertainty) -> str:
        prefix, _, rest = u.name.partition(":")
        return self.names.element(rest) if rest else self.names.of("uncertainties", prefix)

    def _reason(self, u: Uncertainty) -> str:
        return self._notes(u.evidence) or u.rule

    def _notes(self, evidence: Sequence[str]) -> str:
        return "; ".join(dict.fromkeys(str(self._rows[f]["note"]) for f in evidence if f in self._rows and self._rows[f]["note"]))

    def _link(self, row: Mapping[str, Any]) -> Link:
        source = self._sources.get(str(row["source_id"]), {})
        values = [float(row[k]) for k in ("low", "mode", "high")]
        stated = number(values[1]) if values[0] == values[2] else " – ".join(number(v) for v in values)
        note = ", ".join(str(x) for x in (row["as_of"], f"grade {row['confidence']}" if row["confidence"] else None, stated) if x)
        if not source:
            return Link(str(row["note"] or row["kind"]), None, note)
        return Link(str(source["title"]), str(source["url"]), note)


def _rows_by_id(register: Register) -> dict[str, Mapping[str, Any]]:
    """Every register row that carries evidence, by its fact_id."""
    out: dict[str, Mapping[str, Any]] = {}
    for table in EVIDENCE:
        frame = register.table(table)
        names = [c for c in ("kind", "source_id", "as_of", "confidence", "note", "low", "mode", "high") if c in frame]
        for fact_id, *values in zip(frame["fact_id"], *(frame[c].tolist() for c in names), strict=True):
            out[str(fact_id)] = {**dict.fromkeys(("low", "mode", "high"), float("nan")), **dict(zip(names, values, strict=True))}
    return out


def _range(u: Uncertainty) -> str:
    if u.shape == "constant" or u.low == u.high:
        return f"{number(u.mode)} (constant)"
    ends = (u.low, u.high) if u.shape in ("uniform", "loguniform") else (u.low, u.mode, u.high)
    return "\u00a0–\u00a0".join(number(v) for v in ends) + ("" if u.shape == "pert" else f" ({u.shape})")


def _field(name: str) -> str:
    """Field of an uncertainty: as in the bindings."""
    prefix = name.split(":", 1)[0]
    return prefix if prefix in FIELDS else prefix.split(".")[0]
