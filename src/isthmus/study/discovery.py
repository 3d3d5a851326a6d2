"""In which worlds does a statement fail? Boxes over the inputs that are known to drive it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from isthmus.study.boxes import LEAST_CASES, boxes
from isthmus.study.drivers import Analysis, Judged

CANDIDATES = 12
"""Drivers of an outcome among which boxes are looked for, the strongest first."""

BOX_COLUMNS = (
    "outcome",
    "ecosystem",
    "war_case",
    "front",
    "mission",
    "box",
    "input",
    "low",
    "high",
    "quasi_p",
    "coverage",
    "density",
    "base",
    "mass",
)


def discover(analysis: Analysis, judged: Judged) -> dict[str, Any]:
    """Boxes that hold the worlds in which the statement fails, or why there are none: keys, counts, `boxes`, `why`."""
    t = judged.target
    keys = {k: getattr(t, k) for k in ("outcome", "ecosystem", "war_case", "front", "mission", "against")}
    out = {**keys, "label": t.label, "worlds_where": "", "cases": 0, "futures": len(judged.values), "boxes": [], "why": None}
    if judged.statement is None:
        return {**out, "why": "no statement about this outcome: give a level with --at"}
    values = analysis.values[t]
    known = np.isfinite(values)
    fails = judged.statement.fails(values[known])
    out |= {"worlds_where": judged.statement.failing, "cases": int(fails.sum())}
    names = tuple(d.input for d in judged.drivers[:CANDIDATES])
    if min(fails.sum(), (~fails).sum()) < 2 * LEAST_CASES:
        return {**out, "why": f"too few worlds on one side to tell them apart: {2 * LEAST_CASES} are needed"}
    if not names:
        return {**out, "why": "no input stands out of chance"}
    inputs = np.stack([analysis.sample.column(n)[known] for n in names], axis=1)
    found = boxes(names, inputs, fails)
    return {
        **out,
        "boxes": [b.as_dict() for b in found],
        "why": None if found else "no box in few inputs holds them better than chance",
    }


def limit_rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for every limit of every box, for tables."""
    rows = []
    for one in found:
        for number, box in enumerate(one["boxes"], 1):
            for limit in box["limits"]:
                rows.append({**{k: v for k, v in one.items() if k in BOX_COLUMNS}, "box": number, **box, **limit})
    return rows
