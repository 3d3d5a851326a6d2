"""What a study says without running campaigns: reach, and what each layer adds to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.axes import LAYERS
from isthmus.interop.fronts import EcosystemRule
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


def layer_gains(plan: Plan, futures: int = 1024) -> pd.DataFrame:
    """Gain in reach when one layer alone goes from the first ecosystem of the study to its last, others as in the first.

    front, mission, layer, low, median, high: change of the reachable share, paired by future. One at a time: gains of layers
    that need each other do not add up.
    """
    draws = plan.design.draw(0, min(futures, plan.study.futures))
    first, last = plan.study.ecosystems[0].rule(), plan.study.ecosystems[-1].rule()
    base = reach(plan.wide, first, draws)
    rows = []
    for layer in LAYERS:
        steps = tuple((name, last.threshold(name) if name == layer else step) for name, step in first.thresholds)
        mixed = EcosystemRule(f"{first.name}+{layer}", steps, tuple(x for x in last.complete if x == layer))
        for key, values in reach(plan.wide, mixed, draws).items():
            # Against the coalition as it is: a layer that opens lines adds to both, and would hide in a ratio of its own.
            gain = (values["reachable"] - base[key]["reachable"]) / np.maximum(1e-9, base[key]["coalition"])
            low, median, high = _quantiles(gain)
            rows.append((*key, layer, low, median, high))
    return pd.DataFrame(rows, columns=["front", "mission", "layer", "low", "median", "high"])


def _quantiles(values: F64) -> tuple[float | None, float | None, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None, None
    low, median, high = np.quantile(known, (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)
