"""The local runner: chunk after chunk, each written whole, so that a run survives anything and resumes."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.errors import Interrupted, Problem, RunError
from isthmus.interop.reach import MEASURES, donors, reach
from isthmus.register import Register
from isthmus.study.layers import layer_report
from isthmus.study.plan import Plan, make_plan
from isthmus.study.schema import Study
from isthmus.study.store import RunFolder
from isthmus.sustainment import fans
from isthmus.sustainment.campaign import CampaignResults, run_campaigns
from isthmus.sustainment.inputs import campaign_inputs
from isthmus.sustainment.kernel import KERNEL_TARGET, LANES

CHUNK_FUTURES = 1024
WEEKLY_FUTURES = 512
"""The first futures keep their weekly fill, for filters and drivers."""

Progress = Callable[[int, int], None]
"""Called with campaigns done and campaigns in all."""


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
    plan: Plan, out: Path, progress: Progress | None = None, threads: int | None = None, *, layers: bool = True
) -> RunReport:
    """Run a plan into the folder `out`. Raises RunError where `out` holds another run, Interrupted on Ctrl-C.

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
        folder.create(wanted)
    return _work(plan, folder, progress, threads, layers=layers)


def resume(
    out: Path, register: Register | None = None, progress: Progress | None = None, threads: int | None = None
) -> RunReport:
    """Finish the run in the folder `out`. Raises RunError where this version, register or kernel is not the one it began with."""
    folder = RunFolder(out)
    old = folder.manifest()
    if register is None:
        root = Path(old["register"]["root"])
        register = Register.load(root) if root.is_dir() else Register.reference()
    plan = make_plan(Study.model_validate(old["study"]), register)
    _check_same(folder, manifest(plan))
    return _work(plan, folder, progress, threads, layers=True)


def run_id(plan: Plan) -> str:
    """Name of a run: equal for equal study, register, version and kernel."""
    parts = (plan.study.digest(), plan.register.hash, plan.input_hash, version("isthmus"), KERNEL_TARGET)
    return f"{plan.study.study}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def estimate_seconds(plan: Plan) -> float:
    """Seconds that a plan takes here: one chunk is computed and timed, after a small one that compiles what is not compiled."""
    run_chunk(plan, 0, min(LANES, plan.study.futures))
    count = min(CHUNK_FUTURES, plan.study.futures)
    begun = time.perf_counter()
    run_chunk(plan, 0, count)
    return (time.perf_counter() - begun) * plan.study.futures / count


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
        "version": version("isthmus"),
        "kernel": KERNEL_TARGET,
        "lanes": LANES,
        "chunks": chunks,
        "chunk_futures": CHUNK_FUTURES,
        "columns": list(plan.labels.columns),
        "views": list(plan.labels.views),
        "duels": list(plan.labels.duels),
        "groups": list(plan.labels.groups),
        "theaters": list(plan.theaters),
        "tiers": [list(t) for t in plan.wide.setting.tiers],
        "libraries": {name: version(name) for name in ("numpy", "scipy", "numba", "pyarrow")},
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


def _work(plan: Plan, folder: RunFolder, progress: Progress | None, threads: int | None, *, layers: bool) -> RunReport:
    folder.clean()
    chunks = folder.manifest()["chunks"]
    per_future = len(plan.study.ecosystems) * len(plan.study.war_cases)
    begun = time.perf_counter()
    done = computed = 0
    try:
        for index in range(chunks):
            first = index * CHUNK_FUTURES
            count = min(CHUNK_FUTURES, plan.study.futures - first)
            if not folder.done(index):

                def step(n: int, base: int = done) -> None:
                    if progress:
                        progress(base + n, plan.campaigns)

                folder.write(index, run_chunk(plan, first, count, step, threads))
                computed += count * per_future
            done += count * per_future
            if progress:
                progress(done, plan.campaigns)
        seconds = time.perf_counter() - begun
        if layers and len(plan.study.ecosystems) > 1 and not folder.derived("parity").is_file():
            found = layer_report(plan)
            folder.write_derived("layers", pa.Table.from_pandas(found.shares, preserve_index=False))
            folder.write_derived("parity", pa.Table.from_pandas(found.parity, preserve_index=False))
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped after {done:,} of {plan.campaigns:,} campaigns; go on with: isthmus resume {folder.root}"
        ) from None
    return RunReport(str(folder.root), plan.campaigns, seconds, computed / seconds if seconds else 0.0, folder.digest())


