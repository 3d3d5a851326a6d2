"""What deterrence is asked of: the verdicts of campaigns, and what an attack costs and the status quo is worth to a challenger.

A challenger decides before he knows which world he is in. So his chance of success p is one number per ecosystem and war case, the
share of model worlds in which the defence is unsustained, while his costs and values differ from draw to draw: they are his own
knowledge, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import InputError, Problem

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

COSTS = ("deter.losses", "deter.punishment", "deter.cutoff")
PRICES = (*COSTS, "deter.cost_weight", "deter.status_quo", "deter.fear", "deter.attention", "deter.years")
"""Rows of the register table `uncertainties` that every challenger draws for himself."""

PRICE_DRAWS = 1024

DEFENCE_UNSUSTAINED = 1
ATTACK_UNSUSTAINED = 2
SHORT_TERM = (13, 26, 52)
"""Weeks of a war within which a collapse counts as short: a quarter, half a year, a year."""


@dataclass(frozen=True)
class Prices:
    """What one challenger would pay and keep, draw by draw; shares of the gain of success, which is 1."""

    losses: F64
    """Own losses, paid whatever the outcome: (draws,), as all others."""
    punishment: F64
    """What the defenders and their friends inflict beyond the front."""
    cutoff: F64
    """Markets, finance and technology lost."""
    weight: F64
    """How heavily he weighs all costs; 1: as an outsider would."""
    status_quo: F64
    """What he keeps by not attacking, as it stands."""
    fear: F64
    """By how much he expects that to fall on average over the years he looks ahead."""
    attention: F64
    """What is left of punishment and cut-off for one challenger while another attacks too."""
    years: F64
    """Years he looks ahead."""

    def cost(self, *, weight: F64 | float | None = None, bound: bool = False) -> F64:
        """Weighted cost of an attack; `bound`: while another challenger's war binds the defenders."""
        outside = self.punishment + self.cutoff
        whole = self.losses + (outside * self.attention if bound else outside)
        found: F64 = (self.weight if weight is None else weight) * whole
        return found

    def tie(
        self,
        *,
        status_quo: F64 | float | None = None,
        weight: F64 | float | None = None,
        fear: F64 | float | None = None,
        bound: bool = False,
    ) -> F64:
        """Chance of success p* at which attack ties with the status quo: value − fall + cost, for a gain of 1.

        From p·1 − cost = value − fall. It may lie below 0 (he attacks whatever the chance) or above 1 (he never does). A value
        given takes the place of what is drawn.
        """
        value = self.status_quo if status_quo is None else status_quo
        fall = self.fear if fear is None else fear
        found: F64 = value - fall + self.cost(weight=weight, bound=bound)
        return found


def draw_prices(
    ranges: Mapping[str, Uncertainty], challengers: Sequence[str], seed: int, draws: int = PRICE_DRAWS
) -> dict[str, Prices]:
    """Prices of every challenger, drawn independently by name: the same seed gives the same draws in every run and ecosystem.

    Raises InputError with every range that is missing or lies outside its bounds.
    """
    _check_ranges(ranges)
    out = {}
    for who in challengers:
        own = [_own(ranges[name], who) for name in PRICES]
        found = Design(tuple(own), seed).draw(0, draws)
        out[who] = Prices(*(found[u.name] for u in own))
    return out


def _own(u: Uncertainty, who: str) -> Uncertainty:
    return Uncertainty(f"{u.name}:{who}", u.shape, u.low, u.mode, u.high, u.unit, u.kind, u.evidence, u.rule)


def _check_ranges(ranges: Mapping[str, Uncertainty]) -> None:
    file = "uncertainties.csv"
    problems = [
        Problem(file, None, "uncertainty_id", "no row", name, "deterrence needs this range")
        for name in PRICES
        if name not in ranges
    ]
    for name in PRICES:
        u = ranges.get(name)
        if u is not None and u.low < 0:
            problems.append(Problem(file, None, name, f"low {u.low:g}", "0 or more", "a cost or a value below nothing"))
    years = ranges.get("deter.years")
    if years is not None and years.low < 1:
        problems.append(
            Problem(file, None, "deter.years", f"low {years.low:g}", "1 or more", "a challenger who looks less than a year ahead")
        )
    if problems:
        raise InputError(problems)


