"""Whether pressure predicts pressure: a causal term is fitted in one theater and held against another that it never saw.

Let g be the growth of a series over a step (a year or a month): the difference of ln(1 + count) between two whole periods of one
count, without a break between them. A term says that the next growth follows a driver d known before it,

    g = a + b · d + e,   e ~ N(0, σ²),

with d the series' own last growth (`own`: probing feeds on itself), or the mean last growth of the series of all other theaters
(`elsewhere`: pressure moves between theaters). a, b and σ are fitted by least squares on the series of one theater; the growth of
another's is then forecast by the normal predictive distribution. Rivals with spreads fitted on the same theater: persistence
(growth nil) and mean (back to the mean of the series' own past).

A term predicts where b is above nil and it beats the better rival by more than one standard error, by CRPS and by log score, in every
direction between theaters. A b below nil is no cause: counts are noisy, and a high one is followed by a lower one whatever anybody
does. The studies hold no such term; they would need one only if it predicted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.awareness.probing import holds_daily, points
from isthmus.register import Register
from isthmus.validation.case import Case
from isthmus.validation.scores import Difference, crps_normal, paired_bootstrap

F64 = npt.NDArray[np.float64]
Step = Literal["year", "month"]
Term = Literal["own", "elsewhere"]

NO_TERM: Final = "no causal term: it does not predict out of sample"
PREDICTS: Final = "predicts out of sample"

LEAST_TO_FIT: Final = 8
"""Fewest growths in a theater that a term is fitted to."""

LEAST_GROUPS: Final = 6
"""Fewest target-periods in another theater that a verdict may rest on: fewer give no standard error worth the name."""

LEAST_LEVEL: Final = 5.0
"""Series whose median count of a period is lower are left out: steps of one event are all their growth."""

ERRORS: Final = 1.0
RIVALS: Final = ("persistence", "mean")

GROWTH_COLUMNS: Final = ("series_id", "target_id", "theater_id", "period", "growth", "own", "elsewhere", "to_mean")


@dataclass(frozen=True)
class Fit:
    """A term as fitted in one theater."""

    intercept: float
    slope: float
    sigma: float
    n: int
    middle: float
    spread: float
    """Mean of the drivers, and sum of their squared distances from it."""

    def predict(self, driver: F64) -> tuple[F64, F64]:
        """Mean and standard deviation of the next growth, with the error of a and b (normal linear model)."""
        sd = self.sigma * np.sqrt(1 + 1 / self.n + (driver - self.middle) ** 2 / self.spread)
        return self.intercept + self.slope * driver, sd


@dataclass(frozen=True)
class Direction:
    """One term, fitted in one theater and scored in another."""

    step: Step
    term: Term
    fitted_in: str
    scored_in: str
    fitted: int
    events: int
    groups: int
    """Target-periods scored: series of one target in one period are one observation."""
    slope: float | None
    crps: dict[str, float]
    """Mean CRPS in log units: of the term and of the rivals."""
    log_score: dict[str, float]
    """Mean of -ln density."""
    difference: Difference | None
    """CRPS of the term less that of the better rival."""
    log_difference: Difference | None

    @property
    def why_not(self) -> str | None:
        """Why there is no verdict; None where there is one."""
        if self.fitted < LEAST_TO_FIT:
            return f"{self.fitted} growths to fit in {self.fitted_in}, {LEAST_TO_FIT} wanted"
        if self.groups < LEAST_GROUPS:
            return f"{self.groups} periods to score in {self.scored_in}, {LEAST_GROUPS} wanted"
        return None

    @property
    def predicts(self) -> bool:
        if self.why_not or self.difference is None or self.log_difference is None:
            return False
        return (self.slope or 0.0) > 0 and self.difference.better(ERRORS) and self.log_difference.better(ERRORS)


def growths(found: pd.DataFrame, step: Step) -> pd.DataFrame:
    """Growths of every series of `probing.points`, with what was known before each; columns `GROWTH_COLUMNS`.

    A period stated by several counters counts with their median. `to_mean` is the growth that leads back to the mean of the series'
    own past in the segment. `own` and `elsewhere` are not a number where nothing is known.
    """
    rows = [row for _, part in _alike(found, step).groupby(["series_id", "segment"], sort=True) for row in _of_series(part)]
    frame = pd.DataFrame(rows, columns=list(GROWTH_COLUMNS))
    ends: dict[int, dict[str, float]] = {}
    for (theater, period), part in frame.groupby(["theater_id", "period"]):
        ends.setdefault(int(period), {})[str(theater)] = float(part["growth"].mean())
    before = [
        [g for theater, g in ends.get(period - 1, {}).items() if theater != home]
        for home, period in zip(frame["theater_id"], frame["period"], strict=True)
    ]
    frame["elsewhere"] = [float(np.mean(b)) if b else float("nan") for b in before]
    return frame


def _alike(found: pd.DataFrame, step: Step) -> pd.DataFrame:
    """Whole years of pressure and answers to it, or whole months of them and of attacks."""
    usable = found[found["complete"] & found["segment"].notna() & found["per_month"].notna() & found["theater_id"].notna()]
    if step == "month":
        usable = usable[
            usable["monthly"] & (~usable["activity"].str.contains(r"\.") | usable["activity"].str.startswith("launched."))
        ]
    else:
        usable = usable[(usable["months"].round() == 12) & (usable["role"] != "attack")]
    whole = usable["per_month"] * (12 if step == "year" else 1)
    start = usable["period_from"].str[:4].astype(int)
    if step == "month":
        start = start * 12 + usable["period_from"].str[5:7].astype(int)
    kept = usable.assign(count=whole.astype(float), period=start)
    return kept[kept.groupby("series_id")["count"].transform("median") >= LEAST_LEVEL]


def _of_series(part: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    first = part.iloc[0]
    level = np.log1p(part.groupby("period")["count"].median())
    for period in level.index:
        if period - 1 not in level.index:
            continue
        growth = float(level[period] - level[period - 1])
        own = float(level[period - 1] - level[period - 2]) if period - 2 in level.index else float("nan")
        past = float(level[level.index < period].mean())
        who = (first["series_id"], first["target_id"], first["theater_id"])
        yield (*who, int(period), growth, own, float("nan"), past - float(level[period - 1]))


def fit(driver: F64, growth: F64) -> Fit:
    """Least squares of growth on the driver; shapes (n,). Raises `ValueError` with fewer than 3, or a driver that never moves."""
    n, middle = len(driver), float(driver.mean()) if len(driver) else 0.0
    spread = float(((driver - middle) ** 2).sum())
    if n < 3 or spread <= 0:
        raise ValueError("a term needs at least three growths and a driver that moves")
    slope = float(((driver - middle) * growth).sum()) / spread
    intercept = float(growth.mean()) - slope * middle
    rest = growth - intercept - slope * driver
    return Fit(intercept, slope, float(np.sqrt((rest**2).sum() / (n - 2))), n, middle, spread)


def directions(found: pd.DataFrame, step: Step, term: Term) -> list[Direction]:
    """The term fitted in each theater and scored in each other one, from frames of :func:`growths`."""
    known = found[found[term].notna()]
    theaters = sorted(found["theater_id"].unique())
    return [_direction(known, step, term, a, b) for a in theaters for b in theaters if a != b]


def _direction(known: pd.DataFrame, step: Step, term: Term, source: str, target: str) -> Direction:
    here, there = (known[known["theater_id"] == t] for t in (source, target))
    keys = there["target_id"] + "@" + there["period"].astype(str)
    counts = (source, target, len(here), len(there), keys.nunique())
    nothing = Direction(step, term, *counts, None, {}, {}, None, None)
    driver = here[term].to_numpy(float)
    if nothing.why_not or np.ptp(driver) <= 0:
        return nothing
    made = fit(driver, here["growth"].to_numpy(float))
    growth = there["growth"].to_numpy(float)
    mean, sd = made.predict(there[term].to_numpy(float))
    back = here["growth"].to_numpy(float) - here["to_mean"].to_numpy(float)
    forecasts = {
        term: (mean, sd),
        "persistence": (np.zeros(len(there)), np.full(len(there), _rms(here["growth"].to_numpy(float)))),
        "mean": (there["to_mean"].to_numpy(float), np.full(len(there), _rms(back))),
    }
    crps = {name: crps_normal(m, s, growth) for name, (m, s) in forecasts.items()}
    logs = {name: 0.5 * np.log(2 * np.pi * s**2) + 0.5 * ((growth - m) / s) ** 2 for name, (m, s) in forecasts.items()}

    def against(scores: dict[str, F64]) -> Difference:
        best = min(RIVALS, key=lambda rival: float(scores[rival].mean()))
        return paired_bootstrap(scores[term], scores[best], keys.tolist())

    return Direction(
        step,
        term,
        *counts,
        made.slope,
        {name: float(v.mean()) for name, v in crps.items()},
        {name: float(v.mean()) for name, v in logs.items()},
        against(crps),
        against(logs),
    )


def _rms(values: F64) -> float:
    return max(float(np.sqrt(np.mean(values**2))), 1e-6)


def pressure_cases(register: Register, data: Path | None = None) -> list[Case]:
    """A case for each term by year, and by month where `data` holds the daily files of `isthmus awareness`; passed where it predicts.

    Raises `InputError` for daily files that cannot be read.
    """
    daily = data is not None and holds_daily(data)
    found = points(register, data if daily else None)
    cases = []
    steps: tuple[Step, ...] = ("year", "month") if daily else ("year",)
    for step in steps:
        moved = growths(found, step)
        for term in ("own", "elsewhere"):
            ways = directions(moved, step, term)
            if ways:
                cases.append(_case(step, term, ways, found))
    return cases


def _case(step: Step, term: Term, ways: list[Direction], found: pd.DataFrame) -> Case:
    passed = all(w.predicts for w in ways)
    scored = [w for w in ways if w.crps]
    weight = sum(w.events for w in scored)
    mean = {name: sum(w.crps[name] * w.events for w in scored) / weight for name in (term, *RIVALS)} if weight else {}
    what = "its own last growth" if term == "own" else "the last growth in the other theaters"
    return Case(
        case=f"pressure.{step}.{term}",
        kind="hindcast",
        title=f"Does {what} predict the next {step}'s pressure in a theater that the term never saw?",
        passed=passed,
        why=f"{PREDICTS if passed else NO_TERM}. " + "; ".join(_said(w) for w in ways),
        unit="log units",
        score=mean.get(term),
        rivals={name: mean[name] for name in RIVALS} if mean else {},
        sources=tuple(sorted({s for s in found["source_id"] if isinstance(s, str)})) if step == "year" else (),
        tests="whether probing should cause anything in the model; the studies hold no such term",
    )


def _said(way: Direction) -> str:
    where = f"{way.fitted_in} → {way.scored_in}"
    if way.why_not or way.difference is None or way.log_difference is None:
        return f"{where}: not estimable, {way.why_not or 'the driver never moves'}"
    best = min(RIVALS, key=lambda rival: way.crps[rival])
    return (
        f"{where}: CRPS {way.crps[way.term]:.3f} against {way.crps[best]:.3f} of {best} "
        f"({way.difference.mean:+.3f} ± {way.difference.standard_error:.3f}), log score "
        f"{way.log_difference.mean:+.2f} ± {way.log_difference.standard_error:.2f}, slope {way.slope:+.2f}, "
        f"{way.fitted} growths fitted, {way.groups} periods scored" + (" (below nil: no cause)" if (way.slope or 0.0) < 0 else "")
    )
