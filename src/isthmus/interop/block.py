"""A block of futures of one supply network: what no ecosystem changes, and what ecosystems have in common, computed once.

An ecosystem is a state of each of six layers, and a layer has few states: most of what one ecosystem needs, another has computed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from isthmus.axes import Layer
from isthmus.interop.ecosystem import held_share
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.supply import Supply

F64 = npt.NDArray[np.float64]
T = TypeVar("T")


class LayerShares:
    """Share of a layer that an actor holds, (futures,), kept by actor and state of the layer."""

    def __init__(self, supply: Supply, draws: Mapping[str, F64]) -> None:
        self._holdings, self._draws = supply.holdings, draws
        self._kept: dict[Hashable, F64] = {}

    def __call__(self, actor_id: str, layer: Layer, rule: EcosystemRule) -> F64:
        key = (actor_id, rule.states[layer])
        if key not in self._kept:
            members = self._holdings.members.get(actor_id)
            if members:
                self._kept[key] = np.mean([self(m, layer, rule) for m in members], axis=0)
            else:
                self._kept[key] = held_share(self._holdings.cells(actor_id, layer), layer, rule, self._draws)
        return self._kept[key]


class Block:
    """Futures of a supply network. Arrays that it hands out are shared: to be read, never written.

    `layers`: those of another network of the same register, date and futures, where there is one.
    """

    def __init__(self, supply: Supply, draws: Mapping[str, F64], layers: LayerShares | None = None) -> None:
        self.supply, self.draws = supply, draws
        self.futures = len(next(iter(draws.values())))
        self.layers = layers or LayerShares(supply, draws)
        self.zeros, self.ones = np.zeros(self.futures), np.ones(self.futures)
        self._kept: dict[Hashable, Any] = {}

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for `key`; made now where nothing was. What `make` gives must hang on the block and the key alone."""
        if key not in self._kept:
            self._kept[key] = make()
        found: T = self._kept[key]
        return found

    @cached_property
    def barred(self) -> tuple[bool, ...]:
        return tuple(barred(self.supply, e) for e in range(len(self.supply.edges)))

    @cached_property
    def hub_parts(self) -> tuple[float, ...]:
        return tuple(hub_part(self.supply, e) for e in range(len(self.supply.edges)))

    @cached_property
    def pool_edges(self) -> tuple[tuple[int, ...], ...]:
        """Edges of every pool."""
        found: list[list[int]] = [[] for _ in self.supply.pools]
        for e, edge in enumerate(self.supply.edges):
            found[edge.pool].append(e)
        return tuple(map(tuple, found))

    @cached_property
    def desk_of(self) -> dict[tuple[int, str], int]:
        """(front, actor) → desk."""
        return {(d.front, d.actor_id): i for i, d in enumerate(self.supply.desks)}

    @cached_property
    def fighting(self) -> F64:
        """1 where the actor of a desk fights, else 0; desks × futures."""
        return fights(self.supply, self.draws)

    @cached_property
    def stock(self) -> F64:
        """Opening stock, units; rows × futures."""
        draws = self.draws
        out = np.zeros((len(self.supply.rows), self.futures))
        for i, row in enumerate(self.supply.rows):
            if row.stock is not None:
                out[i] = draws[row.stock] * (draws[row.stock_factor] if row.stock_factor else 1.0)
        for claim in self.supply.setting.peacetime:
            for i, row in enumerate(self.supply.rows):
                if row.stock is not None and (row.actor_id, row.materiel_id) == (claim.actor_id, claim.materiel_id):
                    out[i] = np.maximum(0.0, out[i] - claim.taken(draws))
        return out

    @cached_property
    def effects(self) -> F64:
        """Effect of a unit; pools × futures."""
        return np.array([self.draws[f"effect:{p.materiel_id}"] for p in self.supply.pools]).reshape(-1, self.futures)

    def weight(self, cell: int) -> F64:
        """Effect of a cell's class in its mission, (futures,)."""
        name = self.supply.cells[cell].need.weight
        return self.draws[name] if name else self.ones


def fights(supply: Supply, draws: Mapping[str, F64]) -> F64:
    """1 where the actor of a desk fights, else 0; desks × futures. Whether an ally supplies is another draw."""
    n = len(next(iter(draws.values())))
    out = np.zeros((len(supply.desks), n))
    for i, desk in enumerate(supply.desks):
        if desk.fights is not None and desk.actor_id not in supply.setting.absent:
            name = f"fights:{desk.actor_id}@{supply.setting.fronts[desk.front].theater}"
            out[i] = draws[name] < draws[desk.fights]
    return out


def barred(supply: Supply, e: int) -> bool:
    """Whether nothing may flow on an edge: its donor may give nothing, or this materiel may not reach this front."""
    edge = supply.edges[e]
    return edge.vetoed or supply.desks[edge.desk].vetoed


def hub_part(supply: Supply, e: int) -> float:
    """The part of a hub's stock and output that the study reserves for the theater of an edge; 1 where it leaves that to need."""
    edge = supply.edges[e]
    row = supply.rows[edge.row]
    # A hub that lives in one of the theaters keeps its own stocks there: the split is that of one that lives in neither.
    if not supply.setting.hub_split or not row.hub or row.home_theater is not None:
        return 1.0
    front = supply.setting.fronts[supply.cells[supply.pools[edge.pool].cell].front]
    drawn_by = {
        supply.cells[supply.pools[other.pool].cell].front
        for i, other in enumerate(supply.edges)
        if other.row == edge.row and not barred(supply, i)
    }
    return dict(supply.setting.hub_split).get(front.theater, 1.0) if len(drawn_by) > 1 else 1.0
