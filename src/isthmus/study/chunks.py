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

from isthmus.interop.access import access_in
from isthmus.interop.block import Block
from isthmus.interop.reach import MEASURES, donors_in, lots_in, reach_in
from isthmus.study.plan import Plan
from isthmus.sustainment import fans
from isthmus.sustainment.campaign import CampaignResults, run_campaigns
from isthmus.sustainment.inputs import inputs_in
from isthmus.sustainment.kernel import KERNEL_TARGET, LANES

F64 = npt.NDArray[np.float64]

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
    block, wide = plan.block(draws)
    # Reach is NumPy on one processor; beside the kernel, which holds no lock of the interpreter, it costs next to no time.
    beside = ThreadPoolExecutor(1) if threads != 1 else None
    static = beside.submit(_static, plan, first, wide) if beside else None
    if beside:
        beside.shutdown(wait=False)
    for e, eco in enumerate(study.ecosystems):
        inputs = inputs_in(block, eco.rule(), plan.fill_rules)
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
        **(static.result() if static else _static(plan, first, wide)),
        "fans": pa.concat_tables([pa.table(row) for row in fan_rows]).unify_dictionaries(),
    }
    return tables | ({"weeks": pa.concat_tables(weekly)} if weekly else {})


def _static(plan: Plan, first: int, block: Block) -> dict[str, pa.Table]:
    """Tables of what needs no campaign: reach, and who could supply which front."""
    reached: dict[tuple[str, str, str], dict[str, F64]] = {}
    shared: list[tuple[Any, ...]] = []
    for eco in plan.study.ecosystems:
        held = access_in(block, eco.rule())
        lots = lots_in(block, held)
        reached |= {(eco.name, *view): values for view, values in sorted(reach_in(block, held, lots).items())}
        shared += [(eco.name, *row) for row in _donors(donors_in(block, lots))]
    names = ("ecosystem", "front", "mission", "donor", "share_sum", "futures")
    donors = pa.table({name: [row[i] for row in shared] for i, name in enumerate(names)})
    return {"reach": _reach(reached, first, block.futures), "donors": donors}


def _outcomes(plan: Plan, first: int, count: int, results: dict[tuple[int, int], CampaignResults]) -> pa.Table:
    """Rows in the order of future, ecosystem, war case, so that digests do not depend on chunks."""
    study = plan.study
    ecos, cases = len(study.ecosystems), len(study.war_cases)
    block = np.empty((len(plan.labels.columns), count, ecos, cases), np.float32)
    for (e, w), result in results.items():
        block[:, :, e, w] = result.outcomes.T
    names = {
        "future": np.repeat(np.arange(first, first + count, dtype=np.int64), ecos * cases),
        "ecosystem": _category([e.name for e in study.ecosystems], np.tile(np.repeat(np.arange(ecos), cases), count)),
        "war_case": _category([w.name for w in study.war_cases], np.tile(np.arange(cases), count * ecos)),
    }
    return pa.table({**names, **{c: block[i].reshape(-1) for i, c in enumerate(plan.labels.columns)}})


def _category(names: list[str], codes: npt.NDArray[Any]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(names))


def _texts(names: list[str], futures: int) -> pa.Array:
    """`names` once a future, as text."""
    return _category(names, np.tile(np.arange(len(names)), futures)).cast(pa.string())


def _reach(found: Mapping[tuple[str, str, str], Mapping[str, F64]], first: int, futures: int) -> pa.Table:
    """A row per future, ecosystem, front and mission: future by future, so that a digest does not depend on where chunks begin."""
    keys = ("ecosystem", "front", "mission")
    return pa.table(
        {
            "future": np.repeat(np.arange(first, first + futures, dtype=np.int64), len(found)),
            **{key: _texts([view[i] for view in found], futures) for i, key in enumerate(keys)},
            **{m: np.stack([values[m] for values in found.values()], axis=1, dtype=np.float32).reshape(-1) for m in MEASURES},
        }
    )


def _donors(effects: Mapping[tuple[str, str, str], F64]) -> Iterator[tuple[str, str, str, float, int]]:
    """Front, mission, donor, sum over futures of its share of what the front could reach, futures in which that is anything."""
    total: dict[tuple[str, str], F64] = {}
    for (front, mission, _), effect in effects.items():
        total[front, mission] = total[front, mission] + effect if (front, mission) in total else effect
    known = {view: int((whole > 0).sum()) for view, whole in total.items()}
    for (front, mission, donor), effect in sorted(effects.items()):
        whole = total[front, mission]
        share = np.divide(effect, whole, out=np.zeros_like(effect), where=whole > 0)
        yield front, mission, donor, float(share.sum()), known[front, mission]


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
