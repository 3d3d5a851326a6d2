"""How close to the machine: its measured float32 FMA peak, and the arithmetic that one campaign takes."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from isthmus.sustainment import kernel as k  # first of the two: it sets the instruction set before Numba reads it

import numba  # isort: skip

CHAINS: Final = 12
"""Independent sums: two FMA ports × four cycles of latency need eight; twelve and two constants fit 16 registers."""

ROUNDS: Final = 20
LENGTH: Final = 128


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _compile() -> Any:
    """One lane loop of CHAINS × ROUNDS multiply-adds in a straight line, which LLVM turns into eight lanes at a time."""
    lines = ["def burn(times, x, a, b):", "    for _ in range(times):", f"        for i in range({LENGTH}):"]
    lines += [f"            y{c} = x[i + {c * LENGTH}]" for c in range(CHAINS)]
    lines += [f"            y{c} = y{c} * a + b" for _ in range(ROUNDS) for c in range(CHAINS)]
    lines += [f"            x[i + {c * LENGTH}] = y{c}" for c in range(CHAINS)]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)  # noqa: S102 - straight-line code written out from the constants above
    # `contract` alone: reassociation could fold the chain of multiply-adds into fewer.
    return numba.njit(nogil=True, fastmath={"contract"}, error_model="numpy")(scope["burn"])


class FmaPeak:
    """The peak of all cores, measured whenever :meth:`gflops` is called."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._burn = _compile()
        self._call(1)
        types = self._burn.signatures[0]
        self.fused = "vfmadd" in self._burn.inspect_asm(types) and "ymm" in self._burn.inspect_asm(types)

    def _call(self, times: int) -> None:
        self._burn(times, np.ones(CHAINS * LENGTH, np.float32), np.float32(0.5), np.float32(0.5))

    def gflops(self, seconds: float = 0.4) -> float:
        times = 2000
        with ThreadPoolExecutor(self.threads) as pool:
            while True:
                began = time.perf_counter()
                list(pool.map(self._call, [times] * self.threads))
                took = time.perf_counter() - began
                if took > seconds:
                    return 2.0 * CHAINS * ROUNDS * LENGTH * times * self.threads / took / 1e9
                times = int(times * max(2.0, 1.2 * seconds / took))


COUNTS: Final = {
    # Additions, subtractions, multiplications, divisions, minima and maxima; comparisons, selections and moves are free.
    "line": 4,  # between two knots 3, made 1
    "desk": 3,  # decisions so far, weeks granted, week of the next
    "grant": 2,
    "moving_edge": 8,  # lot 4, sums 4; an edge whose lot only decisions change is summed when one falls, which is not counted
    "bundle": 3 + 9,  # free 3; ship 9
    "any_bundle": 3,  # offered
    "far_bundle": 3,  # tonnes
    "joint": 21 + 7 + 33,  # free 21; is any lane short 7 (what follows if one is, is not counted); ship 33
    "pool": 18 + 3,  # shipped and arrived 18; use 3
    "cell": 3 + 28 + 15 + 9,  # share that orders draw 3; inflow 7 and use 21; order 15; supply state 9
    "path_cell": 4,
    "reaction": 2,
    "view": 8,
    "duel": 4,
    "attack_cell": 2,
    "defence_cell": 4,
    "end_line": 4,
    "end_row": 2,
    "end_pool": 4 + 3,
    "end_edge": 5,
    "end_bundle": 4,
    "end_group": 10,
}
"""Operations a week of war and lane, read from the kernel's loops; `end_` once a campaign. Change them with the kernel."""


def campaign_flops(network: k.Network, starts: k.I32, weeks: int) -> float:
    """Arithmetic of one campaign of one future. Fronts at peace cost nothing but their lines' output."""
    n, c = network, COUNTS
    used = k.drawn_on(network, np.asarray(starts, np.int32), weeks)
    war = np.array([weeks - s if 0 <= s < weeks else 0 for s in starts])

    def weeks_of(fronts: Any) -> float:
        return float(war[fronts].sum())

    def front_of(pools: Any) -> Any:
        return n.cell_front[n.pool_cell[pools]]

    bundle_front, moving = front_of(used["bundle_pool"]), used["moving_edge"]
    pair = [front_of(n.edge_pool[edges[used["joint_row"]]]) for edges in (n.row_home_edge, n.row_away_edge)]
    total = weeks * (n.line_row.size * c["line"]) + weeks_of(n.desk_front) * c["desk"]
    total += weeks_of(n.cell_front[used["grant_cell"]]) * c["grant"] + weeks_of(front_of(n.edge_pool[moving])) * c["moving_edge"]
    total += weeks_of(bundle_front[used["bundle_plain"] > 0]) * c["bundle"] + weeks_of(bundle_front) * c["any_bundle"]
    total += weeks_of(bundle_front[used["bundle_mode"] == k.FAR]) * c["far_bundle"]
    total += float(np.minimum(war[pair[0]], war[pair[1]]).sum()) * c["joint"]
    total += weeks_of(n.cell_front[n.pool_cell]) * c["pool"] + weeks_of(n.cell_front) * c["cell"]
    total += weeks_of(n.cell_front[n.cell_kind == k.PATH]) * c["path_cell"]
    total += weeks_of(n.cell_front[n.reaction_cell]) * c["reaction"] + weeks_of(n.view_front) * c["view"]
    for attacker, defender in zip(n.duel_attacker, n.duel_defender, strict=True):
        both = int((n.cell_view == attacker).sum()) * c["attack_cell"] + int((n.cell_view == defender).sum()) * c["defence_cell"]
        total += weeks_of(n.view_front[defender]) * (c["duel"] + both)
    ends = (
        (n.line_row.size, c["end_line"]),
        (n.row_group.size, c["end_row"]),
        (int((used["edge_bundle"] >= 0).sum()), c["end_edge"]),
        (used["bundle_pool"].size, c["end_bundle"]),
        (n.pool_cell.size, c["end_pool"]),
        (n.n_groups, c["end_group"]),
    )
    return float(total + sum(size * count for size, count in ends))
