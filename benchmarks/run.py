"""`python -m benchmarks.run`: the kernel against NumPy, against EMA Workbench with plain Python, and against the machine."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from isthmus.sustainment import kernel as k  # before anything that loads Numba: it sets the instruction set

from threadpoolctl import threadpool_limits  # isort: skip

from benchmarks import ema_model, numpy_model, peak
from benchmarks.inputs import Case, one_tile, reference_inputs

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "benchmarks" / "out" / "bench.json"
NUMPY_FUTURES: Final = 400
STUDY_FUTURES: Final = (8192, 65536)

# A child of a large process inherits its peak: a small process starts the command and reads the peak of its children.
_LAUNCHER: Final = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; "
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)

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

_KERNEL_ONLY: Final = """
import sys
from benchmarks.inputs import reference_inputs
from isthmus.sustainment.kernel import run_tiles
run_tiles(*reference_inputs(int(sys.argv[1]))[0])
"""


class Settings(NamedTuple):
    """How long each part may take."""

    kernel_futures: int
    budget: float  # seconds for the three contenders
    ema_seconds: float  # seconds a visit
    study_futures: tuple[int, ...]
    study_limit: float  # seconds a study
    compiling: bool  # measure the first call without compiled code


FULL: Final = Settings(2048, 90.0, 1.5, STUDY_FUTURES, 400.0, compiling=True)
QUICK: Final = Settings(512, 8.0, 0.5, (), 30.0, compiling=False)


class Row(NamedTuple):
    """One measurement, as it stands in ``bench.json``."""

    name: str
    value: float
    unit: str
    against: str


def machine() -> str:
    """Processor, cores that this process may use, Python and the libraries that decide the speed."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "ema-workbench"))
    return (
        f"{model}, {peak.cores()} cores, {platform.system()}, Python {platform.python_version()}, {libraries}, {k.KERNEL_TARGET}"
    )


def child(code: str, *arguments: str, cache: str | None = None) -> str:
    """Run a line of Python in a fresh process from the root of the repository."""
    environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def compile_seconds() -> float:
    """The first call of the kernel in a process that finds no compiled code."""
    with tempfile.TemporaryDirectory() as cache:
        return float(child(_COMPILE, cache=cache))


def peak_memory(command: Sequence[str], limit: float) -> tuple[float, float]:
    """Peak resident memory in MiB and seconds of a command; raises when it fails or takes too long."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _LAUNCHER, *command], cwd=ROOT, capture_output=True, text=True, timeout=limit)
    took = time.perf_counter() - began
    lines = done.stdout.split()
    if len(lines) != 2 or lines[0] != "0":
        told = [line for line in done.stderr.splitlines() if line.strip(" │╭╮╰╯─")]
        raise RuntimeError(told[-1].strip(" │") if told else f"exit code {done.returncode}")
    kib = int(lines[1]) / (1024 if sys.platform == "darwin" else 1)  # bytes on macOS, KiB elsewhere
    return kib / 1024, took


def _isthmus() -> Path:
    return Path(sys.executable).parent / "isthmus"


def memory_rows(settings: Settings, console: Console) -> list[Row]:
    """Peak memory of the whole study process; of the kernel alone where there is no such command or no time."""
    rows: list[Row] = []
    for futures in settings.study_futures:
        with tempfile.TemporaryDirectory() as out:
            command = [str(_isthmus()), "run", "reference", "--out", str(Path(out) / "run"), "--futures", str(futures)]
            try:
                mib, took = peak_memory(command, settings.study_limit)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                console.print(f"Skipped: memory of `isthmus run` at {futures:,} futures: {error}", markup=False)
                continue
            name = "peak_memory_mb" if futures == STUDY_FUTURES[0] else f"peak_memory_mb_{futures}"
            rows.append(Row(name, mib, "MiB", f"whole process of the reference study, {futures:,} futures"))
            rows.append(Row(f"study_seconds_{futures}", took, "s", f"isthmus run reference --futures {futures}, whole process"))
    if not any(row.name == "peak_memory_mb" for row in rows):
        futures = STUDY_FUTURES[0] if settings.study_futures else settings.kernel_futures
        mib, _ = peak_memory([sys.executable, "-c", _KERNEL_ONLY, str(futures)], 300.0)
        rows.append(Row("peak_memory_mb", mib, "MiB", f"inputs and kernel alone, one case, {futures:,} futures"))
    return rows


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


def measure(settings: Settings, console: Console) -> list[Row]:
    rows = memory_rows(settings, console)
    if settings.compiling:
        rows.append(Row("compile_seconds", compile_seconds(), "s", "first call of the kernel without compiled code"))
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
    cores = peak.cores()
    return [
        Row("campaigns_per_second", speed["kernel"], "campaigns/s", f"{where}, {cores} cores"),
        Row("campaigns_per_second_one_thread", speed["kernel_one_thread"], "campaigns/s", where),
        Row("numpy_campaigns_per_second", speed["numpy"], "campaigns/s", f"same cases, {NUMPY_FUTURES} futures, one process"),
        Row("ema_python_campaigns_per_second", speed["ema"], "campaigns/s", "same cases, sequential evaluator"),
        Row("ratio_numpy", speed["kernel"] / speed["numpy"], "×", f"NumPy over {NUMPY_FUTURES} futures; kernel on {cores} cores"),
        Row(
            "ratio_numpy_one_thread",
            speed["kernel_one_thread"] / speed["numpy"],
            "×",
            f"NumPy over {NUMPY_FUTURES} futures; one core each",
        ),
        Row("ratio_ema_python", speed["kernel"] / speed["ema"], "×", f"EMA Workbench and plain Python; kernel on {cores} cores"),
        Row("share_of_fma_peak", statistics.median(shares), "share", f"measured float32 FMA peak of {cores} cores, AVX2"),
        *rows,
    ]


def show(rows: list[Row], console: Console) -> None:
    table = Table(title="Isthmus benchmark", title_justify="left")
    for name in ("measure", "value", "unit", "against"):
        table.add_column(name, justify="right" if name == "value" else "left", overflow="fold", no_wrap=name == "measure")
    for row in rows:
        digits = 0 if row.value >= 100 else 1 if row.value >= 10 else 3
        table.add_row(row.name, f"{row.value:,.{digits}f}", row.unit, row.against)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute; numbers to look at, not to quote")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes (default: %(default)s)")
    arguments = parser.parse_args()
    console = Console()
    began = time.perf_counter()
    rows = measure(QUICK if arguments.quick else FULL, console)
    here = machine()
    document: list[dict[str, Any]] = [{**row._asdict(), "machine": here} for row in rows]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    show(rows, console)
    console.print(here, markup=False)
    console.print(f"{time.perf_counter() - began:.0f} s; wrote {arguments.out}", markup=False)


if __name__ == "__main__":
    main()