def run_chunk(
    plan: Plan, first: int, count: int, step: Callable[[int], None] | None = None, threads: int | None = None
) -> dict[str, pa.Table]:
    """One chunk of futures through every ecosystem and war case; tables of :mod:`isthmus.study.store`."""
    draws = plan.design.draw(first, count)
    study = plan.study
    outcomes: dict[tuple[int, int], CampaignResults] = {}
    fan_rows: list[dict[str, Any]] = []
    weekly: list[pa.Table] = []
    base: dict[int, npt.NDArray[np.float32]] = {}
    for e, eco in enumerate(study.ecosystems):
        inputs = campaign_inputs(plan.supply, eco.rule(), draws, plan.fill_rules)
        for w, case in enumerate(study.war_cases):
            result = run_campaigns(inputs.with_exchange(case.exchange), case.starts, plan.theaters, study.horizon_weeks, threads)
            outcomes[e, w] = result
            fan_rows.append(_fan(plan, eco.name, case.name, "level", fans.level_counts(result.fill, count)))
            if e == 0:
                base[w] = result.fill
            else:
                fan_rows.append(
                    _fan(plan, eco.name, case.name, "difference", fans.difference_counts(result.fill, base[w], count))
                )
            if first < WEEKLY_FUTURES:
                weekly.append(_weeks(plan, eco.name, case.name, result.fill, first, min(count, WEEKLY_FUTURES - first)))
            if step:
                step(count * (e * len(study.war_cases) + w + 1))
    tables = {
        "outcomes": _outcomes(plan, first, count, outcomes),
        "futures": pa.table(
            {"future": np.arange(first, first + count, dtype=np.int64), **{n: v.astype(np.float32) for n, v in draws.items()}}
        ),
        "reach": _by_future(pa.concat_tables(list(_reach(plan, first, draws)))),
        "donors": _donors(plan, draws),
        "fans": pa.concat_tables([pa.table(row) for row in fan_rows]).unify_dictionaries(),
    }
    return tables | ({"weeks": pa.concat_tables(weekly)} if weekly else {})


def _outcomes(plan: Plan, first: int, count: int, results: dict[tuple[int, int], CampaignResults]) -> pa.Table:
    """Rows in the order of future, ecosystem, war case, so that digests do not depend on chunks."""
    study = plan.study
    ecos, cases = len(study.ecosystems), len(study.war_cases)
    block = np.stack([np.stack([results[e, w].outcomes for w in range(cases)], axis=1) for e in range(ecos)], axis=1)
    flat = block.reshape(count * ecos * cases, -1)
    names = {
        "future": np.repeat(np.arange(first, first + count, dtype=np.int64), ecos * cases),
        "ecosystem": _category([e.name for e in study.ecosystems], np.tile(np.repeat(np.arange(ecos), cases), count)),
        "war_case": _category([w.name for w in study.war_cases], np.tile(np.arange(cases), count * ecos)),
    }
    return pa.table({**names, **{c: np.ascontiguousarray(flat[:, i]) for i, c in enumerate(plan.labels.columns)}})


def _category(names: list[str], codes: npt.NDArray[Any]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names))


def _reach(plan: Plan, first: int, draws: dict[str, npt.NDArray[np.float64]]) -> Iterator[pa.Table]:
    """A row per future, ecosystem, front and mission."""
    for eco in plan.study.ecosystems:
        for (front, mission), values in sorted(reach(plan.wide, eco.rule(), draws).items()):
            n = len(values["reach"])
            keys = {
                "future": np.arange(first, first + n, dtype=np.int64),
                "ecosystem": [eco.name] * n,
                "front": [front] * n,
                "mission": [mission] * n,
            }
            yield pa.table({**keys, **{m: values[m].astype(np.float32) for m in MEASURES}})


def _by_future(table: pa.Table) -> pa.Table:
    """Rows future by future, so that a digest does not depend on where chunks begin."""
    return table.take(np.argsort(table.column("future").to_numpy(), kind="stable"))


def _donors(plan: Plan, draws: dict[str, npt.NDArray[np.float64]]) -> pa.Table:
    """Who could supply which front: sums over the chunk's futures of the donor's share of what is reachable."""
    rows = []
    for eco in plan.study.ecosystems:
        shares = donors(plan.wide, eco.rule(), draws)
        total: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
        for (front, mission, _), effect in shares.items():
            total[front, mission] = total.get((front, mission), np.zeros_like(effect)) + effect
        for (front, mission, donor), effect in sorted(shares.items()):
            whole = total[front, mission]
            share = np.divide(effect, whole, out=np.zeros_like(effect), where=whole > 0)
            rows.append((eco.name, front, mission, donor, float(share.sum()), int((whole > 0).sum())))
    names = ("ecosystem", "front", "mission", "donor", "share_sum", "futures")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def _fan(plan: Plan, ecosystem: str, case: str, series: str, counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    view, week, bins = np.nonzero(counts)
    n = len(view)
    return {
        "ecosystem": _category([ecosystem], np.zeros(n)),
        "war_case": _category([case], np.zeros(n)),
        "series": _category([series], np.zeros(n)),
        "view": _category(list(plan.labels.views), view),
        "week": week.astype(np.int16),
        "bin": bins.astype(np.int16),
        "count": counts[view, week, bins].astype(np.int64),
    }


def _weeks(plan: Plan, ecosystem: str, case: str, fill: npt.NDArray[np.float32], first: int, count: int) -> pa.Table:
    """Weekly fill of the first futures: a row per future and view, a list per row."""
    weeks = fill.shape[2]
    flat = fill.transpose(0, 3, 1, 2).reshape(-1, fill.shape[1], weeks)[:count]
    views = flat.shape[1]
    return pa.table(
        {
            "future": np.repeat(np.arange(first, first + count, dtype=np.int64), views),
            "ecosystem": _category([ecosystem], np.zeros(count * views)),
            "war_case": _category([case], np.zeros(count * views)),
            "view": _category(list(plan.labels.views), np.tile(np.arange(views), count)),
            "fill": pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(flat).reshape(-1)), weeks),
        }
    )
