"""Two-action games solved a second, and the largest regret of what was returned: python -m benchmarks.run --only games"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.rows import Row
from isthmus.deterrence.games import Gains, regret, solve

GAMES = 2_000_000
ROUNDS = 5


def measure(*, quick: bool = False) -> list[Row]:
    """Best of some rounds: another program's work on the machine only ever slows one down."""
    row, column = np.random.default_rng(1).normal(size=(2, GAMES, 2, 2))
    seconds = []
    for _ in range(1 if quick else ROUNDS):
        began = time.perf_counter()
        found = solve(Gains.of(row, column))
        found.counts()
        seconds.append(time.perf_counter() - began)
    worst = float(np.nanmax(regret(row[:100_000], column[:100_000], found.profiles()[:100_000])))
    return [
        Row(
            "games_per_second",
            GAMES / min(seconds),
            "games/s",
            f"{GAMES:,} two-action games, all equilibria; asked for: 1,000,000",
        ),
        Row("games_largest_regret", worst, "payoff", "first 100,000 of them; asked for: 1e-9"),
    ]
