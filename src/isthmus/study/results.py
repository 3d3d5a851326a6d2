"""Results of a run as labelled pandas frames: quantiles, outcome shares, reach, fans, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.errors import Problem, RunError
from isthmus.interop.reach import MEASURES
from isthmus.study import ranks
from isthmus.study.store import RunFolder
from isthmus.sustainment import fans
from isthmus.sustainment.kernel import PER_DUEL, PER_FRONT, PER_SIDE

QUANTILES = (0.05, 0.5, 0.95)
OUTCOME_CODES = {0: "undecided", 1: "defence_unsustained", 2: "attack_unsustained"}
KEYS = ["ecosystem", "war_case"]

HELD = 8_192
"""Futures whose outcomes stand in memory at a time, at least a chunk of them."""
SELECTED = 512
"""Outcomes times cells whose quantiles are looked for at a time: what memory their counts take does not grow with the futures."""


class _Asked(NamedTuple):
    """One outcome of `Results.quantiles`: a column, or a column as a share of another where that is above 0."""

    front: str
    mission: str
    outcome: str
    column: str
    whole: str | None
    view: str | None
    """Told only where this view is at war."""

    def values(self, part: pd.DataFrame) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = part[self.column].to_numpy()
        if self.whole is None:
            return found
        whole: npt.NDArray[np.float32] = part[self.whole].to_numpy()
        inside = whole > 0
        shares: npt.NDArray[np.float32] = found[inside] / whole[inside]
        return shares


def _split(pieces: list[pa.Table], keys: list[str]) -> dict[Any, pd.DataFrame]:
    frame = pa.concat_tables(pieces).to_pandas()
    return dict(iter(frame.groupby(keys, observed=True, sort=False)))


@dataclass(frozen=True)
class Results:
    """A finished run. Frames are computed on demand and never change the folder."""

    folder: RunFolder

    @classmethod
    def open(cls, path: Path | str) -> Results:
        """Raises RunError where the folder holds no finished run."""
        folder = RunFolder(path)
        folder.require_complete()
        return cls(folder)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return self.folder.manifest()

    @property
    def study(self) -> dict[str, Any]:
        found: dict[str, Any] = self.manifest["study"]
        return found

    def at_war(self, war_case: str, view: str) -> bool:
        """Whether a front (named by a view front.mission or a duel theater.mission) fights in a war case."""
        starts = next(c["starts"] for c in self.study["war_cases"] if c["name"] == war_case)
        place = view.rsplit(".", 1)[0]
        theaters = {f["front"]: f["theater"] for f in self.study["fronts"]}
        return theaters.get(place, place) in starts

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """A row per future × ecosystem × war case, all outcome columns: a notebook's view of a small run. See :meth:`select`."""
        return self.select(self.manifest["columns"])

    def select(
        self, columns: Sequence[str], *, ecosystems: Sequence[str] | None = None, war_cases: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Some outcomes of some cells: future, ecosystem, war_case and the columns; rows by chunk, cell and future.

        Read chunk by chunk, so memory holds what was asked for and one chunk. Raises RunError for names that the run does not have.
        """
        asked = {
            "outcome": (columns, list(self.manifest["columns"])),
            "ecosystem": (ecosystems, [e["name"] for e in self.study["ecosystems"]]),
            "war_case": (war_cases, [c["name"] for c in self.study["war_cases"]]),
        }
        problems = [
            Problem(str(self.folder.root), None, what, name, ", ".join(known), "no such one in this run")
            for what, (names, known) in asked.items()
            for name in names or ()
            if name not in known
        ]
        if problems:
            raise RunError(problems)
        wanted = {key: pa.array(names) for key, names in zip(KEYS, (ecosystems, war_cases), strict=True) if names is not None}
        pieces = []
        for table in self.folder.tables("outcomes", ["future", *KEYS, *columns]):
            for key, names in wanted.items():
                table = table.filter(pc.is_in(table.column(key).cast(pa.string()), value_set=names))
            pieces.append(table)
        return pa.concat_tables(pieces).to_pandas()

    def _parts(self, table: str, keys: list[str], columns: list[str]) -> Iterator[dict[Any, pd.DataFrame]]:
        """Some columns of a table, split by its keys, some `HELD` futures at a time."""
        held: list[pa.Table] = []
        futures = 0
        chunk = self.manifest["chunk_futures"]
        for piece in self.folder.tables(table, [*keys, *columns]):
            held.append(piece)
            futures += chunk
            if futures >= HELD:
                yield _split(held, keys)
                held, futures = [], 0
        if held:
            yield _split(held, keys)

    @cached_property
    def quantiles(self) -> pd.DataFrame:
        """ecosystem, war_case, front, mission, outcome, low, median, high of everything that was simulated at war."""
        cells = [(e["name"], w["name"]) for e in self.study["ecosystems"] for w in self.study["war_cases"]]
        asked = list(self._asked())
        at_once = max(1, SELECTED // len(cells))
        found: dict[tuple[tuple[str, str], _Asked], tuple[float, ...]] = {}
        for begin in range(0, len(asked), at_once):
            some = asked[begin : begin + at_once]
            columns = list(dict.fromkeys(c for one in some for c in (one.column, one.whole) if c))

            def pieces(
                some: list[_Asked] = some, columns: list[str] = columns
            ) -> Iterator[dict[tuple[tuple[str, str], _Asked], npt.NDArray[np.float32]]]:
                for parts in self._parts("outcomes", KEYS, columns):
                    yield {(cell, one): one.values(parts[cell]) for cell in cells for one in some if self._is_told(cell, one)}

            found |= ranks.quantiles(pieces, QUANTILES)
        rows = [
            (*cell, one.front, one.mission, one.outcome, *found[cell, one])
            for cell in cells
            for one in asked
            if self._is_told(cell, one)
        ]
        return pd.DataFrame(rows, columns=["ecosystem", "war_case", "front", "mission", "outcome", "low", "median", "high"])

    def _is_told(self, cell: tuple[str, str], one: _Asked) -> bool:
        return one.view is None or self.at_war(cell[1], one.view)

    def _asked(self) -> Iterator[_Asked]:
        """Every outcome that `quantiles` tells, in its order."""
        for view in self.manifest["views"]:
            front, mission = view.rsplit(".", 1)
            for outcome in PER_FRONT:
                yield _Asked(front, mission, outcome, f"{outcome}.{view}", None, view)
            for name, top, whole in (
                ("hub_share_of_supply", "shipped_hub", "shipped"),
                ("far_share_of_supply", "shipped_far", "shipped"),
                ("fill", "used", "needed"),
            ):
                yield _Asked(front, mission, name, f"{top}.{view}", f"{whole}.{view}", view)
        for group in self.manifest["groups"]:
            side, materiel = group.split(".", 1)
            yield _Asked(side, materiel, "years_to_rebuild", f"years_to_rebuild.{group}", None, None)
        for column in (c for c in self.manifest["columns"] if c.split(".", 1)[0] in PER_SIDE):
            outcome, side, year = column.split(".")
            yield _Asked(side, year, outcome, column, None, None)

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Share of worlds by outcome: ecosystem, war_case, front (theater), mission, and the three shares; and median week."""
        duels = self.manifest["duels"]
        counts: dict[tuple[str, str, str], npt.NDArray[np.int64]] = {}

        def weeks() -> Iterator[dict[tuple[str, str, str], npt.NDArray[np.float32]]]:
            for parts in self._parts("outcomes", KEYS, [f"{o}.{d}" for o in PER_DUEL for d in duels]):
                yield {
                    (*cell, d): part.loc[part[f"outcome.{d}"] == 1, f"outcome_week.{d}"].to_numpy()
                    for cell, part in parts.items()
                    for d in duels
                }

        for parts in self._parts("outcomes", KEYS, [f"outcome.{d}" for d in duels]):
            for (eco, case), part in parts.items():
                for d in duels:
                    codes = np.bincount(part[f"outcome.{d}"].to_numpy(dtype=np.int64), minlength=len(OUTCOME_CODES))
                    counts[eco, case, d] = counts.get((eco, case, d), 0) + codes
        median = ranks.quantiles(weeks, (0.5,))
        rows = []
        for (eco, case, duel), codes in counts.items():
            if self.at_war(case, duel):
                shares = [float(codes[code] / codes.sum()) for code in OUTCOME_CODES]
                rows.append((eco, case, *duel.rsplit(".", 1), *shares, *median[eco, case, duel]))
        return pd.DataFrame(
            rows, columns=["ecosystem", "war_case", "front", "mission", *OUTCOME_CODES.values(), "week_defence_unsustained"]
        )

    def rows(self) -> list[dict[str, Any]]:
        """Quantiles, and the outcome shares as rows of their own (outcome share_…, equal low, median and high), as plain objects."""
        rows = [dict(r) for r in self.quantiles.to_dict("records")]
        for r in self.shares.to_dict("records"):
            for name in OUTCOME_CODES.values():
                keys = {k: r[k] for k in (*KEYS, "front", "mission")}
                rows.append({**keys, "outcome": f"share_{name}", "low": r[name], "median": r[name], "high": r[name]})
        return [{str(k): (None if isinstance(v, float) and np.isnan(v) else v) for k, v in r.items()} for r in rows]

    @cached_property
    def reach(self) -> pd.DataFrame:
        """ecosystem, front, mission, tier, measure, low, median, high."""
        keys = ["ecosystem", "front", "mission"]

        def pieces() -> Iterator[dict[tuple[Any, str], npt.NDArray[np.float32]]]:
            for parts in self._parts("reach", keys, list(MEASURES)):
                yield {(place, m): part[m].dropna().to_numpy() for place, part in parts.items() for m in MEASURES}

        theater = {f["front"]: f["theater"] for f in self.study["fronts"]}
        tier = {(t, m): name for t, m, name in self.manifest["tiers"]}
        rows = [
            (eco, front, mission, tier[theater[front], mission], measure, *values)
            for ((eco, front, mission), measure), values in ranks.quantiles(pieces, QUANTILES).items()
        ]
        return pd.DataFrame(rows, columns=["ecosystem", "front", "mission", "tier", "measure", "low", "median", "high"])

    @cached_property
    def layers(self) -> pd.DataFrame | None:
        """What each layer is worth: columns of `LAYER_COLUMNS`; None where the run has one ecosystem or left it out."""
        return self._derived("layers")

    @cached_property
    def parity(self) -> pd.DataFrame | None:
        """Headlines with one side's unknown cells drawn at the other's rates: ecosystem, check, front, mission, outcome, value."""
        return self._derived("parity")

    def _derived(self, name: str) -> pd.DataFrame | None:
        path = self.folder.derived(name)
        return pd.read_parquet(path) if path.is_file() else None

    @cached_property
    def donors(self) -> pd.DataFrame:
        """ecosystem, front, mission, donor, share: mean share of what the front could draw on."""
        parts = [t.to_pandas() for t in self.folder.tables("donors")]
        total = (
            pd.concat(parts)
            .groupby(["ecosystem", "front", "mission", "donor"], sort=False)[["share_sum", "futures"]]
            .sum()
            .reset_index()
        )
        return total.assign(share=total["share_sum"] / total["futures"].clip(lower=1))[
            ["ecosystem", "front", "mission", "donor", "share"]
        ]

    def fan(
        self,
        view: str,
        war_case: str,
        ecosystem: str,
        series: str = "level",
        shares: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95),
    ) -> pd.DataFrame:
        """Weekly quantiles of fill (series level) of one front and mission; index week, a column per share."""
        counts = self._counts[series].get((ecosystem, war_case, view))
        weeks = self.study["horizon_weeks"]
        if counts is None:
            return pd.DataFrame(index=range(weeks), columns=list(shares), dtype=float)
        return pd.DataFrame(fans.quantiles(counts, tuple(shares)), columns=list(shares))

    def mean_difference(self, view: str, war_case: str, ecosystem: str) -> npt.NDArray[np.float64]:
        """Mean paired difference of fill from the first ecosystem, week by week, from counts."""
        counts = self._counts["difference"].get((ecosystem, war_case, view))
        if counts is None:
            return np.zeros(self.study["horizon_weeks"])
        total = counts.sum(-1)
        mean: npt.NDArray[np.float64] = np.divide(
            counts @ fans.difference_centres(), total, out=np.full(len(total), np.nan), where=total > 0
        )
        return mean

    @cached_property
    def _counts(self) -> dict[str, dict[tuple[str, str, str], npt.NDArray[np.int64]]]:
        """Fan counts summed over chunks: series → (ecosystem, war case, view) → (weeks, bins)."""
        weeks = self.study["horizon_weeks"]
        out: dict[str, dict[tuple[str, str, str], npt.NDArray[np.int64]]] = {"level": {}, "difference": {}}
        bins = {"level": fans.LEVEL_BINS, "difference": fans.DIFFERENCE_BINS}
        for table in self.folder.tables("fans"):
            frame = table.to_pandas()
            for (series, eco, case, view), part in frame.groupby(
                ["series", "ecosystem", "war_case", "view"], sort=False, observed=True
            ):
                target = out[series].setdefault((eco, case, view), np.zeros((weeks, bins[series]), np.int64))
                np.add.at(target, (part["week"].to_numpy(), part["bin"].to_numpy()), part["count"].to_numpy())
        return out


