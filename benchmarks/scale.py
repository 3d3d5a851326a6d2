"""`python -m benchmarks.scale`: memory, disk and time of long runs, and what a second Dask worker is worth."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from distributed import Client, LocalCluster
from rich.console import Console

from benchmarks.run import Row, _isthmus, machine, peak_memory, show
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.chunks import run_chunk
from isthmus.study.cluster import Cluster
from isthmus.study.plan import make_plan
from isthmus.study.runner import CHUNK_FUTURES, start
from isthmus.study.store import encode
from isthmus.sustainment.kernel import LANES

OUT: Final = Path(__file__).resolve().parent / "out" / "scale.json"
ONE_CASE: Final = "both_at_once"


class Settings(NamedTuple):
    """Sizes of what is measured."""

    memory_futures: tuple[int, ...]
    worker_futures: int  # of the reference study, 20 campaigns each
    rounds: int  # of one worker against two
    limit: float  # seconds a run


FULL: Final = Settings((1 << 13, 1 << 15, 1 << 17), 1 << 16, 2, 3600.0)
QUICK: Final = Settings((1 << 11, 1 << 12), 1 << 11, 1, 600.0)


def one_cell() -> dict[str, Any]:
    """The reference study in one ecosystem and one war case: what a future costs beside its campaigns weighs most here."""
    study = Study.load("reference").model_dump(mode="json", by_alias=True)
    cases = [c for c in study["war_cases"] if c["name"] == ONE_CASE]
    return {**study, "study": "one_cell", "ecosystems": study["ecosystems"][:1], "war_cases": cases}


def long_runs(settings: Settings, folder: Path) -> list[Row]:
    """Whole processes of `isthmus run`, and of `isthmus results` on what they wrote: memory must not grow with the futures."""
    study = folder / "one_cell.yaml"
    study.write_text(yaml.safe_dump(one_cell(), sort_keys=False), encoding="utf-8")
    rows = []
    for futures in settings.memory_futures:
        run = folder / f"run-{futures}"
        command = [_isthmus(), "run", study, "--out", run, "--futures", futures, "--processes", 2]
        mib, took = peak_memory([str(word) for word in command], settings.limit)
        rows.append(Row(f"run_memory_mb_{futures}", mib, "MiB", "largest process of a run, one ecosystem × one war case"))
        rows.append(Row(f"run_seconds_{futures}", took, "s", "the same, whole process, two processes"))
        mib, took = peak_memory([str(_isthmus()), "results", str(run), "--json"], settings.limit)
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
    return rows


def workers(settings: Settings, folder: Path) -> list[Row]:
    """The reference study on one Dask worker and on two, of one thread each, in turn."""
    plan = make_plan(Study.load("reference"), Register.reference(), futures=settings.worker_futures)
    small = make_plan(Study.load("reference"), Register.reference(), futures=1024)
    rates: dict[int, list[float]] = {1: [], 2: []}
    digests = set()
    for turn in range(settings.rounds):
        for count in rates:
            with (
                LocalCluster(
                    n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
                ) as cluster,
                Client(cluster) as client,
            ):
                client.wait_for_workers(count)
                scheduler = Cluster(cluster.scheduler_address)
                for part in range(count):  # every worker loads and compiles before it is timed
                    start(small, folder / f"warm-{turn}-{count}-{part}", scheduler=scheduler, layers=False)
                report = start(plan, folder / f"workers-{turn}-{count}", scheduler=scheduler, layers=False)
            rates[count].append(report.campaigns_per_second)
            digests.add(report.digest)
    if len(digests) != 1:
        raise RuntimeError("one worker and two did not compute the same")
    one, two = (statistics.median(rates[count]) for count in (1, 2))
    where = f"reference study, {plan.campaigns:,} campaigns, Dask on loopback"
    return [
        Row("one_worker_campaigns_per_second", one, "campaigns/s", where),
        Row("two_workers_campaigns_per_second", two, "campaigns/s", where),
        Row("two_workers_speedup", two / one, "×", f"{where}; one thread a worker, median of {settings.rounds} each"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes; numbers to look at, not to quote")
    parser.add_argument("--only", choices=("units", "runs", "workers"), help="one of the three parts")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes (default: %(default)s)")
    arguments = parser.parse_args()
    settings = QUICK if arguments.quick else FULL
    console = Console()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        if arguments.only in (None, "units"):
            rows += units()
        if arguments.only in (None, "runs"):
            rows += long_runs(settings, Path(name))
        if arguments.only in (None, "workers"):
            rows += workers(settings, Path(name))
    here = machine()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps([{**row._asdict(), "machine": here} for row in rows], indent=1) + "\n", encoding="utf-8")
    show(rows, console)
    console.print(here, markup=False)


if __name__ == "__main__":
    main()
