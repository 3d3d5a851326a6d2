"""Large runs: whoever computes, whatever dies and however often, the digest is the same; nothing grows with the futures."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks.growth import growth
from benchmarks.linear import cut

from isthmus import cli
from isthmus.errors import Interrupted, RunError
from isthmus.register import Register
from isthmus.study import chunks, ranks, results, runner, schedulers
from isthmus.study.cluster import Cluster
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.schedulers import Chunk, ChunkResult, Processes, Step, Threads
from isthmus.study.schema import Study
from isthmus.study.store import RunFolder
from tests import campaign_register as paper

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")

FUTURES = 2048
CHUNK = 128
SMALL: dict[str, Any] = {
    "futures": FUTURES,
    "ecosystems": paper.STUDY["ecosystems"][:1],
    "war_cases": paper.STUDY["war_cases"][2:3],
    "uncertainties": paper.SPREAD,
}
"""One ecosystem and one war case in sixteen chunks."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHUNK_FUTURES", CHUNK)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scale")
    paper.write(folder / "register")
    paper.write_study(folder / "small.yaml", **SMALL)
    return folder


@pytest.fixture(scope="module")
def register(root: Path) -> Register:
    return Register.load(root / "register")


@pytest.fixture(scope="module")
def small(register: Register) -> Plan:
    return paper.plan(register, **SMALL)


@pytest.fixture(scope="module")
def whole(root: Path, small: Plan) -> tuple[Path, str]:
    """A run that nothing interrupted, in chunks of the usual size, and its digest."""
    return root / "whole", runner.start(small, root / "whole", threads=2).digest


class Shuffled:
    """Hands back the chunks in another order, as workers do."""

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:
        order = list(chunks)
        random.Random(7).shuffle(order)  # noqa: S311
        return Threads(1).run(plan, order, step)


class StopsAfter:
    """Is interrupted by the user after some chunks."""

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:
        yield from itertools.islice(Threads(1).run(plan, chunks, step), self.count)
        raise KeyboardInterrupt


def test_the_order_of_chunks_changes_nothing(small: Plan, whole: tuple[Path, str], tmp_path: Path) -> None:
    assert runner.start(small, tmp_path / "run", scheduler=Shuffled()).digest == whole[1]


