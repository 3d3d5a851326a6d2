"""A run of 2^20 futures, interrupted and resumed twice, beside one that nothing interrupted: digest, memory, time left as it was told."""

from __future__ import annotations

import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from benchmarks.memory import power, write_one_cell
from benchmarks.rows import ROOT, Row
from isthmus.errors import Interrupted

STOPS: Final = (1 / 3, 2 / 3)
"""Shares of the chunks after which Ctrl-C is pressed."""

POLL: Final = 0.1
"""Seconds between two looks at chunks and processes."""

TELLINGS: Final = 20
"""Times that a run says how long it still takes."""

# The command itself, with a log of its own: seconds left as its progress bar shows them, not rounded.
_COMMAND: Final = """
import json, sys, time
from isthmus import cli

def log(pace):
    told = 0
    def show(done, total):
        nonlocal told
        pace.report(done, total)
        if done * {tellings} // total > told or done == total:
            told = done * {tellings} // total
            print(json.dumps([time.time(), done, total, pace.seconds_left]), file=sys.stderr, flush=True)
    return show

cli._log_progress = log
cli.main()
"""


class Call(NamedTuple):
    """One call of `isthmus run` or `isthmus resume`. `told`: at (seconds since the call), so many campaigns, so many seconds left."""

    code: int
    seconds: float
    peaks: list[float]
    """Peak resident memory of each of its processes, MiB, the one that writes first."""
    told: list[tuple[float, int, float]]
    answer: str
    errors: str


def _tree(pid: int) -> list[int]:
    """A process and those that it started, oldest first, without Python's own tracker of resources."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if "resource_tracker" in Path(f"/proc/{pid}/cmdline").read_text():
            return []
    except OSError:
        return []
    return [pid, *(p for word in words for p in _tree(int(word)))]


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def call(words: list[object], out: Path, stop: int | None = None) -> Call:
    """Run a command of isthmus; press Ctrl-C when `stop` chunks are there."""
    command = [sys.executable, "-c", _COMMAND.format(tellings=TELLINGS), *map(str, words)]
    began, wall = time.perf_counter(), time.time()
    log = out.with_suffix(".log")
    peaks: dict[int, float] = {}
    with log.open("w") as err:
        # A shell without a terminal starts what it puts in the background with Ctrl-C ignored, and children inherit that.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            preexec_fn=_hear_interrupts,
        )
        while process.poll() is None:
            for pid in _tree(process.pid):
                peaks[pid] = max(peaks.get(pid, 0.0), _peak(pid))
            if stop is not None and (out / "chunks").is_dir() and len(list((out / "chunks").glob("chunk-*"))) >= stop:
                process.send_signal(signal.SIGINT)
                stop = None
            time.sleep(POLL)
        said = process.stdout.read() if process.stdout else ""
    told, errors = [], []
    for line in log.read_text().splitlines():
        if line.startswith("["):
            at, done, _, left = json.loads(line)
            told.append((at - wall, done, left if left is not None else float("nan")))
        else:
            errors.append(line)
    return Call(process.returncode, time.perf_counter() - began, list(peaks.values()), told, said, "\n".join(errors))


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _digest(found: Call) -> str:
    if found.code:
        raise RuntimeError(f"exit code {found.code}: {found.errors[-400:]}")
    return str(json.loads(found.answer)["digest"])


def ratios(found: Call) -> list[tuple[float, float]]:
    """(share of the campaigns done, seconds left as told over seconds that it took): of the computing, without the digest."""
    if not found.told:
        return []
    end, total = found.told[-1][0], found.told[-1][1]
    return [(done / total, left / (end - at)) for at, done, left in found.told if end - at > 1 and left == left]


def measure(console: Console, folder: Path, futures: int, processes: int) -> list[Row]:
    """Raises RuntimeError where the two runs differ, or where Ctrl-C did not leave a run that can be resumed."""
    study = write_one_cell(folder)
    where = f"{power(futures)} futures, one ecosystem × one war case, {processes} processes"
    command: list[object] = ["run", study, "--futures", futures, "--processes", processes, "--json", "--out"]
    rows = []

    whole = call([*command, folder / "whole"], folder / "whole")
    digest = _digest(whole)
    size = sum(path.stat().st_size for path in (folder / "whole").rglob("*.parquet"))
    shutil.rmtree(folder / "whole")
    _tell(console, "uninterrupted", whole)
    found = ratios(whole)
    for share, ratio in found:
        console.print(f"  at {share:4.0%} of the campaigns: time left as told / as it was = {ratio:.2f}", markup=False)
    told = [ratio for share, ratio in found if share >= 0.1]
    rows.append(Row("million_seconds", whole.seconds, "s", f"{where}: from the command to the digest"))
    rows.append(Row("million_bytes", size, "B", f"{where}: Parquet"))
    if told:
        rows.append(Row("million_time_left_median", statistics.median(told), "×", "told over true, from a tenth of the run on"))
        rows.append(Row("million_time_left_lowest", min(told), "×", "the same, lowest"))
        rows.append(Row("million_time_left_highest", max(told), "×", "the same, highest"))

    out, chunks = folder / "cut", -(-futures // 1024)
    calls = []
    for i, stop in enumerate((*STOPS, None)):
        words = [*command, out] if i == 0 else ["resume", out, "--processes", processes, "--json"]
        done = call(words, out, stop=round(stop * chunks) if stop else None)
        there = len(list((out / "chunks").glob("chunk-*")))
        _tell(console, f"call {i + 1} of the interrupted run: exit code {done.code}, {there:,} of {chunks:,} chunks", done)
        if stop and done.code != Interrupted.exit_code:
            raise RuntimeError(f"Ctrl-C gave exit code {done.code}: {done.errors[-400:]}")
        calls.append(done)
    same = _digest(calls[-1]) == digest
    console.print(f"digest of the run that was resumed twice: {'the same' if same else 'ANOTHER'}, {digest[:16]}", markup=False)
    if not same:
        raise RuntimeError("the run that was resumed twice has another digest")
    names = ("writer", *(f"worker {i + 1}" for i in range(processes)))
    for name, peak in zip(names, whole.peaks, strict=False):
        rows.append(Row(f"million_memory_mb_{name.replace(' ', '_')}", peak, "MiB", f"{where}: peak of that process"))
    rows.append(Row("million_memory_mb", max(max(c.peaks) for c in (whole, *calls)), "MiB", "largest process of all four calls"))
    rows.append(Row("million_same_digest", float(same), "1 = yes", f"{where}: interrupted at 1/3 and 2/3, resumed twice"))
    return rows


def _tell(console: Console, what: str, found: Call) -> None:
    peaks = ", ".join(f"{peak:.0f}" for peak in found.peaks)
    console.print(f"{what}: {found.seconds:.0f} s, peaks of its processes {peaks} MiB", markup=False)
