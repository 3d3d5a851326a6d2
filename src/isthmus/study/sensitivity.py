"""Which inputs move an outcome, from futures that were drawn at random and are there already. Arrays in, arrays out.

First-order shares of variance (Sobol 1993) by the correlation ratio over bins of equal count, with the correction for chance of
Kelley (1935); PAWN (Pianosi and Wagener 2018): the largest distance between the distribution of the outcome and that given a tenth
of the input. Both are held against inputs that do nothing: random permutations, as many as it takes to know how far chance goes.
What two inputs do only together is looked for pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from isthmus.ensemble.design import OWN

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int16]

PAWN_SLICES = 10
STEPS = 512
"""Steps of equal count in which an outcome is compared for PAWN."""

DUMMIES = 500
"""Inputs that do nothing, drawn to know how far chance goes."""

CHANCE = 0.05
"""Chance that any of all inputs that do nothing is listed for one outcome, shared between the three measures."""

REPEATS = 200
"""Bootstrap samples behind the interval of a share."""

PARTS = 128
"""Parts of the futures, chosen at random, that are drawn anew as wholes in a bootstrap sample: as good as single futures, and quick."""


def slices(futures: int) -> int:
    """Bins of equal count for shares of variance, 4 to 48: so many that a wave over the range keeps its variance between them."""
    return int(np.clip(round(futures**0.5 / 2.5), 4, 48))


def bins_of(values: npt.NDArray[Any], *counts: int) -> tuple[Codes, ...]:
    """Bin of every value, 0 … count − 1, for each of `counts`: a bin per value where there are few, else bins of equal count."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    steps = np.cumsum(np.diff(values[order], prepend=values[order[:1]]) > 0)
    out = []
    for count in counts:
        codes = np.empty(n, np.int16)
        codes[order] = steps if steps[-1] < count else np.arange(n) * count // n
        out.append(codes)
    return tuple(out)


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


MOST_PAIRED = 16_384
"""Futures in which pairs of inputs are looked at."""


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
        binned = [bins_of(column, slices(len(values)), PAWN_SLICES) for column in np.ascontiguousarray(values.T)]
        fine, coarse = zip(*binned, strict=True) if binned else ((), ())
        return cls(names, values, fine, coarse, np.array([OWN not in n for n in names], bool))

    @cached_property
    def scores(self) -> tuple[F32, F32]:
        """Rise and bend of every input in the first futures, each (futures, inputs): see `_polynomials`."""
        return _polynomials([c[:MOST_PAIRED] for c in self.fine])

    def column(self, name: str) -> F64:
        return self.values[:, self.names.index(name)].astype(np.float64)


MOST_EFFECTS = 40
"""Main effects that are taken out of an outcome at most."""


@dataclass(frozen=True)
class Pair:
    """Two inputs that do something together which neither does alone, and the share of the outcome's variance of that."""

    one: int
    other: int
    share: float


@dataclass(frozen=True)
class Measured:
    """Influence of every input on one outcome. `share`: (inputs,); thresholds: what chance reaches once in sixty times."""

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
    pairs: tuple[Pair, ...] = ()
    """What inputs do only two by two, the largest share first."""

    @property
    def listed(self) -> list[int]:
        """Inputs with an effect, the largest share first; those without one of their own come after them."""
        own = [*sorted(self.main, key=lambda i: -self.share[i]), *self.spread]
        together = dict.fromkeys(i for p in self.pairs for i in (p.one, p.other))
        return [*own, *sorted((i for i in together if i not in own), key=lambda i: -self.together(i))]

    def together(self, i: int) -> float:
        """Share of variance of what an input does only together with one other: at least so much does its total share exceed its own."""
        return sum(p.share for p in self.pairs if i in (p.one, p.other))

    def partner(self, i: int) -> int | None:
        """The input with which it does most of that; None where it does nothing of the kind."""
        mine = [p for p in self.pairs if i in (p.one, p.other)]
        best = max(mine, key=lambda p: p.share, default=None)
        return None if best is None else best.other if best.one == i else best.one


