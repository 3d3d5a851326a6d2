"""Two players, two actions: every equilibrium in closed form, for any number of games at once.

In a game of two actions a player's choice turns on the sign of one number, what the second action gains over the first, and that
number is linear in the other's chance of playing it. So the extreme points of the set of equilibria lie among nine profiles — each
player at 0, at 1, or where he makes the other indifferent — and which of them are equilibria follows from four signs (Mangasarian
1964 for extreme equilibria; the reduction to two actions is elementary). Nothing is iterated and no tolerance is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

PROFILES: Final = ("00", "01", "10", "11", "0m", "1m", "m0", "m1", "mm")
"""Row's part, then column's: action 0, action 1, or `m`, the chance at which the other player is indifferent."""

REGIONS: Final = (
    "neither",
    "second_only",
    "first_only",
    "both",
    "neither_or_both",
    "one_or_the_other",
    "mixed_only",
    "knife_edge",
)
"""What the set of equilibria is, action 1 read as attack. The last one: some player is indifferent between his actions somewhere
in that set, and there may be infinitely many equilibria."""

_REGION_OF: Final = {
    (True, False, False, False): 0,
    (False, True, False, False): 1,
    (False, False, True, False): 2,
    (False, False, False, True): 3,
    (True, False, False, True): 4,
    (False, True, True, False): 5,
    (False, False, False, False): 6,
}
KNIFE_EDGE: Final = REGIONS.index("knife_edge")


def _codes() -> npt.NDArray[np.int8]:
    """Region by the sixteen patterns of pure equilibria, (0,0) the lowest bit; patterns only a degenerate game has are knife edges."""
    codes = np.full(16, KNIFE_EDGE, np.int8)
    for pattern, region in _REGION_OF.items():
        codes[sum(1 << i for i, held in enumerate(pattern) if held)] = region
    return codes


_REGION_CODES: Final = _codes()


@dataclass(frozen=True)
class Gains:
    """What action 1 gains over action 0: `row_0` where the column player plays 0, `row_1` where he plays 1; `column_*` likewise.

    Each (games,), in the unit of payoffs. All equilibria of a game of two actions follow from these four numbers.
    """

    row_0: F64
    row_1: F64
    column_0: F64
    column_1: F64

    @classmethod
    def of(cls, row: F64, column: F64) -> Gains:
        """From payoffs (games, row's action, column's action). Raises ValueError for another shape or a payoff that is no number."""
        if row.shape != column.shape or row.ndim != 3 or row.shape[1:] != (2, 2):
            raise ValueError(f"payoffs must be (games, 2, 2) for both players, found {row.shape} and {column.shape}")
        found = cls(
            row[:, 1, 0] - row[:, 0, 0],
            row[:, 1, 1] - row[:, 0, 1],
            column[:, 0, 1] - column[:, 0, 0],
            column[:, 1, 1] - column[:, 1, 0],
        )
        found.check()
        return found

    def check(self) -> None:
        """Raises ValueError for gains that are no finite numbers: their signs would say nothing."""
        if not all(np.isfinite(g).all() for g in (self.row_0, self.row_1, self.column_0, self.column_1)):
            raise ValueError("payoffs must be finite numbers")


@dataclass(frozen=True)
class Equilibria:
    """All equilibria of each game, by their extreme points."""

    held: Bool
    """(games, 9): which of `PROFILES` is an equilibrium. A mixed one that is held is told apart from the pure ones around it."""
    row_mix: F64
    """(games,): row's chance of action 1 in its mixed part; NaN where there is none."""
    column_mix: F64
    gains: Gains

    @cached_property
    def region(self) -> npt.NDArray[np.int8]:
        """(games,): index into `REGIONS`."""
        g, held = self.gains, self.held
        codes = held[:, 0] | (held[:, 1] << 1) | (held[:, 2] << 2) | (held[:, 3] << 3)
        found: npt.NDArray[np.int8] = _REGION_CODES[codes]
        tied = (g.row_0 == 0) | (g.row_1 == 0) | (g.column_0 == 0) | (g.column_1 == 0)
        if tied.any():
            # A zero that no equilibrium meets changes nothing: the game counts by its one strict equilibrium.
            one = held[tied].sum(axis=1) == 1
            strict = self._strict(tied)
            found[tied] = np.where(one & strict, found[tied], KNIFE_EDGE)
        return found

    def _strict(self, chosen: Bool) -> Bool:
        """Whether the first pure equilibrium of some games is strict: either player would lose by leaving it alone."""
        g = self.gains
        row = np.stack([g.row_0, g.row_1, g.row_0, g.row_1], axis=1)[chosen]
        column = np.stack([g.column_0, g.column_0, g.column_1, g.column_1], axis=1)[chosen]
        first = self.held[chosen][:, :4].argmax(axis=1)
        at = np.arange(len(first))
        found: Bool = self.held[chosen][:, :4].any(axis=1) & (row[at, first] != 0) & (column[at, first] != 0)
        return found

    def profiles(self) -> F64:
        """(games, 9, 2): chances of action 1, row's then column's; NaN where the profile is no equilibrium."""
        n = len(self.held)
        out = np.full((n, len(PROFILES), 2), np.nan)
        for i, name in enumerate(PROFILES):
            for player, mix in ((0, self.row_mix), (1, self.column_mix)):
                value = mix if name[player] == "m" else np.full(n, float(name[player]))
                out[:, i, player] = np.where(self.held[:, i], value, np.nan)
        return out

    def continua(self) -> Bool:
        """(games,): whether there are infinitely many equilibria, the line between two extreme ones that share a player's part."""
        shared = np.zeros(len(self.held), bool)
        for i, first in enumerate(PROFILES):
            for j in range(i + 1, len(PROFILES)):
                if first[0] == PROFILES[j][0] or first[1] == PROFILES[j][1]:
                    shared |= self.held[:, i] & self.held[:, j]
        return shared

    def risk_dominant(self) -> npt.NDArray[np.int8]:
        """Of two strict pure equilibria the one with the larger product of losses from leaving it (Harsanyi and Selten 1988).

        (games,): index into `PROFILES`; -1 where there are not two strict equilibria, or neither dominates.
        """
        g = self.gains
        out = np.full(len(self.held), -1, np.int8)
        same = self.region == REGIONS.index("neither_or_both")
        other = self.region == REGIONS.index("one_or_the_other")
        stay, go = g.row_0 * g.column_0, g.row_1 * g.column_1
        out[same & (stay > go)], out[same & (go > stay)] = 0, 3
        second, first = -g.row_1 * g.column_0, -g.row_0 * g.column_1
        out[other & (second > first)], out[other & (first > second)] = 1, 2
        return out

    def counts(self) -> npt.NDArray[np.int64]:
        """Games by region: (len(REGIONS),)."""
        return np.bincount(self.region, minlength=len(REGIONS))


