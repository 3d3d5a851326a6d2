"""How a cost grows with a size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.rows import Row


def growth(name: str, sizes: Sequence[float], costs: Sequence[float], against: str) -> list[Row]:
    """Exponent, largest deviations from proportionality and from a straight line, share of the cost that does not grow.

    The exponent is the slope of log cost on log size, by least squares: 1 where the cost is linear, less where some of it is
    fixed, more where it grows faster than the size. The first deviation is from the proportional cost that fits the
    logarithms best, the second from the straight line of best relative fit, whose intercept gives the fixed share.
    """
    n, cost = np.asarray(sizes, float), np.asarray(costs, float)
    slope = float(np.polyfit(np.log(n), np.log(cost), 1)[0])
    rate = cost / n
    away = float(np.abs(rate / np.exp(np.log(rate).mean()) - 1).max())
    line = np.polyfit(n, cost, 1, w=1 / cost)
    bend = float(np.abs(np.polyval(line, n) / cost - 1).max())
    return [
        Row(f"{name}_exponent", slope, "slope", f"{against}: log on log, 1 is linear"),
        Row(f"{name}_deviation", away, "share", "the same: largest deviation from proportional cost"),
        Row(f"{name}_bend", bend, "share", "the same: largest deviation from the straight line"),
        Row(f"{name}_fixed_share", float(line[1] / cost[-1]), "share", "the same: cost at size 0 over that at the largest size"),
    ]
