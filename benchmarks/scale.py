"""`python -m benchmarks.scale`: what long runs cost, a million futures interrupted twice, and what a second Dask worker is worth."""

from __future__ import annotations

import argparse
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
from distributed import Client, LocalCluster
from rich.console import Console

from benchmarks import million
from benchmarks.memory import isthmus, peak_memory, write_one_cell
from benchmarks.peak import cores
from benchmarks.rows import ROOT, Row, machine, show, wide_console, write
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.chunks import run_chunk
from isthmus.study.cluster import Cluster
from isthmus.study.plan import Plan, make_plan
from isthmus.study.runner import CHUNK_FUTURES, start
from isthmus.study.schedulers import pack
from isthmus.study.store import encode
from isthmus.sustainment.kernel import LANES

OUT: Final = ROOT / "benchmarks" / "out"
SKIPPED: Final = 1 << 22


class Settings(NamedTuple):
    """Sizes of what is measured."""

    memory_futures: tuple[int, ...]
    worker_futures: int  # of the reference study, 20 campaigns each
    million_futures: int


FULL: Final = Settings((1 << 13, 1 << 15, 1 << 17), 1 << 16, 1 << 20)
QUICK: Final = Settings((1 << 11, 1 << 12), 1 << 12, 1 << 14)


def long_runs(sizes: Sequence[int], folder: Path) -> list[Row]:
    """Whole processes of `isthmus run`, and of `isthmus results` on what they wrote: memory must not grow with the futures."""
    study = write_one_cell(folder)
    rows = []
    for futures in sizes:
        run = folder / f"run-{futures}"
        mib, took = peak_memory(isthmus("run", study, "--out", run, "--futures", futures, "--processes", 2))
        rows.append(Row(f"run_memory_mb_{futures}", mib, "MiB", "largest process of a run, one ecosystem × one war case"))
        rows.append(Row(f"run_seconds_{futures}", took, "s", "the same, whole process, two processes"))
        mib, took = peak_memory(isthmus("results", run, "--json"))
        rows.append(Row(f"results_memory_mb_{futures}", mib, "MiB", "isthmus results --json of that run"))
        rows.append(Row(f"results_seconds_{futures}", took, "s", "the same, whole process"))
    rows += disk(run, futures)
    return rows


def disk(run: Path, futures: int) -> list[Row]:
    """Bytes a future by table; of `weeks`, which the first futures alone have, nothing."""
    sizes: dict[str, int] = {}
    for path in run.glob("chunks/*/*.parquet"):
        sizes[path.stem] = sizes.get(path.stem, 0) + path.stat().st_size
    where = f"{futures:,} futures, one ecosystem × one war case"
    return [
        Row(f"bytes_per_future_{name}", size / futures, "B", where) for name, size in sorted(sizes.items()) if name != "weeks"
    ]


def units() -> list[Row]:
    """What a future, an ecosystem of a future and a campaign cost, in processor time of one thread and in bytes.

    A chunk costs futures × (future + ecosystems × (ecosystem + war cases × campaign)): three shapes of study give the three.
    """
    study = Study.load("reference").model_dump(mode="json", by_alias=True)
    ecosystems, cases = study["ecosystems"], study["war_cases"]
    register = Register.reference()

    def cost(names: list[Any], starts: list[Any]) -> tuple[float, float]:
        changed = {**study, "futures": 1 << 20, "ecosystems": names, "war_cases": starts}
        plan = make_plan(Study.model_validate(changed), register)
        run_chunk(plan, 0, LANES, threads=1)
        seconds = []
        for part in range(3):
            began = time.process_time()
            files = [encode(table) for table in run_chunk(plan, (100 + part) * CHUNK_FUTURES, CHUNK_FUTURES, threads=1).values()]
            seconds.append(time.process_time() - began)
        return min(seconds) / CHUNK_FUTURES, sum(map(len, files)) / CHUNK_FUTURES

    singles = [cost(ecosystems[:1], [case]) for case in cases]
    rows = []
    for i, (unit, scale, digits) in enumerate((("us", 1e6, "processor time of one thread"), ("B", 1.0, "Parquet"))):
        one = statistics.mean(found[i] for found in singles)
        some, all_ = cost(ecosystems[:1], cases)[i], cost(ecosystems, cases)[i]
        campaign = (some - one) / (len(cases) - 1)
        ecosystem = (all_ - some) / (len(ecosystems) - 1) - len(cases) * campaign
        parts = {"future": one - ecosystem - campaign, "ecosystem": ecosystem, "campaign": campaign}
        rows += [Row(f"{name}_{unit}", value * scale, unit, f"reference study, {digits}") for name, value in parts.items()]
        rows.append(Row(f"reference_{unit}", all_ * scale, unit, f"a future of the reference study, {digits}"))
    plan = make_plan(Study.load("reference"), register)
    began = time.process_time()
    plan.design.probabilities(SKIPPED, 1)
    skipping = (time.process_time() - began) / SKIPPED
    rows.append(Row("skipped_future_ns", skipping * 1e9, "ns", f"of a Sobol sequence, {SKIPPED:,} futures"))
    rows.append(Row("task_kb", len(pack(plan)) / 1e3, "kB", "the packed plan that travels with a chunk"))
    return rows + billion({row.name: row.value for row in rows})