def solve(gains: Gains) -> Equilibria:
    """Every equilibrium of every game, by its extreme points."""
    a0, a1, b0, b1 = gains.row_0, gains.row_1, gains.column_0, gains.column_1
    column_turns = (a0 < 0) & (a1 > 0) | (a0 > 0) & (a1 < 0)
    row_turns = (b0 < 0) & (b1 > 0) | (b0 > 0) & (b1 < 0)
    held = np.empty((len(a0), len(PROFILES)), bool)
    for place, found in enumerate(
        (
            (a0 <= 0) & (b0 <= 0),
            (a1 <= 0) & (b0 >= 0),
            (a0 >= 0) & (b1 <= 0),
            (a1 >= 0) & (b1 >= 0),
            column_turns & (b0 == 0),
            column_turns & (b1 == 0),
            row_turns & (a0 == 0),
            row_turns & (a1 == 0),
            column_turns & row_turns,
        )
    ):
        held[:, place] = found
    # The chance at which a linear gain crosses zero; each player's mix makes the other one indifferent.
    column_mix = np.divide(a0, a0 - a1, out=np.full_like(a0, np.nan), where=column_turns)
    row_mix = np.divide(b0, b0 - b1, out=np.full_like(b0, np.nan), where=row_turns)
    return Equilibria(held, row_mix, column_mix, gains)


def regions(gains: Gains) -> npt.NDArray[np.int8]:
    """Only the region of each game, index into `REGIONS`: what a map over a grid needs."""
    return solve(gains).region


def regret(row: F64, column: F64, profiles: F64) -> F64:
    """Largest gain that either player has by leaving a profile alone: payoffs (games, 2, 2), profiles (games, k, 2) → (games, k).

    NaN profiles have NaN regret. An equilibrium has regret 0 but for rounding.
    """
    x, q = profiles[..., 0], profiles[..., 1]
    row_pure = [row[:, None, i, 0] * (1 - q) + row[:, None, i, 1] * q for i in (0, 1)]
    column_pure = [column[:, None, 0, j] * (1 - x) + column[:, None, 1, j] * x for j in (0, 1)]
    row_has = row_pure[0] * (1 - x) + row_pure[1] * x
    column_has = column_pure[0] * (1 - q) + column_pure[1] * q
    found: F64 = np.maximum(np.maximum(*row_pure) - row_has, np.maximum(*column_pure) - column_has)
    return found
