"""Margins, opportunism and the two challengers' game, over draws and a grid of what nobody knows. Pure functions of `Inputs`."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from isthmus.deterrence.games import REGIONS, Gains, solve
from isthmus.deterrence.inputs import Bool, Inputs, Prices

F64 = npt.NDArray[np.float64]

STATUS_QUO = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
COST_WEIGHT = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
FEAR = (0.0, 0.2, 0.4)
"""Axes of the grid: value of the status quo, weight of costs, expected fall of the status quo. Shares of the gain; a factor; shares."""

QUANTILES = (0.05, 0.5, 0.95)
WEEKS_PER_YEAR = 52.18
Z95 = 1.96


@dataclass(frozen=True)
class Share:
    """A share of model worlds, with what the number of worlds leaves open (Wilson 1927, 95%)."""

    value: float
    low: float
    high: float


def share(found: Bool) -> Share:
    n, p = len(found), float(found.mean())
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    return Share(p, max(0.0, centre - half), min(1.0, centre + half))


def paired(before: Bool, after: Bool) -> tuple[float, float]:
    """Change of a share over the same futures, and its standard error as of independent futures."""
    change = after.astype(np.float64) - before.astype(np.float64)
    n = len(change)
    return float(change.mean()), float(change.std(ddof=1) / sqrt(n)) if n > 1 else float("nan")


def part_of(without: Bool, whole: Bool, mended: Bool) -> tuple[float, float]:
    """Part of a fall that is brought back, (without − mended) / (without − whole) over shares of the same futures.

    With the standard error of a ratio of paired means, to first order in their deviations.
    """
    gain, fall = (without.astype(np.float64) - x.astype(np.float64) for x in (mended, whole))
    n, bottom = len(gain), float(fall.mean())
    part = float(gain.mean()) / bottom
    return part, float((gain - part * fall).std(ddof=1) / (abs(bottom) * sqrt(n))) if n > 1 else float("nan")


def thirds(found: Bool, by: F64) -> tuple[float, float, float, float]:
    """Share of worlds with an event in the lowest and the highest third by some value, their difference and its standard error."""
    parts = np.array_split(found[np.argsort(by, kind="stable")].astype(np.float64), 3)
    if min(map(len, parts)) < 2:
        return (float("nan"),) * 4
    low, high = parts[0], parts[2]
    error = sqrt(low.var(ddof=1) / len(low) + high.var(ddof=1) / len(high))
    return float(low.mean()), float(high.mean()), float(low.mean() - high.mean()), error


def quantiles(values: F64) -> tuple[float, float, float]:
    low, median, high = np.quantile(values, QUANTILES)
    return float(low), float(median), float(high)


def tie_grid(prices: Prices, *, bound: bool = False) -> F64:
    """p* over the grid: (fear, status quo, cost weight, draws)."""
    fear, value, weight = np.ix_(FEAR, STATUS_QUO, COST_WEIGHT)
    found: F64 = prices.tie(status_quo=value[..., None], weight=weight[..., None], fear=fear[..., None], bound=bound)
    return found


def margin_grid(prices: Prices, p: float, *, bound: bool = False) -> F64:
    """Median margin over the draws of cost, at every point of the grid: (fear, status quo, cost weight)."""
    found: F64 = np.median(tie_grid(prices, bound=bound), axis=-1) - p
    return found


@dataclass(frozen=True)
class BreakEven:
    """Values at which the median margin is nil, all else as drawn; None where no value of that input (0 or more) does it."""

    success: float
    """Chance of success that he would need: the median of p*."""
    status_quo: float | None
    fear: float | None
    cost_weight: float | None


def break_even(prices: Prices, p: float, *, bound: bool = False) -> BreakEven:
    """Closed forms: p* is linear in each of the three, so the median crosses nil once at most (bisection for the weight)."""
    value = float(np.median(p + prices.fear - prices.cost(bound=bound)))
    fall = float(np.median(prices.status_quo + prices.cost(bound=bound) - p))

    def at(weight: float) -> float:
        return float(np.median(prices.tie(weight=weight, bound=bound))) - p

    low, high = 0.0, 1.0
    while at(high) < 0 and high < 1e6:
        high *= 2
    weight: float | None = None
    if at(0.0) <= 0 <= at(high):
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if at(middle) < 0 else (low, middle)
        weight = (low + high) / 2
    return BreakEven(
        float(np.median(prices.tie(bound=bound))), value if value >= 0 else None, fall if fall >= 0 else None, weight
    )


@dataclass(frozen=True)
class Flip:
    """What a first war does to the second challenger's margin, and where the change turns its sign."""

    change: tuple[float, float, float]
    """Margin with the first war on, less margin without: 5%, median, 95% of draws."""
    freed: float
    """What of it is assumed and not simulated: median of the cost that a divided defender no longer inflicts, with a minus."""
    share_falling: float
    """Share of draws in which it falls."""
    flips_at_weight: float | None
    """Weight of costs at which the median change is nil; None where no weight does it."""
    opened: F64
    """(fear, status quo, cost weight): share of draws whose margin is above nil without the first war and at or below it with it."""
    closed: F64
    """The reverse."""


