"""From a supply network and drawn futures to the arrays of the kernel. Every check is done here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.interop.access import Access, access_in, decisions, launcher_cap
from isthmus.interop.block import Block
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.supply import Supply
from isthmus.sustainment import kernel as k

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

NO_CAP = 1e30
FILL_RULES = {"pooled": k.POOLED, "weakest": k.WEAKEST}


@dataclass(frozen=True)
class Labels:
    """Names along the kernel's axes."""

    views: tuple[str, ...]
    """front.mission"""
    duels: tuple[str, ...]
    """theater.mission"""
    groups: tuple[str, ...]
    """side.materiel"""
    sides: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class CampaignInputs:
    """Network and lanes of one ecosystem and one block of futures. `futures` of the last tile's lanes are real."""

    network: k.Network
    lanes: k.Lanes
    labels: Labels
    futures: int

    def with_exchange(self, on: bool) -> CampaignInputs:
        """The same inputs, with forces that wear each other down or not."""
        return replace(self, network=self.network._replace(exchange=int(on)))

    def starts(self, weeks_by_theater: Mapping[str, int], theaters: tuple[str, ...]) -> npt.NDArray[np.int32]:
        """First week of war per front; -1 for theaters at peace."""
        return np.array([weeks_by_theater.get(t, -1) for t in theaters], np.int32)


def campaign_inputs(
    supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], fill_rules: Mapping[str, str]
) -> CampaignInputs:
    """Arrays for the futures of `draws`. `fill_rules`: mission → pooled or weakest. Raises ValueError where a value cannot be."""
    return inputs_in(Block(supply, draws), rule, fill_rules)


def inputs_in(block: Block, rule: EcosystemRule, fill_rules: Mapping[str, str]) -> CampaignInputs:
    """The same for a block of futures; ecosystems that ask the same block share the arrays in which they do not differ."""
    network, labels = block.kept("network", lambda: build_network(block.supply, fill_rules))
    held = access_in(block, rule)
    common = block.kept("lanes", lambda: _checked_tiles(_common_values(block, network, held)))
    lanes = common | _checked_tiles(_own_values(block, network, held, rule))
    if lanes["lag"].max(initial=0) >= k.RING:
        raise ValueError(f"lag: {lanes['lag'].max():g} weeks, at most {k.RING - 1} are held")
    return CampaignInputs(network, k.Lanes(**lanes), labels, block.futures)


def _checked_tiles(values: Mapping[str, F64]) -> dict[str, F32]:
    tiles = {name: _tiles(array) for name, array in values.items()}
    for name, array in tiles.items():
        if not np.isfinite(array).all():
            wrong = int((~np.isfinite(values[name].astype(np.float32))).sum())
            raise ValueError(f"{name}: not a number in {wrong} places")
    return tiles


