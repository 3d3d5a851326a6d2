"""Reach: what share of a coalition's stock and output a front could use, who supplies it, and how it compares.

Static, per future: lots net of floors plus output over the horizon, by access; announced or hesitant decisions do not enter,
export vetoes do. See ``docs/model.md``, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isthmus.interop.access import Access, access_in
from isthmus.interop.block import Block
from isthmus.interop.fronts import EcosystemRule
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
    block = Block(supply, draws)
    held = access_in(block, rule) if held is None else held
    return reach_in(block, held, lots_in(block, held))


def reach_in(block: Block, held: Access, lots: Mapping[int, F64]) -> dict[tuple[str, str], dict[str, F64]]:
    """The same for a block of futures, the access of one ecosystem to it and the lots of that access."""
    supply, n = block.supply, block.futures
    out: dict[tuple[str, str], dict[str, F64]] = {}
    whole = held.stocks.stock + row_output(supply, held)
    edges_of = block.kept("view edges", lambda: _view_edges(block))
    parts = block.kept("parts", lambda: _parts(block))
    needs = block.kept("needs", lambda: {view: _need(block, cells) for view, cells in _views(supply).items()})
    for (f, mission_id), cells in _views(supply).items():
        alone, both, hub, stock_only = (np.zeros(n) for _ in range(4))
        need = needs[f, mission_id]
        stated = bool((need > 0).any())
        for e in edges_of[f, mission_id]:
            row, lot = supply.edges[e].row, lots[e]
            alone += lot
            both += lot * parts[e] if e in parts else lot
            if supply.rows[row].hub:
                hub += lot
            if stated:
                stock_only += _unit(block, held, e) * (held.stocks.stock[row] - held.floor[e])
        coalition = _coalition(block, whole, cells)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[supply.setting.fronts[f].front_id, mission_id] = {
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
    block = Block(supply, draws)
    return donors_in(block, lots_in(block, access_in(block, rule) if held is None else held))


def donors_in(block: Block, lots: Mapping[int, F64]) -> dict[tuple[str, str, str], F64]:
    """The same for a block of futures and the lots of one ecosystem."""
    supply = block.supply
    out: dict[tuple[str, str, str], F64] = {}
    for e, lot in lots.items():
        edge = supply.edges[e]
        cell = supply.cells[supply.pools[edge.pool].cell]
        key = (supply.setting.fronts[cell.front].front_id, cell.mission_id, supply.rows[edge.row].actor_id)
        out[key] = out[key] + lot if key in out else lot
    return out


def lots_in(block: Block, held: Access) -> dict[int, F64]:
    """Edge over which something may flow → effect of its lot over the horizon, (futures,)."""
    stock, floor, output = held.stocks.stock, held.floor, row_output(block.supply, held)
    return {
        e: _unit(block, held, e) * (stock[edge.row] - floor[e] + output[edge.row])
        for e, edge in enumerate(block.supply.edges)
        if not block.barred[e]
    }


def _unit(block: Block, held: Access, e: int) -> F64:
    """Effect that a front has of a unit in the donor's stock, (futures,)."""
    pool = block.supply.edges[e].pool
    unit: F64 = held.share[e] * block.effects[pool]
    unit *= block.weight(block.supply.pools[pool].cell)
    return unit


def row_output(supply: Supply, held: Access) -> F64:
    """Output of every row over the horizon, units, rows × futures."""
    out = np.zeros_like(held.stocks.stock)
    for i, line in enumerate(supply.lines):
        out[line.row] += held.stocks.made[i]
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


def _view_edges(block: Block) -> dict[tuple[int, str], list[int]]:
    """Edges of every (front, mission) over which something may flow."""
    supply = block.supply
    edges: dict[tuple[int, str], list[int]] = {view: [] for view in _views(supply)}
    for e, edge in enumerate(supply.edges):
        if not block.barred[e]:
            cell = supply.cells[supply.pools[edge.pool].cell]
            edges[cell.front, cell.mission_id].append(e)
    return edges


def _need(block: Block, cells: list[int]) -> F64:
    """Stated need of a mission after the opening, effect a week, (futures,)."""
    return sum((block.weight(c) * plateau(block.supply, block.supply.cells[c], block.draws) for c in cells), block.zeros)


def _parts(block: Block) -> dict[int, F64]:
    """Of edges whose row both fronts of a side draw on: part of a lot that falls to the front, by stated need, else an equal part."""
    supply = block.supply
    drawn_by: dict[int, list[int]] = {}
    for e, edge in enumerate(supply.edges):
        if not block.barred[e]:
            drawn_by.setdefault(edge.row, []).append(e)
    needs = [plateau(supply, cell, block.draws) for cell in supply.cells]
    parts: dict[tuple[int, int], F64] = {}
    out = {}
    for edges in drawn_by.values():
        for e in edges if len(edges) > 1 else ():
            other = next(o for o in edges if o != e)
            a, b = (supply.pools[supply.edges[i].pool].cell for i in (e, other))
            if (a, b) not in parts:
                mine, theirs = needs[a], needs[b]
                # Where one front states no need, nothing tells how a lot would be shared: equal parts.
                parts[a, b] = np.where((mine > 0) & (theirs > 0), mine / np.maximum(1e-9, mine + theirs), 0.5)
            out[e] = parts[a, b]
    return out


def _coalition(block: Block, whole: F64, cells: list[int]) -> F64:
    """Stock and output of the whole side in the classes of the mission, effect. `whole`: those of every row, units."""
    supply = block.supply
    side = supply.setting.fronts[supply.cells[cells[0]].front].side
    total = np.zeros(block.futures)
    by_class = {supply.cells[c].class_id: block.weight(c) for c in cells}
    for r, row in enumerate(supply.rows):
        if row.side == side and row.class_id in by_class:
            unit = block.draws[f"effect:{row.materiel_id}"] * by_class[row.class_id]
            total += unit * whole[r]
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