def billion(unit: Mapping[str, float]) -> list[Row]:
    """A sweep of a billion campaigns on paper, from the units: runs of 2^20 futures of the reference study, by seed."""
    run, of_each = 1 << 20, 20
    runs = math.ceil(1e9 / (run * of_each))
    futures = runs * run
    seconds, size = futures * unit["reference_us"] / 1e6, futures * unit["reference_B"]
    chunk = CHUNK_FUTURES * unit["reference_us"] / 1e6, CHUNK_FUTURES * unit["reference_B"]
    alone = {end: sum(unit[f"{part}_{end}"] for part in ("future", "ecosystem", "campaign")) for end in ("us", "B")}

    def skipping(n: float) -> float:
        """Every chunk skips the futures before it: N² / (2 × chunk) in all."""
        return n**2 / (2 * CHUNK_FUTURES) * unit["skipped_future_ns"] / 1e9

    sweep = f"{runs} runs of 2^20 futures of the reference study"
    return [
        Row("billion_campaigns", futures * of_each, "campaigns", sweep),
        Row("billion_core_hours", seconds / 3600, "h", "one core"),
        Row("billion_hours_2_cores", seconds / 3600 / 2, "h", "two cores"),
        Row("billion_minutes_64_cores", seconds / 60 / 64, "min", "64 cores"),
        Row("billion_disk_gb", size / 1e9, "GB", sweep),
        Row("billion_run_core_minutes", seconds / 60 / runs, "min", "one of the runs, one core"),
        Row("billion_run_disk_gb", size / 1e9 / runs, "GB", "one of the runs"),
        Row("billion_chunk_mb", chunk[1] / 1e6, "MB", f"{CHUNK_FUTURES:,} futures"),
        Row("billion_chunk_seconds", chunk[0], "s", "the same, one core"),
        Row("billion_network_mb_s", 64 / chunk[0] * chunk[1] / 1e6, "MB/s", "64 workers, to the writers"),
        Row("billion_tasks_mb_s", 64 / chunk[0] * unit["task_kb"] / 1e3, "MB/s", "64 workers, from the scheduler"),
        Row("billion_skipping_run_s", skipping(run), "s", "Sobol points skipped in a run of 2^20 futures, one core"),
        Row("billion_skipping_one_run_h", skipping(futures) / 3600, "h", "the same, had the sweep been one run"),
        Row("billion_one_cell_core_hours", 1e9 * alone["us"] / 1e6 / 3600, "h", "as many in one ecosystem × one war case"),
        Row("billion_one_cell_disk_tb", 1e9 * alone["B"] / 1e12, "TB", "the same"),
    ]


class Turn(NamedTuple):
    """One run on a cluster of this machine: campaigns a second, and processor time by who spent it, seconds."""

    rate: float
    seconds: float
    workers: float
    driver: float
    others: float
    digest: str


