"""Two-action games solved a second, and the largest regret of what was returned: python -m benchmarks.games"""

from __future__ import annotations

import json
import platform
import time

import numpy as np

from isthmus.deterrence.games import Gains, regret, solve

GAMES = 2_000_000
ROUNDS = 5


def measure() -> list[dict[str, object]]:
    """Best of some rounds: another program's work on the machine only ever slows one down."""
    row, column = np.random.default_rng(1).normal(size=(2, GAMES, 2, 2))
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = solve(Gains.of(row, column))
        found.counts()
        seconds.append(time.perf_counter() - began)
    worst = float(np.nanmax(regret(row[:100_000], column[:100_000], found.profiles()[:100_000])))
    machine = f"{platform.system()} {platform.machine()}"
    against = "one million a second"
    return [
        {
            "name": "games_per_second",
            "value": round(GAMES / min(seconds)),
            "unit": "games/s",
            "against": against,
            "machine": machine,
        },
        {"name": "games_largest_regret", "value": worst, "unit": "payoff", "against": "1e-9", "machine": machine},
    ]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
