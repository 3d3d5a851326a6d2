"""What a study says of its fronts, in plain frozen objects: who fights where, who may give, what a front needs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from isthmus.axes import Layer, Maturity, Side, Tier
from isthmus.ensemble import Uncertainty


@dataclass(frozen=True)
class Reaction:
    """Need that follows from what the other side launches: need += engaged × shots × launches of class `against`."""

    against: str
    engaged: str
    """Uncertainty: share of launches that is engaged."""
    shots: str
    """Uncertainty: shots fired at a target engaged."""


@dataclass(frozen=True)
class Need:
    """Need of one class at a front, in effect a week: a path, a reaction, or unstated (use follows supply)."""

    class_id: str
    open: str | None = None
    plateau: str | None = None
    fade: str | None = None
    reactions: tuple[Reaction, ...] = ()
    weight: str | None = None
    """Uncertainty: effect of the class in the mission; 1 where none is named."""
    rate: str | None = None
    """Uncertainty: most that one launcher fires a week; no cap where none is named."""
    plan: str = "plan.weeks"
    """Uncertainty: weeks over which the planner spreads what he can draw on."""

    @property
    def kind(self) -> Literal["path", "reactive", "unstated"]:
        if self.reactions:
            return "reactive"
        return "path" if self.open is not None else "unstated"


@dataclass(frozen=True)
class Participant:
    """An actor of a front. `fights`: uncertainty of the chance that it fights; None for a donor of materiel only."""

    actor_id: str
    fights: str | None = None


@dataclass(frozen=True)
class Veto:
    """An export rule or a licensor's refusal: what may not reach a front. Empty tuples mean any."""

    front_id: str
    donors: tuple[str, ...] = ()
    licensor: str | None = None
    materiel: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delay:
    """A plan of output that comes later than stated, by whole weeks."""

    actor_id: str
    materiel_id: str
    weeks: float


@dataclass(frozen=True)
class Front:
    front_id: str
    theater: str
    side: Side
    role: Literal["attacker", "defender"]
    participants: tuple[Participant, ...]
    needs: tuple[Need, ...]
    vetoed: tuple[str, ...] = ()
    """Donors whose export rules or licensors forbid any transfer to this front."""


@dataclass(frozen=True)
class Claim:
    """Another war that takes part of a side's output first. `share` scales the claim uncertainty: 0 ended, 1 continuing."""

    name: str
    share: float
    actors: frozenset[str]
    """Whose output it takes."""


class StockClaim(Protocol):
    """What is taken from one opening stock before the war begins."""

    @property
    def actor_id(self) -> str: ...

    @property
    def materiel_id(self) -> str: ...

    @property
    def uncertainties(self) -> tuple[Uncertainty, ...]:
        """All that `taken` reads from the draws."""

    def taken(self, draws: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Units, (futures,); the stock may hold less."""


@dataclass(frozen=True)
class EcosystemRule:
    """Which steps of the ladder count as holding, per layer, and which layers are taken as held by all."""

    name: str
    thresholds: tuple[tuple[Layer, Maturity], ...]
    complete: tuple[Layer, ...] = ()
    unknown: tuple[tuple[Side, Layer, tuple[float, float, float]], ...] = ()
    """For the parity check: (side, layer, share of its unknown cells taken as at least declared, agreed, implemented)."""

    def threshold(self, layer: Layer) -> Maturity:
        return dict(self.thresholds)[layer]

    @cached_property
    def states(self) -> Mapping[Layer, Hashable]:
        """All that the rule says of each layer: where two rules say the same, actors hold the same of it."""
        unknown = {layer: tuple(u for u in self.unknown if u[1] == layer) for layer, _ in self.thresholds}
        return {layer: (layer, step, layer in self.complete, unknown[layer]) for layer, step in self.thresholds}


@dataclass(frozen=True)
class Setting:
    """Everything about a study that shapes the supply network."""

    date: str
    horizon_weeks: int
    fronts: tuple[Front, ...]
    claims: tuple[Claim, ...] = ()
    tiers: tuple[tuple[str, str, Tier], ...] = field(default=())
    """(theater, mission, tier)."""
    vetoes: tuple[Veto, ...] = ()
    delays: tuple[Delay, ...] = ()
    absent: frozenset[str] = frozenset()
    """Actors that neither fight nor give, whatever they are drawn to."""
    hub_split: tuple[tuple[str, float], ...] = ()
    """(theater, share of every stock and output of a hub that only its front may draw); empty: by need."""
    peacetime: tuple[StockClaim, ...] = ()
    """What months short of war take from opening stocks."""
