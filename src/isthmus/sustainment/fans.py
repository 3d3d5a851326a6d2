"""Fans as integer counts: how many futures lie in each bin of fill, week by week. Memory stays flat whatever the futures."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from isthmus.sustainment.kernel import _jit

LEVEL_BINS: Final = 22
"""Fill: an atom at 0, twenty bins of 0.05, an atom at 1."""

DIFFERENCE_BINS: Final = 41
"""Paired difference of fill: twenty bins below zero, an atom at 0, twenty above."""

I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]


def level_counts(fill: F32, futures: int) -> I64:
    """Counts (views, weeks, LEVEL_BINS) of fill ``(tiles, views, weeks, LANES)``; weeks at peace (-1) count nowhere."""
    out = np.zeros((fill.shape[1], fill.shape[2], LEVEL_BINS), np.int64)
    _levels(fill, futures, out)
    return out


def difference_counts(fill: F32, base: F32, futures: int) -> I64:
    """Counts (views, weeks, DIFFERENCE_BINS) of `fill` minus `base`, future by future."""
    out = np.zeros((fill.shape[1], fill.shape[2], DIFFERENCE_BINS), np.int64)
    _differences(fill, base, futures, out)
    return out


def level_edges() -> npt.NDArray[np.float64]:
    """Upper edges of the level bins."""
    return np.array([0.0, *np.linspace(0.05, 1.0, 20), 1.0])


def difference_centres() -> npt.NDArray[np.float64]:
    """Middles of the difference bins."""
    half = np.linspace(0.025, 0.975, 20)
    return np.array([*(-half[::-1]), 0.0, *half])


def quantiles(counts: I64, shares: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Quantiles of counted fill along the last axis, linear inside a bin; NaN where nothing was counted. Shape (…, shares)."""
    total = counts.sum(-1)
    upper = level_edges()
    lower = np.array([0.0, 0.0, *upper[1:20], 1.0])
    running = counts.cumsum(-1)
    out = np.full((*counts.shape[:-1], len(shares)), np.nan)
    for index in np.ndindex(*counts.shape[:-1]):
        if total[index] == 0:
            continue
        for k, share in enumerate(shares):
            target = share * total[index]
            b = int(np.searchsorted(running[index], target, side="left"))
            before = running[index][b - 1] if b else 0
            inside = (target - before) / max(1, counts[index][b])
            out[(*index, k)] = lower[b] + (upper[b] - lower[b]) * inside
    return out


@_jit()
def _levels(fill: Any, futures: Any, out: Any) -> None:
    tiles, views, weeks, _ = fill.shape
    for tile in range(tiles):
        for v in range(views):
            for t in range(weeks):
                for i in range(min(fill.shape[3], futures - tile * fill.shape[3])):
                    x = fill[tile, v, t, i]
                    if x < 0:
                        continue
                    if x <= 0:
                        b = 0
                    elif x >= 1:
                        b = LEVEL_BINS - 1
                    else:
                        b = 1 + min(19, int(x * np.float32(20.0)))
                    out[v, t, b] += 1


@_jit()
def _differences(fill: Any, base: Any, futures: Any, out: Any) -> None:
    tiles, views, weeks, _ = fill.shape
    for tile in range(tiles):
        for v in range(views):
            for t in range(weeks):
                for i in range(min(fill.shape[3], futures - tile * fill.shape[3])):
                    if fill[tile, v, t, i] < 0:
                        continue
                    x = fill[tile, v, t, i] - base[tile, v, t, i]
                    if x > np.float32(1e-6):
                        b = 21 + min(19, int(x * np.float32(20.0)))
                    elif x < np.float32(-1e-6):
                        b = 19 - min(19, int(-x * np.float32(20.0)))
                    else:
                        b = 20
                    out[v, t, b] += 1
