"""Ecosystems: who holds which concept, doctrine, capability, technology, industry agreement and standard at a threshold.

Unknown is not none. A cell that nobody looked up counts as the share p that is drawn per future from one prior by layer, the
same for both sides (``docs/model.md``, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.axes import LADDER, Layer
from isthmus.interop.fronts import EcosystemRule
from isthmus.register import Register

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """One actor and one item. `rank` is None where nothing is known."""

    actor_id: str
    item_id: str
    rank: int | None
    side: str = "neutral"


class Holdings:
    """Actors × items at a date, with the ladder step each actor is known to have reached."""

    def __init__(self, register: Register, date: str) -> None:
        view = register.at(date)
        self.items = view.table("items").set_index("item_id")
        self.members = _members(view)
        self._states = set(view.table("actors").query("type == 'state'")["actor_id"])
        self._side = view.table("actors").set_index("actor_id")["side"].to_dict()
        adoptions = view.table("adoptions")
        held = adoptions[adoptions["maturity"] != "exercised"].assign(rank=lambda f: f["maturity"].map(LADDER))
        self._rank: dict[tuple[str, str], int] = {}
        self._facts: dict[tuple[str, str], list[str]] = {}
        for actor, item, rank, fact in zip(held["actor_id"], held["item_id"], held["rank"], held["fact_id"], strict=True):
            self._rank[actor, item] = max(rank, self._rank.get((actor, item), 0))
            self._facts.setdefault((actor, item), []).append(fact)
        self._cells: dict[tuple[str, Layer], list[Cell]] = {}
        self._applies_to: dict[str, frozenset[str]] = {}
        self._by_layer: dict[tuple[Layer, str], list[str]] = {}
        self._by_family: dict[tuple[Layer, ...], dict[str, list[str]]] = {}

    def expand(self, ids: Iterable[str]) -> list[str]:
        """Blocs replaced by their members, in alphabetical order."""
        out: set[str] = set()
        for one in ids:
            out.update(self.members.get(one, (one,)) if one not in self._states else (one,))
        return sorted(out)

    def applies_to(self, item_id: str) -> list[str]:
        cell = self.items.at[item_id, "applies_to"]
        if cell is None or pd.isna(cell):
            side = self.items.at[item_id, "side"]
            return sorted(a for a in self._states if self._side[a] == side)
        return self.expand(part.strip() for part in str(cell).split(";"))

    def cells(self, actor_id: str, layer: Layer) -> list[Cell]:
        """Cells of an actor in a layer: every item of its side that applies to it or that it is known to hold."""
        if (actor_id, layer) not in self._cells:
            found = (self.cell(actor_id, item) for item in self._layer_items(layer, self._side.get(actor_id, "neutral")))
            self._cells[actor_id, layer] = [cell for cell in found if cell is not None]
        return self._cells[actor_id, layer]

    def facts(self, cell: Cell) -> tuple[str, ...]:
        return tuple(self._facts.get((cell.actor_id, cell.item_id), ()))

    def for_families(self, layers: tuple[Layer, ...]) -> Mapping[str, list[str]]:
        """Family of materiel → items of the layers that name it."""
        if layers not in self._by_family:
            out = self._by_family[layers] = {}
            chosen = self.items[self.items["layer"].isin(layers) & self.items["families"].notna()]
            for item_id, families in chosen["families"].items():
                for family in str(families).split(";"):
                    out.setdefault(family.strip(), []).append(str(item_id))
        return self._by_family[layers]

    def cell(self, actor_id: str, item_id: str) -> Cell | None:
        """The cell of an item that applies to the actor or is known of it; None where it does not apply."""
        rank = self._rank.get((actor_id, item_id))
        if rank is None and actor_id not in self._applies(item_id):
            return None
        return Cell(actor_id, item_id, rank, self._side.get(actor_id, "neutral"))

    def _layer_items(self, layer: Layer, side: str) -> list[str]:
        if (layer, side) not in self._by_layer:
            chosen = (self.items["layer"] == layer) & (self.items["side"] == side)
            self._by_layer[layer, side] = [str(item_id) for item_id in self.items[chosen].index]
        return self._by_layer[layer, side]

    def _applies(self, item_id: str) -> frozenset[str]:
        if item_id not in self._applies_to:
            self._applies_to[item_id] = frozenset(self.applies_to(item_id))
        return self._applies_to[item_id]


def _members(register: Register) -> dict[str, tuple[str, ...]]:
    frame = register.table("memberships")
    return {str(bloc): tuple(sorted(part["actor_id"])) for bloc, part in frame.groupby("bloc_id")}


def held_share(cells: list[Cell], layer: Layer, rule: EcosystemRule, draws: Mapping[str, F64]) -> F64:
    """Share of the cells that count as held, per future, shape (futures,). No cell at all counts as nothing shared.

    Known cells count 1 at or above the threshold; unknown ones count the drawn share, which grows step by step as the
    threshold falls. In a layer that the ecosystem completes, everything is held.
    """
    futures = len(next(iter(draws.values())))
    if layer in rule.complete:
        return np.ones(futures)
    if not cells:
        return np.zeros(futures)
    need = LADDER[rule.threshold(layer)]
    known = sum(c.rank >= need for c in cells if c.rank is not None)
    unknown = sum(c.rank is None for c in cells)
    fixed = [rates[need - 1] for side, of, rates in rule.unknown if of == layer and side == cells[0].side]
    drawn = np.full(futures, fixed[0]) if fixed else unknown_share(layer, need, draws)
    share: F64 = (known + unknown * drawn) / len(cells)
    return share


def unknown_share(layer: Layer, need: int, draws: Mapping[str, F64]) -> F64:
    """Drawn share of unknown cells at or above rank `need` (3 implemented, 2 agreed, 1 declared), shape (futures,)."""
    share = draws[f"prior.unknown.{layer}"]
    for _ in range(LADDER["implemented"] - need):
        share = share + (1 - share) * draws["prior.unknown.step"]
    return share


def cell_value(cell: Cell | None, layer: Layer, rule: EcosystemRule, draws: Mapping[str, F64]) -> F64:
    """How far one cell counts as held, per future, shape (futures,); zero where the item does not apply."""
    if cell is None:
        return np.zeros(len(next(iter(draws.values()))))
    return held_share([cell], layer, rule, draws)
