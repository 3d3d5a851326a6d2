"""Force exchange on beside off: where the sign of a comparison between ecosystems changes, the answer depends on the exchange."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.report.context import Context
from isthmus.report.elements import Body, Row, Table
from isthmus.report.wording import percent, plain, points_error

F64 = npt.NDArray[np.float64]
DEPENDS = "depends on the exchange"
CERTAIN = 2.0
"""Standard errors from which a paired difference counts as seen where it has no counterpart."""


@dataclass(frozen=True)
class Difference:
    """Mean paired difference of an ecosystem from the first, and its standard error."""

    mean: float
    error: float

    @cached_property
    def seen(self) -> bool:
        return abs(self.mean) > CERTAIN * self.error and self.mean != 0


@dataclass(frozen=True)
class Comparison:
    """One comparison between ecosystems, without and with force exchange."""

    place: str
    outcome: str
    case: str
    twin: str
    ecosystem: str
    without: Difference
    with_it: Difference
    force_left: float

    @cached_property
    def verdict(self) -> str:
        if self.without.mean * self.with_it.mean < 0:
            return DEPENDS if self.without.seen or self.with_it.seen else f"{DEPENDS}; neither is told from zero"
        if self.without.seen != self.with_it.seen:
            return "seen only with the exchange" if self.with_it.seen else "seen only without the exchange"
        return "same sign" if self.without.seen else "not told from zero in either"


class ExchangeSection:
    """Every war case that has a twin with force exchange."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def on(self) -> bool:
        return any(c.get("exchange") for c in self.run.war_cases)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """(case without, the same with)."""
        return [
            (str(a["name"]), str(b["name"]))
            for a in self.run.plain_cases
            for b in self.run.war_cases
            if b.get("exchange") and a["starts"] == b["starts"]
        ]

    @cached_property
    def alone(self) -> list[str]:
        """War cases with exchange that no case without it stands beside."""
        paired = {twin for _, twin in self.pairs}
        return [plain(c["name"]) for c in self.run.war_cases if c.get("exchange") and c["name"] not in paired]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        return [c for case, twin in self.pairs for c in self._compared(case, twin)]

    @cached_property
    def depends(self) -> list[Comparison]:
        return [c for c in self.comparisons if c.verdict.startswith(DEPENDS)]

    @cached_property
    def sentences(self) -> list[str]:
        """One sentence for each theater, mission and outcome whose comparison changes sign."""
        out: dict[tuple[str, str], list[Comparison]] = {}
        for one in self.depends:
            out.setdefault((one.place, one.outcome), []).append(one)
        return [
            f"{place}: whether sharing raises or lowers the {outcome} {DEPENDS} ("
            + "; ".join(
                f"{plain(c.ecosystem)} in {plain(c.case)}: {points_error(c.without.mean, c.without.error)} points without,"
                f" {points_error(c.with_it.mean, c.with_it.error)} with"
                for c in found
            )
            + ")."
            for (place, outcome), found in out.items()
        ]

    def _compared(self, case: str, twin: str) -> Iterator[Comparison]:
        run = self.run
        headlines = list(self._headlines(case))
        columns = dict.fromkeys(
            c for _, view, outcome in headlines for c in (*_columns(view, outcome), f"force_left.{self._defending(view)}")
        )
        frames = {
            (eco, name): part.sort_values("future")
            for (eco, name), part in run.results.select(list(columns), war_cases=(case, twin)).groupby(
                ["ecosystem", "war_case"], observed=True
            )
        }
        for place, view, outcome in headlines:
            for eco in run.ecosystems[1:]:
                without, with_it = (
                    _difference(_values(frames[run.first, name], view, outcome), _values(frames[eco, name], view, outcome))
                    for name in (case, twin)
                )
                left = float(frames[eco, twin][f"force_left.{self._defending(view)}"].median())
                yield Comparison(place, outcome, case, twin, eco, without, with_it, left)

    def _headlines(self, case: str) -> Iterator[tuple[str, str, str]]:
        run = self.run
        for duel in run.manifest["duels"]:
            if run.results.at_war(case, duel):
                theater, mission = duel.rsplit(".", 1)
                yield run.names.place(theater, mission), duel, "share of worlds with the defence unsustained"
                view = f"{run.defender(theater)}.{mission}"
                yield run.names.place(run.defender(theater), mission), view, "need met"

    def _defending(self, view: str) -> str:
        place, mission = view.rsplit(".", 1)
        return view if place in self.run.fronts else f"{self.run.defender(place)}.{mission}"

    @cached_property
    def table(self) -> Table | None:
        if not self.comparisons:
            return None
        groups: dict[str, list[Row]] = {}
        for c in self.comparisons:
            row = Row(
                f"{plain(c.case)}: {c.outcome}",
                (
                    plain(c.ecosystem),
                    points_error(c.without.mean, c.without.error),
                    points_error(c.with_it.mean, c.with_it.error),
                    percent(c.force_left),
                    c.verdict,
                ),
                verdict="fail" if c.verdict.startswith(DEPENDS) else "",
            )
            groups.setdefault(c.place, []).append(row)
        head = (
            "War case and outcome",
            "Ecosystem",
            "Without exchange",
            "With exchange",
            "Defending force left, with exchange",
            "Reads",
        )
        return Table(
            "t-exchange",
            f"Mean paired difference from {plain(self.run.first)}, in percentage points ± one standard error, without force exchange"
            " and with it",
            ("model result",),
            head,
            tuple(Body(place, tuple(rows)) for place, rows in groups.items()),
            words=(0, 4),
            bands=True,
            marked=self.run.campaign_marked,
        )


def _columns(view: str, outcome: str) -> tuple[str, ...]:
    """Outcomes that a headline is made of."""
    return tuple(f"{name}.{view}" for name in (("used", "needed") if outcome == "need met" else ("outcome",)))


def _values(frame: pd.DataFrame, view: str, outcome: str) -> F64:
    columns = _columns(view, outcome)
    if outcome != "need met":
        lost: F64 = (frame[columns[0]].to_numpy() == 1).astype(np.float64)
        return lost
    used, needed = (frame[name].to_numpy(np.float64) for name in columns)
    met: F64 = np.divide(used, needed, out=np.ones_like(used), where=needed > 0)
    return met


def _difference(before: F64, after: F64) -> Difference:
    change = after - before
    return Difference(float(change.mean()), float(change.std(ddof=1) / sqrt(len(change))) if len(change) > 1 else float("nan"))
