"""What a study says without running campaigns: reach, and what each layer adds to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.interop.reach import MEASURES, reach
from isthmus.study.plan import Plan

F64 = npt.NDArray[np.float64]


def reach_rows(plan: Plan) -> list[dict[str, Any]]:
    """A row per ecosystem, front and mission: the median of every measure, with low and high (5 and 95%) beside."""
    draws = plan.design.draw(0, plan.study.futures)
    theater = {f.front: f.theater for f in plan.study.fronts}
    tier = {(t, m): name for t, m, name in plan.wide.setting.tiers}
    rows = []
    for eco in plan.study.ecosystems:
        for (front, mission), values in sorted(reach(plan.wide, eco.rule(), draws).items()):
            row: dict[str, Any] = {
                "ecosystem": eco.name,
                "front": front,
                "mission": mission,
                "tier": tier[theater[front], mission],
            }
            spread: dict[str, Any] = {}
            for measure in MEASURES:
                low, median, high = _quantiles(values[measure])
                row[measure] = median
                spread |= {f"{measure}_low": low, f"{measure}_high": high}
            rows.append(row | spread | {"futures": plan.study.futures})
    return rows


def input_coverage(plan: Plan) -> list[dict[str, Any]]:
    """What the inputs of the study's campaigns rest on: stage campaign, field, elements, facts, estimates, assumptions."""
    kinds: dict[str, list[str]] = {}
    for binding in plan.supply.bindings:
        kinds.setdefault(binding.field, []).append(binding.kind)
    columns = {"facts": "fact", "estimates": "estimate", "assumptions": "assumption"}
    return [
        {
            "stage": "campaign",
            "field": name,
            "elements": len(found),
            **{c: found.count(kind) for c, kind in columns.items()},
            "unknown": None,
        }
        for name, found in sorted(kinds.items())
    ]


def _quantiles(values: F64) -> tuple[float | None, float | None, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None, None
    low, median, high = np.quantile(known, (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)
