"""Counts of fans against lane-by-lane counting in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isthmus.sustainment import fans
from isthmus.sustainment.kernel import LANES

TILES, VIEWS, WEEKS = 3, 2, 4
EDGES = (-1.0, 0.0, 1e-7, 0.05, 0.5, 0.95, 0.999, 1.0, 1.2)


def fill(seed: int) -> fans.F32:
    """Fill with values at and between the edges of bins, and weeks at peace."""
    draw = np.random.default_rng(seed)
    shape = (TILES, VIEWS, WEEKS, LANES)
    return np.where(draw.random(shape) < 0.5, draw.choice(EDGES, shape), draw.random(shape)).astype(np.float32)


def level_bin(x: np.float32) -> int:
    return 0 if x <= 0 else 21 if x >= 1 else 1 + min(19, math.floor(x * np.float32(20)))


def difference_bin(x: np.float32) -> int:
    size = min(19, math.floor(abs(x) * np.float32(20)))
    return 20 if abs(x) <= np.float32(1e-6) else 21 + size if x > 0 else 19 - size


@pytest.mark.parametrize("futures", [1, 3, LANES, LANES + 6, TILES * LANES - 1, TILES * LANES])
def test_every_lane_at_war_is_counted_once(futures: int) -> None:
    now, base = fill(1), np.abs(fill(2))
    levels = np.zeros((VIEWS, WEEKS, fans.LEVEL_BINS), np.int64)
    differences = np.zeros((VIEWS, WEEKS, fans.DIFFERENCE_BINS), np.int64)
    for future in range(futures):
        tile, lane = divmod(future, LANES)
        for v, t in np.ndindex(VIEWS, WEEKS):
            x = now[tile, v, t, lane]
            if x >= 0:
                levels[v, t, level_bin(x)] += 1
                differences[v, t, difference_bin(x - base[tile, v, t, lane])] += 1
    assert np.array_equal(fans.level_counts(now, futures), levels)
    assert np.array_equal(fans.difference_counts(now, base, futures), differences)


def test_peace_is_counted_nowhere() -> None:
    peace = np.full((1, 1, 2, LANES), -1, np.float32)
    assert not fans.level_counts(peace, LANES).any()
    assert not fans.difference_counts(peace, np.ones_like(peace), LANES).any()
