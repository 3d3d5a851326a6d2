"""Deterrence of a run: margins, opportunism and the challengers' game, always over the grid of what nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from isthmus.deterrence.summary import picks
from isthmus.errors import InputError
from isthmus.report import panels
from isthmus.report.context import Context
from isthmus.report.elements import Body, Drawing, Row, Table
from isthmus.report.figures import DONORS, OTHERS, VARIABLES
from isthmus.report.wording import change, number, percent, plain, signed, spread
from isthmus.study import deterring

KINDS = ("model result", "assumption")
GAMES = {
    "attack_or_not": "Attack or not",
    "now_or_later": "Now or later, were both to attack",
}
CALM, BOTH, FIRST_ALONE, SECOND_ALONE, SEVERAL = (
    (OTHERS, "–"),
    (DONORS[1], "B"),
    (DONORS[0], "1"),
    (DONORS[2], "2"),
    (DONORS[4], "m"),
)
REGIONS: dict[str, tuple[tuple[str, str], str]] = {
    "neither": (CALM, "neither attacks"),
    "first_only": (FIRST_ALONE, "{0} alone attacks"),
    "second_only": (SECOND_ALONE, "{1} alone attacks"),
    "both": (BOTH, "both attack"),
    "neither_or_both": (SEVERAL, "neither or both"),
    "both_wait": (CALM, "both wait"),
    "second_waits": (FIRST_ALONE, "{0} now, {1} waits"),
    "first_waits": (SECOND_ALONE, "{1} now, {0} waits"),
    "both_now": (BOTH, "both now"),
    "both_now_or_both_wait": (SEVERAL, "both now or both wait"),
    "one_or_the_other": ((DONORS[3], "o"), "one or the other attacks"),
    "one_waits": ((DONORS[3], "o"), "one of them waits"),
    "mixed_only": ((DONORS[5], "x"), "mixed only"),
    "knife_edge": ((DONORS[6], "k"), "knife edge"),
}
"""Region → colour and sign, and its name; {0} and {1} are the challengers."""


HELD, GAINED, LOST, BELOW = "held", "gained", "lost", "below"
SIGNS: dict[str, tuple[tuple[str, str], str]] = {
    HELD: ((OTHERS, "+"), "above nil in both"),
    GAINED: ((DONORS[2], "↑"), "above nil in {1} only"),
    LOST: ((DONORS[4], "↓"), "above nil in {0} only"),
    BELOW: ((DONORS[1], "–"), "above nil in neither"),
}
"""Sign of a margin in the first and the last ecosystem → colour and sign, and its name; {0} and {1} are the ecosystems."""

FEW = 2
"""Every so-manieth value of the status quo stands in the table of the grid."""


class MarginSection:
    """Tables and figures of `isthmus deter`; nothing, with the reason, where it cannot be computed."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def _outcome(self) -> tuple[dict[str, Any] | None, str]:
        run = self.run
        if run.plan is None:
            return None, run.reason
        if not run.plain_cases or not run.manifest["duels"]:
            return None, "margins are computed from simulated missions of war cases without force exchange, and this run has none"
        try:
            return deterring.document(run.results, run.plan.register), ""
        except InputError as bad:
            return None, str(bad)

    @property
    def found(self) -> dict[str, Any] | None:
        return self._outcome[0]

    @property
    def reason(self) -> str:
        return self._outcome[1]

    @property
    def reading(self) -> list[str]:
        return list(self._rows("reading"))

    @cached_property
    def margins(self) -> Table:
        """Every margin as a range over the grid, by weight of costs, and over draws."""
        weights = self._grid["cost_weight"]
        groups: dict[str, list[Row]] = {}
        for r in self._rows("margins"):
            by_weight = [_range([line[w] for plane in r["by_grid"] for line in plane]) for w in range(len(weights))]
            cells = (
                spread(r["p_low"], r["p"], r["p_high"], percent),
                *by_weight,
                percent(r["share_of_grid_positive"]),
                f"{_two(r['median'])} ({_two(r['low'])} to {_two(r['high'])})",
                _two(r["median_if_undecided_counts"]),
            )
            title = f"{self._who(r['challenger'])}: {self.run.names.of('missions', r['mission'])}, {plain(r['war_case'])}"
            groups.setdefault(title, []).append(Row(plain(r["ecosystem"]), cells))
        head = (
            "Ecosystem",
            "p (95%)",
            *(f"Margin, costs × {w:g}" for w in weights),
            "Grid above nil",
            "Over draws: median (5–95%)",
            "If undecided counts as lost",
        )
        return Table(
            "t-margins",
            f"Margins p* − p in the first {self._document['window_weeks']} weeks of a war: least to greatest over fear and status quo,"
            " by weight of costs",
            KINDS,
            head,
            tuple(Body(title, tuple(lines)) for title, lines in sorted(groups.items())),
            bands=True,
            note="p: share of model worlds in which the defence is unsustained on that mission, with what the number of worlds leaves open."
            " Margins are medians over the draws of costs at each point of the grid.",
            marked=self.run.campaign_marked,
        )

    @cached_property
    def grid_map(self) -> Drawing | None:
        """Where on the grid the median margin is above nil, in the first and the last ecosystem, each war by itself."""
        run, grid = self.run, self._grid
        first, last = run.ends[0], run.ends[-1]
        by = {(r["ecosystem"], r["war_case"], r["theater"], r["mission"]): r for r in self._rows("margins")}
        shown, bodies, found = [], [], set()
        for theater, mission in dict.fromkeys((r["theater"], r["mission"]) for r in self._rows("margins")):
            case = next(r["war_case"] for r in self._rows("margins") if (r["theater"], r["mission"]) == (theater, mission))
            ends = [by[e, case, theater, mission] for e in (first, last)]
            cells = [
                [[_sign(a, b) for a, b in zip(*lines, strict=True)] for lines in zip(*planes, strict=True)]
                for planes in zip(*(r["by_grid"] for r in ends), strict=True)
            ]
            found |= {c for plane in cells for line in plane for c in line}
            who, what = self._who(ends[0]["challenger"]), run.names.of("missions", mission)
            shown.append(
                (who, [panels.MapPanel(f"fear {fear:g}\n{what}", plane) for fear, plane in zip(grid["fear"], cells, strict=True)])
            )
            bodies.append(Body(f"{who}: {what}, {plain(case)}", tuple(self._grid_lines(ends))))
        if not shown:
            return None
        names = {sign: text.format(plain(first), plain(last)) for sign, (_, text) in SIGNS.items() if sign in found}
        title = "Where aggression fails to pay: the sign of the median margin over the grid, each war by itself"
        note = (
            "Each square is one point of the grid: how heavily costs weigh, what the status quo is worth, how far it is feared to fall."
            " Nobody knows which square is true."
        )
        svg = panels.maps_figure(
            shown,
            grid["cost_weight"],
            grid["status_quo"],
            {sign: look for sign, (look, _) in SIGNS.items()},
            f"{title}. {note} Signs: {'; '.join(f'{SIGNS[s][0][1]} {text}' for s, text in names.items())}.",
            "dm",
        )
        head = ("Fear, status quo", *(f"costs × {w:g}" for w in grid["cost_weight"]))
        caption = f"Median margin over the grid, {plain(first)} → {plain(last)}"
        table = Table("t-margin-grid", caption, KINDS, head, tuple(bodies), bands=True, marked=run.campaign_marked)
        key = tuple((VARIABLES[SIGNS[s][0][0]][0], f"{SIGNS[s][0][1]} {text}") for s, text in names.items())
        return Drawing("fig-margin-grid", title, svg, note, KINDS, key, table, marked=run.campaign_marked)

    def _grid_lines(self, ends: Sequence[dict[str, Any]]) -> Iterator[Row]:
        grid = self._grid
        for f, fear in enumerate(grid["fear"]):
            for s, status_quo in list(enumerate(grid["status_quo"]))[::FEW]:
                values = [[r["by_grid"][f][s][w] for r in ends] for w in range(len(grid["cost_weight"]))]
                yield Row(f"{fear:g}, {status_quo:g}", tuple(change(*(_two(v) for v in pair)) for pair in values))

    @cached_property
    def balance(self) -> Table | None:
        """The local balance before any war, and whether it tells lost worlds from others; weeks are elsewhere."""
        groups: dict[str, list[Row]] = {}
        for r in self._rows("local_balance"):
            if r["difference"] is not None:
                low, median, high = (
                    "no limit" if r[f"ratio_{k}"] is None else f"{r[f'ratio_{k}']:.2f}" for k in ("low", "median", "high")
                )
                cells = (
                    f"{median} ({low} to {high})",
                    percent(r["share_of_worlds_ahead"]),
                    percent(r["p_in_lowest_third"]),
                    percent(r["p_in_highest_third"]),
                    f"{_three(r['difference'])}\u00a0±\u00a0{r['standard_error']:.3f}",
                )
                title = f"{self._who(r['challenger'])}: {self.run.names.of('missions', r['mission'])}, {plain(r['war_case'])}"
                groups.setdefault(title, []).append(Row(plain(r["ecosystem"]), cells))
        if not groups:
            return None
        return Table(
            "t-local-balance",
            "Local balance before any war: what the defender can reach by what the attacker can",
            ("model result",),
            ("Ecosystem", "Ratio (5–95%)", "Defender ahead", "p, worst third", "p, best third", "Difference"),
            tuple(Body(title, tuple(lines)) for title, lines in groups.items()),
            bands=True,
            note="Apart from the margin and from weeks sustained. Worlds are sorted by the ratio; p is the share lost in each third, with"
            " the standard error of the difference. A ratio is of effect, not of forces.",
            marked=self.run.campaign_marked,
        )

    @cached_property
    def layers(self) -> Table | None:
        """Which layer moves the margin: Shapley shares of its change from the first to the last ecosystem."""
        found = self._document["attribution"]["layers"]
        lines: dict[tuple[str, str], list[str]] = {}
        for r in found:
            said = (
                "not estimable"
                if r["margin_change"] is None
                else f"{_three(r['margin_change'])}\u00a0±\u00a0{r['standard_error']:.3f}"
            )
            lines.setdefault((r["theater"], r["mission"]), [_three(r["all_layers"])]).append(said)
        if not lines:
            return None
        place, case = self.run.names.place, plain(found[0]["war_case"])
        names = list(dict.fromkeys(r["layer"] for r in found))
        return Table(
            "t-margin-layers",
            f"Which layer moves the margin, {case}: Shapley shares of its change",
            ("model result",),
            ("Theater and mission", "All layers", *(plain(n) for n in names)),
            (Body(None, tuple(Row(place(t, m), tuple(cells)) for (t, m), cells in lines.items())),),
            note="With standard errors, over the whole horizon and on the first futures. Equal at every point of the grid: a layer acts"
            " through p alone.",
            marked=self.run.campaign_marked,
        )

    @cached_property
    def opportunism(self) -> Table | None:
        """What a first war does to the second challenger's margin, and where its sign turns."""
        groups: dict[str, list[Row]] = {}
        for r in self._rows("opportunism"):
            flips = r["change_flips_at_cost_weight"]
            star = " *" if r["weeks_of_peace_in_the_change"] else ""
            cells = (
                change(f"{r['p_alone']:.3f}", f"{r['p_with_first_war']:.3f}"),
                f"{_three(r['margin_change_median'])} ({_three(r['margin_change_low'])} to {_three(r['margin_change_high'])})",
                f"{_three(r['from_campaigns'])}\u00a0±\u00a0{r['p_change_standard_error']:.3f}",
                _three(r["from_divided_attention"]),
                percent(r["share_of_draws_falling"]),
                "never" if flips is None else number(flips),
                percent(self._most(r["opened_by_grid"])),
                percent(self._most(r["closed_by_grid"])),
            )
            lag = f"{r['lag_weeks']} weeks after{star}" if r["lag_weeks"] else "at once"
            title = f"{self._who(r['challenger'])}, {self.run.names.of('missions', r['mission'])}: {lag}"
            groups.setdefault(title, []).append(Row(plain(r["ecosystem"]), cells))
        if not groups:
            return None
        starred = any(r["weeks_of_peace_in_the_change"] for r in self._rows("opportunism"))
        head = (
            "Ecosystem",
            "p alone → with the first war",
            "Change of margin (5–95% of draws)",
            "by campaigns",
            "by assumption",
            "Draws that fall",
            "Sign flips at cost weight",
            "Opened at most",
            "Closed at most",
        )
        return Table(
            "t-opportunism",
            "Opportunism: what a first war does to the second challenger’s margin",
            KINDS,
            head,
            tuple(Body(title, tuple(lines)) for title, lines in groups.items()),
            bands=True,
            words=(5,),
            note="By campaigns: the change of p, from stocks that two wars share, with its standard error; by assumption: punishment"
            " divided. Opened, closed at most: the largest share of draws, over the grid where costs weigh, in which the first war turns"
            " the margin against deterrence, or for it."
            + (" * Against a war alone that begins earlier: those weeks of peace are in it too." if starred else ""),
            marked=self.run.campaign_marked,
        )

    def _most(self, values: Sequence[Sequence[Sequence[float]]]) -> float:
        """The largest over the grid, but for costs that weigh nothing: there all draws are one."""
        weights = self._grid["cost_weight"]
        return max(v for line in chain.from_iterable(values) for v, w in zip(line, weights, strict=True) if w > 0)

    @cached_property
    def regions(self) -> list[Drawing]:
        """A map of each game and pair of challengers, in the first and the last ecosystem."""
        found: dict[tuple[str, str, str, str], dict[str, dict[str, Any]]] = {}
        for r in self._rows("regions"):
            found.setdefault((r["game"], r["first"], r["second"], r["mission"]), {})[r["ecosystem"]] = r
        return [self._regions(i, by) for i, by in enumerate(found.values())]

    def _regions(self, index: int, by: dict[str, dict[str, Any]]) -> Drawing:
        run, grid = self.run, self._grid
        ends = [by[e] for e in run.ends if e in by]
        one = ends[0]
        names = [self._who(c) for c in one["challengers"]]
        mission = ", ".join(run.names.of("missions", m) for m in one["mission"].split(", "))
        shown = [
            (
                plain(r["ecosystem"]),
                [
                    panels.MapPanel(f"fear {fear:g}", plane)
                    for fear, plane in zip(grid["fear"], r["commonest_by_grid"], strict=True)
                ],
            )
            for r in ends
        ]
        regions = [n for n in REGIONS if any(n in r["share_of_worlds"] for r in by.values())]
        title = f"{GAMES[one['game']]}: {' and '.join(names)}, {mission}"
        note = (
            "The commonest region of equilibria over draws, at every point of the grid; fear: expected fall of the status quo. A region"
            " says what would be stable for two who reckon as assumed, never how likely a war is."
        )
        chosen = "; ".join(f"{plain(r['ecosystem'])}: {plain(picks(r))}" for r in ends if picks(r))
        if chosen:
            note += (
                f" Where two equilibria are stable, with a mixed one between, risk dominance would pick, of such draws: {chosen}."
            )
        signs = "; ".join(f"{REGIONS[n][0][1]} {REGIONS[n][1].format(*names)}" for n in regions)
        svg = panels.maps_figure(
            shown,
            grid["cost_weight"],
            grid["status_quo"],
            {n: look for n, (look, _) in REGIONS.items()},
            f"{title}. {note} Signs: {signs}.",
            f"dr{index}",
        )
        lines = tuple(Row(plain(e), tuple(percent(r["share_of_worlds"].get(n, 0.0)) for n in regions)) for e, r in by.items())
        table = Table(
            f"t-regions-{index}",
            f"{title}: share of draws and points of the grid",
            KINDS,
            ("Ecosystem", *(REGIONS[n][1].format(*names) for n in regions)),
            (Body(None, lines),),
            marked=run.campaign_marked,
        )
        key = tuple(
            (VARIABLES[look[0]][0], f"{look[1]} {REGIONS[n][1].format(*names)}") for n in regions for look in (REGIONS[n][0],)
        )
        return Drawing(f"fig-regions-{index}", title, svg, note, KINDS, key, table, marked=run.campaign_marked)

    @cached_property
    def assumptions(self) -> Table:
        """What a challenger's costs and values are taken to be: every one an assumption."""
        lines = [
            Row(
                self.run.names.of("uncertainties", r["input"]),
                (number(r["low"]), number(r["mode"]), number(r["high"]), str(r["unit"]), str(r["kind"]), str(r["reason"])),
            )
            for r in self._rows("assumptions")
        ]
        return Table(
            "t-margin-assumptions",
            "What is assumed about every challenger",
            ("assumption",),
            ("Input", "Low", "Mode", "High", "Unit", "Kind", "Reason"),
            (Body(None, tuple(lines)),),
            words=(3, 4, 5),
        )

    @property
    def _document(self) -> dict[str, Any]:
        return self.found or {}

    @property
    def _grid(self) -> dict[str, Any]:
        return dict(self._document["grid"])

    def _rows(self, name: str) -> list[Any]:
        return list(self._document[name])

    def _who(self, challenger: str) -> str:
        return ", ".join(self.run.names.of("actors", a) for a in challenger.split(", "))


def _sign(first: float, last: float) -> str:
    return (HELD if last > 0 else LOST) if first > 0 else GAINED if last > 0 else BELOW


def _range(values: Sequence[float]) -> str:
    low, high = _two(min(values)), _two(max(values))
    return low if low == high else f"{low} to {high}"


def _two(value: float) -> str:
    return signed(value, 2)


def _three(value: float) -> str:
    return signed(value, 3)