def measure(sample: Sample, outcome: F64, seed: int = 0) -> Measured:
    """Which inputs have an effect, and how large.

    Main effects are taken out one after the other, the largest first, and every input is judged by what the others leave (an
    additive model by backfitting, Hastie and Tibshirani 1986). For inputs drawn independently this changes no expected share. It
    matters for a Sobol sequence, whose pairs of dimensions are far from independent at some thousand points: what looks like an
    effect of the one is that of the other, and no random dummy shows it.
    """
    n, inputs = len(outcome), len(sample.names)
    idle = _idle(n, seed)
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
    # Interactions of two dimensions of a Sobol sequence may look like an effect of a third: these pass the level of the whole.
    main = tuple(i for i in effect if share[i] > (threshold if sample.woven[i] else 0))
    pairs = interactions(sample, rest, (*main, *found), left) if variance else []
    acting = {i for p in pairs for i in (p.one, p.other)} | set(found)
    return Measured(share, main, tuple(found), dict.fromkeys(acting, rest) | partials, threshold, limit, noise, tuple(pairs))


MOST_PAIRS = 20


def interactions(sample: Sample, rest: F64, known: Iterable[int], left: float = 1.0) -> list[Pair]:
    """Pairs of inputs that move together what main effects leave: shares of the outcome's variance, the largest first.

    Products of Legendre polynomials in the inputs' ranks (the second-order terms of a polynomial chaos expansion, Sudret 2008):
    rises with rises for every pair of inputs; for the inputs `known` to act also bends, with rises and bends of every input. A
    pair counts where so large a product comes by chance once in sixty outcomes, over all products looked at, whether its error is
    taken from the outcome's variance or from the product itself. Terms are taken out one after the other, the largest first. Four
    dimensions of a Sobol sequence are tied as two and three are (0.57 between two products at 2,048 points), so that a pair of them has
    to pass the level of the whole outcome, not of what main effects leave, which is the part `left` of its variance. Effects of three
    inputs without any of two stay unseen.
    """
    n = min(len(rest), MOST_PAIRED)
    inputs = len(sample.names)
    y = rest[:n] - rest[:n].mean()
    spread = float(y.std())
    if inputs < 2 or spread <= 1e-12 * max(1.0, float(np.abs(rest).max())):
        return []
    y = y / spread
    rise, bend = sample.scores
    acting = sorted(set(known))
    weight = y.astype(np.float32)[:, None]
    scores = np.concatenate([rise, bend], axis=1)
    leading = np.concatenate([rise[:, acting], bend[:, acting]], axis=1)
    tested = inputs * (inputs - 1) / 2 + 4 * len(acting) * inputs
    limit = float(stats.norm.isf(CHANCE / 3 / 2 / tested))
    candidates: list[tuple[float, int, int]] = []
    for first, rows in ((rise, list(range(inputs))), (leading, [*acting, *(inputs + a for a in acting)])):
        z = (first * weight).T @ (rise if first is rise else scores) / np.float32(sqrt(n))
        for a, b in np.argwhere(np.abs(z) > limit):
            i, j = rows[a], int(b)
            if i % inputs != j % inputs:
                candidates.append((abs(float(z[a, b])), min(i, j), max(i, j)))
    found: dict[tuple[int, int], float] = {}
    for _, a, b in sorted(set(candidates), reverse=True):
        product = scores[:, a].astype(np.float64) * scores[:, b]
        term = y * product
        size = float(term.sum())
        if min(abs(size) / sqrt(float(product @ product)), abs(size) / sqrt(float(term @ term))) <= limit:
            continue
        coefficient = size / float(product @ product)
        y = y - coefficient * product
        key = (a % inputs, b % inputs) if a % inputs < b % inputs else (b % inputs, a % inputs)
        found[key] = found.get(key, 0.0) + coefficient**2 * float(product @ product) / n - 1 / n
        if len(found) == MOST_PAIRS:
            break
    pairs = (Pair(i, j, share * left) for (i, j), share in found.items())
    shown = (p for p in pairs if not (sample.woven[p.one] and sample.woven[p.other]) or p.share > limit**2 / n)
    return sorted(shown, key=lambda p: -p.share)