def flip(prices: Prices, p_alone: float, p_with: float) -> Flip:
    """Opportunism of the second challenger. The change is p_alone − p_with − weight·(1 − attention)·(punishment + cut-off).

    It does not depend on the value of the status quo: by construction, since the first war is taken to change what an attack
    yields and not what staying out is worth. Whether the margin's own sign turns does depend on it.
    """
    change = prices.tie(bound=True) - p_with - (prices.tie() - p_alone)
    freed = float(np.median((1 - prices.attention) * (prices.punishment + prices.cutoff)))
    at = (p_alone - p_with) / freed if freed else -1.0
    without = tie_grid(prices) - p_alone
    within = tie_grid(prices, bound=True) - p_with
    return Flip(
        quantiles(change),
        float(np.median(prices.cost(bound=True) - prices.cost())),
        float((change < 0).mean()),
        at if at > 0 else None,
        ((without > 0) & (within <= 0)).mean(axis=-1),
        ((without <= 0) & (within > 0)).mean(axis=-1),
    )


@dataclass(frozen=True)
class Chances:
    """Chances of success of two challengers, by who attacks: alone, both at once; and by who comes first where a lag is known."""

    alone: tuple[float, float]
    together: tuple[float, float]
    leading: tuple[float, float] | None = None
    """Of each when he attacks first and the other follows."""
    following: tuple[float, float] | None = None
    lag_weeks: int = 0


def attack_or_not(prices: tuple[Prices, Prices], chances: Chances) -> Gains:
    """The game "attack (1) or not (0)" at every point of the grid and draw, flattened: (fear × status quo × weight × draws,).

    What attack gains over the status quo is the margin with its sign turned: alone where the other stays out, bound where he
    attacks. Both challengers stand at the same point of the grid; their costs are drawn apart.
    """
    gains = []
    for own, alone, together in zip(prices, chances.alone, chances.together, strict=True):
        gains += [alone - tie_grid(own), together - tie_grid(own, bound=True)]
    found = Gains(*(g.reshape(-1) for g in gains))
    found.check()
    return found


def now_or_later(prices: tuple[Prices, Prices], chances: Chances) -> Gains:
    """The game "attack now (0) or after the lag (1)" of two challengers who both will: what waiting gains, shape as above.

    Of Y years that he looks ahead, waiting L weeks keeps the status quo for the share t = L/52.18Y of them, in which a steady fall
    has come to t times its mean only, and leaves the rest for the war: t·(value − t·fall) + (1 − t)·(p − cost). Where both wait
    they attack together later; the stocks are then as they are now (a war put off by months is not a rebuilt one).
    Raises ValueError where no lag is known.
    """
    if chances.leading is None or chances.following is None:
        raise ValueError("the game of now or later needs chances of success by who comes first")
    fear, value, weight = (axis[..., None] for axis in np.ix_(FEAR, STATUS_QUO, COST_WEIGHT))
    gains = []
    for i, own in enumerate(prices):
        cost = own.cost(weight=weight, bound=True)
        waited = np.minimum(1.0, chances.lag_weeks / (WEEKS_PER_YEAR * own.years))
        kept = waited * (value - waited * fear)
        if_now = kept + (1 - waited) * (chances.following[i] - cost) - (chances.together[i] - cost)
        if_later = kept + (1 - waited) * (chances.together[i] - cost) - (chances.leading[i] - cost)
        gains += [if_now, if_later]
    found = Gains(*(g.reshape(-1) for g in gains))
    found.check()
    return found


