"""Runs: chunk after chunk, each written whole, so that a run survives anything and resumes, whoever computes it."""

from __future__ import annotations

import hashlib
import platform
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from isthmus.errors import Interrupted, Problem, RunError
from isthmus.register import Register
from isthmus.study.chunks import identity, run_chunk
from isthmus.study.layers import layer_report
from isthmus.study.plan import Plan, make_plan
from isthmus.study.schedulers import Chunk, ChunkResult, Scheduler, Threads
from isthmus.study.schema import Study
from isthmus.study.store import RunFolder, encode
from isthmus.sustainment.kernel import LANES

CHUNK_FUTURES = 1024
Progress = Callable[[int, int], None]
"""Called with campaigns done and campaigns in all; first with those that an earlier call had done."""


@dataclass(frozen=True)
class RunReport:
    """What a run says of itself. `seconds` and the rate cover the campaigns of this call."""

    run: str
    campaigns: int
    seconds: float
    campaigns_per_second: float
    digest: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "campaigns": self.campaigns,
            "seconds": round(self.seconds, 3),
            "campaigns_per_second": round(self.campaigns_per_second, 1),
            "digest": self.digest,
        }


def start(
    plan: Plan,
    out: Path,
    progress: Progress | None = None,
    threads: int | None = None,
    *,
    scheduler: Scheduler | None = None,
    layers: bool = True,
) -> RunReport:
    """Run a plan into the folder `out`, by default with `threads` of this process.

    Raises RunError where `out` holds another run; Interrupted on Ctrl-C, a full disk or a lost cluster: `resume` goes on then.
    With `layers`, a plan of two ecosystems or more is also asked what each layer is worth (:mod:`isthmus.study.layers`).
    """
    folder = RunFolder(out)
    wanted = manifest(plan)
    if folder.exists():
        _check_same(folder, wanted)
    elif out.exists() and (not out.is_dir() or folder.foreign() or any(folder.chunks_root.glob("chunk-*"))):
        raise RunError(
            [
                Problem(
                    str(out),
                    None,
                    None,
                    "a file or a folder that is not empty",
                    "a new or empty folder",
                    "the run cannot be written here",
                )
            ]
        )
    else:
        try:
            folder.create(wanted)
        except OSError as bad:
            raise Interrupted(f"{out} cannot be written ({_why(bad)}); mend that, then give the same command again") from None
    return _work(plan, folder, progress, scheduler or Threads(threads), layers=layers)


def resume(
    out: Path,
    register: Register | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    *,
    scheduler: Scheduler | None = None,
) -> RunReport:
    """Finish the run in the folder `out`. Raises RunError where this version, register or kernel is not the one it began with."""
    folder = RunFolder(out)
    old = folder.manifest()
    if register is None:
        root = Path(old["register"]["root"])
        register = Register.load(root) if root.is_dir() else Register.reference()
    plan = make_plan(Study.model_validate(old["study"]), register)
    _check_same(folder, manifest(plan))
    return _work(plan, folder, progress, scheduler or Threads(threads), layers=True)


def run_id(plan: Plan) -> str:
    """Name of a run: equal for equal study, register, version and kernel."""
    same = identity()
    parts = (plan.study.digest(), plan.register.hash, plan.input_hash, same["version"], same["kernel"])
    return f"{plan.study.study}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


class Estimate(NamedTuple):
    """What a plan takes on this machine."""

    seconds: float
    bytes: int


def estimate(plan: Plan) -> Estimate:
    """Time and disk that a plan takes: one chunk is computed and timed, after a small one that compiles what is not compiled."""
    run_chunk(plan, 0, min(LANES, plan.study.futures))
    count = min(CHUNK_FUTURES, plan.study.futures)
    begun = time.perf_counter()
    files = {name: encode(table) for name, table in run_chunk(plan, 0, count).items()}
    seconds = time.perf_counter() - begun
    # Weekly fill is kept for the first futures only.
    repeated = sum(len(content) for name, content in files.items() if name != "weeks")
    size = repeated * plan.study.futures / count + len(files.get("weeks", b""))
    return Estimate(seconds * plan.study.futures / count, round(size))


def plan_of(manifest: dict[str, Any]) -> Plan | None:
    """The plan of a run, made anew; None where its register is not at hand or has changed since."""
    root = Path(manifest["register"]["root"])
    register = Register.load(root) if root.is_dir() else Register.reference()
    if register.hash != manifest["register"]["hash"]:
        return None
    return make_plan(Study.model_validate(manifest["study"]), register)


