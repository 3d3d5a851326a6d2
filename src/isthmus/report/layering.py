"""What each layer adds: Shapley shares, each layer alone beside, and the parity check of the two sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from isthmus.axes import LAYERS
from isthmus.report.context import Context
from isthmus.report.elements import Body, Row, Table
from isthmus.report.wording import change, number, percent, plain, points, points_error, ratio
from isthmus.study.layers import LEAST_ACTORS, MIX_FUTURES

GAINS = {
    "need_met": "need met, in percentage points",
    "defence_unsustained": "share of worlds with the defence unsustained, in percentage points",
    "reach_gain": "reachable effect, in percent of what is reachable as it is",
}
HEADLINES = {
    "scale_ratio": "scale ratio, median",
    "need_met": "need met, mean",
    "defence_unsustained": "defence unsustained, share of worlds",
}
STEADY = {"scale_ratio": 0.0, "need_met": 0.0005, "defence_unsustained": 0.0005}
"""Difference between ecosystems below which a headline has no direction that could turn: what no table shows."""


@dataclass(frozen=True)
class Headline:
    """One comparison, as drawn and under each check: values in the first and the last ecosystem."""

    front: str
    mission: str
    outcome: str
    by_check: dict[str, dict[str, float]]
    """Check → ecosystem → value."""

    def turns(self) -> str:
        """What turns with a check, in words; empty where nothing does."""
        found = [_direction(self.outcome, v) for v in self.by_check.values()]
        if len({d for d in found if d}) > 1:
            return "the effect of sharing changes its sign"
        if self.outcome == "scale_ratio":
            for eco in next(iter(self.by_check.values())):
                above = {v[eco] > 1 for v in self.by_check.values() if eco in v}
                if len(above) > 1:
                    return f"the larger side changes ({plain(eco)})"
        return ""


def _direction(outcome: str, by_ecosystem: dict[str, float]) -> int:
    first, last = next(iter(by_ecosystem.values())), list(by_ecosystem.values())[-1]
    step = last - first
    return 0 if abs(step) <= STEADY[outcome] else 1 if step > 0 else -1


class LayerSection:
    """Tables of layers and of the parity check; None where the run was not asked for them."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def futures(self) -> int:
        return int(min(MIX_FUTURES, self.run.futures))

    @cached_property
    def case(self) -> str:
        frame = self.run.results.layers
        return plain(str(frame["war_case"].iloc[0])) if frame is not None else ""

    @cached_property
    def least_actors(self) -> int:
        return LEAST_ACTORS

    @cached_property
    def tables(self) -> list[Table]:
        frame = self.run.results.layers
        if frame is None:
            return []
        return [t for outcome in GAINS if (t := self._table(outcome, frame[frame["outcome"] == outcome])) is not None]

    def _table(self, outcome: str, frame: pd.DataFrame) -> Table | None:
        run = self.run
        bodies = []
        for (front, mission), part in frame.groupby(["front", "mission"], sort=False):
            if outcome == "reach_gain" and not run.held(front, mission):
                continue
            by = part.set_index("layer")
            shares = tuple(_share(by.loc[x]) for x in LAYERS)
            alone = tuple(points_error(float(by.at[x, "alone"]), float(by.at[x, "alone_se"])) for x in LAYERS)
            rows = (Row("Shapley share", (*shares, points(float(part["total"].iloc[0])))), Row("alone", (*alone, "")))
            tier = f" ({run.tier(front, mission)})" if outcome == "reach_gain" else ""
            bodies.append(Body(f"{run.names.place(front, mission)}{tier}", rows))
        if not bodies:
            return None
        title = "Fronts" if outcome != "defence_unsustained" else "Theater"
        return Table(
            f"t-layers-{outcome.replace('_', '-')}",
            f"What each layer adds from {plain(run.first)} to {plain(run.last)}: {GAINS[outcome]}, mean ± one standard error",
            ("model result",),
            (f"{title} and mission", "", *(run.names.of("layers", x) for x in LAYERS), "All six"),
            tuple(bodies),
            marked=run.campaign_marked if outcome != "reach_gain" else bool(run.marks and run.marks.places),
        )

    @cached_property
    def headlines(self) -> list[Headline]:
        """Headlines of the parity check, simulated missions and fronts with a ratio other than none."""
        frame = self.run.results.parity
        if frame is None:
            return []
        out = []
        for (front, mission, outcome), part in frame.groupby(["front", "mission", "outcome"], sort=False):
            values: dict[str, dict[str, float]] = {}
            for check, eco, value in zip(part["check"], part["ecosystem"], part["value"], strict=True):
                values.setdefault(str(check), {})[str(eco)] = float(value)
            if any(v for by in values.values() for v in by.values()):
                out.append(Headline(str(front), str(mission), str(outcome), values))
        return sorted(out, key=lambda h: (list(HEADLINES).index(h.outcome), h.front, h.mission))

    @cached_property
    def turned(self) -> list[str]:
        """Headlines that turn with the check, in words."""
        place = self.run.names.place
        return [f"{place(h.front, h.mission)}, {HEADLINES[h.outcome]}: {h.turns()}" for h in self.headlines if h.turns()]

    @cached_property
    def parity(self) -> Table | None:
        run = self.run
        if not self.headlines:
            return None
        checks = list(dict.fromkeys(c for h in self.headlines for c in h.by_check))
        groups: dict[str, list[Row]] = {}
        for h in self.headlines:
            cells = [
                change(*(_say(h.outcome, h.by_check[c][e]) for e in (run.first, run.last))) if c in h.by_check else "–"
                for c in checks
            ]
            row = Row(run.names.place(h.front, h.mission), (*cells, h.turns() or "holds"), verdict="fail" if h.turns() else "")
            groups.setdefault(HEADLINES[h.outcome], []).append(row)
        return Table(
            "t-parity",
            f"Parity check: headlines as drawn, and with unknown cells of one side taken at the rate of the other's known ones;"
            f" {plain(run.first)} → {plain(run.last)}",
            ("model result",),
            ("Headline", *(c[:1].upper() + c[1:] for c in checks), "Reads"),
            tuple(Body(title, tuple(rows)) for title, rows in groups.items()),
            words=(len(checks),),
            bands=True,
            marked=run.campaign_marked,
        )


def _share(row: pd.Series) -> str:
    if row["estimable"]:
        return points_error(float(row["shapley"]), float(row["shapley_se"]))
    count = int(row["actors"])
    return f"not estimable ({count} actor{'s' * (count != 1)})"


def _say(outcome: str, value: float) -> str:
    if outcome == "scale_ratio":
        return ratio(value) if value else number(value)
    return percent(value)
