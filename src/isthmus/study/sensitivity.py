"""Which inputs move an outcome, from futures that were drawn at random and are there already. Arrays in, arrays out.

First-order shares of variance (Sobol 1993) by the correlation ratio over bins of equal count, with the correction for chance of
Kelley (1935); PAWN (Pianosi and Wagener 2018): the largest distance between the distribution of the outcome and that given a tenth
of the input. Both are held against inputs that do nothing: random permutations, as many as it takes to know how far chance goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from isthmus.ensemble.design import OWN

F64 = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int16]

PAWN_SLICES = 10
STEPS = 512
"""Steps of equal count in which an outcome is compared for PAWN."""

DUMMIES = 500
"""Inputs that do nothing, drawn to know how far chance goes."""

CHANCE = 0.05
"""Chance that any of all inputs that do nothing is listed for one outcome, shared between the two measures."""

REPEATS = 100
"""Bootstrap samples behind the interval of a share."""


def slices(futures: int) -> int:
    """Bins of equal count for shares of variance, 4 to 48: so many that a wave over the range keeps its variance between them."""
    return int(np.clip(round(futures**0.5 / 2.5), 4, 48))


def bins_of(values: npt.NDArray[Any], count: int) -> Codes:
    """Bin of every value, 0 … count − 1: a bin per value where there are few, else `count` bins of equal count."""
    seen, where = np.unique(values, return_inverse=True)
    if len(seen) <= count:
        return where.astype(np.int16)
    return (np.argsort(np.argsort(values, kind="stable"), kind="stable") * count // len(values)).astype(np.int16)


def first_order(codes: Codes, outcome: F64) -> float:
    """Share of the variance of `outcome` (futures,) between the bins `codes` (futures,); near 0, of either sign, for no effect."""
    n = len(outcome)
    count = np.bincount(codes)
    k = int((count > 0).sum())
    deviation = outcome - outcome.mean()
    total = float(deviation @ deviation)
    if total <= 0 or n <= k:
        return 0.0
    sums = np.bincount(codes, weights=deviation)
    between = float((sums[count > 0] ** 2 / count[count > 0]).sum())
    return (between - (k - 1) * (total - between) / (n - k)) / total


@dataclass(frozen=True)
class Steps:
    """An outcome in steps of equal count: the step of every future, and the share of futures up to the end of each step."""

    step: npt.NDArray[np.int64]
    cumulative: F64

    @classmethod
    def of(cls, outcome: F64) -> Steps:
        """Futures of one value share a step. A distance between distributions is short by the share of one step at most."""
        n = len(outcome)
        place = np.searchsorted(np.sort(outcome), outcome, side="right") - 1
        _, step = np.unique(place * STEPS // n if n > STEPS else place, return_inverse=True)
        return cls(step, np.cumsum(np.bincount(step)) / n)


def pawn(codes: Codes, steps: Steps) -> float:
    """Largest Kolmogorov-Smirnov distance between the outcome within a bin and overall, 0 to 1."""
    width = len(steps.cumulative)
    held = np.bincount(codes.astype(np.int64) * width + steps.step, minlength=(int(codes.max()) + 1) * width).reshape(-1, width)
    held = held[held.any(axis=1)]
    within = np.cumsum(held, axis=1) / held.sum(axis=1, keepdims=True)
    return float(np.abs(within - steps.cumulative).max())


@dataclass(frozen=True)
class Sample:
    """Inputs of a run, binned once for all outcomes. `values`: (futures, inputs)."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    fine: tuple[Codes, ...]
    coarse: tuple[Codes, ...]
    woven: npt.NDArray[np.bool_]
    """Inputs that are dimensions of one Sobol sequence, and so not quite independent of each other."""

    @classmethod
    def of(cls, names: tuple[str, ...], values: npt.NDArray[np.float32]) -> Sample:
        columns = [np.ascontiguousarray(values[:, i]) for i in range(len(names))]
        fine = slices(len(values))
        return cls(
            names,
            values,
            tuple(bins_of(c, fine) for c in columns),
            tuple(bins_of(c, PAWN_SLICES) for c in columns),
            np.array([OWN not in n for n in names], bool),
        )

    def column(self, name: str) -> F64:
        return self.values[:, self.names.index(name)].astype(np.float64)


MOST_EFFECTS = 40
"""Main effects that are taken out of an outcome at most."""


