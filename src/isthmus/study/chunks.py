"""What a run is cut into: a block of futures through every ecosystem and war case, as the tables of :mod:`isthmus.study.store`.

A chunk depends on the plan and on which futures it holds, and on nothing else: computed twice, elsewhere or in another order,
it is the same chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.interop.access import Access, access
from isthmus.interop.reach import MEASURES, donors, reach
from isthmus.study.plan import Plan
from isthmus.sustainment import fans
from isthmus.sustainment.campaign import CampaignResults, run_campaigns
from isthmus.sustainment.inputs import campaign_inputs
from isthmus.sustainment.kernel import KERNEL_TARGET, LANES

WEEKLY_FUTURES = 512
"""The first futures keep their weekly fill, for filters and drivers."""

LIBRARIES = ("numpy", "scipy", "numba", "pyarrow")


def identity() -> dict[str, Any]:
    """What decides the values that a process computes from a plan: equal in every process that works on a run."""
    return {
        "version": version("isthmus"),
        "kernel": KERNEL_TARGET,
        "lanes": LANES,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


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
    # Reach is NumPy on one processor; beside the kernel, which holds no lock of the interpreter, it costs next to no time.
    beside = ThreadPoolExecutor(1)
    static = beside.submit(_static, plan, first, draws)
    beside.shutdown(wait=False)
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
        **static.result(),
        "fans": pa.concat_tables([pa.table(row) for row in fan_rows]).unify_dictionaries(),
    }
    return tables | ({"weeks": pa.concat_tables(weekly)} if weekly else {})


def _static(plan: Plan, first: int, draws: dict[str, npt.NDArray[np.float64]]) -> dict[str, pa.Table]:
    """Tables of what needs no campaign: reach, and who could supply which front."""
    held = {eco.name: access(plan.wide, eco.rule(), draws) for eco in plan.study.ecosystems}
    return {
        "reach": _by_future(pa.concat_tables(list(_reach(plan, first, draws, held)))),
        "donors": _donors(plan, draws, held),
    }


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


def _reach(plan: Plan, first: int, draws: dict[str, npt.NDArray[np.float64]], held: Mapping[str, Access]) -> Iterator[pa.Table]:
    """A row per future, ecosystem, front and mission."""
    for eco in plan.study.ecosystems:
        for (front, mission), values in sorted(reach(plan.wide, eco.rule(), draws, held[eco.name]).items()):
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


def _donors(plan: Plan, draws: dict[str, npt.NDArray[np.float64]], held: Mapping[str, Access]) -> pa.Table:
    """Who could supply which front: sums over the chunk's futures of the donor's share of what is reachable."""
    rows = []
    for eco in plan.study.ecosystems:
        shares = donors(plan.wide, eco.rule(), draws, held[eco.name])
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
