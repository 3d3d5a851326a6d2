"""What a study says without running campaigns: reach, days of supply, and the missions of tier magazine and indicator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.interop.reach import MEASURES, reach
from isthmus.interop.tiers import Coverage, Rate, built, holdings, magazines, published_rates, stated_needs
from isthmus.study.plan import Plan
from isthmus.sustainment.magazine import depth_weeks, stock_required, years_to_rebuild

F64 = npt.NDArray[np.float64]


STOCK_DAYS = 30.0
"""Target of a stock requirement, days, where none is asked for."""

TIER_COLUMNS = (
    "ecosystem",
    "front",
    "side",
    "mission",
    "tier",
    "kind",
    "on_hand",
    "days_of_supply",
    "stock_required",
    "shortfall",
    "output_per_year",
    "years_to_rebuild",
    "use_high",
    "weeks_at_high",
    "use_high_by",
    "use_low",
    "weeks_at_low",
    "use_low_by",
    "in_service",
    "operators",
    "on_order",
    "announced",
    "most_common",
    "commonality",
    "built_per_year",
    "makers",
    "facts",
    "estimates",
    "assumptions",
    "unknown",
)


def reach_rows(plan: Plan, days: float = STOCK_DAYS) -> list[dict[str, Any]]:
    """A row per ecosystem, front and mission: the median of every measure, with low and high (5 and 95%) beside.

    `stock_required` (effect) is what lasts `days` at the stated need after the opening, by the level-of-effort method; `shortfall`
    what the reachable opening stock lacks of it. Both are None where no need is stated.
    """
    draws = plan.design.draw(0, plan.study.futures)
    theater = {f.front: f.theater for f in plan.study.fronts}
    tier = {(t, m): name for t, m, name in plan.wide.setting.tiers}
    needs = stated_needs(plan.wide, draws)
    rows = []
    for eco in plan.study.ecosystems:
        for (front, mission), values in sorted(reach(plan.wide, eco.rule(), draws).items()):
            row: dict[str, Any] = {
                "ecosystem": eco.name,
                "front": front,
                "mission": mission,
                "tier": tier[theater[front], mission],
            }
            need = needs[front, mission]
            required = np.where(need > 0, stock_required(need, days), np.nan)
            lacking = np.maximum(0.0, required - values["days_of_supply"] * need / 7)
            measured = {m: values[m] for m in MEASURES} | {"stock_required": required, "shortfall": lacking}
            rows.append(row | _with_spread(measured) | {"days": days, "futures": plan.study.futures})
    return rows


def tier_rows(plan: Plan, days: float = STOCK_DAYS) -> list[dict[str, Any]]:
    """Missions that are not simulated, :data:`TIER_COLUMNS`: magazines front by front, indicators front by front or side by side.

    Magazines are those of the study's first ecosystem, medians with low and high (5 and 95%) beside. A mission that no front of
    the study names is an indicator of each side, of all that take part on it.
    """
    rows = _magazine_rows(plan, days) + _indicator_rows(plan)
    return [dict.fromkeys(TIER_COLUMNS) | row for row in rows]


def _magazine_rows(plan: Plan, days: float) -> list[dict[str, Any]]:
    draws = plan.design.draw(0, plan.study.futures)
    eco = plan.study.ecosystems[0]
    fronts = {f.front: f for f in plan.study.fronts}
    tier = {(t, m): name for t, m, name in plan.wide.setting.tiers}
    rows = []
    for (front, mission), found in sorted(magazines(plan.wide, eco.rule(), draws).items()):
        if tier[fronts[front].theater, mission] != "magazine":
            continue
        known = found.need > 0
        need = np.where(known, found.need, np.nan)
        required = np.where(known, stock_required(found.need, days), np.nan)
        measured = {
            "on_hand": found.on_hand,
            "days_of_supply": found.on_hand / (need / 7),
            "stock_required": required,
            "shortfall": np.maximum(0.0, required - found.on_hand),
            "output_per_year": found.output_per_year,
            "years_to_rebuild": years_to_rebuild(found.on_hand, found.output_per_year),
        }
        classes = {c.class_id for c in plan.wide.cells if c.mission_id == mission and _front(plan, c.front) == front}
        rates = published_rates(plan.register, plan.study.date, sorted(classes))
        for name, rate in (("high", rates[-1]), ("low", rates[0])) if rates else ():
            measured[f"weeks_at_{name}"] = depth_weeks(found.on_hand, rate.per_week)
        if not found.stocks_known:  # unknown is not none
            measured = {name: np.full_like(found.on_hand, np.nan) for name in measured} | {"stock_required": required}
        keys = {"ecosystem": eco.name, "front": front, "side": fronts[front].side, "mission": mission, "tier": "magazine"}
        rows.append(keys | _with_spread(measured) | _used(rates) | _covered(found.coverage) | {"days": days})
    return rows


def _front(plan: Plan, index: int) -> str:
    return plan.wide.setting.fronts[index].front_id


def _used(rates: list[Rate]) -> dict[str, Any]:
    """The highest and the lowest published rate of use, and whose it was."""
    if not rates:
        return {}
    low, high = rates[0], rates[-1]
    return {"use_high": high.per_week, "use_high_by": high.label, "use_low": low.per_week, "use_low_by": low.label}


def _indicator_rows(plan: Plan) -> list[dict[str, Any]]:
    missions = plan.register.table("missions")
    named = {(t, m): tier for t, m, tier in plan.wide.setting.tiers}
    absent = plan.wide.setting.absent
    rows = []
    for mission, default in zip(missions["mission_id"], missions["tier"], strict=True):
        groups: list[tuple[str | None, str, set[str]]] = [
            (f.front_id, f.side, {p.actor_id for p in f.participants if p.fights is not None} - absent)
            for f in plan.wide.setting.fronts
            if named.get((f.theater, mission)) == "indicator"
        ]
        if default == "indicator" and not any(m == mission for _, m in named):
            groups = [
                (None, side, {p.actor_id for f in plan.wide.setting.fronts if f.side == side for p in f.participants} - absent)
                for side in sorted({f.side for f in plan.wide.setting.fronts})
            ]
        for front, side, who in groups:
            keys = {"front": front, "side": side, "mission": mission, "tier": "indicator"}
            rows += [keys | row for row in _indicators(plan, mission, _states(plan, who))]
    return rows


def _states(plan: Plan, who: set[str]) -> set[str]:
    """Without blocs that stand for what their members make."""
    actors = plan.register.table("actors")
    return who & set(actors[actors["type"] != "bloc"]["actor_id"])


def _indicators(plan: Plan, mission: str, who: set[str]) -> list[dict[str, Any]]:
    held = [
        {
            "kind": h.kind,
            "in_service": h.in_service,
            "operators": h.operators,
            "on_order": h.on_order,
            "announced": h.announced,
            "most_common": h.most_common,
            "commonality": h.commonality,
        }
        | _covered(h.coverage)
        for h in holdings(plan.register, plan.study.date, mission, who)
    ]
    made = [
        {"kind": b.materiel_id, "built_per_year": b.per_year, "makers": b.makers} | _covered(b.coverage)
        for b in built(plan.register, plan.study.date, mission, who)
    ]
    return held + made or [{"kind": None} | _covered(Coverage(0, 0, 0, len(who)))]


def _covered(coverage: Coverage) -> dict[str, int]:
    return dict(vars(coverage))


def _with_spread(measured: dict[str, F64]) -> dict[str, Any]:
    """The median of every measure, then low and high of each; None where no future has a finite value."""
    found = {name: _quantiles(values) for name, values in measured.items()}
    spread = {f"{name}_{end}": v for name, (low, _, high) in found.items() for end, v in (("low", low), ("high", high))}
    return {name: median for name, (_, median, _) in found.items()} | spread


def _quantiles(values: F64) -> tuple[float | None, float | None, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return None, None, None
    low, median, high = np.quantile(known, (0.05, 0.5, 0.95))
    return float(low), float(median), float(high)
