"""Reach: what share of a coalition's stock and output a front could use, who supplies it, and how it compares.

Static, per future: lots net of floors plus output over the horizon, by access; announced or hesitant decisions do not enter,
export vetoes do. See ``docs/model.md``, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isthmus.interop.access import Access, access, barred
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.output import output_to
from isthmus.interop.supply import NeedCell, Supply

F64 = npt.NDArray[np.float64]

MEASURES = ("reach", "reach_if_both_draw", "hub_share", "scale_ratio", "days_of_supply", "reachable", "coalition")


def reach(
    supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], held: Access | None = None
) -> dict[tuple[str, str], dict[str, F64]]:
    """(front, mission) → measure → (futures,).

    reach, reach_if_both_draw, hub_share: shares; scale_ratio: own reachable effect by the other side's in the same theater;
    days_of_supply: reachable opening stock by the stated need of a day after the opening, NaN where no need is stated;
    reachable, coalition: effect. `held`: the access of these futures, where the caller has it.
    """
    held = access(supply, rule, draws) if held is None else held
    n = len(next(iter(draws.values())))
    out: dict[tuple[str, str], dict[str, F64]] = {}
    weight = [draws[c.need.weight] if c.need.weight else np.ones(n) for c in supply.cells]
    output = row_output(supply, held)
    drawn_by: dict[int, list[int]] = {}
    for e, edge in enumerate(supply.edges):
        drawn_by.setdefault(edge.row, []).append(e)
    for cells in _views(supply).values():
        front = supply.setting.fronts[supply.cells[cells[0]].front]
        alone, both, hub, stock_only = (np.zeros(n) for _ in range(4))
        for e, edge in enumerate(supply.edges):
            c = supply.pools[edge.pool].cell
            if c not in cells or barred(supply, e):
                continue
            row = supply.rows[edge.row]
            unit = held.share[e] * draws[f"effect:{row.materiel_id}"] * weight[c]
            kept = held.stocks.stock[edge.row] - held.floor[e]
            lot = unit * (kept + output[edge.row])
            alone += lot
            both += lot * _part(supply, e, drawn_by[edge.row], draws)
            hub += lot if row.hub else 0.0
            stock_only += unit * kept
        coalition = _coalition(supply, held, output, cells, weight, draws)
        need = sum((weight[c] * plateau(supply, supply.cells[c], draws) for c in cells), np.zeros(n))
        with np.errstate(divide="ignore", invalid="ignore"):
            out[front.front_id, supply.cells[cells[0]].mission_id] = {
                "reach": np.where(coalition > 0, alone / coalition, np.nan),
                "reach_if_both_draw": np.where(coalition > 0, both / coalition, np.nan),
                "hub_share": np.where(alone > 0, hub / alone, np.nan),
                "days_of_supply": np.where(need > 0, stock_only / (need / 7), np.nan),
                "reachable": alone,
                "coalition": coalition,
            }
    _add_scale_ratios(supply, out)
    return out


def donors(
    supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], held: Access | None = None
) -> dict[tuple[str, str, str], F64]:
    """(front, mission, donor) → reachable effect per future: who could supply which front."""
    held = access(supply, rule, draws) if held is None else held
    output = row_output(supply, held)
    out: dict[tuple[str, str, str], F64] = {}
    for e, edge in enumerate(supply.edges):
        if barred(supply, e):
            continue
        cell = supply.cells[supply.pools[edge.pool].cell]
        row = supply.rows[edge.row]
        weight = draws[cell.need.weight] if cell.need.weight else 1.0
        lot = (
            held.share[e]
            * draws[f"effect:{row.materiel_id}"]
            * weight
            * (held.stocks.stock[edge.row] - held.floor[e] + output[edge.row])
        )
        key = (supply.setting.fronts[cell.front].front_id, cell.mission_id, row.actor_id)
        out[key] = out.get(key, np.zeros_like(lot)) + lot
    return out


def row_output(supply: Supply, held: Access) -> F64:
    """Output of every row over the horizon, units, rows × futures."""
    out = np.zeros_like(held.stocks.stock)
    for i, line in enumerate(supply.lines):
        out[line.row] += output_to(held.stocks.output[i], supply.setting.horizon_weeks)
    return out


def plateau(supply: Supply, cell: NeedCell, draws: Mapping[str, F64]) -> F64:
    """Stated need of a cell after the opening, effect a week; zero where none is stated."""
    n = len(next(iter(draws.values())))
    if cell.need.kind == "path":
        return np.minimum(draws[str(cell.need.open)], draws[str(cell.need.plateau)])
    total = np.zeros(n)
    mine = supply.setting.fronts[cell.front]
    for reaction in cell.need.reactions:
        for other in supply.cells:
            theirs = supply.setting.fronts[other.front]
            if theirs.theater == mine.theater and theirs.side != mine.side and other.class_id == reaction.against:
                total = total + draws[reaction.engaged] * draws[reaction.shots] * plateau(supply, other, draws)
    return total


def _views(supply: Supply) -> dict[tuple[int, str], list[int]]:
    views: dict[tuple[int, str], list[int]] = {}
    for c, cell in enumerate(supply.cells):
        views.setdefault((cell.front, cell.mission_id), []).append(c)
    return views


def _part(supply: Supply, e: int, row_edges: list[int], draws: Mapping[str, F64]) -> F64 | float:
    """Part of a lot that falls to this front when both of its side's fronts draw: by stated need, else in equal parts."""
    others = [o for o in row_edges if o != e and not barred(supply, o)]
    if not others:
        return 1.0
    mine, theirs = (plateau(supply, supply.cells[supply.pools[supply.edges[i].pool].cell], draws) for i in (e, others[0]))
    # Where one front states no need, nothing tells how a lot would be shared: equal parts.
    return np.where((mine > 0) & (theirs > 0), mine / np.maximum(1e-9, mine + theirs), 0.5)


def _coalition(supply: Supply, held: Access, output: F64, cells: list[int], weight: list[F64], draws: Mapping[str, F64]) -> F64:
    """Stock and output of the whole side in the classes of the mission, effect."""
    side = supply.setting.fronts[supply.cells[cells[0]].front].side
    total = np.zeros(held.stocks.stock.shape[1])
    by_class = {supply.cells[c].class_id: weight[c] for c in cells}
    for r, row in enumerate(supply.rows):
        if row.side == side and row.class_id in by_class:
            total = total + draws[f"effect:{row.materiel_id}"] * by_class[row.class_id] * (held.stocks.stock[r] + output[r])
    return total


def _add_scale_ratios(supply: Supply, out: dict[tuple[str, str], dict[str, F64]]) -> None:
    by_id = {f.front_id: f for f in supply.setting.fronts}
    for (front_id, mission), values in out.items():
        mine = by_id[front_id]
        others = [
            v["reachable"]
            for (f, m), v in out.items()
            if m == mission and by_id[f].theater == mine.theater and by_id[f].side != mine.side
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            values["scale_ratio"] = (
                np.where(others[0] > 0, values["reachable"] / others[0], np.nan)
                if others
                else np.full_like(values["reachable"], np.nan)
            )