@dataclass(frozen=True)
class Measured:
    """Influence of every input on one outcome. `share`: (inputs,); thresholds: what chance reaches once in forty times."""

    share: F64
    main: tuple[int, ...]
    """Inputs with a main effect, in the order in which they were found."""
    spread: tuple[int, ...]
    """Inputs that change the distribution of what the main effects leave, by the size of that change."""
    partial: dict[int, F64]
    """Outcome less the main effects of all other inputs: input → (futures,)."""
    share_threshold: float
    pawn_threshold: float
    share_noise: float
    """Standard deviation of the share of an input that does nothing."""

    @property
    def listed(self) -> list[int]:
        """Inputs with an effect, the largest share first."""
        return [*sorted(self.main, key=lambda i: -self.share[i]), *self.spread]


def measure(sample: Sample, outcome: F64, seed: int = 0) -> Measured:
    """Which inputs have an effect, and how large.

    Main effects are taken out one after the other, the largest first, and every input is judged by what the others leave (an
    additive model by backfitting, Hastie and Tibshirani 1986). For inputs drawn independently this changes no expected share. It
    matters for a Sobol sequence, whose pairs of dimensions are far from independent at some thousand points: what looks like an
    effect of the one is that of the other, and no random dummy shows it.
    """
    n, inputs = len(outcome), len(sample.names)
    idle = _idle(outcome, seed)
    threshold = reached_by_chance(np.array([first_order(c, outcome) for c in idle[0]]), inputs)
    noise = float(np.std([first_order(c, outcome) for c in idle[0]]))
    variance = float(outcome.var())
    effect: dict[int, F64] = {}
    rest = outcome - outcome.mean()
    share = np.array([first_order(c, rest) for c in sample.fine]) if variance else np.zeros(inputs)
    looked = True
    while len(effect) < MOST_EFFECTS:
        best = int(share.argmax())
        if share[best] <= threshold:
            if looked:
                break
            share = np.array([-np.inf if i in effect else first_order(c, rest) for i, c in enumerate(sample.fine)])
            looked = True
            continue
        # What is taken out lowers the shares of others, so only the one that leads is looked at again.
        before, share[best] = share[best], first_order(sample.fine[best], rest)
        if share[best] < before and best != int(share.argmax()):
            continue
        if share[best] <= threshold:
            continue
        share[best] = -np.inf
        effect[best] = np.zeros(n)
        for i in effect:
            partial = rest + effect[i]
            effect[i] = _means(sample.fine[i], partial)
            rest = partial - effect[i]
        looked = False
    left = float(rest.var()) / variance if variance else 0.0
    share = np.array([first_order(c, rest) * left for c in sample.fine])
    partials = {i: rest + f for i, f in effect.items()}
    for i, partial in partials.items():
        share[i] = first_order(sample.fine[i], partial) * float(partial.var()) / variance
    found, limit = _spreading(sample, outcome, rest, list(effect), idle[1]) if variance else ([], 0.0)
    return Measured(
        share,
        # Interactions of two dimensions of a Sobol sequence may look like an effect of a third: these pass the level of the whole.
        tuple(i for i in effect if share[i] > (threshold if sample.woven[i] else 0)),
        tuple(found),
        partials | dict.fromkeys(found, rest),
        threshold,
        limit,
        noise,
    )


def _spreading(sample: Sample, outcome: F64, rest: F64, known: list[int], idle: list[Codes]) -> tuple[list[int], float]:
    """Inputs that change the distribution of what the main effects leave, and the level of chance; inputs tied to stronger ones not."""
    if len(np.unique(outcome)) <= 2:  # of an outcome of two values the mean is all there is to change
        return [], 1.0
    remaining = Steps.of(rest)
    distance = np.array([pawn(c, remaining) for c in sample.coarse])
    distance[known] = 0.0
    limit = reached_by_chance(np.array([pawn(c, remaining) for c in idle]), len(sample.names))
    found: list[int] = []
    for i in np.argsort(-distance, kind="stable"):
        if distance[i] <= limit:
            break
        # Two dimensions of a Sobol sequence may be tied by more than chance ties two random inputs.
        if all(pawn(sample.coarse[i], Steps.of(sample.values[:, k].astype(np.float64))) < limit for k in (*known, *found)):
            found.append(int(i))
    return found, limit