def _polynomials(codes: list[Codes]) -> tuple[F32, F32]:
    """Rise and bend of every input over its bins, each (futures, inputs), uncorrelated, of mean 0 and variance 1 where they vary."""
    n = len(codes[0])
    rise, bend = np.zeros((n, len(codes)), np.float32), np.zeros((n, len(codes)), np.float32)
    for i, code in enumerate(codes):
        count = np.bincount(code)
        place = (np.cumsum(count) - count / 2) / n
        first = place - count @ place / n
        first /= max(1e-12, sqrt(float(count @ first**2) / n))
        second = first**2 - 1
        second -= float(count @ (second * first)) / n * first
        size = sqrt(float(count @ second**2) / n)
        rise[:, i] = first[code]
        if size > 1e-6:  # an input of two values cannot bend
            bend[:, i] = (second / size)[code]
    return rise, bend


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


@lru_cache(maxsize=1)
def _idle(futures: int, seed: int) -> tuple[list[Codes], list[Codes]]:
    """Inputs that do nothing: random permutations, in the bins of shares and of PAWN. The same for all outcomes of as many futures."""
    rng = np.random.default_rng(seed)
    fine, coarse = [], []
    for _ in range(DUMMIES):
        shuffled = rng.permutation(futures)
        fine.append((shuffled * slices(futures) // futures).astype(np.int16))
        coarse.append((shuffled * PAWN_SLICES // futures).astype(np.int16))
    return fine, coarse


def _means(codes: Codes, outcome: F64) -> F64:
    """Mean of the bin in which a future is, (futures,), centred."""
    count = np.maximum(1, np.bincount(codes))
    means = (np.bincount(codes, weights=outcome) / count)[codes]
    centred: F64 = means - means.mean()
    return centred


def reached_by_chance(idle: F64, inputs: int, chance: float = CHANCE / 3) -> float:
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
    """5th and 95th percentile of a share by the bootstrap over parts of the futures, shifted by its own bias and never below 0."""
    rng = np.random.default_rng(seed)
    n = len(outcome)
    parts = min(PARTS, n)
    times = rng.multinomial(parts, np.full(parts, 1 / parts), REPEATS).T.astype(np.float64)
    place = codes.astype(np.int64) * parts + rng.permutation(n) * parts // n
    deviation = outcome - outcome.mean()
    count, sums, squares = (
        np.bincount(place, weights=w, minlength=(int(codes.max()) + 1) * parts).reshape(-1, parts) @ times
        for w in (np.ones(n), deviation, deviation**2)
    )
    futures, bins, mean = count.sum(axis=0), (count > 0).sum(axis=0), sums.sum(axis=0) / count.sum(axis=0)
    total = np.maximum(squares.sum(axis=0) - futures * mean**2, 1e-300)
    between = np.divide(sums**2, count, out=np.zeros_like(sums), where=count > 0).sum(axis=0) - futures * mean**2
    found = (between - (bins - 1) * (total - between) / np.maximum(1, futures - bins)) / total
    centre = first_order(codes, outcome)
    low, high = np.quantile(found - found.mean(), (0.05, 0.95)) + centre
    return max(0.0, float(low)), max(0.0, float(high))


GRID = np.linspace(0.005, 0.995, 100)
"""Shares of futures below the values of an input at which conditional means are taken."""

FEW_VALUES = 12
"""Values of an input up to which each has a mean of its own, instead of a curve over all."""

_CELLS = 400


@dataclass(frozen=True)
class Curve:
    """Mean of an outcome given an input, over the share of futures in which the input is lower. All (grid,)."""

    at: F64
    """Values of the input."""
    mean: F64
    error: F64
    """Standard errors, with a third of what the mean moves when it is taken over twice the width: three of them hold that as well."""
    weight: F64
    """Share of the futures that each stands for."""
    futures: int
    variance: float
    """Of the outcome over all futures."""
    steps: bool = False
    """Whether the input takes no values between those of the grid."""

    @property
    def place(self) -> F64:
        """Share of futures below, the half of its own included."""
        below: F64 = np.cumsum(self.weight) - self.weight / 2
        return below


def conditional(values: F64, outcome: F64) -> Curve:
    """Mean of `outcome` given an input: a line fitted locally over the input's ranks (Cleveland 1979; Gaussian weights).

    Ranks, because draws are dense where the range is likely. The window narrows with the fifth root of the futures. An input of
    few values has the mean of each.
    """
    n = len(values)
    variance = float(outcome.var())
    seen, where = np.unique(values, return_inverse=True)
    if len(seen) <= FEW_VALUES:
        number = np.bincount(where)
        level = np.bincount(where, weights=outcome) / number
        return Curve(seen.astype(np.float64), level, np.sqrt(max(variance, 1e-300) / number), number / n, n, variance, steps=True)
    order = np.argsort(values, kind="stable")
    cells = min(_CELLS, n)
    cell = np.arange(n) * cells // n
    count = np.bincount(cell)
    level = np.bincount(cell, weights=outcome[order]) / count
    width = min(0.2, 0.06 * (8192 / n) ** 0.2)
    place = (np.arange(cells) + 0.5) / cells
    (mean, of_each), (wide, _) = (_local_line(place, count, level, w) for w in (width / 2, width))
    # Where the mean bends within the width a line cuts the bend off: by how much shows in what half the width changes.
    error = np.sqrt(max(variance, 1e-300) * of_each) + np.abs(wide - mean) / 3
    return Curve(np.quantile(values, GRID), mean, error, np.full(len(GRID), 1 / len(GRID)), n, variance)


def _local_line(place: F64, count: npt.NDArray[np.int64], level: F64, width: float) -> tuple[F64, F64]:
    """Values at the grid of lines fitted around each point to cell means, and the sums of their squared weights by future."""
    away = place - GRID[:, None]
    kernel = np.exp(-0.5 * (away / width) ** 2) * count
    s0, s1, s2 = (np.sum(kernel * away**k, axis=1, keepdims=True) for k in (0, 1, 2))
    local = kernel * (s2 - s1 * away) / (s0 * s2 - s1 * s1)
    return local @ level, (local**2 / count).sum(axis=1)


@dataclass(frozen=True)
class Crossing:
    """Where a conditional mean passes a level: the value, the range of values that the data allow, and the side where it is lower."""

    at: float
    low: float
    high: float
    lower_side: str
    """below or above: on which side of `at` the mean is under the level."""


def crossings(curve: Curve, level: float, errors: float = 3.0) -> list[Crossing]:
    """Every crossing that stands out of noise on both sides, in the order of the input's values.

    Between the last value where the mean is clearly on one side and the first where it is clearly on the other, it passes the level
    once as far as the data tell.
    """
    over = curve.mean - level
    clear = np.flatnonzero(np.abs(over) > errors * curve.error)
    out = []
    for first, last in pairwise(clear):
        if np.sign(over[first]) == np.sign(over[last]):
            continue
        between = np.arange(first, last)
        turns = between[np.sign(over[between + 1]) != np.sign(over[between])]
        i = int(turns[len(turns) // 2])
        part = 0.5 if curve.steps else float(over[i] / (over[i] - over[i + 1]))
        at = float(curve.at[i] + part * (curve.at[i + 1] - curve.at[i]))
        out.append(Crossing(at, float(curve.at[first]), float(curve.at[last]), "below" if over[first] < 0 else "above"))
    return out


def nearest_the_middle(curve: Curve, found: list[Crossing]) -> Crossing | None:
    """Of several crossings the one that is nearest to the median of the input."""
    return min(found, key=lambda c: abs(float(np.interp(c.at, curve.at, curve.place)) - 0.5), default=None)
