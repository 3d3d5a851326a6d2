"""Results of a run as labelled pandas frames: quantiles, outcome shares, reach, fans, paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.errors import Problem, RunError
from isthmus.interop.reach import MEASURES
from isthmus.study.store import RunFolder
from isthmus.sustainment import fans
from isthmus.sustainment.kernel import PER_FRONT, PER_SIDE

QUANTILES = (0.05, 0.5, 0.95)
OUTCOME_CODES = {0: "undecided", 1: "defence_unsustained", 2: "attack_unsustained"}
KEYS = ["ecosystem", "war_case"]


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

    @cached_property
    def quantiles(self) -> pd.DataFrame:
        """ecosystem, war_case, front, mission, outcome, low, median, high of everything that was simulated at war."""
        rows = []
        for (eco, case), part in self.outcomes.groupby(KEYS, observed=True, sort=False):
            for view in self.manifest["views"]:
                if not self.at_war(case, view):
                    continue
                front, mission = view.rsplit(".", 1)
                for outcome in PER_FRONT:
                    rows.append((eco, case, front, mission, outcome, *_quantile(part[f"{outcome}.{view}"])))
                for name, top in (
                    ("hub_share_of_supply", "shipped_hub"),
                    ("far_share_of_supply", "shipped_far"),
                    ("fill", "used"),
                ):
                    whole = part[f"{'needed' if name == 'fill' else 'shipped'}.{view}"]
                    rows.append((eco, case, front, mission, name, *_quantile((part[f"{top}.{view}"] / whole)[whole > 0])))
            for group in self.manifest["groups"]:
                side, materiel = group.split(".", 1)
                rows.append((eco, case, side, materiel, "years_to_rebuild", *_quantile(part[f"years_to_rebuild.{group}"])))
            for column in (c for c in self.manifest["columns"] if c.split(".", 1)[0] in PER_SIDE):
                outcome, side, year = column.split(".")
                rows.append((eco, case, side, year, outcome, *_quantile(part[column])))
        return pd.DataFrame(rows, columns=["ecosystem", "war_case", "front", "mission", "outcome", "low", "median", "high"])

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Share of worlds by outcome: ecosystem, war_case, front (theater), mission, and the three shares; and median week."""
        rows = []
        for (eco, case), part in self.outcomes.groupby(KEYS, observed=True, sort=False):
            for duel in self.manifest["duels"]:
                if not self.at_war(case, duel):
                    continue
                theater, mission = duel.rsplit(".", 1)
                codes = part[f"outcome.{duel}"]
                weeks = part.loc[codes == 1, f"outcome_week.{duel}"]
                shares = [float((codes == code).mean()) for code in OUTCOME_CODES]
                rows.append((eco, case, theater, mission, *shares, float(weeks.median()) if len(weeks) else np.nan))
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
        frame = self.folder.columns("reach", ["ecosystem", "front", "mission", *MEASURES]).to_pandas()
        theater = {f["front"]: f["theater"] for f in self.study["fronts"]}
        tier = {(t, m): name for t, m, name in self.manifest["tiers"]}
        rows = []
        for (eco, front, mission), part in frame.groupby(["ecosystem", "front", "mission"], sort=False):
            for measure in MEASURES:
                rows.append((eco, front, mission, tier[theater[front], mission], measure, *_quantile(part[measure].dropna())))
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
        straight line (Spearman 1904); interactions do not show.
        """
        chosen = self.column(column)
        chosen = chosen[(chosen["ecosystem"] == ecosystem) & (chosen["war_case"] == war_case)].sort_values("future")
        target = chosen["value"].rank().to_numpy()
        if np.ptp(target) == 0:
            return pd.DataFrame(columns=["input", "rank_correlation", "share"])
        ranks = self._input_ranks
        correlation = ranks.to_numpy().T @ ((target - target.mean()) / target.std()) / len(target)
        frame = pd.DataFrame({"input": ranks.columns, "rank_correlation": correlation, "share": correlation**2})
        return frame.sort_values("share", ascending=False, kind="stable").reset_index(drop=True)

    @cached_property
    def _input_ranks(self) -> pd.DataFrame:
        """Standardised ranks of every input that varies, futures × inputs."""
        names = [c for c in next(iter(self.folder.tables("futures"))).column_names if c != "future"]
        inputs = self.folder.columns("futures", names).to_pandas()
        ranks = inputs.loc[:, inputs.max() > inputs.min()].rank()
        return (ranks - ranks.mean()) / ranks.std(ddof=0)

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
