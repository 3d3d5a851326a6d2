"""Plans of output against what came of them: the ranges of funded shares and of slip, held against the known pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.ensemble import Uncertainty
from isthmus.register import Register
from isthmus.validation.case import Case
from isthmus.validation.scores import coverage

F64 = npt.NDArray[np.float64]

SETTLED = ("achieved", "short", "late")
"""Outcomes that close a pair; interim, open and not found say nothing yet."""

MONTHS_LEAST = 1.0
"""Shortest stated lead in months that a slip is divided by: a plan for next month is no lead."""

LEAST_COVER = 0.8
"""A 90% range that holds fewer of the programmes than this has failed, as everywhere in the validation."""


def plan_cases(register: Register) -> list[Case]:
    """Whether the ranges that the campaigns draw from hold what plans came to, a programme (actor and materiel) counted once.

    A pair of which nothing has come, with months of slip stated, is late and not short: it enters the slip only. The pairs
    inform the ranges, so this is a check of calibration and no test of skill. Shares are those of the planned level; the share of
    an increase, which the model draws, is at most that.
    """
    pairs = settled(register)
    missions = {"line.funded.land_fires": ("land_fires",)}
    missiles = tuple(m for m in pairs["mission_id"].dropna().unique() if m != "land_fires")
    cases = []
    for name, wanted in (*missions.items(), ("line.funded.missiles", missiles)):
        late = (pairs["share_of_plan"] == 0) & (pairs["slip_months"].notna() | (pairs["outcome"] == "late"))
        part = pairs[pairs["mission_id"].isin(wanted) & pairs["share_of_plan"].notna() & ~late]
        cases.append(
            _case(register, name, part.groupby(["actor_id", "materiel_id"])["share_of_plan"].mean(), "share of plan", part)
        )
    slipped = pairs[pairs["slip_multiple"].notna()]
    programme = slipped["materiel_id"].fillna(slipped["programme"])
    cases.append(
        _case(
            register,
            "line.slip",
            slipped.groupby(["actor_id", programme])["slip_multiple"].mean(),
            "multiple of the stated lead",
            slipped,
        )
    )
    return cases


def settled(register: Register) -> pd.DataFrame:
    """Closed pairs with their mission and the slip as a multiple of the stated lead (months from `stated` to `due`)."""
    pairs = register.table("plan_actual")
    classes = register.table("classes").set_index("class_id")["mission_id"]
    materiel = register.table("materiel").set_index("materiel_id")["class_id"]
    pairs = pairs[pairs["outcome"].isin(SETTLED)]
    return pairs.assign(
        mission_id=pairs["materiel_id"].map(materiel).map(classes),
        slip_multiple=[_multiple(row) for row in pairs.to_dict("records")],
    )


def _multiple(row: dict[Any, Any]) -> float:
    if not (isinstance(row["due"], str) and isinstance(row["stated"], str)) or pd.isna(row["slip_months"]):
        return float("nan")
    lead = int((pd.Period(row["due"][:7], "M") - pd.Period(row["stated"][:7], "M")).n)
    return float(row["slip_months"]) / max(MONTHS_LEAST, lead)


def _case(register: Register, name: str, values: pd.Series[float], unit: str, rows: pd.DataFrame) -> Case:
    row = register.table("uncertainties").set_index("uncertainty_id").loc[name]
    drawn = Uncertainty(
        name, row["shape"], float(row["low"]), float(row["mode"]), float(row["high"]), str(row["unit"]), row["kind"]
    )
    low, median, high = (float(v) for v in drawn.quantile(np.array([0.05, 0.5, 0.95])))
    found = values.to_numpy(np.float64)
    cover = coverage(np.full(len(found), low), np.full(len(found), high), found) if len(found) else 0.0
    outside = ", ".join(f"{a} {m} {v:.2f}" for (a, m), v in values.items() if not low <= v <= high)
    return Case(
        case=f"plans.{name}",
        kind="hindcast",
        title=f"Range of {name} against plans and what came of them",
        passed=cover >= LEAST_COVER,
        why=f"{cover:.0%} of {len(found)} programmes inside the 90% range ({low:.2f} to {high:.2f}); wanted {LEAST_COVER:.0%}"
        + (f"; outside: {outside}" if outside else ""),
        unit=unit,
        observed=float(np.median(found)) if len(found) else None,
        low=low,
        median=median,
        high=high,
        cover90=cover,
        sources=tuple(_sources(rows)),
        tests="how far announced output is reached, and how late",
    )


def _sources(rows: pd.DataFrame) -> Iterator[str]:
    yield from sorted(set(rows["source_id"].dropna()))
