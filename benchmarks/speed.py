"""The kernel against NumPy, against EMA Workbench with plain Python, and against the machine's peak."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Final, NamedTuple

from rich.console import Console

from isthmus.sustainment import kernel as k  # before anything that loads Numba: it sets the instruction set

from threadpoolctl import threadpool_limits  # isort: skip

from benchmarks import ema_model, numpy_model, peak
from benchmarks.inputs import Case, one_tile, reference_inputs
from benchmarks.rows import ROOT, Row

NUMPY_FUTURES: Final = 400

_COMPILE: Final = """
import time
from benchmarks.inputs import one_tile, reference_inputs
from isthmus.sustainment.kernel import run_tiles
case = one_tile(reference_inputs(1)[0])
began = time.perf_counter()
run_tiles(*case)
first = time.perf_counter() - began
began = time.perf_counter()
run_tiles(*case)
print(first - (time.perf_counter() - began))
"""


class Settings(NamedTuple):
    """How long each part may take."""

    kernel_futures: int
    budget: float  # seconds for the contenders
    ema_seconds: float  # seconds a visit
    compiling: bool  # measure the first call without compiled code


FULL: Final = Settings(2048, 90.0, 1.5, compiling=True)
QUICK: Final = Settings(512, 6.0, 0.5, compiling=False)


def compile_seconds() -> float:
    """The first call of the kernel in a process that finds no compiled code."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", _COMPILE]
        return float(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout)


class Tally:
    """Campaigns and seconds of one contender, per case visited."""

    def __init__(self) -> None:
        self.seconds: dict[int, list[float]] = {}

    def add(self, case: int, seconds_a_campaign: float) -> None:
        self.seconds.setdefault(case, []).append(seconds_a_campaign)

    def rate(self) -> float:
        """Campaigns a second over the cases visited, each counted once at its median."""
        medians = [statistics.median(values) for values in self.seconds.values()]
        return len(medians) / sum(medians)


def _kernel(case: Case, threads: int | None = None) -> float:
    began = time.perf_counter()
    k.run_tiles(*case, threads=threads)
    return (time.perf_counter() - began) / float(case.lanes.stock.shape[0] * k.LANES)


def _numpy(case: Case) -> float:
    flat = numpy_model.flatten(case.lanes, NUMPY_FUTURES)
    began = time.perf_counter()
    numpy_model.run(case.network, flat, case.starts, case.weeks)
    return float((time.perf_counter() - began) / NUMPY_FUTURES)


def _ema(case: Case, seconds: float) -> float:
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        one, _ = ema_model.run(*case, experiments=1)
        experiments = max(1, min(50, int(seconds / one)))
        return ema_model.run(*case, experiments=experiments)[0] / experiments


def race(cases: list[Case], settings: Settings) -> tuple[dict[str, Tally], list[float]]:
    """Visit case after case with all contenders side by side, so that a busy machine slows them alike.

    Every contender runs on the same cases, round after round until the budget is spent; the kernel runs three times a visit.
    """
    tallies = {name: Tally() for name in ("kernel", "kernel_one_thread", "numpy", "ema")}
    shares: list[float] = []
    fma = peak.FmaPeak()
    one = [one_tile(case) for case in cases]
    k.run_tiles(*one[0])
    _ema(one[0], 0.0)
    began = time.perf_counter()
    # A stride through the list, so that a budget that ends early still has seen several ecosystems and war cases.
    order = sorted(range(len(cases)), key=lambda i: i * 7 % len(cases) if len(cases) % 7 else i)
    visits = 0
    with threadpool_limits(1):
        for i in itertools.cycle(order):
            case = cases[i]
            for _ in range(3):
                seconds = _kernel(case)
                tallies["kernel"].add(i, seconds)
                shares.append(peak.campaign_flops(case.network, case.starts, case.weeks) / seconds / 1e9 / fma.gflops(0.1))
            tallies["kernel_one_thread"].add(i, _kernel(case, threads=1))
            tallies["numpy"].add(i, _numpy(case))
            tallies["ema"].add(i, _ema(case, settings.ema_seconds))
            visits += 1
            spent = time.perf_counter() - began
            if spent + spent / visits > settings.budget:
                break
    return tallies, shares


def measure(console: Console, *, quick: bool) -> list[Row]:
    """Campaigns a second of the full model in the kernel, and what it is compared with."""
    settings = QUICK if quick else FULL
    cases = reference_inputs(max(settings.kernel_futures, NUMPY_FUTURES))
    busiest = max(cases, key=lambda case: sum(case.weeks - int(start) for start in case.starts if start >= 0))
    agreed = numpy_model.check(*busiest, futures=k.LANES)
    console.print(
        f"NumPy agrees with the kernel: worst relative difference {agreed['worst']:.1e}, "
        f"{agreed['ties']} of {agreed['counts']:,} counts on the other side of a threshold."
    )
    tallies, shares = race(cases, settings)
    visited = len(tallies["kernel"].seconds)
    where = f"reference study, {visited} of {len(cases)} cases"
    speed = {name: tally.rate() for name, tally in tallies.items()}
    cores, numpy = peak.cores(), f"NumPy over {NUMPY_FUTURES} futures"
    rows = [
        Row("campaigns_per_second", speed["kernel"], "campaigns/s", f"full model, {where}, {cores} cores"),
        Row("campaigns_per_second_one_thread", speed["kernel_one_thread"], "campaigns/s", f"full model, {where}, one core"),
        Row("numpy_campaigns_per_second", speed["numpy"], "campaigns/s", f"same cases, {NUMPY_FUTURES} futures, one process"),
        Row("ema_python_campaigns_per_second", speed["ema"], "campaigns/s", "same cases, sequential evaluator"),
        Row("ratio_numpy", speed["kernel"] / speed["numpy"], "×", f"{numpy}; kernel on {cores} cores"),
        Row("ratio_numpy_one_thread", speed["kernel_one_thread"] / speed["numpy"], "×", f"{numpy}; one core each"),
        Row("ratio_ema_python", speed["kernel"] / speed["ema"], "×", f"EMA Workbench and plain Python; kernel on {cores} cores"),
        Row("share_of_fma_peak", statistics.median(shares), "share", f"measured float32 FMA peak of {cores} cores, AVX2"),
    ]
    if settings.compiling:
        rows.append(Row("compile_seconds", compile_seconds(), "s", "first call of the kernel without compiled code"))
    return rows