def _tiles(array: F64) -> F32:
    """(n, futures) → (tiles, n, LANES), the last future repeated to fill its tile."""
    n, futures = array.shape
    out = np.empty((-(-futures // k.LANES), n, k.LANES), np.float32)
    for tile, first in zip(out, range(0, futures, k.LANES), strict=True):
        block = array[:, first : first + k.LANES]
        tile[:, : block.shape[1]] = block
        tile[:, block.shape[1] :] = block[:, -1:]
    return out


def build_network(supply: Supply, fill_rules: Mapping[str, str]) -> tuple[k.Network, Labels]:
    """Index arrays of a supply network, equal for all futures and ecosystems."""
    fronts = supply.setting.fronts
    groups = supply.group_labels()
    group_of = {g: i for i, g in enumerate(groups)}
    sides = sorted({g.split(".", 1)[0] for g in groups})
    views = sorted({(c.front, c.mission_id) for c in supply.cells})
    view_of = {v: i for i, v in enumerate(views)}
    waits = [e for e, edge in enumerate(supply.edges) if edge.wait is not None]
    home, away = _row_edges(supply)
    reactions = [(i, j) for i, c in enumerate(supply.cells) for r in c.need.reactions for j in _sources(supply, i, r.against)]
    duels = []
    for f, front in enumerate(fronts):
        for g, other in enumerate(fronts):
            if front.theater == other.theater and front.role == "attacker" and other.role == "defender":
                duels += [
                    (view_of[f, m], view_of[g, m], f"{front.theater}.{m}")
                    for m in sorted({m for x, m in views if x == f} & {m for x, m in views if x == g})
                ]
    kinds = {"path": k.PATH, "reactive": k.REACTIVE, "unstated": k.UNSTATED}
    reactive_views = {view_of[c.front, c.mission_id] for c in supply.cells if c.need.kind == "reactive"}
    i32 = _i32
    network = k.Network(
        row_group=i32(group_of[f"{r.side}.{r.materiel_id}"] for r in supply.rows),
        row_home_edge=i32(home),
        row_away_edge=i32(away),
        line_row=i32(line.row for line in supply.lines),
        edge_row=i32(e.row for e in supply.edges),
        edge_home_front=i32(_home_front(supply, e, home, away) for e in range(len(supply.edges))),
        edge_pool=i32(e.pool for e in supply.edges),
        edge_desk=i32(e.desk for e in supply.edges),
        edge_mode=i32(k.HOME if e.home else k.NEAR if e.near else k.FAR for e in supply.edges),
        edge_wait=i32(waits.index(i) if e.wait is not None else -1 for i, e in enumerate(supply.edges)),
        edge_hub=i32(supply.rows[e.row].hub for e in supply.edges),
        pool_cell=i32(p.cell for p in supply.pools),
        pool_group=i32(group_of[f"{fronts[supply.cells[p.cell].front].side}.{p.materiel_id}"] for p in supply.pools),
        pool_mass_t=np.array([p.mass_t for p in supply.pools], np.float32),
        cell_front=i32(c.front for c in supply.cells),
        cell_view=i32(view_of[c.front, c.mission_id] for c in supply.cells),
        cell_kind=i32(kinds[c.need.kind] for c in supply.cells),
        reaction_cell=i32(i for i, _ in reactions),
        reaction_source=i32(j for _, j in reactions),
        desk_front=i32(d.front for d in supply.desks),
        view_front=i32(f for f, _ in views),
        view_rule=i32(FILL_RULES[fill_rules[m]] if fronts[f].role == "defender" else k.POOLED for f, m in views),
        duel_attacker=i32(a for a, _, _ in duels),
        duel_defender=i32(d for _, d, _ in duels),
        duel_kind=i32(k.BY_PRESSURE if d in reactive_views else k.BY_RATIO for _, d, _ in duels),
        group_side=i32(sides.index(g.split(".", 1)[0]) for g in groups),
        n_groups=len(groups),
        n_fronts=len(fronts),
        n_sides=len(sides),
        exchange=0,
    )
    labels = (tuple(f"{fronts[f].front_id}.{m}" for f, m in views), tuple(name for _, _, name in duels), groups, tuple(sides))
    return network, Labels(*labels, k.columns(network, *labels, supply.setting.horizon_weeks))


def _i32(values: Iterable[int]) -> npt.NDArray[np.int32]:
    return np.array([int(v) for v in values], np.int32)


def _sources(supply: Supply, cell: int, against: str) -> list[int]:
    """Cells of the same theater and the other side whose class a reaction answers."""
    mine = supply.setting.fronts[supply.cells[cell].front]
    out = []
    for j, c in enumerate(supply.cells):
        theirs = supply.setting.fronts[c.front]
        if theirs.theater == mine.theater and theirs.side != mine.side and c.class_id == against:
            out.append(j)
    return out


def _row_edges(supply: Supply) -> tuple[list[int], list[int]]:
    """At most two edges a row: the home theater's front first. Raises ValueError where three fronts draw on one row."""
    home, away = [-1] * len(supply.rows), [-1] * len(supply.rows)
    for e, edge in sorted(enumerate(supply.edges), key=lambda pair: not pair[1].near):
        if home[edge.row] < 0:
            home[edge.row] = e
        elif away[edge.row] < 0:
            away[edge.row] = e
        else:
            raise ValueError(f"{supply.rows[edge.row].label}: more than two fronts of one side draw on it")
    return home, away


def _home_front(supply: Supply, e: int, home: list[int], away: list[int]) -> int:
    """The front at home of a donor that draws away from it; -1 where the edge is at home or the actor has no home theater."""
    row = supply.edges[e].row
    if away[row] != e or supply.rows[row].home_theater is None:
        return -1
    return supply.cells[supply.pools[supply.edges[home[row]].pool].cell].front


def _common_values(block: Block, network: k.Network, held: Access) -> dict[str, F64]:
    """Values that no ecosystem changes."""
    supply, draws, n = block.supply, block.draws, block.futures
    far_fighter = [not edge.near and supply.desks[edge.desk].fights is not None for edge in supply.edges]
    forward = draws["forward.outside"] * held.fights
    needs = _stated_needs(block)
    cells, duels = len(supply.cells), len(network.duel_kind)
    out = {
        "stock": held.stocks.stock,
        "cost": _stack([draws.get(f"cost:{g.split('.', 1)[1]}", block.zeros) for g in supply.group_labels()], n),
        "forward": _stack([forward[e.desk] if far else block.zeros for e, far in zip(supply.edges, far_fighter, strict=True)], n),
        "wait": _stack([draws[edge.wait] for edge in supply.edges if edge.wait is not None], n),
        "lift": _stack([draws[f"lift.{f.side}"] for f in supply.setting.fronts], n),
        "effect": block.effects,
        **{f"tranche_{name}": values for name, values in decisions(supply, held, draws).items()},
        "need_plateau": needs.plateau,
        "need_fade": needs.fade,
        "reaction": needs.reaction,
        "weight": _stack([block.weight(c) for c in range(cells)], n),
        "cover": np.tile(draws["plan.cover"], (cells, 1)),
        "plan_weeks": _stack([draws[cell.need.plan] for cell in supply.cells], n),
        "reserve": np.tile(draws["plan.reserve"], (cells, 1)),
        "ratio": np.tile(draws["duel.ratio"], (duels, 1)),
        "pressure": np.tile(draws["duel.pressure"], (duels, 1)),
    }
    for name in ("wear", "mend", "replace"):
        out[name] = np.tile(draws[f"exchange.{name}"], (duels, 1))
    return out


def _own_values(block: Block, network: k.Network, held: Access, rule: EcosystemRule) -> dict[str, F64]:
    """Values in which ecosystems differ."""
    supply, draws, n = block.supply, block.draws, block.futures
    row_floor = held.stocks.stock.copy()
    for e, edge in enumerate(supply.edges):
        np.minimum(row_floor[edge.row], held.floor[e], out=row_floor[edge.row])
    near, far = (np.round(draws[lag] + held.integration_weeks) for lag in ("lag.near", "lag.far"))
    return {
        "row_floor": row_floor,
        "joint": held.joint,
        "line_path": held.stocks.output.transpose(1, 0, 2).reshape(-1, n),
        "access": held.share,
        "floor": held.floor,
        "loss": held.loss,
        "lag": np.clip(np.concatenate([near, far]), 0, k.RING - 1),
    } | _needs(block, network, held, rule)


def _stack(rows: list[F64], n: int) -> F64:
    return np.array(rows).reshape(-1, n)


class _Stated(NamedTuple):
    """Needs as far as the study states them; cells × futures, shots of reactions × futures."""

    opening: F64
    plateau: F64
    fade: F64
    reaction: F64


def _stated_needs(block: Block) -> _Stated:
    return block.kept("stated needs", lambda: _stated_needs_anew(block))


def _stated_needs_anew(block: Block) -> _Stated:
    supply, draws = block.supply, block.draws
    opening, plateau, fade = (np.zeros((len(supply.cells), block.futures)) for _ in range(3))
    reaction = []
    for c, cell in enumerate(supply.cells):
        need = cell.need
        if need.kind == "path":
            opening[c] = draws[_name(need.open)]
            plateau[c] = np.minimum(opening[c], draws[_name(need.plateau)])
            fade[c] = np.exp(-1 / np.maximum(0.01, draws[_name(need.fade)]))
        for r in need.reactions:
            for j in _sources(supply, c, r.against):
                shots = draws[r.engaged] * draws[r.shots]
                reaction.append(shots)
                opening[c] += shots * opening[j]
    return _Stated(opening, plateau, fade, _stack(reaction, block.futures))


def _needs(block: Block, network: k.Network, held: Access, rule: EcosystemRule) -> dict[str, F64]:
    """Needs, and what follows from them: unit of a tranche, shares of a common lot, caps."""
    supply, draws, n = block.supply, block.draws, block.futures
    vetoed, eff, share = block.barred, block.effects, held.share
    cells = range(len(supply.cells))
    lots = np.zeros((len(cells), n))
    for e, edge in enumerate(supply.edges):
        if not vetoed[e]:
            lots[supply.pools[edge.pool].cell] += share[e] * (held.stocks.stock[edge.row] - held.floor[e]) * eff[edge.pool]
    for line_index, line in enumerate(supply.lines):
        for e in (int(network.row_home_edge[line.row]), int(network.row_away_edge[line.row])):
            if e >= 0 and not vetoed[e]:
                pool = supply.edges[e].pool
                lots[supply.pools[pool].cell] += share[e] * held.stocks.output[line_index, 0] * 52 * eff[pool]
    opening = _stated_needs(block).opening.copy()
    for c, cell in enumerate(supply.cells):
        if cell.need.kind == "unstated":
            # Use follows supply: what a planner spreads over his weeks is the need that orders start from.
            opening[c] = lots[c] / draws[cell.need.plan]
    plan_share = np.ones((len(supply.edges), n))
    for h, a in zip(network.row_home_edge, network.row_away_edge, strict=True):
        if h >= 0 and a >= 0 and not (vetoed[h] or vetoed[a]):
            if block.hub_parts[h] < 1 or block.hub_parts[a] < 1:
                plan_share[h] = plan_share[a] = 2.0
                continue
            first, second = (opening[supply.pools[supply.edges[e].pool].cell] for e in (h, a))
            plan_share[h] = first / np.maximum(1e-9, first + second)
            plan_share[a] = 1 - plan_share[h]
    caps = [launcher_cap(block, c, rule) for c in cells]
    return {
        "plan_share": plan_share,
        "tranche_unit": opening / np.maximum(1e-6, lots),
        "need_open": opening,
        "reference_need": opening,
        "cap": _stack([cap if cap is not None else np.full(n, NO_CAP) for cap in caps], n),
    }


def _name(value: str | None) -> str:
    if value is None:
        raise ValueError("a need with a path names open, plateau and fade")
    return value
