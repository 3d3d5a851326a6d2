"""A monthly series: where its counting breaks, its trend between breaks, and the months in which it changed.

A level break is a change in what is counted. It is declared here, marked on every series that it touches, and never bridged: trend
and change-points are computed for each segment between breaks on its own, so a change of counting cannot be reported as a change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from isthmus.awareness.periods import DAYS_PER_YEAR, Period

if TYPE_CHECKING:
    import pandas as pd

F64 = npt.NDArray[np.float64]

LEAST_FOR_TREND: Final = 8
"""Fewer points than this give no trend."""

LEAST_FOR_CHANGES: Final = 24
"""Fewer months than this in a segment are not searched for change-points."""

MIN_SIZE: Final = 6
"""Months between two change-points, and before the first and after the last."""

ALIKE: Final = 1.25
"""Periods whose lengths differ by more than this factor are not compared with each other."""

PENALTY_FACTOR: Final = 4.0
"""Cost of a change-point, in units of s²·ln n. BIC would be 3 (place, level, slope); 4 holds false alarms down where months depend
on each other (docs/explanation/awareness.md)."""

Z95: Final = 1.959963984540054


@dataclass(frozen=True)
class LevelBreak:
    """A change in what is counted: the old count before `first`, the new one from `resumes` on, neither in between."""

    name: str
    first: date
    resumes: date
    what: str

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, "first": self.first.isoformat(), "resumes": self.resumes.isoformat(), "what": self.what}


PLA_COUNT: Final = LevelBreak(
    "pla_count",
    date(2022, 8, 1),
    date(2022, 8, 1),
    "Taiwan's ministry publishes another count from August 2022: levels before and after cannot be compared, and a step in that "
    "month is no evidence of a change",
)
DRONE_ACCOUNTING: Final = LevelBreak(
    "drone_accounting",
    date(2024, 10, 1),
    date(2025, 1, 1),
    "from late 2024 decoys and drones lost on the way are accounted otherwise; the day is not known, so October to December 2024 "
    "belong to neither count",
)
_TAIWAN_ACTIVITIES: Final = frozenset(
    (
        "aircraft_reported",
        "vessels_reported",
        "aircraft_in_adiz",
        "days_with_aircraft_in_adiz",
        "flight_tracks_in_adiz",
        "median_line_or_airspace_sorties",
        "naval_sorties",
    )
)
_DRONES: Final = frozenset(("shahed_and_decoy_uav", "recon_or_other_uav", "drones all"))


def breaks_of(target: str, activity: str) -> tuple[LevelBreak, ...]:
    """Declared breaks of what is counted against a target. `activity` of an attack series is '<metric>.<type group>'."""
    if target == "TWN" and activity in _TAIWAN_ACTIVITIES:
        return (PLA_COUNT,)
    if target == "UKR" and activity.partition(".")[2] in _DRONES:
        return (DRONE_ACCOUNTING,)
    return ()


def segment_of(period: Period, breaks: Sequence[LevelBreak]) -> int | None:
    """Number of the segment between breaks in which a period lies whole; None where it touches a break."""
    number = 0
    for one in sorted(breaks, key=lambda b: b.first):
        if period.last < one.first:
            return number
        if period.first < one.resumes:
            return None
        number += 1
    return number


@dataclass(frozen=True)
class Trend:
    """Median slope of a segment (Sen 1968, J. Am. Stat. Assoc. 63:1379), per year, with a 95% interval."""

    n: int
    slope: float
    low: float
    high: float
    level: float
    """Median of the segment, same unit as the values."""
    autocorrelation: float
    """Lag 1, of what the line leaves; the interval is widened for it."""


def sen_trend(years: F64, values: F64) -> Trend | None:
    """Robust slope of `values` over `years`; None below `LEAST_FOR_TREND` points.

    Interval: ranks of the pairwise slopes at ±z·sqrt(var S) (Sen 1968, with ties), var S widened by the effective number of
    independent points of an AR(1) series (Yue and Wang 2004, Water Resour. Manag. 18:201). Without autocorrelation it is the
    interval of `scipy.stats.theilslopes`.
    """
    n = len(values)
    if n < LEAST_FOR_TREND:
        return None
    i, j = np.triu_indices(n, 1)
    slopes = np.sort((values[j] - values[i]) / (years[j] - years[i]))
    slope = float(np.median(slopes))
    rest = values - slope * years
    rest = rest - rest.mean()
    spread = float(rest @ rest)
    lag = max(0.0, float(rest[1:] @ rest[:-1]) / spread) if spread > 0 else 0.0
    widening = 1.0 + 2.0 * (lag ** (n + 1) - n * lag**2 + (n - 1) * lag) / (n * (lag - 1.0) ** 2)
    _, ties = np.unique(values, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float(np.sum(ties * (ties - 1) * (2 * ties + 5)))) / 18.0 * widening
    half = Z95 * math.sqrt(max(variance, 0.0))
    low = min(max(round((len(slopes) - half) / 2.0) - 1, 0), len(slopes) - 1)
    high = max(min(round((len(slopes) + half) / 2.0), len(slopes) - 1), 0)
    return Trend(n, slope, float(slopes[low]), float(slopes[high]), float(np.median(values)), lag)


@dataclass(frozen=True)
class Change:
    """A month from which another line fits better: level by both lines at that month, in the unit of the values."""

    place: int
    """Index of the first value after the change."""
    before: float
    after: float
    gain: float
    """Fall of the squared error from this change alone, in units of the penalty; at least 1 where it is reported."""


def find_changes(values: F64, factor: float = PENALTY_FACTOR) -> list[Change]:
    """Change-points of level or slope in a segment without a break; empty below `LEAST_FOR_CHANGES` values.

    Exact search (PELT: Killick, Fearnhead and Eckley 2012, J. Am. Stat. Assoc. 107:1590; library ruptures) for the pieces of
    straight lines through ln(1 + value) with the least squared error plus penalty·changes. penalty = factor·s²·ln n, s² the residual
    variance about one line. A steady trend is one line, hence no change.
    """
    n = len(values)
    if n < LEAST_FOR_CHANGES:
        return []
    logs = np.log1p(values)
    design = np.column_stack((np.ones(n), np.arange(n, dtype=float)))
    error = _line_error(logs, design)
    if error < 1e-12 * n:
        return []
    from ruptures.detection.pelt import Pelt

    penalty = factor * error / (n - 2) * math.log(n)
    search = Pelt(model="linear", min_size=MIN_SIZE, jump=1).fit(np.column_stack((logs, design)))
    bounds = [0, *search.predict(pen=penalty)]
    out = []
    for start, place, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        left, right = slice(start, place), slice(place, end)
        before, after = (float(np.expm1(_line_at(logs[s], design[s], place))) for s in (left, right))
        apart = _line_error(logs[left], design[left]) + _line_error(logs[right], design[right])
        both = _line_error(logs[start:end], design[start:end])
        out.append(Change(place, max(before, 0.0), max(after, 0.0), (both - apart) / penalty))
    return out


def _line_error(y: F64, design: F64) -> float:
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    rest = y - design @ coefficients
    return float(rest @ rest)


def _line_at(y: F64, design: F64, place: int) -> float:
    intercept, slope = np.linalg.lstsq(design, y, rcond=None)[0]
    return float(intercept + slope * place)


TREND_COLUMNS: Final = (
    "series_id",
    "segment",
    "period_from",
    "period_to",
    "n",
    "level",
    "slope_per_year",
    "low",
    "high",
    "share_per_year",
    "autocorrelation",
    "why_not",
)
CHANGE_COLUMNS: Final = ("series_id", "segment", "period_from", "before", "after", "ratio", "gain")


def trends(points: pd.DataFrame) -> pd.DataFrame:
    """Trend of every series and segment of `points` (columns of `probing.POINT_COLUMNS`), in its unit per month, per year.

    Only points that are complete, lie in one segment, are of the usual length and the only one of their period are used. Where there
    are too few, n is given, the slope is blank and `why_not` says so.
    """
    import pandas as pd

    rows = []
    for series_id, segment, part in _segments(points):
        years = np.array([date.fromisoformat(day).toordinal() / DAYS_PER_YEAR for day in part["period_from"]])
        values = part["per_month"].to_numpy(dtype=float)
        found = sen_trend(years, values)
        row: dict[str, Any] = dict.fromkeys(TREND_COLUMNS)
        row |= {"series_id": series_id, "segment": segment, "n": len(part)}
        row |= {"period_from": part["period_from"].iloc[0], "period_to": part["period_to"].iloc[-1]}
        if found is None:
            row["why_not"] = f"not estimable: n = {len(part)}"
        else:
            row |= {"level": found.level, "slope_per_year": found.slope, "low": found.low, "high": found.high}
            row |= {
                "share_per_year": found.slope / found.level if found.level > 0 else None,
                "autocorrelation": found.autocorrelation,
            }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(TREND_COLUMNS))


def changes(points: pd.DataFrame) -> pd.DataFrame:
    """Change-points of every monthly series and segment of `points`; `before` and `after` in its unit per month."""
    import pandas as pd

    rows = []
    for series_id, segment, part in _segments(points):
        months = [day[:7] for day in part["period_from"]]
        if not (part["monthly"].all() and _unbroken(months)):
            continue
        for one in find_changes(part["per_month"].to_numpy(dtype=float)):
            ratio = one.after / one.before if one.before >= 1.0 else None
            rows.append((series_id, segment, part["period_from"].iloc[one.place], one.before, one.after, ratio, one.gain))
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))


def _segments(points: pd.DataFrame) -> Iterable[tuple[str, int, pd.DataFrame]]:
    """Points that can be compared: of one series and segment, of one length (months or years, whichever are more), one a period."""
    usable = points[points["complete"] & points["segment"].notna() & points["per_month"].notna()]
    for (series_id, segment), part in usable.groupby(["series_id", "segment"], sort=True):
        alone = part[~part.duplicated(["period_from", "period_to"], keep=False)]
        usual = alone["months"].round().mode()
        alike = alone[(alone["months"] >= usual.max() / ALIKE) & (alone["months"] <= usual.max() * ALIKE)]
        if len(alike):
            yield str(series_id), int(segment), alike.sort_values("period_from")


def _unbroken(months: Sequence[str]) -> bool:
    numbers = [int(m[:4]) * 12 + int(m[5:]) for m in months]
    return all(b - a == 1 for a, b in itertools.pairwise(numbers))