def _idle(outcome: F64, seed: int) -> tuple[list[Codes], list[Codes]]:
    """Inputs that do nothing: random permutations, in the bins of shares and of PAWN."""
    rng = np.random.default_rng(seed)
    n = len(outcome)
    shuffled = [rng.permutation(n) for _ in range(DUMMIES)]
    return tuple([(s * count // n).astype(np.int16) for s in shuffled] for count in (slices(n), PAWN_SLICES))  # type: ignore[return-value]


def _means(codes: Codes, outcome: F64) -> F64:
    """Mean of the bin in which a future is, (futures,), centred."""
    count = np.maximum(1, np.bincount(codes))
    means = (np.bincount(codes, weights=outcome) / count)[codes]
    centred: F64 = means - means.mean()
    return centred


def reached_by_chance(idle: F64, inputs: int, chance: float = CHANCE / 2) -> float:
    """Level that the largest of `inputs` idle inputs passes with the given chance, from a sample of idle ones.

    Permutation distributions of such statistics are close to a Pearson type III (Mielke and Berry 2007, Permutation Methods), of
    which the far tail follows from three moments; never below what was seen.
    """
    if idle.std() == 0:
        return float(idle.max())
    skew = float(stats.skew(idle))
    tail = stats.pearson3.ppf(1 - chance / max(1, inputs), skew, loc=idle.mean(), scale=idle.std(ddof=1))
    return float(max(tail, idle.max()))


def interval(codes: Codes, outcome: F64, seed: int = 0) -> tuple[float, float]:
    """5th and 95th percentile of a share by the bootstrap over futures, shifted by its own bias and never below 0."""
    rng = np.random.default_rng(seed)
    n = len(outcome)
    found = np.empty(REPEATS)
    for i in range(REPEATS):
        chosen = rng.integers(0, n, n)
        found[i] = first_order(codes[chosen], outcome[chosen])
    centre = first_order(codes, outcome)
    low, high = np.quantile(found - found.mean(), (0.05, 0.95)) + centre
    return max(0.0, float(low)), max(0.0, float(high))


GRID = np.linspace(0.005, 0.995, 100)
"""Shares of futures below the values of an input at which conditional means are taken."""

_CELLS = 400


@dataclass(frozen=True)
class Curve:
    """Mean of an outcome given an input, over the share of futures in which the input is lower. All (grid,)."""

    at: F64
    """Values of the input."""
    mean: F64
    error: F64
    """Standard errors."""


def conditional(values: F64, outcome: F64) -> Curve:
    """Mean of `outcome` given an input: a line fitted locally over the input's ranks (Cleveland 1979; Gaussian weights).

    Ranks, because draws are dense where the range is likely. The window narrows with the fifth root of the futures.
    """
    n = len(values)
    order = np.argsort(values, kind="stable")
    cells = min(_CELLS, n)
    cell = np.arange(n) * cells // n
    count = np.bincount(cell)
    level = np.bincount(cell, weights=outcome[order]) / count
    place = (np.arange(cells) + 0.5) / cells
    width = min(0.2, 0.06 * (8192 / n) ** 0.2)
    spread = max(float(outcome.var()), 1e-300)
    mean, error = np.empty(len(GRID)), np.empty(len(GRID))
    for i, u in enumerate(GRID):
        away = place - u
        weight = np.exp(-0.5 * (away / width) ** 2) * count
        s0, s1, s2 = weight.sum(), weight @ away, weight @ away**2
        local = weight * (s2 - s1 * away) / (s0 * s2 - s1 * s1)
        mean[i] = local @ level
        error[i] = np.sqrt(spread * (local**2 / count).sum())
    return Curve(np.quantile(values, GRID), mean, error)


@dataclass(frozen=True)
class Crossing:
    """Where a conditional mean passes a level: the value, the range of values that the data allow, and the side where it is lower."""

    at: float
    low: float
    high: float
    lower_side: str
    """below or above: on which side of `at` the mean is under the level."""


def crossing(curve: Curve, level: float, errors: float = 3.0) -> Crossing | None:
    """The crossing nearest to the middle of the input's range that stands out of noise on both sides; None where there is none."""
    over = curve.mean - level
    clear = np.where(np.abs(over) > errors * curve.error, np.sign(over), 0)
    best = None
    for i in np.flatnonzero(np.sign(over[1:]) != np.sign(over[:-1])):
        left, right = clear[: i + 1], clear[i + 1 :]
        before, after = np.sign(over[i]), np.sign(over[i + 1])
        if before == after or not ((left == before).any() and (right == after).any()):
            continue
        share = over[i] / (over[i] - over[i + 1])
        first = np.flatnonzero(left == before).max()
        last = i + 1 + np.flatnonzero(right == after).min()
        found = Crossing(
            float(curve.at[i] + share * (curve.at[i + 1] - curve.at[i])),
            float(curve.at[first]),
            float(curve.at[last]),
            "below" if before < 0 else "above",
        )
        if best is None or abs(GRID[i] - 0.5) < best[0]:
            best = (abs(GRID[i] - 0.5), found)
    return best[1] if best else None
