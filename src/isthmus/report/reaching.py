"""Reach in the report: who could draw on what, by front and mission, and who would hold it."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from isthmus.report import figures
from isthmus.report.context import Context
from isthmus.report.elements import Body, Drawing, Row, Table
from isthmus.report.overlay import MARK
from isthmus.report.wording import number, percent, plain, ratio, spread

REACH_COLUMNS = {
    "reach": "Reach",
    "reach_if_both_draw": "Reach if both fronts draw",
    "hub_share": "Hub share",
    "scale_ratio": "Scale ratio",
    "days_of_supply": "Days of supply",
}
NAMED_SHARE = 0.05
"""Width from which a donor without a colour of its own is still named in a bar."""
SHOWN_DONORS = 10


class ReachSection:
    """Tables and figures of reach, front by front."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def tables(self) -> list[Table]:
        return [self._table(i, front) for i, front in enumerate(self.run.fronts)]

    @cached_property
    def drawings(self) -> list[Drawing]:
        return [self._drawing(i, front) for i, front in enumerate(self.run.fronts)]

    def marked(self, front: str, mission: str) -> bool:
        """Whether the reach of a front, or that of its opponent to which it is compared, rests on a private overlay."""
        run = self.run
        return run.marks is not None and run.marks.place(run.theater_of(front), mission)

    def _title(self, front: str, mission: str) -> str:
        run = self.run
        mark = f" {MARK}" if self.marked(front, mission) else ""
        return f"{run.names.of('missions', mission)} ({run.tier(front, mission)}){mark}"

    def _table(self, index: int, front: str) -> Table:
        run = self.run
        bodies = []
        for mission in run.missions(front):
            rows = []
            for eco in run.ecosystems if run.held(front, mission) else ():
                says = {"scale_ratio": ratio, "days_of_supply": number}
                cells = tuple(spread(*run.reach[eco, front, mission, x], says.get(x, percent)) for x in REACH_COLUMNS)
                rows.append(Row(plain(eco), cells))
            nothing = Row("nothing of this side in the register", ("–",) * len(REACH_COLUMNS))
            bodies.append(Body(self._title(front, mission), tuple(rows) or (nothing,)))
        return Table(
            f"t-reach-{index}",
            f"Reach of {run.names.front(front)}: median (5–95% of futures)",
            ("model result",),
            ("Mission (tier)", "Ecosystem", *REACH_COLUMNS.values()),
            tuple(bodies),
            marked=any(self.marked(front, m) for m in run.missions(front)),
        )

    @cached_property
    def _donors(self) -> dict[tuple[str, str, str], dict[str, float]]:
        out: dict[tuple[str, str, str], dict[str, float]] = {}
        frame = self.run.results.donors
        for eco, front, mission, donor, share in zip(
            *(frame[c] for c in ("ecosystem", "front", "mission", "donor", "share")), strict=True
        ):
            out.setdefault((eco, front, mission), {})[donor] = float(share)
        return out

    def _drawing(self, index: int, front: str) -> Drawing:
        run = self.run
        colour = self._colours(front)
        groups, bodies = [], []
        for mission in [m for m in run.missions(front) if run.held(front, m)]:
            bars = tuple(self._bar(front, mission, eco, colour) for eco in run.ends)
            groups.append(figures.Group(self._title(front, mission), bars))
            bodies.append(self._body(front, mission))
        title = f"Who could supply {run.names.front(front)}"
        table = Table(
            f"t-donors-{index}",
            f"{title}: mean share of what is reachable",
            ("model result",),
            ("Mission", "Donor", plain(run.first), plain(run.last)),
            tuple(bodies),
        )
        note = (
            f"Length of a bar: median reach, as a share of the coalition's stock and output over {run.horizon} weeks. "
            "Its parts: the mean share of each donor. Parts too narrow for a name are in the table below."
        )
        svg = figures.stacked_bars(groups, f"{title}. {note}", f"fd{index}", xlabel="share of the coalition's stock and output")
        seen = {name for g in groups for b in g.bars for name, _ in b.parts}
        key = tuple((figures.VARIABLES[c][0], f"{d} {run.names.of('actors', d)}") for d, c in colour.items() if d in seen)
        return Drawing(
            f"fig-donors-{index}",
            title,
            svg,
            note,
            key=(*key, ("fig-others", "other donors")),
            table=table,
            marked=any(self.marked(front, m) for m in run.missions(front)),
        )

    def _colours(self, front: str) -> dict[str, str]:
        """A colour for each of the largest donors of a side, the same in both its theaters."""
        side = front.rsplit(".", 1)[-1]
        weight: dict[str, float] = {}
        for (eco, other, _), shares in self._donors.items():
            if other.rsplit(".", 1)[-1] == side and eco in self.run.ends:
                for donor, share in shares.items():
                    weight[donor] = weight.get(donor, 0) + share
        named = sorted(weight, key=lambda d: -weight[d])[: len(figures.DONORS)]
        return dict(zip(named, figures.DONORS, strict=False))

    def _bar(self, front: str, mission: str, eco: str, colour: dict[str, str]) -> figures.Bar:
        shares = self._donors.get((eco, front, mission), {})
        named = list(colour)
        total = float(np.nan_to_num(self.run.reach[eco, front, mission, "reach"][1]))
        ranked = sorted(shares, key=lambda d: (named.index(d) if d in colour else len(named), -shares[d]))
        parts = [(d, shares[d] * total) for d in ranked if d in colour or shares[d] * total >= NAMED_SHARE]
        rest = max(0.0, total - sum(w for _, w in parts))
        return figures.Bar(
            plain(eco),
            (*parts, ("others", rest)),
            (*(colour.get(d, figures.OTHERS) for d, _ in parts), figures.OTHERS),
        )

    def _body(self, front: str, mission: str) -> Body:
        run = self.run
        before, after = (self._donors.get((eco, front, mission), {}) for eco in (run.first, run.last))
        ranked = sorted({*before, *after}, key=lambda d: -(before.get(d, 0) + after.get(d, 0)))
        rows = [
            Row(run.names.of("actors", d), (percent(before.get(d, 0.0)), percent(after.get(d, 0.0))))
            for d in ranked[:SHOWN_DONORS]
        ]
        if len(ranked) > SHOWN_DONORS:
            rest = tuple(percent(sum(s.get(d, 0.0) for d in ranked[SHOWN_DONORS:])) for s in (before, after))
            rows.append(Row(f"{len(ranked) - SHOWN_DONORS} others", rest))
        return Body(run.names.of("missions", mission), tuple(rows) or (Row("no holdings in the register", ("–", "–")),))