@dataclass(frozen=True)
class RegionMap:
    """Regions of equilibria over the grid."""

    region: npt.NDArray[np.int8]
    """(fear, status quo, cost weight, draws): index into `REGIONS`."""
    shares: F64
    """(fear, status quo, cost weight, regions): share of draws."""
    selected: dict[str, float]
    """Of the draws in which several equilibria are stable: the share in which each one is risk-dominant, by profile; and `tied`."""


def region_map(gains: Gains) -> RegionMap:
    """Solve the games of a grid and sort them by region."""
    shape = (len(FEAR), len(STATUS_QUO), len(COST_WEIGHT))
    found = solve(gains)
    region = found.region.reshape(*shape, -1)
    shares = np.stack([(region == code).mean(axis=-1) for code in range(len(REGIONS))], axis=-1)
    several = np.isin(found.region, [REGIONS.index("neither_or_both"), REGIONS.index("one_or_the_other")])
    chosen = found.risk_dominant()[several]
    names = {0: "00", 1: "01", 2: "10", 3: "11", -1: "tied"}
    selected = {name: float((chosen == code).mean()) for code, name in names.items()} if len(chosen) else {}
    return RegionMap(region, shares, selected)


def moves(before: RegionMap, after: RegionMap) -> F64:
    """Share of worlds (draws × points of the grid) that go from one region to another: (regions, regions)."""
    n = len(REGIONS)
    pairs = before.region.astype(np.int64) * n + after.region
    found: F64 = np.bincount(pairs.reshape(-1), minlength=n * n).reshape(n, n) / pairs.size
    return found


@dataclass(frozen=True)
class Priced:
    """How much of the spread of p* one price explains, and what p* is in the outer tenths of its draws."""

    name: str
    share_of_variance: float
    at_low: float
    at_high: float


def price_shares(prices: Prices) -> list[Priced]:
    """Largest first. First-order shares by tenths of each input (Sobol 1993): what is missing to 1 are interactions."""
    tie = prices.tie()
    out = []
    for name in ("losses", "punishment", "cutoff", "weight", "status_quo", "fear"):
        values = getattr(prices, name)
        order = np.argsort(values, kind="stable")
        tenths = np.array([part.mean() for part in np.array_split(tie[order], 10)])
        # A price that is one number has no tenths.
        whole = float(tie.var()) if np.ptp(values) > 0 else 0.0
        out.append(Priced(name, float(tenths.var()) / whole if whole else 0.0, float(tenths[0]), float(tenths[-1])))
    return sorted(out, key=lambda x: -x.share_of_variance)


def chances_of(inputs: Inputs, ecosystem: str, first: int, second: int) -> Chances | None:
    """Chances of two duels by war case, for duels by their place; None where the run lacks a theater alone or both at once."""
    a, b = inputs.duels[first], inputs.duels[second]
    alone, together = (inputs.cases.alone(a.theater), inputs.cases.alone(b.theater)), inputs.cases.together(a.theater, b.theater)
    if alone[0] is None or alone[1] is None or together is None:
        return None

    def p(case: str, duel: int) -> float:
        return float(inputs.verdicts[ecosystem, case, inputs.duels[duel].name].lost(inputs.window).mean())

    ahead, behind = dict(inputs.cases.after(a.theater, b.theater)), dict(inputs.cases.after(b.theater, a.theater))
    lags = sorted(set(ahead) & set(behind))
    base = Chances((p(alone[0], first), p(alone[1], second)), (p(together, first), p(together, second)))
    if not lags:
        return base
    lag = min(lags, key=lambda x: abs(x - 26))
    return Chances(
        base.alone,
        base.together,
        (p(ahead[lag], first), p(behind[lag], second)),
        (p(behind[lag], first), p(ahead[lag], second)),
        lag,
    )
