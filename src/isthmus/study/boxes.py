"""In which worlds does it happen? Boxes in a few inputs that hold most of the worlds of one kind (scenario discovery).

Patient rule induction (Friedman and Fisher 1999), with the measures of Bryant and Lempert (2010): coverage, density, and for every
end of a limit the chance (quasi-p) that an end put on an input of no effect would have raised the density as much. Half of the futures
fit and the other half judge: whatever the search finds in noise does not come back there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PEEL = 0.05
"""Share of a box that is cut off at one end of one input at a time."""

MOST_LIMITS = 4
"""Inputs that a box may limit: more than that nobody can brief from."""

LEAST_CASES = 20
"""Worlds of the kind looked for that must be there to fit a box, and as many to check it."""

CHANCE = 0.01
"""Chance that a box is told of where none of the inputs has to do with it."""

QUASI_P = 0.05
"""Chance, over all cuts that the search could have made, that an end of a limit is one that noise offers."""

GUESS = 0.2
"""Quasi-p above which an end is dropped together with others."""

MOST_BOXES = 3


@dataclass(frozen=True)
class Limit:
    """One side or both of an input; None where it is free."""

    input: str
    low: float | None
    high: float | None
    quasi_p: float
    """Of the weaker end, in the half of the futures that the box was not fitted to."""


@dataclass(frozen=True)
class Box:
    """Where the worlds of one kind lie. Shares are of the half of the futures that the box was not fitted to."""

    limits: tuple[Limit, ...]
    coverage: float
    """Part of the worlds of the kind that lie in the box (and in no earlier one)."""
    density: float
    """Part of the worlds in the box that are of the kind."""
    base: float
    """Part of all worlds that are of the kind."""
    mass: float
    """Part of all worlds that lie in the box."""
    coverage_fitted: float
    density_fitted: float
    chance: float
    """Chance of at least so many of the kind in as many worlds chosen at random, in that other half."""

    def as_dict(self) -> dict[str, Any]:
        numbers = {
            k: getattr(self, k) for k in ("coverage", "density", "base", "mass", "coverage_fitted", "density_fitted", "chance")
        }
        return {"limits": [{k: getattr(x, k) for k in ("input", "low", "high", "quasi_p")} for x in self.limits], **numbers}

    def holds(self, names: tuple[str, ...], inputs: F64) -> Flags:
        """Which futures lie in the box."""
        inside = np.ones(len(inputs), bool)
        for x in self.limits:
            column = inputs[:, names.index(x.input)]
            inside &= (column >= (-np.inf if x.low is None else x.low)) & (column <= (np.inf if x.high is None else x.high))
        return inside


def boxes(names: tuple[str, ...], inputs: F64, case: Flags, seed: int = 0, most: int = MOST_BOXES) -> list[Box]:
    """Boxes that hold the futures for which `case` is true: one after the other, each in what the earlier ones leave.

    `inputs`: (futures, inputs), those that are known to matter. Half of the futures, chosen at random, fit; the other half measure.
    A box that is no denser than all worlds in the second half is not returned, nor any after it.
    """
    half = np.zeros(len(case), bool)
    half[np.random.default_rng(seed).permutation(len(case))[: len(case) // 2]] = True
    left = np.ones(len(case), bool)
    base = float(case.mean())
    out: list[Box] = []
    while len(out) < most:
        fit, check = half & left, ~half & left
        if min(case[fit].sum(), case[check].sum()) < LEAST_CASES or case[fit].all():
            break
        limits = _prim(inputs[fit], case[fit])
        if not limits:
            break
        inside = _inside(limits, inputs) & left
        fitted, held = case[inside & half], case[inside & ~half]
        chance = float(stats.binom.sf(held.sum() - 1, len(held), base)) if len(held) else 1.0
        if len(held) < LEAST_CASES or chance > CHANCE:
            break
        doubt = {
            j: max(_quasi_p(limits, j, side, inputs[check], case[check]) for side in (0, 1) if ends[side] is not None)
            for j, ends in limits.items()
        }
        out.append(
            Box(
                tuple(Limit(names[j], *limits[j], doubt[j]) for j in sorted(limits, key=lambda j: doubt[j])),
                float(held.sum() / case[~half].sum()),
                float(held.mean()),
                base,
                len(held) / int((~half).sum()),
                float(fitted.sum() / case[half].sum()),
                float(fitted.mean()),
                chance,
            )
        )
        left &= ~_inside(limits, inputs)
    return out


Limits = dict[int, tuple[float | None, float | None]]


def _inside(limits: Limits, inputs: F64) -> Flags:
    inside = np.ones(len(inputs), bool)
    for j, (low, high) in limits.items():
        inside &= (inputs[:, j] >= (-np.inf if low is None else low)) & (inputs[:, j] <= (np.inf if high is None else high))
    return inside


def _without(limits: Limits, j: int, side: int) -> Limits:
    """The limits with one end of one input given free."""
    low, high = limits[j]
    ends = (None, high) if side == 0 else (low, None)
    others = {k: v for k, v in limits.items() if k != j}
    return others if ends == (None, None) else {**others, j: ends}


def _prim(inputs: F64, case: Flags) -> Limits:
    """Peel, choose, drop ends that chance explains, until at most `MOST_LIMITS` inputs are limited and every end counts.

    The search could have cut either end of every input at some twenty places, so that many are the tries that chance had.
    """
    allowed = [(j, side) for j in range(inputs.shape[1]) for side in (0, 1)]
    level = QUASI_P * PEEL / len(allowed)
    while True:
        limits = _best(_peel(inputs, case, allowed), inputs, case)
        if not limits:
            return {}
        doubt = {
            (j, side): _quasi_p(limits, j, side, inputs, case)
            for j, ends in limits.items()
            for side in (0, 1)
            if ends[side] is not None
        }
        worst = max(doubt, key=lambda one: doubt[one])
        if doubt[worst] <= level and len(limits) <= MOST_LIMITS:
            return limits
        # Several ends that are no better than a guess go at once; else the weakest goes, and the box is looked for anew.
        kept = [one for one in doubt if doubt[one] <= GUESS]
        allowed = kept if 0 < len(kept) < len(doubt) else [one for one in doubt if one != worst]


def _peel(inputs: F64, case: Flags, allowed: list[tuple[int, int]]) -> list[Limits]:
    """The trajectory of ever smaller boxes: at each step the cut that leaves the densest box. `allowed`: inputs and their ends.

    It goes on where no cut makes the box denser: with few cases a twentieth may hold one too many, and the next cut makes up for it.
    """
    limits: Limits = {}
    trajectory: list[Limits] = []
    inside = np.ones(len(case), bool)
    while case[inside].sum() >= LEAST_CASES // 2 and inside.sum() >= LEAST_CASES:
        chosen = None
        kinds = case[inside]
        for j, side in allowed:
            values = inputs[inside, j]
            edge = np.partition(values, at := _cut(len(values), side))[at]
            keep = values > edge if side == 0 else values < edge
            if not keep.any() or keep.all():
                continue
            density = kinds[keep].mean()
            if chosen is None or density > chosen[0]:
                chosen = (density, j, side, float(values[keep].min() if side == 0 else values[keep].max()))
        if chosen is None:
            break
        _, j, side, edge = chosen
        low, high = limits.get(j, (None, None))
        limits = {**limits, j: (edge, high) if side == 0 else (low, edge)}
        inside = _inside(limits, inputs)
        trajectory.append(limits)
    return trajectory


def _cut(count: int, side: int) -> int:
    """Place in the order of values at which a twentieth ends, from below (0) or from above (1)."""
    return int(PEEL * (count - 1)) if side == 0 else count - 1 - int(PEEL * (count - 1))


def _best(trajectory: list[Limits], inputs: F64, case: Flags) -> Limits:
    """The box of a trajectory that tells the two kinds apart best, after pasting."""
    if not trajectory:
        return {}
    best = max(trajectory, key=lambda limits: _merit(limits, inputs, case))
    improved = True
    while improved:  # paste: give back a limit, or a slice of one, where the box gains by it
        improved = False
        for j, (low, high) in list(best.items()):
            for wider in _wider(inputs, best, j, low, high):
                if _merit(wider, inputs, case) > _merit(best, inputs, case):
                    best, improved = wider, True
                    break
    return best


def _wider(inputs: F64, limits: Limits, j: int, low: float | None, high: float | None) -> list[Limits]:
    values = np.sort(inputs[:, j])
    step = max(1, int(PEEL * len(values) / 2))
    out: list[tuple[float | None, float | None]] = []
    if low is not None:
        place = int(np.searchsorted(values, low)) - step
        out += [(None, high), (float(values[place]) if place > 0 else None, high)]
    if high is not None:
        place = int(np.searchsorted(values, high)) + step
        out += [(low, None), (low, float(values[place]) if place < len(values) - 1 else None)]
    others = {k: v for k, v in limits.items() if k != j}
    return [{**others, j: one} if one != (None, None) else others for one in out]


def _merit(limits: Limits, inputs: F64, case: Flags) -> float:
    """Correlation between lying in the box and being of the kind (Matthews 1975).

    It weighs coverage against density alike for kinds that are rare and for kinds that most worlds are of. Their harmonic mean does
    not: of a kind that most worlds are of it takes all worlds for the best box.
    """
    inside = _inside(limits, inputs)
    mass, base = float(inside.mean()), float(case.mean())
    scale = mass * (1 - mass) * base * (1 - base)
    return (float((inside & case).mean()) - mass * base) / sqrt(scale) if scale > 0 else 0.0


def _quasi_p(limits: Limits, j: int, side: int, inputs: F64, case: Flags) -> float:
    """Chance of at least so many cases in the box if this end of the limit on `j` did nothing to the density of the box without it."""
    without = case[_inside(_without(limits, j, side), inputs)]
    inside = case[_inside(limits, inputs)]
    return float(stats.binom.sf(inside.sum() - 1, len(inside), without.mean())) if len(inside) else 1.0
