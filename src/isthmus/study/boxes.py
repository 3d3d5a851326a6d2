"""In which worlds does it happen? Boxes in a few inputs that hold most of the worlds of one kind (scenario discovery).

Patient rule induction (Friedman and Fisher 1999), with the measures of Bryant and Lempert (2010): coverage, density, and for every
limit of a box the chance (quasi-p) that a limit on an input of no effect would have raised the density as much.
"""

from __future__ import annotations

from dataclasses import dataclass
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

QUASI_P = 0.05
MOST_BOXES = 3


@dataclass(frozen=True)
class Limit:
    """One side or both of an input; None where it is free."""

    input: str
    low: float | None
    high: float | None
    quasi_p: float


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

    def as_dict(self) -> dict[str, Any]:
        numbers = {k: getattr(self, k) for k in ("coverage", "density", "base", "mass", "coverage_fitted", "density_fitted")}
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
    out: list[Box] = []
    while len(out) < most:
        fit, check = half & left, ~half & left
        if min(case[fit].sum(), case[check].sum()) < LEAST_CASES or case[fit].all():
            break
        limits = _prim(inputs[fit], case[fit])
        if not limits:
            break
        whole = {"fit": half, "check": ~half}
        inside = {k: _inside(limits, inputs) & left & v for k, v in whole.items()}
        held = case[inside["check"]]
        base = float(case.mean())
        if len(held) < LEAST_CASES or stats.binom.sf(held.sum() - 1, len(held), base) > QUASI_P:
            break
        out.append(
            Box(
                tuple(
                    Limit(names[j], low, high, _quasi_p(limits, j, inputs[fit], case[fit]))
                    for j, (low, high) in sorted(limits.items(), key=lambda one: _quasi_p(limits, one[0], inputs[fit], case[fit]))
                ),
                float(held.sum() / case[~half].sum()),
                float(held.mean()),
                float(case.mean()),
                float(inside["check"].sum() / (~half).sum()),
                float(case[inside["fit"]].sum() / case[half].sum()),
                float(case[inside["fit"]].mean()),
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


def _prim(inputs: F64, case: Flags) -> Limits:
    """Peel, choose, drop limits that chance explains, until at most `MOST_LIMITS` are left and all of them count."""
    allowed = list(range(inputs.shape[1]))
    while True:
        limits = _best(_peel(inputs, case, allowed), inputs, case)
        doubt = {j: _quasi_p(limits, j, inputs, case) for j in limits}
        if not limits:
            return {}
        worst = max(doubt, key=lambda j: doubt[j])
        if doubt[worst] <= QUASI_P and len(limits) <= MOST_LIMITS:
            return limits
        allowed = [j for j in limits if j != worst]


def _peel(inputs: F64, case: Flags, allowed: list[int]) -> list[Limits]:
    """The trajectory of ever smaller boxes: at each step the cut that leaves the densest box."""
    limits: Limits = {}
    trajectory: list[Limits] = []
    inside = np.ones(len(case), bool)
    while case[inside].sum() >= LEAST_CASES // 2 and inside.sum() >= LEAST_CASES:
        chosen = None
        for j in allowed:
            values = inputs[inside, j]
            for side, edge in ((0, np.quantile(values, PEEL)), (1, np.quantile(values, 1 - PEEL))):
                keep = values > edge if side == 0 else values < edge
                if not keep.any() or keep.all():
                    continue
                density = case[inside][keep].mean()
                if chosen is None or density > chosen[0]:
                    chosen = (density, j, side, float(values[keep].min() if side == 0 else values[keep].max()))
        if chosen is None or chosen[0] <= case[inside].mean():
            break
        _, j, side, edge = chosen
        low, high = limits.get(j, (None, None))
        limits = {**limits, j: (edge, high) if side == 0 else (low, edge)}
        inside = _inside(limits, inputs)
        trajectory.append(limits)
    return trajectory


def _best(trajectory: list[Limits], inputs: F64, case: Flags) -> Limits:
    """The box of a trajectory with the largest harmonic mean of coverage and density, after pasting."""
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
    inside = _inside(limits, inputs)
    held = float(case[inside].sum())
    return 2 * held / (inside.sum() + case.sum()) if held else 0.0


def _quasi_p(limits: Limits, j: int, inputs: F64, case: Flags) -> float:
    """Chance of at least so many cases in the box if the limit on `j` did nothing to the density of the box without it."""
    without = case[_inside({k: v for k, v in limits.items() if k != j}, inputs)]
    inside = case[_inside(limits, inputs)]
    return float(stats.binom.sf(inside.sum() - 1, len(inside), without.mean()))