def manifest(plan: Plan) -> dict[str, Any]:
    """Everything that decides the values of a run, and what it was run on."""
    chunks = -(-plan.study.futures // CHUNK_FUTURES)
    return {
        "study": plan.study.model_dump(mode="json", by_alias=True),
        "study_hash": plan.study.digest(),
        "register": {
            "hash": plan.register.hash,
            "root": str(plan.register.root),
            "newest": plan.register.newest(),
            **plan.register.counts(),
        },
        "input_hash": plan.input_hash,
        **identity(),
        "chunks": chunks,
        "chunk_futures": CHUNK_FUTURES,
        "columns": list(plan.labels.columns),
        "views": list(plan.labels.views),
        "duels": list(plan.labels.duels),
        "groups": list(plan.labels.groups),
        "theaters": list(plan.theaters),
        "tiers": [list(t) for t in plan.wide.setting.tiers],
        "machine": {"system": platform.system(), "processor": platform.machine(), "python": platform.python_version()},
    }


DECIDING = ("study_hash", "input_hash", "version", "kernel", "lanes", "chunk_futures", "columns")


def _check_same(folder: RunFolder, wanted: dict[str, Any]) -> None:
    old = folder.manifest()
    problems = []
    if old["register"]["hash"] != wanted["register"]["hash"]:
        problems.append(
            Problem(
                str(folder.root),
                None,
                "register",
                wanted["register"]["hash"][:16],
                old["register"]["hash"][:16],
                "the register has changed",
            )
        )
    for key in DECIDING:
        if old.get(key) != wanted[key]:
            found, allowed = (str(m.get(key))[:40] for m in (wanted, old))
            problems.append(Problem(str(folder.root), None, key, found, allowed, "the run in this folder began otherwise"))
    for name, now in wanted["libraries"].items():
        if old["libraries"].get(name) != now:
            problems.append(
                Problem(
                    str(folder.root),
                    None,
                    f"libraries.{name}",
                    now,
                    str(old["libraries"].get(name)),
                    "another version of a library",
                )
            )
    if problems:
        raise RunError(problems)


class Pace:
    """How fast a run goes and how long it still takes, from what this call computes: what an earlier one did takes no time."""

    WINDOW = 300.0
    """Seconds that the rate looks back over: long enough for whole chunks, short enough to forget a machine that was busy."""

    START = 6
    """After so many reports the first is forgotten: the time in which processes start says nothing of the rate."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._total = 0
        self._settled = False

    def report(self, done: int, total: int) -> None:
        """Take note of campaigns done, as `Progress` does."""
        self._total = total
        self._seen.append((self._clock(), done))
        if not self._settled and len(self._seen) == self.START:
            self._seen.popleft()
            self._settled = True
        while len(self._seen) > 2 and self._seen[-1][0] - self._seen[1][0] >= self.WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Campaigns a second; None before anything was computed."""
        if len(self._seen) < 2 or self._seen[-1][1] <= self._seen[0][1]:
            return None
        (then, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - then) if now > then else None

    @property
    def seconds_left(self) -> float | None:
        rate = self.rate
        return (self._total - self._seen[-1][1]) / rate if rate else None


@dataclass
class _Tally:
    """Campaigns done before this call and in it, told to whoever shows progress."""

    total: int
    progress: Progress | None
    done: int = 0
    computed: int = field(default=0, init=False)

    def tell(self, under_way: int = 0) -> None:
        if self.progress:
            self.progress(self.done + under_way, self.total)

    def add(self, campaigns: int) -> None:
        self.done += campaigns
        self.computed += campaigns
        self.tell()


def _work(plan: Plan, folder: RunFolder, progress: Progress | None, scheduler: Scheduler, *, layers: bool) -> RunReport:
    folder.clean()
    per_future = len(plan.study.ecosystems) * len(plan.study.war_cases)
    todo = [c for c in _chunks(plan) if not folder.done(c.index)]
    tally = _Tally(plan.campaigns, progress, plan.campaigns - per_future * sum(c.count for c in todo))
    tally.tell()
    begun = time.perf_counter()
    try:
        for result in scheduler.run(plan, todo, tally.tell):
            _write(folder, result)
            tally.add(result.chunk.count * per_future)
        seconds = time.perf_counter() - begun
        if layers and len(plan.study.ecosystems) > 1 and not folder.derived("parity").is_file():
            found = layer_report(plan)
            _write_derived(folder, "layers", found.shares)
            _write_derived(folder, "parity", found.parity)
    except (KeyboardInterrupt, Interrupted) as stop:
        why = f"{stop}\n" if isinstance(stop, Interrupted) else ""
        again = f"isthmus resume {folder.root}"
        raise Interrupted(f"{why}stopped after {tally.done:,} of {tally.total:,} campaigns; go on with: {again}") from None
    rate = tally.computed / seconds if seconds else 0.0
    return RunReport(str(folder.root), plan.campaigns, seconds, rate, folder.digest())


def _chunks(plan: Plan) -> list[Chunk]:
    futures = plan.study.futures
    return [Chunk(i, first, min(CHUNK_FUTURES, futures - first)) for i, first in enumerate(range(0, futures, CHUNK_FUTURES))]


def _write(folder: RunFolder, result: ChunkResult) -> None:
    try:
        folder.write(result.chunk.index, result.files)
    except OSError as bad:
        raise _unwritable(folder, bad, sum(map(len, result.files.values()))) from None


def _write_derived(folder: RunFolder, name: str, frame: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    try:
        folder.write_derived(name, table)
    except OSError as bad:
        raise _unwritable(folder, bad, table.nbytes) from None


def _unwritable(folder: RunFolder, bad: OSError, chunk: int) -> Interrupted:
    """A disk that takes no more: nothing half stays, and what is there stays good."""
    missing = sum(not folder.done(i) for i in range(folder.manifest()["chunks"]))
    need = f"what is left to compute takes about {missing * chunk / 1e6:,.0f} MB, {_free(folder) / 1e6:,.0f} MB are free"
    return Interrupted(f"{folder.root} cannot be written ({_why(bad)}): {need}; make room first")


def _free(folder: RunFolder) -> int:
    return shutil.disk_usage(folder.root).free


def _why(bad: OSError) -> str:
    return bad.strerror or str(bad)
