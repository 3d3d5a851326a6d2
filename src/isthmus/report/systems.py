"""The two alignments as networks, side by side: measures with what chance alone would give, and what stays without the hub."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from isthmus.interop.network_survey import NOTES, Survey, rows, survey
from isthmus.interop.networks import MEASURES
from isthmus.report import panels
from isthmus.report.context import Context
from isthmus.report.elements import Body, Cell, Drawing, Row, Table
from isthmus.report.wording import percent, plain

DRAWS = 20
"""Networks of the null model: fewer than `isthmus network` draws, so that a report stays quick; a position is so coarse."""
SINCE = ("1991", "2014", "2022")
KINDS = ("fact", "estimate")
BEHIND = frozenset(("memberships", "ties", "exercises", "lines", "indicators", "stocks"))
"""Tables that a network and its capabilities are made of."""
SHOWN: Mapping[str, str] = {
    "density": "tied pairs by all pairs",
    "hub_tie_share": "tie weight that touches the hub",
    "interlocking_bonds": "bonds without the hub",
    "degree_centralisation": "centralisation by partners",
    "without_hub_agreements_connected": "connected, hub’s bonds lapsed",
    "cross_theater_share": "tie weight between theaters",
}
"""Columns of `history` in the figure."""


class SystemsSection:
    """Tables and a figure of `isthmus network` at the date of the study; nothing where the register is not at hand."""

    def __init__(self, run: Context) -> None:
        self.run = run
        self.draws = DRAWS

    @cached_property
    def found(self) -> Survey | None:
        if self.run.plan is None:
            return None
        date = str(self.run.study["date"])
        return survey(self.run.plan.register, date, draws=DRAWS, since=[d for d in SINCE if d < date])

    @cached_property
    def marked(self) -> bool:
        return self.run.marks is not None and any(name in BEHIND for name, _ in self.run.marks.tables)

    @property
    def notes(self) -> tuple[str, ...]:
        return NOTES

    @cached_property
    def sides(self) -> list[str]:
        """States, tied pairs and bonds of each side, its hub and its most central actor, in words."""
        actor = self.run.names.of
        return [
            f"{r['scope'].capitalize()}: {r['tied_actors']} of {r['actors']} states tied, {r['ties']} pairs, {r['bonds']} bonds; "
            f"hub {_actor(actor, r['hub'])}, most central {_actor(actor, r['most_central'])}."
            for r in rows(self._of("sides"))
            if r["scope"] in self._scopes
        ]

    @cached_property
    def measures(self) -> Table:
        """Every measure, per side: value, null, position, and with a fifth of the bonds left out."""
        scopes = self._scopes
        by = {(r["scope"], r["measure"]): r for r in rows(self._of("measures"))}
        lines = [
            Row(
                f"{plain(measure)}: {meaning}",
                tuple(c for s in scopes for c in _beside(by.get((s, measure), {}))),
            )
            for measure, meaning in MEASURES.items()
        ]
        head = ("Measure", *(f"{s}: {what}" for s in scopes for what in ("value", "null", "position", "a fifth lost")))
        caption = f"Two systems at {self._date}: every measure beside what partners drawn at random would give ({DRAWS} networks)"
        return Table("t-systems", caption, KINDS, head, (Body(None, tuple(lines)),), marked=self.marked)

    @cached_property
    def removals(self) -> Table:
        """What stays connected without the hub, and without the most central actor, at every date."""
        bodies = [
            Body(scope.capitalize(), tuple(self._removal(r) for r in rows(self._of("history")) if r["scope"] == scope))
            for scope in self._scopes
        ]
        head = (
            "Side",
            "Date",
            "States tied",
            "Bonds",
            "Hub",
            "Connected, its ties gone",
            "Connected, its bonds lapsed",
            "Largest part then, states",
            "Most central",
            "Connected, its bonds lapsed",
            "Bonds between theaters",
            "of them without the hub",
        )
        return Table(
            "t-systems-hub",
            "Without the hub: share of pairs of the others that still reach one another",
            KINDS,
            head,
            tuple(bodies),
            words=(2, 6),
            note="States carry today’s side back. Rows grow with what is written: part of the growth is that recent years were searched harder.",
            marked=self.marked,
        )

    def _removal(self, r: Mapping[str, Any]) -> Row:
        actor = self.run.names.of
        cells: tuple[Cell, ...] = (
            f"{r['tied_actors']} of {r['actors']}",
            f"{r['bonds']}",
            _actor(actor, r["hub"]),
            _share(r.get("without_hub_ties_connected")),
            _share(r.get("without_hub_agreements_connected")),
            _count(r.get("without_hub_agreements_largest")),
            _actor(actor, r["most_central"]),
            _share(r.get("without_most_central_agreements_connected")),
            f"{r['cross_theater_bonds']}",
            f"{r['cross_theater_bonds_without_hub']}",
        )
        return Row(str(r["date"])[:7], cells)

    @cached_property
    def coverage(self) -> Table:
        """What was found, of what there could be, by layer of ties."""
        bodies = [
            Body(
                scope.capitalize(),
                tuple(
                    Row(
                        plain(str(r["layer"])),
                        (
                            f"{r['states_with_a_bond']} of {r['states']}",
                            f"{r['bonds']}",
                            f"{r['pairs_known']} of {r['pairs_possible']}",
                            _share(r["weakest"]),
                            "yes" if r["on_all_sides"] else "no",
                        ),
                    )
                    for r in rows(self._of("coverage"))
                    if r["scope"] == scope
                ),
            )
            for scope in self._scopes
        ]
        head = ("Side", "Layer of ties", "States with a bond", "Bonds", "Pairs known", "On grade C alone", "Found on all sides")
        return Table(
            "t-systems-coverage",
            "Coverage: what was found, of what there could be",
            KINDS,
            head,
            tuple(bodies),
            words=(4,),
            marked=self.marked,
        )

    @cached_property
    def drawing(self) -> Drawing:
        """Measures of both sides over the dates."""
        held = rows(self._of("history"))
        shown = [
            panels.YearPanel(
                title,
                {
                    s: [(panels.decimal_year(str(r["date"])), r.get(column)) for r in held if r["scope"] == s]
                    for s in self._scopes
                },
            )
            for column, title in SHOWN.items()
        ]
        title = "Both systems over the years"
        dates = ", ".join(dict.fromkeys(str(r["date"])[:7] for r in held))
        note = (
            f"Shares from 0 to 1 at {dates}; lines between dates only join them. A side of few states is soon dense, and early years "
            "hold few rows: compare within a side, with care."
        )
        svg = panels.years_figure(shown, f"{title}. {note}", "sy")
        return Drawing("fig-systems", title, svg, note, KINDS, marked=self.marked)

    @cached_property
    def _scopes(self) -> list[str]:
        return list(dict.fromkeys(str(s) for s in self._of("measures")["scope"]))

    @property
    def _date(self) -> str:
        return "" if self.found is None else self.found.date

    def _of(self, name: str) -> Any:
        return getattr(self.found, name)


def _beside(row: Mapping[str, Any]) -> tuple[str, ...]:
    null = "–" if row.get("null_mean") is None else f"{row['null_mean']:.2f}\u00a0±\u00a0{row['null_sd'] or 0:.2f}"
    lost = "–" if row.get("lost_low") is None else f"{_two(row['lost_low'])}–{_two(row['lost_high'])}"
    return _two(row.get("value")), null, _share(row.get("null_position")), lost


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _actor(name: Any, actor: str | None) -> str:
    return "–" if actor is None else str(name("actors", actor))