@dataclass(frozen=True)
class Duel:
    """One mission of one theater: who challenges whom there."""

    theater: str
    mission: str
    challenger: str

    @property
    def name(self) -> str:
        return f"{self.theater}.{self.mission}"


@dataclass(frozen=True)
class Verdicts:
    """Campaigns of one duel in one ecosystem and war case; arrays (futures,)."""

    code: npt.NDArray[np.int8]
    """0 undecided, 1 defence unsustained, 2 attack unsustained, at the horizon."""
    week: F64
    """Weeks from the start of this war to the verdict; 0 where undecided."""
    defended: F64
    """Weeks in which the defender was supplied or rationed, not starved."""
    attacked: F64
    """The same of the attacker."""

    def lost(self, weeks: int) -> Bool:
        """Worlds in which the defence is unsustained within some weeks of the start of this war."""
        found: Bool = (self.code == DEFENCE_UNSUSTAINED) & (self.week <= weeks)
        return found

    def spent(self, weeks: int) -> Bool:
        """Worlds in which the attack is."""
        found: Bool = (self.code == ATTACK_UNSUSTAINED) & (self.week <= weeks)
        return found


@dataclass(frozen=True)
class WarCases:
    """War cases by what they are, not by name: theater → week in which its war begins."""

    starts: Mapping[str, Mapping[str, int]]

    def alone(self, theater: str, start: int | None = None) -> str | None:
        """The case in which only this theater is at war: from this week on, or the one that begins first."""
        found = sorted((s[theater], name) for name, s in self.starts.items() if set(s) == {theater})
        return next((name for week, name in found if start is None or week == start), None)

    def together(self, first: str, second: str) -> str | None:
        """The case in which these two begin at once."""
        return next((name for name, s in self.starts.items() if set(s) == {first, second} and s[first] == s[second]), None)

    def after(self, first: str, second: str) -> list[tuple[int, str]]:
        """(lag in weeks, case) of every case in which the second's war begins after the first's, shortest lag first."""
        return sorted(
            (s[second] - s[first], name) for name, s in self.starts.items() if set(s) == {first, second} and s[second] > s[first]
        )


@dataclass(frozen=True)
class Inputs:
    """A run as deterrence sees it. Built by :func:`isthmus.study.deterring.from_run`."""

    ecosystems: tuple[str, ...]
    cases: WarCases
    duels: tuple[Duel, ...]
    verdicts: Mapping[tuple[str, str, str], Verdicts]
    """(ecosystem, war case, duel) → its campaigns, where that theater is at war."""
    prices: Mapping[str, Prices]
    """Theater → prices of its challenger."""
    window: int
    """Weeks of a war that count in every war case alike: the horizon less the latest start."""
    balance: Mapping[tuple[str, str], F64] = field(default_factory=dict)
    """(ecosystem, duel) → local balance before any war: effect that the defender can reach by what the attacker can, (futures,).
    NaN where neither has anything to reach. Empty where nobody asked for it."""

    def at_war(self, ecosystem: str, case: str, duel: Duel) -> Verdicts | None:
        return self.verdicts.get((ecosystem, case, duel.name))

    def pairs(self) -> list[tuple[Duel, Duel]]:
        """Duels of two theaters that are set against each other: of the same mission, or all of them where none is the same."""
        theaters = list(dict.fromkeys(d.theater for d in self.duels))
        out = []
        for i, first in enumerate(theaters):
            for second in theaters[i + 1 :]:
                both = [(a, b) for a in self.duels for b in self.duels if a.theater == first and b.theater == second]
                same = [(a, b) for a, b in both if a.mission == b.mission]
                out += same or both
        return out
