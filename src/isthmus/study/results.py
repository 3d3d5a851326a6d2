"""Results of a run as labelled pandas frames: quantiles, outcome shares, reach, fans, paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from isthmus.errors import Problem, RunError
from isthmus.interop.reach import MEASURES
from isthmus.study import ranks
from isthmus.study.store import RunFolder
from isthmus.sustainment import fans
from isthmus.sustainment.kernel import PER_DUEL, PER_FRONT, PER_SIDE

QUANTILES = (0.05, 0.5, 0.95)
OUTCOME_CODES = {0: "undecided", 1: "defence_unsustained", 2: "attack_unsustained"}
KEYS = ["ecosystem", "war_case"]

HELD = 16_384
"""Futures whose outcomes stand in memory at a time, at least a chunk of them."""
SELECTED = 2_048
"""Outcomes times cells whose quantiles are looked for at a time: what memory their counts take does not grow with the futures."""
RANKED = 65_536
"""Futures that influences rest on: the standard error of a rank correlation is 0.004 then."""


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
        """A row per future × ecosystem × war case, all outcome columns."""
        return self.folder.columns("outcomes", ["future", *KEYS, *self.manifest["columns"]]).to_pandas()

    def column(self, name: str) -> pd.DataFrame:
        """One outcome: ecosystem, war_case, future, value."""
        if name not in self.manifest["columns"]:
            raise RunError(
                [
                    Problem(
                        str(self.folder.root),
                        None,
                        "outcome",
                        name,
                        ", ".join(self.manifest["columns"][:8]) + ", …",
                        "no such outcome",
                    )
                ]
            )
        return self.folder.columns("outcomes", ["future", *KEYS, name]).to_pandas().rename(columns={name: "value"})

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

    def influences(self, column: str, war_case: str, ecosystem: str) -> pd.DataFrame:
        """Inputs by the square of their rank correlation with an outcome, largest first: input, rank_correlation, share.

        A first look, not a variance decomposition: `share` is that of the outcome's ranks which the input alone explains in a
        straight line (Spearman 1904); interactions do not show. Of a long run the first `RANKED` futures are asked.
        """
        chosen = self.column(column)
        chosen = chosen[(chosen["ecosystem"] == ecosystem) & (chosen["war_case"] == war_case)].sort_values("future")
        chosen = chosen.iloc[: len(self._input_ranks)]
        target = chosen["value"].rank().to_numpy()
        if np.ptp(target) == 0:
            return pd.DataFrame(columns=["input", "rank_correlation", "share"])
        inputs = self._input_ranks
        correlation = inputs.to_numpy().T @ ((target - target.mean()) / target.std()) / len(target)
        frame = pd.DataFrame({"input": inputs.columns, "rank_correlation": correlation, "share": correlation**2})
        return frame.sort_values("share", ascending=False, kind="stable").reset_index(drop=True)

    @cached_property
    def _input_ranks(self) -> pd.DataFrame:
        """Standardised ranks of every input that varies, futures × inputs, of the first `RANKED` futures."""
        chunks = -(-RANKED // self.manifest["chunk_futures"])
        inputs = pa.concat_tables(islice(self.folder.tables("futures"), chunks)).drop_columns("future").to_pandas()[:RANKED]
        placed = inputs.loc[:, inputs.max() > inputs.min()].rank()
        return (placed - placed.mean()) / placed.std(ddof=0)

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


def compare(first: Results, second: Results) -> pd.DataFrame:
    """Paired differences, second minus first, future by future: low, median, high per outcome.

    Raises RunError where the runs were not drawn alike (other seed, other futures, no common cell).
    """
    a, b = first.manifest, second.manifest
    problems = []
    for key in ("seed", "futures"):
        if a["study"][key] != b["study"][key]:
            problems.append(
                Problem(
                    str(second.folder.root),
                    None,
                    f"study.{key}",
                    str(b["study"][key]),
                    str(a["study"][key]),
                    "the runs are not paired",
                )
            )
    if problems:
        raise RunError(problems)
    if not _paired(first, second):
        raise RunError(
            [
                Problem(
                    str(second.folder.root),
                    None,
                    "futures",
                    "other draws",
                    "the same draws of every uncertainty both share",
                    "the runs are not paired",
                )
            ]
        )
    shared = [c for c in a["columns"] if c in set(b["columns"])]
    index = ["future", *KEYS]
    left, right = (
        r.outcomes.assign(**{k: r.outcomes[k].astype(str) for k in KEYS}).set_index(index)[shared] for r in (first, second)
    )
    left, right = left.align(right, join="inner", axis=0)
    difference = (right - left).reset_index()
    rows = []
    for (eco, case), part in difference.groupby(KEYS, sort=False):
        for column in shared:
            if column.startswith(("outcome", "mass_balance")):
                continue
            outcome, what = column.split(".", 1)
            low, median, high = _quantile(part[column])
            changed = float((part[column].abs() > 1e-6).mean())
            rows.append((eco, case, what, outcome, low, median, high, float(part[column].mean()), changed))
        for duel in (c for c in shared if c.startswith("outcome.")):
            before, after = (frame.xs((eco, case), level=KEYS)[duel] for frame in (left, right))
            for code, name in OUTCOME_CODES.items():
                change = (after == code).astype(float) - (before == code).astype(float)
                rows.append(
                    (
                        eco,
                        case,
                        duel.split(".", 1)[1],
                        f"share_{name}",
                        *_quantile(change),
                        float(change.mean()),
                        float((change != 0).mean()),
                    )
                )
    return pd.DataFrame(
        rows, columns=["ecosystem", "war_case", "front_mission", "outcome", "low", "median", "high", "mean", "share_changed"]
    )


def _paired(first: Results, second: Results) -> bool:
    """Whether the first chunk's futures agree in the draws of most shared uncertainties (overrides may differ)."""
    a, b = (next(iter(r.folder.tables("futures"))) for r in (first, second))
    shared = [c for c in a.column_names if c in set(b.column_names) and c != "future"]
    same = sum(np.array_equal(a.column(c).to_numpy(), b.column(c).to_numpy()) for c in shared)
    return same >= 0.5 * max(1, len(shared))


def _quantile(values: pd.Series[Any]) -> tuple[float, float, float]:
    if len(values) == 0:
        return (np.nan, np.nan, np.nan)
    low, median, high = np.quantile(values.to_numpy(dtype=np.float64), QUANTILES)
    return float(low), float(median), float(high)
