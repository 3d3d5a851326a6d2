"""Several observations of one quantity become one range, by one rule that says what it discarded.

The rule, in order:

1. Rows dated after `at` are left out.
2. Where a fact exists, estimates and assumptions are discarded; where none exists, an estimate wins over assumptions.
3. Of the rest, rows older than `window_months` before the newest are discarded; so are undated rows where a dated one exists.
4. The latest row graded A or B gives the mode; without one, the latest row of all. A sound recent report beats an official one
   of two years ago: output and stocks move. Of that date the best grade counts; where several of its rows disagree, the middle one
   of their distinct modes (the lower of two).
5. low is the lowest low and high the highest high of all rows in the window, so contradictions widen the range.
6. Facts and estimates are widened by the grade w of the mode's row, `axes.GRADE_WIDENING`: [low / (1 + w), high * (1 + w)]. A row
   without a grade is widened as grade C. Assumptions carry a wide range of their own and are not widened.

Dates may be partial and count as the first day of their period.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from isthmus.axes import GRADE_WIDENING
from isthmus.register.register import period_start

if TYPE_CHECKING:
    import pandas as pd

WINDOW_MONTHS = 24

QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "force_elements": ("actor_id", "element_id", "maturity"),
    "lines": ("actor_id", "materiel_id", "line_id", "scope", "measure", "due"),
    "line_inputs": ("input_id", "measure"),
    "stocks": ("actor_id", "materiel_id", "measure"),
    "consumption": ("actor_id", "materiel_id", "context", "measure", "basis", "unit"),
    "transfers": ("supplier", "recipient", "materiel_id", "measure", "mode_of_transfer", "period_from", "period_to"),
    "unit_costs": ("materiel_id",),
}
"""Table -> columns that say which quantity a row observes. Rows equal in them are observations of one quantity.

Plans of one line for different dates are different quantities; rows of other measures have no `due`."""


@dataclass(frozen=True)
class Resolved:
    """One quantity, in the unit of its rows. `grade` is that of the row that gave the mode."""

    low: float
    mode: float
    high: float
    kind: str
    grade: str | None
    used: tuple[str, ...]
    """fact_id of every row in the range."""
    discarded: tuple[tuple[str, str], ...]
    """(fact_id, reason) of every other row."""


class Observation(Protocol):
    """A row of a table of `QUANTITIES`, as :func:`observations` gives it."""

    @property
    def fact_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def as_of(self) -> str | None: ...
    @property
    def confidence(self) -> str | None: ...
    @property
    def low(self) -> float: ...
    @property
    def mode(self) -> float: ...
    @property
    def high(self) -> float: ...


def observations(frame: pd.DataFrame) -> list[Any]:
    """Rows of a frame, each with its columns as attributes: for whoever resolves many quantities, faster than frames of a few rows."""
    return list(frame.itertuples(index=False, name="Row"))


def resolve(
    rows: pd.DataFrame | Sequence[Observation], at: str | None = None, window_months: int = WINDOW_MONTHS
) -> Resolved | None:
    """One range from observations of one quantity (rows of one table of `QUANTITIES`); None where no row is left.

    Raises `ValueError` where the rows have different units: they are then not one quantity.
    """
    listed: Sequence[Any] = rows if isinstance(rows, Sequence) else observations(rows)
    units = sorted({row.unit for row in listed}) if listed and hasattr(listed[0], "unit") else []
    if len(units) > 1:
        raise ValueError(f"rows of one quantity must have one unit, not {', '.join(units)}")
    return _resolve(listed, at, window_months)


def resolve_by(
    frame: pd.DataFrame, columns: Sequence[str], at: str | None = None, window_months: int = WINDOW_MONTHS
) -> dict[tuple[Hashable, ...], Resolved]:
    """One range per distinct tuple of values in `columns`, in order of first appearance. Groups with no row left are absent.

    Raises `ValueError` where the rows of a group have different units.
    """
    groups: dict[tuple[Hashable, ...], list[Observation]] = {}
    units: dict[tuple[Hashable, ...], str] = {}
    keys = zip(*(frame[c].tolist() for c in columns), strict=True) if columns else iter([()] * len(frame))
    unit_of = frame["unit"].tolist() if "unit" in frame else [""] * len(frame)
    for key, row, unit in zip(keys, observations(frame), unit_of, strict=True):
        if units.setdefault(key, unit) != unit:
            raise ValueError(f"rows of one quantity must have one unit: {key} has {units[key]} and {unit}")
        groups.setdefault(key, []).append(row)
    resolved = ((key, _resolve(rows, at, window_months)) for key, rows in groups.items())
    return {key: one for key, one in resolved if one is not None}


def _resolve(rows: Iterable[Observation], at: str | None, window_months: int) -> Resolved | None:
    discarded: set[tuple[str, str]] = set()

    def keep(rows: Iterable[Observation], wanted: Iterable[bool], reason: str) -> list[Observation]:
        kept = []
        for row, is_wanted in zip(rows, wanted, strict=True):
            if is_wanted:
                kept.append(row)
            else:
                discarded.add((row.fact_id, reason))
        return kept

    kept = list(rows)
    if at is not None:
        day = period_start(at)
        kept = keep(kept, [r.as_of is None or period_start(r.as_of) <= day for r in kept], f"dated after {at}")
    if not kept:
        return None
    kind = next(k for k in ("fact", "estimate", "assumption") if any(r.kind == k for r in kept))
    kept = keep(kept, [r.kind == kind for r in kept], f"{'an' if kind == 'estimate' else 'a'} {kind} exists")
    dated = [_month(r.as_of) for r in kept if r.as_of is not None]
    if dated:
        kept = keep(kept, [r.as_of is not None for r in kept], "no date, while a dated row exists")
        oldest = max(dated) - window_months
        kept = keep(kept, [r.as_of is not None and _month(r.as_of) >= oldest for r in kept], "older than the window")
    sound = [r for r in kept if r.confidence in ("A", "B")] or kept
    latest = max(period_start(r.as_of) if r.as_of else "" for r in sound)
    newest = [r for r in sound if (period_start(r.as_of) if r.as_of else "") == latest]
    best = min(r.confidence or "Z" for r in newest)
    candidates = [r for r in newest if (r.confidence or "Z") == best]
    modes = sorted({r.mode for r in candidates})
    mode = modes[(len(modes) - 1) // 2]
    grade = candidates[0].confidence
    widening = 0.0 if kind == "assumption" else GRADE_WIDENING[grade or "C"]
    return Resolved(
        low=min(r.low for r in kept) / (1 + widening),
        mode=mode,
        high=max(r.high for r in kept) * (1 + widening),
        kind=kind,
        grade=grade,
        used=tuple(sorted({r.fact_id for r in kept})),
        discarded=tuple(sorted(discarded)),
    )


def _month(date: str) -> int:
    """Months since year 0 of the first day of a partial date."""
    return int(date[:4]) * 12 + (int(date[5:7]) - 1 if len(date) >= 7 else 0)
