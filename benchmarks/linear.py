"""Cost against futures, weeks, actors and edges, each at four sizes: of the kernel alone, and of a chunk from draws to Parquet."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from isthmus.sustainment import kernel as k  # before anything that loads Numba: it sets the instruction set

from benchmarks.growth import growth  # isort: skip
from benchmarks.memory import ONE_CASE, one_cell
from benchmarks.rows import Row, digits
from isthmus.ensemble import Design
from isthmus.interop.supply import Supply, SupplyBuilder
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.chunks import run_chunk
from isthmus.study.plan import Plan, make_plan
from isthmus.study.runner import CHUNK_FUTURES
from isthmus.study.store import encode
from isthmus.sustainment.inputs import CampaignInputs, campaign_inputs

WEEKS: Final = (39, 78, 117, 156)
QUARTERS: Final = (1, 2, 3, 4)
TILES: Final = (2, 4, 8, 16)
CHUNKS: Final = (1, 2, 3, 4)
ROUNDS: Final = {"kernel": 5, "chunk": 2}
SMALL: Final = 2
"""Tiles in which weeks and actors are compared."""


class Cost(NamedTuple):
    """What is measured along one axis: `works` does the work of each of `sizes`."""

    axis: str
    what: str
    sizes: Sequence[float]
    works: Sequence[Callable[[], object]]


def cut(plan: Plan, quarters: int) -> Plan:
    """The plan with so many quarters of the actors that hold or make something, and of their edges."""
    edges = dict.fromkeys((row.actor_id for row in plan.supply.rows), 0)
    for edge in plan.supply.edges:
        edges[plan.supply.rows[edge.row].actor_id] += 1
    hands: list[list[str]] = [[] for _ in QUARTERS]
    for actor in sorted(edges, key=lambda actor: (-edges[actor], actor)):
        room = [hand for hand in hands if len(hand) < -(-len(edges) // len(QUARTERS))]
        min(room, key=lambda hand: sum(edges[other] for other in hand)).append(actor)
    gone = {actor for hand in hands[quarters:] for actor in hand}
    declared = {u.name: u for u in plan.design.uncertainties}

    def less(supply: Supply) -> Supply:
        fronts = tuple(
            replace(front, participants=tuple(p for p in front.participants if p.actor_id not in gone))
            for front in supply.setting.fronts
        )
        built = SupplyBuilder(plan.register, replace(supply.setting, fronts=fronts)).build()
        return replace(built, uncertainties={name: declared.get(name, u) for name, u in built.uncertainties.items()})

    supply, wide = less(plan.supply), less(plan.wide)
    drawn = {**wide.uncertainties, **supply.uncertainties}
    return replace(plan, supply=supply, wide=wide, design=Design(tuple(drawn.values()), plan.study.seed))


def actors(plan: Plan) -> int:
    """Actors that hold or make something a front of the campaign could use."""
    return len({row.actor_id for row in plan.supply.rows})


def _inputs(plan: Plan, tiles: int) -> CampaignInputs:
    rule = plan.study.ecosystems[0].rule()
    return campaign_inputs(plan.supply, rule, plan.design.draw(0, tiles * k.LANES), plan.fill_rules)


def _campaigns(plan: Plan, inputs: CampaignInputs, weeks: int, tiles: int) -> Callable[[], object]:
    """The kernel on one thread, in one ecosystem, both wars from the first week."""
    case = next(case for case in plan.study.war_cases if case.name == ONE_CASE)
    lanes = k.Lanes(*(array[:tiles] for array in inputs.lanes))
    starts = inputs.starts(case.starts, plan.theaters)
    return lambda: k.run_tiles(inputs.network, lanes, starts, weeks, threads=1)


def _chunks(plan: Plan, counts: Sequence[int]) -> Callable[[], object]:
    """Whole chunks of so many futures on one thread, as bytes."""

    def work() -> None:
        first = CHUNK_FUTURES  # past the first futures, which alone keep their weeks
        for count in counts:
            for table in run_chunk(plan, first, count, threads=1).values():
                encode(table)
            first += count

    return work


def costs(*, quick: bool) -> list[Cost]:
    """What is measured. When quick, the kernel alone, and not against actors."""
    register = Register.reference()
    reference = Study.load("reference")
    plan = make_plan(reference, register)
    most = _inputs(plan, TILES[-1])
    weeks_of = reference.horizon_weeks
    found = [
        Cost("futures", "kernel", [n * k.LANES for n in TILES], [_campaigns(plan, most, weeks_of, n) for n in TILES]),
        Cost("weeks", "kernel", WEEKS, [_campaigns(plan, most, weeks, SMALL) for weeks in WEEKS]),
    ]
    if quick:
        return found
    cuts = [cut(plan, n) for n in QUARTERS]
    edges = [len(c.supply.edges) for c in cuts]
    kernel_cuts = [_campaigns(c, _inputs(c, SMALL), weeks_of, SMALL) for c in cuts]
    one = make_plan(Study.model_validate(one_cell()), register, futures=1 << 20)
    horizons = [make_plan(reference.model_copy(update={"horizon_weeks": weeks}), register) for weeks in WEEKS]
    block = [k.LANES]
    chunk_cuts = [_chunks(c, block) for c in cuts]
    return [
        *found,
        Cost("actors", "kernel", [actors(c) for c in cuts], kernel_cuts),
        Cost("edges", "kernel", edges, kernel_cuts),
        Cost("futures", "chunk", [n * CHUNK_FUTURES for n in CHUNKS], [_chunks(one, [CHUNK_FUTURES] * n) for n in CHUNKS]),
        Cost("weeks", "chunk", WEEKS, [_chunks(h, block) for h in horizons]),
        Cost("actors", "chunk", [actors(c) for c in cuts], chunk_cuts),
        Cost("edges", "chunk", edges, chunk_cuts),
    ]


def seconds_of(found: list[Cost], *, quick: bool) -> dict[int, float]:
    """Least processor time of each piece of work over some rounds, all sizes in turn, so that a busy machine slows them alike."""
    least: dict[int, float] = {}
    for what, rounds in ROUNDS.items():
        works = {id(work): work for cost in found if cost.what == what for work in cost.works}
        for work in list(works.values())[-1:]:
            work()  # what is computed once
        for _ in range(1 if quick else rounds):
            for key, work in works.items():
                began = time.process_time()
                work()
                least[key] = min(least.get(key, math.inf), time.process_time() - began)
    return least


def measure(console: Console, *, quick: bool) -> list[Row]:
    """Processor time of one thread at four sizes along each axis, its exponent and its largest deviation from proportional."""
    found = costs(quick=quick)
    least = seconds_of(found, quick=quick)
    table = Table(title="Cost against size, processor time of one thread", title_justify="left")
    for name in ("cost of", "against", "sizes", "seconds", "exponent", "off proportion", "off line", "fixed share"):
        table.add_column(name)
    rows = []
    for cost in found:
        seconds = [least[id(work)] for work in cost.works]
        name = f"linear_{cost.axis}" if cost.what == "kernel" else f"linear_{cost.axis}_{cost.what}"
        against = f"processor time of the {cost.what} on {cost.axis}, four sizes"
        fitted = growth(name, cost.sizes, seconds, against)
        values = [[f"{size:,.0f}" for size in cost.sizes], [digits(s) for s in seconds]]
        table.add_row(cost.what, cost.axis, *(" · ".join(v) for v in values), *(f"{row.value:.3f}" for row in fitted))
        rows += [Row(f"{name}_at_{size:.0f}", s, "s", against) for size, s in zip(cost.sizes, seconds, strict=True)]
        rows += fitted
    console.print(table)
    return rows
