"""Peak memory of whole processes: that of a run must not grow with its futures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Console

from benchmarks.growth import growth
from benchmarks.rows import ROOT, Row
from isthmus.study import Study

REFERENCE: Final = 1 << 13
ONE_CELL: Final = (1 << 13, 1 << 15, 1 << 16, 1 << 18)
ONE_CASE: Final = "both_at_once"
LIMIT: Final = 600.0
"""Seconds that a run may take."""

# A child of a large process inherits its peak: a small process starts the command and reads the peak of its children.
_LAUNCHER: Final = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; "
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)

_KERNEL_ONLY: Final = """
from benchmarks.inputs import reference_inputs
from isthmus.sustainment.kernel import run_tiles
run_tiles(*reference_inputs(512)[0])
"""


def isthmus(*words: object) -> list[str]:
    """A command of the `isthmus` that this Python has."""
    return [str(Path(sys.executable).parent / "isthmus"), *map(str, words)]


def peak_memory(command: Sequence[str], limit: float = LIMIT) -> tuple[float, float]:
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


def one_cell() -> dict[str, Any]:
    """The reference study in one ecosystem and one war case: what a future costs beside its campaigns weighs most here."""
    study = Study.load("reference").model_dump(mode="json", by_alias=True)
    cases = [c for c in study["war_cases"] if c["name"] == ONE_CASE]
    return {**study, "study": "one_cell", "ecosystems": study["ecosystems"][:1], "war_cases": cases}


def write_one_cell(folder: Path) -> Path:
    path = folder / "one_cell.yaml"
    path.write_text(yaml.safe_dump(one_cell(), sort_keys=False), encoding="utf-8")
    return path


def power(futures: int) -> str:
    """8192 → 2^13, where it is a power of two."""
    exponent = futures.bit_length() - 1
    return f"2^{exponent}" if futures == 1 << exponent else f"{futures:,}"


def measure(console: Console, *, quick: bool) -> list[Row]:
    """The reference study, then one ecosystem in one war case at four sizes; when quick, the kernel and its inputs alone."""
    if quick:
        mib, _ = peak_memory([sys.executable, "-c", _KERNEL_ONLY])
        return [Row("peak_memory_mb", mib, "MiB", "inputs and kernel alone, one case, 512 futures")]
    rows, peaks, seconds = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mib, took = peak_memory(isthmus("run", "reference", "--out", folder / "reference", "--futures", REFERENCE))
        rows.append(Row("peak_memory_mb", mib, "MiB", f"isthmus run reference --futures {REFERENCE}, whole process"))
        rows.append(Row("study_seconds", took, "s", "the same, from the command to the digest, layers included"))
        study = write_one_cell(folder)
        for futures in ONE_CELL:
            mib, took = peak_memory(isthmus("run", study, "--out", folder / str(futures), "--futures", futures))
            console.print(f"{power(futures)} futures: {mib:,.0f} MiB, {took:.0f} s", markup=False)
            peaks.append(mib)
            seconds.append(took)
    where = "isthmus run, one ecosystem × one war case, whole process"
    for futures, mib, took in zip(ONE_CELL, peaks, seconds, strict=True):
        rows.append(Row(f"one_cell_memory_mb_{futures}", mib, "MiB", f"{where}, {power(futures)} futures"))
        rows.append(Row(f"one_cell_seconds_{futures}", took, "s", "the same, from the command to the digest"))
    first, last = power(ONE_CELL[0]), power(ONE_CELL[-1])
    rows.append(Row("memory_growth", peaks[-1] / peaks[0], "×", f"{where}: {last} futures over {first}"))
    rows += growth("one_cell_seconds", ONE_CELL, seconds, f"{where}, seconds on futures")
    console.print(f"memory at {last} / at {first} = {peaks[-1] / peaks[0]:.2f}", markup=False)
    return rows