def turn(plan: Plan, small: Plan, count: int, folder: Path) -> Turn:
    """The plan on `count` Dask workers, each a process of one thread; the scheduler and the one who writes share one process."""
    with (
        LocalCluster(n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(count)
        scheduler = Cluster(cluster.scheduler_address)
        for part in range(count):  # every worker loads and compiles before it is timed
            start(small, folder / f"warm-{part}", scheduler=scheduler, layers=False)

        spent: list[tuple[float, float, float]] = []

        def look(done: int, total: int) -> None:
            """At the first and the last campaign: what follows is the digest."""
            if not spent or done == total:
                spent.append((sum(client.run(time.process_time).values()), time.process_time(), _busy()))

        report = start(plan, folder / "run", look, scheduler=scheduler, layers=False)
        workers, driver, busy = (now - then for now, then in zip(spent[-1], spent[0], strict=True))
    shutil.rmtree(folder)
    return Turn(report.campaigns_per_second, report.seconds, workers, driver, busy - workers - driver, report.digest)


def _busy() -> float:
    """Processor time that the machine has spent on anything, seconds."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def workers(console: Console, futures: int, rounds: int, folder: Path) -> list[Row]:
    """The reference study on one Dask worker and on two, of one thread each, in turn."""
    register = Register.reference()
    plan, small = (make_plan(Study.load("reference"), register, futures=n) for n in (futures, LANES))
    turns: dict[int, list[Turn]] = {1: [], 2: []}
    for i in range(rounds):
        for count in turns if i % 2 == 0 else reversed(turns):  # one first, then the other first: a machine may slow down
            found = turn(plan, small, count, folder / f"workers-{i}-{count}")
            turns[count].append(found)
            console.print(
                f"{count} worker(s): {found.rate:,.0f} campaigns/s in {found.seconds:.0f} s; processor time: workers "
                f"{found.workers:.0f} s, scheduler and writer {found.driver:.1f} s, other programs {found.others:.0f} s",
                markup=False,
            )
    if len({found.digest for several in turns.values() for found in several}) != 1:
        raise RuntimeError("one worker and two did not compute the same")
    one, two = (statistics.median(found.rate for found in turns[count]) for count in (1, 2))
    where = f"reference study, {plan.campaigns:,} campaigns, Dask on loopback, one thread a worker"
    cpu_one, cpu_two = (statistics.median(found.workers for found in turns[count]) for count in (1, 2))
    others = max(found.others / found.seconds for several in turns.values() for found in several) / cores()
    return [
        Row("one_worker_campaigns_per_second", one, "campaigns/s", where),
        Row("two_workers_campaigns_per_second", two, "campaigns/s", where),
        Row("two_workers_speedup", two / one, "×", f"{where}; median of {rounds} each"),
        Row("two_workers_processor_time", cpu_two / cpu_one, "×", "the same campaigns: two workers over one"),
        Row(
            "driver_processor_share", turns[2][-1].driver / turns[2][-1].workers, "share", "scheduler and writer over two workers"
        ),
        Row("other_programs_share", others, "share", "of the machine, in the busiest of these runs: near 0, or measure again"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes; numbers to look at, not to quote")
    parser.add_argument("--only", choices=("units", "runs", "workers", "million"), help="one of the four parts")
    parser.add_argument("--futures", type=int, metavar="N", help="futures of the parts workers and million")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="one worker and two, so many times (default: 1)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="of the part million (default: 2)")
    parser.add_argument(
        "--out", type=Path, help="where the JSON goes (default: scale.json, or quick-scale.json, in benchmarks/out)"
    )
    arguments = parser.parse_args()
    settings = QUICK if arguments.quick else FULL
    out = arguments.out or OUT / ("quick-scale.json" if arguments.quick else "scale.json")
    console = wide_console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], list[Row]]] = {
            "units": units,
            "runs": lambda: long_runs(settings.memory_futures, folder),
            "workers": lambda: workers(console, arguments.futures or settings.worker_futures, arguments.rounds, folder),
            "million": lambda: million.measure(
                console, folder, arguments.futures or settings.million_futures, arguments.processes
            ),
        }
        for part in [arguments.only] if arguments.only else parts:
            rows = parts[part]()
            write(out, part, rows)
            show(rows, console, f"Isthmus at scale: {part}")
    console.print(machine(), markup=False)
    console.print(f"wrote {out}", markup=False)


if __name__ == "__main__":
    main()
