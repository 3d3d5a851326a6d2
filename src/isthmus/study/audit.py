"""Audit of a number: from a result of a run to the inputs that it rests on, their kinds and sources, by measured influence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from isthmus.study.drivers import Analysis, Judged, nature
from isthmus.study.results import QUANTILES
from isthmus.study.targets import inputs_read

AUDIT_COLUMNS = (
    "outcome",
    "ecosystem",
    "war_case",
    "front",
    "mission",
    "median",
    "input",
    "share_of_variance",
    "kind",
    "nature",
    "flips_when",
    "flips_at",
    "source",
    "confidence",
    "title",
    "url",
)


def audit_rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for every source of every driver of every number, for tables; one without a source where a driver cites nobody."""
    rows = []
    for one in found:
        keys = {k: one[k] for k in AUDIT_COLUMNS[:6]}
        for driver in one["inputs"]:
            none: dict[str, Any] = {}
            for source in driver["sources"] or (none,):
                rows.append({**keys, **{k: v for k, v in driver.items() if k in AUDIT_COLUMNS}, **source})
    return rows


def audit(analysis: Analysis, judged: Judged, top: int) -> dict[str, Any]:
    """One number with what it rests on: quantiles, the statement about it, counts of inputs by kind, and the drivers in order."""
    t = judged.target
    keys = {k: getattr(t, k) for k in ("outcome", "ecosystem", "war_case", "front", "mission", "against")}
    shares = t.outcome.startswith("share_")
    low, median, high = (
        ([judged.mean] * 3 if shares else [float(v) for v in np.quantile(judged.values, QUANTILES)])
        if len(judged.values)
        else [None] * 3
    )
    return {
        **keys,
        "low": low,
        "median": median,
        "high": high,
        "statement": judged.statement.text if judged.statement else None,
        "holds": judged.holds,
        "explained": judged.explained,
        "rests_on": rests_on(analysis, judged),
        "inputs": [d.as_dict() for d in judged.drivers[:top]],
    }


def rests_on(analysis: Analysis, judged: Judged) -> dict[str, int] | None:
    """Inputs that the model reads on the way to the number, by kind; what is fixed besides; sources. None without the register.

    `chance` are single actors' draws, `fixed` launchers, classes of donors, masses and the like, that enter at one value.
    """
    plan = analysis.plan
    if plan is None:
        return None
    read = inputs_read(plan, judged.target)
    ranges = [plan.design.by_name[n] for n in sorted(read)]
    kinds = Counter("chance" if nature(u) == "chance" else u.kind for u in ranges)
    supply = plan.supply if judged.target.war_case else plan.wide
    named = {n.split(":", 1)[-1] for n in plan.design.by_name}
    constant = [b for b in supply.bindings if b.element not in named]
    evidence = {f for u in ranges for f in u.evidence} | {f for b in constant for f in b.evidence}
    rows = [analysis.register_rows[f] for f in evidence if f in analysis.register_rows]
    return {
        "inputs": len(ranges),
        "facts": kinds["fact"],
        "estimates": kinds["estimate"],
        "assumptions": kinds["assumption"],
        "chance": kinds["chance"],
        "fixed": len(constant),
        "fixed_facts": sum(b.kind == "fact" for b in constant),
        "register_rows": len(rows),
        "sources": len({r["source_id"] for r in rows if r["source_id"]}),
    }