def test_interrupted_and_resumed_twice(small: Plan, register: Register, whole: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(Interrupted, match=rf"after 384 of 2,048 campaigns; go on with: isthmus resume {out}"):
        runner.start(small, out, scheduler=StopsAfter(3))
    told: list[tuple[int, int]] = []
    with pytest.raises(Interrupted, match="after 1,024 of 2,048"):
        runner.resume(out, register, lambda *now: told.append(now), scheduler=StopsAfter(5))
    assert told[0] == (384, 2048)
    report = runner.resume(out, register, threads=2)
    assert report.digest == whole[1]
    assert report.campaigns_per_second == pytest.approx(1024 / report.seconds)


def test_a_packed_plan_computes_the_same_chunk(small: Plan) -> None:
    """And is small enough to travel with every chunk: the tables of the register stay behind."""
    packed = schedulers.pack(small)
    assert len(packed) < 100_000
    chunk = Chunk(2, 256, 128)
    found = schedulers.compute(packed, chunks.identity(), chunk)
    assert isinstance(found, ChunkResult)
    (mine,) = Threads(1).run(small, [chunk])
    assert found == mine


# Time left


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_counts_only_what_this_call_computes() -> None:
    clock = Clock()
    pace = runner.Pace(clock)
    pace.report(900, 1000)  # done by an earlier call, in no time of this one
    assert pace.rate is None
    assert pace.seconds_left is None
    for done in (910, 920, 930):
        clock.now += 5
        pace.report(done, 1000)
    assert pace.rate == pytest.approx(2)
    assert pace.seconds_left == pytest.approx(35)


def test_the_rate_forgets_what_lies_long_back() -> None:
    clock = Clock()
    pace = runner.Pace(clock)
    done = 0
    for rate in (1, 100):
        for _ in range(int(3 * runner.Pace.WINDOW)):
            clock.now += 1
            done += rate
            pace.report(done, 10**6)
    assert pace.rate == pytest.approx(100, rel=0.02)
    assert len(pace._seen) < 1.1 * runner.Pace.WINDOW


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    show = cli._log_progress(runner.Pace(clock))
    for done in range(0, 101):
        show(done * 1000, 1_000_000)
        clock.now += 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == "30,000 of 1,000,000 campaigns, 500 a second, 32 min left"


# Disks


def _full_after(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """A disk that takes so many chunks and half of another."""
    real, seen = Path.write_bytes, itertools.count()

    def write(path: Path, content: bytes) -> int:
        if path.name == "reach.parquet" and next(seen) >= chunks:
            real(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)


def test_a_full_disk_stops_the_run_and_loses_nothing(
    root: Path,
    register: Register,
    whole: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    words = ["run", root / "small.yaml", "--register", root / "register", "--out", out, "--json"]
    monkeypatch.setattr(sys, "argv", ["isthmus", *map(str, words)])
    with monkeypatch.context() as disk:
        _full_after(disk, 5)
        with pytest.raises(SystemExit) as stop:
            cli.main()
    said, err = capsys.readouterr()
    assert stop.value.code == 3
    assert "No space left on device" in err
    assert "MB are free; make room first" in err
    assert f"after 640 of 2,048 campaigns; go on with: isthmus resume {out}" in err
    assert json.loads(said)["ok"] is False
    assert sorted(p.name for p in (out / "chunks").iterdir()) == [f"chunk-{i:06d}" for i in range(5)]
    assert runner.resume(out, register).digest == whole[1]


def test_a_disk_that_says_only_at_the_end_that_it_is_full(
    small: Plan, register: Register, whole: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take what is written and fail when it is handed to the disk."""
    out = tmp_path / "run"
    real, seen = os.fsync, itertools.count()

    def sync(handle: int) -> None:
        if next(seen) > 20:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        real(handle)

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", sync)
        with pytest.raises(Interrupted, match="make room first"):
            runner.start(small, out, threads=1)
    done = sorted(p.name for p in (out / "chunks").iterdir())
    assert 0 < len(done) < 16
    assert not any(name.startswith(".") for name in done)
    assert runner.resume(out, register).digest == whole[1]


def test_a_disk_without_room_for_the_manifest(small: Plan, whole: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as disk:
        disk.setattr(RunFolder, "create", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(Interrupted, match="give the same command again"):
            runner.start(small, out)
    assert runner.start(small, out).digest == whole[1]


# Processes


@pytest.mark.slow
def test_processes_give_the_same_digest_and_survive_a_kill_of_the_parent(
    root: Path, register: Register, whole: tuple[Path, str], tmp_path: Path
) -> None:
    """The parent is killed in the middle: its processes end as well, and what they computed is kept."""
    out = tmp_path / "run"
    words = ["run", root / "small.yaml", "--register", root / "register", "--out", out, "--processes", "2"]
    code = f"from isthmus.study import runner; runner.CHUNK_FUTURES = {CHUNK}; from isthmus.cli import main; main()"
    run = subprocess.Popen([sys.executable, "-c", code, *map(str, words)], stderr=subprocess.DEVNULL)
    _until(lambda: any(out.glob("chunks/chunk-*")) or run.poll() is not None)
    children = _children(run.pid)
    run.kill()
    run.wait()
    assert len(children) >= 2
    _until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert runner.resume(out, register, threads=2).digest == whole[1]


def _children(parent: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _until(seen: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_killed_process_stops_the_run_and_says_why(small: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def run(self, *_: Any) -> Iterator[ChunkResult]:
            yield from Processes(1).run(small, [Chunk(0, 0, 128)])

    monkeypatch.setattr(schedulers, "compute", _dies)
    with pytest.raises(Interrupted, match=r"a process of the run was killed(.|\n)*isthmus resume"):
        runner.start(small, tmp_path / "run", scheduler=Broken())


def _dies(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# Workers


@pytest.mark.parametrize(
    ("change", "column"),
    [({"version": "0.0.1"}, "version"), ({"kernel": "host-lanes64"}, "kernel"), ({"libraries": {}}, "libraries.numpy")],
)
def test_a_worker_of_another_version_refuses(change: dict[str, Any], column: str) -> None:
    """Before it unpacks the plan, which it may not understand."""
    found = schedulers.compute(b"not a plan", {**chunks.identity(), **change, "libraries": {"numpy": "1.0"}}, Chunk(0, 0, 1))
    assert isinstance(found, list)
    assert column in {p.column for p in found}
    with pytest.raises(RunError, match="the worker would compute other values"):
        schedulers.accepted(found)


def test_workers_are_asked_before_anything_is_computed() -> None:
    """One is of another version, one has no Isthmus; every problem is told with the worker's address."""

    class Answers:
        def run(self, *_: Any, **__: Any) -> dict[str, Any]:
            other = {**chunks.identity(), "version": "0.0.1"}
            return {
                "tcp://a:1": chunks.identity(),
                "tcp://b:2": other,
                "tcp://c:3": ModuleNotFoundError("No module named 'isthmus'"),
            }

    with pytest.raises(RunError) as refused:
        Cluster("tcp://x:1")._check(Answers(), chunks.identity())
    assert [(p.file, p.column) for p in refused.value.problems] == [("tcp://b:2", "version"), ("tcp://c:3", None)]


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Dask:
    """A scheduler and workers in processes of their own, as on a cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *words]
        log = (self.folder / "dask.log").open("ab")
        with log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def add_worker(self) -> None:
        words = (self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder))
        self.workers.append(self._start("worker", *words))

    def restart(self) -> None:
        """The scheduler at the same address, with a new worker: those that it had go when it does."""
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
        self.add_worker()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    running = Dask(tmp_path_factory.mktemp("dask"))
    running.add_worker()
    running.add_worker()
    yield running
    running.end()


@pytest.mark.slow
def test_a_killed_worker_and_a_restarted_scheduler_change_nothing(
    dask: Dask, small: Plan, whole: tuple[Path, str], tmp_path: Path
) -> None:
    restart = threading.Thread(target=dask.restart)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if done == 3 * CHUNK:
            dask.workers[0].kill()
            killed.append(dask.workers[0].wait())
        if done == 8 * CHUNK:
            dask.scheduler.kill()
            killed.append(dask.scheduler.wait())
            restart.start()

    report = runner.start(small, tmp_path / "run", kill, scheduler=Cluster(dask.address, patience=60))
    restart.join()
    assert killed == [-signal.SIGKILL] * 2
    assert report.digest == whole[1]


@pytest.mark.slow
def test_a_scheduler_that_goes_away_stops_the_run(
    dask: Dask, small: Plan, register: Register, whole: tuple[Path, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"

    def kill_it(done: int, total: int) -> None:
        if done == 2 * CHUNK:
            dask.scheduler.kill()

    with pytest.raises(Interrupted, match=r"no longer answers(.|\n)*isthmus resume") as stop:
        runner.start(small, out, kill_it, scheduler=Cluster(dask.address, patience=4))
    assert stop.value.exit_code == 3
    done = len(list((out / "chunks").glob("chunk-*")))
    assert 2 <= done < 16
    with pytest.raises(Interrupted, match="does not answer"):
        runner.resume(out, register, scheduler=Cluster(dask.address, patience=1))
    assert runner.resume(out, register, threads=2).digest == whole[1]


def test_an_address_that_is_none_is_bad_input(small: Plan) -> None:
    with pytest.raises(RunError, match="--scheduler"):
        list(Cluster("carrier-pigeon://loft").run(small, []))


@pytest.mark.parametrize("words", [("--processes", "2", "--threads", "1"), ("--scheduler", "tcp://x:1", "--processes", "1")])
def test_who_computes_is_said_once(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["isthmus", "run", "tutorial", "--out", str(tmp_path / "run"), *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "who computes is asked for twice" in capsys.readouterr().err


# Quantiles of what does not stand in memory


@pytest.mark.parametrize("size", [1, 2, 3, 50, 20_000])
@pytest.mark.parametrize("kind", ["normal", "few", "wide", "zeros", "tiny", "infinite"])
def test_quantiles_of_pieces_are_those_of_the_whole(size: int, kind: str) -> None:
    chance = np.random.default_rng(size)
    values = {
        "normal": chance.normal(size=size),
        "few": chance.choice([0.0, -0.0, 1.0, 5.5], size=size),
        "wide": chance.lognormal(0, 20, size=size),
        "zeros": np.zeros(size),
        "tiny": -chance.random(size) * 1e-40,
        "infinite": np.where(chance.random(size) < 0.2, np.inf, chance.random(size)),
    }[kind].astype(np.float32)
    shares = (0.0, 0.05, 0.5, 0.95, 1.0)
    cuts = np.sort(chance.integers(0, size + 1, 3))
    with np.errstate(invalid="ignore"):
        found = ranks.quantiles(lambda: ({"a": part} for part in np.split(values, cuts)), shares)
        np.testing.assert_array_equal(found["a"], np.quantile(values.astype(np.float64), shares))


def test_quantiles_of_nothing_and_of_what_is_no_number() -> None:
    none, bad = np.zeros(0, np.float32), np.array([1, np.nan], np.float32)
    found = ranks.quantiles(lambda: [{"none": none, "bad": bad}] * 2, (0.5,))
    assert np.isnan([found["none"], found["bad"]]).all()
    assert ranks.quantiles(list, (0.5,)) == {}


def test_results_of_a_run_do_not_depend_on_how_much_is_held(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {**SMALL, "futures": 1000, "ecosystems": paper.STUDY["ecosystems"][::3], "war_cases": paper.STUDY["war_cases"]}
    runner.start(paper.plan(register, **cases), tmp_path / "run", threads=2, layers=False)
    whole = Results.open(tmp_path / "run")
    monkeypatch.setattr(results, "HELD", 1)
    monkeypatch.setattr(results, "SELECTED", 100)
    pieces = Results.open(tmp_path / "run")
    for name in ("quantiles", "shares", "reach"):
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(pieces, name), check_exact=True)


def test_only_the_columns_asked_for_are_read(whole: tuple[Path, str]) -> None:
    table = next(RunFolder(whole[0]).tables("outcomes", ["future", "outcome.west.fires"]))
    assert table.column_names == ["future", "outcome.west.fires"]


# What the benchmarks say of growth


@pytest.mark.parametrize(
    ("cost", "exponent", "off_proportion", "off_line", "fixed"),
    [
        (lambda n: 3 * n, 1.0, 0.0, 0.0, 0.0),
        (lambda n: 5 * n**2, 2.0, 8**0.5 - 1, None, None),
        (lambda n: 7 + 0 * n, 0.0, 8**0.5 - 1, 0.0, 1.0),
        (lambda n: 8 + n, None, None, 0.0, 0.5),
    ],
)
def test_growth_of_known_laws(
    cost: Callable[[int], float],
    exponent: float | None,
    off_proportion: float | None,
    off_line: float | None,
    fixed: float | None,
) -> None:
    """Sizes 1, 2, 4, 8. A square is off proportion by its largest cost a size, 8, over the geometric mean of the four, √8."""
    sizes = (1, 2, 4, 8)
    found = [row.value for row in growth("cost", sizes, [cost(n) for n in sizes], "a law")]
    for value, expected in zip(found, (exponent, off_proportion, off_line, fixed), strict=True):
        if expected is not None:
            assert value == pytest.approx(expected, abs=1e-9)


def test_a_cut_keeps_its_share_of_actors_and_nothing_of_those_that_go() -> None:
    """Quarters of the reference study: nested, a quarter of the actors each to within one, the whole plan at four quarters."""
    plan = make_plan(Study.load("reference"), Register.reference())
    names = [{row.actor_id for row in cut(plan, quarters).supply.rows} for quarters in (1, 2, 3, 4)]
    whole = {row.actor_id for row in plan.supply.rows}
    assert names[0] < names[1] < names[2] < names[3] == whole
    for quarters, kept in enumerate(names, start=1):
        assert abs(len(kept) - quarters * len(whole) / 4) <= 1
    assert {u.name: u for u in cut(plan, 4).design.uncertainties} == {u.name: u for u in plan.design.uncertainties}