CHANGED = 1e-6
"""Difference from which an outcome counts as changed."""


class _Change(NamedTuple):
    """One row of a comparison: the difference of a column, or that of the indicator of one of its codes."""

    outcome: str
    place: str
    column: str
    code: int | None

    def values(self, before: pd.DataFrame, after: pd.DataFrame) -> npt.NDArray[np.float32]:
        old, new = (part[self.column].to_numpy() for part in (before, after))
        if self.code is not None:
            old, new = ((v == self.code).astype(np.float32) for v in (old, new))
        change: npt.NDArray[np.float32] = new - old
        return change


def compare(first: Results, second: Results) -> pd.DataFrame:
    """Paired differences, second minus first, future by future: low, median, high, mean and share changed per outcome.

    Both runs are read side by side, some futures and some outcomes at a time, so memory does not grow with the futures; quantiles
    are exact all the same. Raises RunError where the runs were not drawn alike (other seed, other futures, no common cell).
    """
    _require_paired(first, second)
    cells = [(e["name"], w["name"]) for e in first.study["ecosystems"] for w in first.study["war_cases"]]
    theirs = {(e["name"], w["name"]) for e in second.study["ecosystems"] for w in second.study["war_cases"]}
    cells = [c for c in cells if c in theirs]
    changes = list(_changes([c for c in first.manifest["columns"] if c in set(second.manifest["columns"])]))
    if not cells or not changes:
        raise _unpaired(second, "ecosystems and war_cases", ", ".join(map(" ".join, sorted(theirs))), "some that both runs have")
    at_once = max(1, SELECTED // len(cells))
    rows: dict[tuple[tuple[str, str], _Change], tuple[float, ...]] = {}
    for begin in range(0, len(changes), at_once):
        some = changes[begin : begin + at_once]

        def pieces(
            some: list[_Change] = some,
        ) -> Iterator[dict[tuple[tuple[str, str], _Change], npt.NDArray[np.float32]]]:
            for before, after in _side_by_side(first, second, cells, list(dict.fromkeys(c.column for c in some))):
                yield {(cell, c): c.values(before[cell], after[cell]) for cell in cells for c in some}

        total, changed, count = (dict.fromkeys(((cell, c) for cell in cells for c in some), 0.0) for _ in range(3))
        for piece in pieces():
            for key, values in piece.items():
                total[key] += float(values.sum(dtype=np.float64))
                changed[key] += int((np.abs(values) > CHANGED).sum())
                count[key] += len(values)
        for key, found in ranks.quantiles(pieces, QUANTILES).items():
            rows[key] = (*found, total[key] / count[key], changed[key] / count[key])
    return pd.DataFrame(
        [(*cell, c.place, c.outcome, *rows[cell, c]) for cell in cells for c in changes],
        columns=["ecosystem", "war_case", "front_mission", "outcome", "low", "median", "high", "mean", "share_changed"],
    )


def _changes(columns: Sequence[str]) -> Iterator[_Change]:
    """What is compared of the columns that two runs share: amounts first, then the share of worlds by outcome."""
    for column in columns:
        if not column.startswith(("outcome", "mass_balance")):
            outcome, place = column.split(".", 1)
            yield _Change(outcome, place, column, None)
    for column in columns:
        if column.startswith("outcome."):
            for code, name in OUTCOME_CODES.items():
                yield _Change(f"share_{name}", column.split(".", 1)[1], column, code)


def _side_by_side(
    first: Results, second: Results, cells: Sequence[tuple[str, str]], columns: list[str]
) -> Iterator[tuple[dict[Any, pd.DataFrame], dict[Any, pd.DataFrame]]]:
    """Some columns of both runs, split by cell, the same futures of both at a time."""
    streams = (r._parts("outcomes", KEYS, ["future", *columns]) for r in (first, second))
    for before, after in zip(*streams, strict=True):
        if any(not np.array_equal(before[c]["future"].to_numpy(), after[c]["future"].to_numpy()) for c in cells):
            raise _unpaired(second, "chunks", "other futures", "chunks of the same futures")
        yield before, after


def _require_paired(first: Results, second: Results) -> None:
    """Raises RunError unless both runs have the same seed and futures, and agree in most draws that they share (overrides may differ)."""
    a, b = first.study, second.study
    problems = [
        p for key in ("seed", "futures") if a[key] != b[key] for p in _unpaired(second, f"study.{key}", b[key], a[key]).problems
    ]
    if problems:
        raise RunError(problems)
    drawn = [next(iter(r.folder.tables("futures"))) for r in (first, second)]
    shared = [c for c in drawn[0].column_names if c in set(drawn[1].column_names) and c != "future"]
    same = sum(np.array_equal(*(table.column(c).to_numpy() for table in drawn)) for c in shared)
    if same < 0.5 * max(1, len(shared)):
        raise _unpaired(second, "futures", "other draws", "the same draws of every uncertainty both share")


def _unpaired(second: Results, field: str, found: object, allowed: object) -> RunError:
    return RunError([Problem(str(second.folder.root), None, field, str(found), str(allowed), "the runs are not paired")])
