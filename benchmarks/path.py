"""`python -m benchmarks.path`: processor time of a chunk of the reference study, from the register to the Parquet files.

The kernel is one row of many: what stands around it is NumPy, Arrow and Python, on one processor beside the kernel's threads.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

from benchmarks.rows import Row, show, wide_console
from isthmus.register import Register
from isthmus.study import Study, chunks
from isthmus.study.plan import Plan, make_plan
from isthmus.study.runner import CHUNK_FUTURES
from isthmus.study.store import encode

ROUNDS: Final = 3
"""Chunks measured, each the next of the design; medians are shown. One more goes before, to compile and to warm up."""

STAGES: Final = {
    "draw": "futures drawn from the design",
    "inputs": "access and the arrays of the kernel, every ecosystem",
    "kernel": "run_campaigns, every ecosystem and war case, all threads",
    "fans": "integer histograms of weekly fill",
    "reach": "reach and donors of every ecosystem, tables of both",
    "tables": "Arrow tables of outcomes, futures and fans",
    "parquet": "the same as the bytes of Parquet files",
}


class Clock:
    """Seconds of a processor by stage, over the threads that the stages run on."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[stage] += time.thread_time() - began

        return call

    @contextlib.contextmanager
    def watching(self, plan: Plan) -> Iterator[None]:
        """Stages of `run_chunk` timed where it calls them, in the order in which it really runs them."""
        design = mock.Mock(draw=self.timed("draw", plan.design.draw))
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(plan.__dict__, {"design": design}))
            for stage, where, name in (
                ("inputs", chunks, "inputs_in"),
                ("kernel", chunks, "run_campaigns"),
                ("fans", chunks.fans, "level_counts"),
                ("fans", chunks.fans, "difference_counts"),
                ("reach", chunks, "_static"),
            ):
                stack.enter_context(mock.patch.object(where, name, self.timed(stage, getattr(where, name))))
            yield


def one_chunk(plan: Plan, index: int) -> tuple[dict[str, float], float]:
    """Seconds of a processor by stage, and seconds on the clock, of one chunk."""
    clock = Clock()
    began, all_threads, this = time.perf_counter(), time.process_time(), time.thread_time()
    with clock.watching(plan):
        tables = chunks.run_chunk(plan, index * CHUNK_FUTURES, CHUNK_FUTURES)
    spent, main = time.process_time() - all_threads, time.thread_time() - this
    seconds = clock.seconds
    seconds["tables"] = main - sum(seconds[stage] for stage in ("draw", "inputs", "kernel", "fans"))
    seconds["kernel"] += spent - main - seconds["reach"]  # the threads of the kernel, beside what its caller does
    clock.timed("parquet", lambda: [encode(table) for table in tables.values()])()
    return seconds, time.perf_counter() - began


def _seconds(function: Callable[[], Any]) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def measure() -> list[Row]:
    """Medians over a few chunks of the reference study."""
    register = Register.reference()
    study = Study.load("reference")
    plan = make_plan(study, register)
    one_chunk(plan, 0)
    load = statistics.median(_seconds(Register.reference) for _ in range(ROUNDS))
    planned = statistics.median(_seconds(lambda: make_plan(study, register)) for _ in range(ROUNDS))
    found = [one_chunk(plan, index + 1) for index in range(ROUNDS)]
    stages = {stage: statistics.median(seconds[stage] for seconds, _ in found) for stage in STAGES}
    wall = statistics.median(seconds for _, seconds in found)
    campaigns = CHUNK_FUTURES * len(study.ecosystems) * len(study.war_cases)
    of = f"processor time, chunk of {CHUNK_FUTURES:,} futures, {campaigns:,} campaigns"
    around = sum(seconds for stage, seconds in stages.items() if stage != "kernel")
    return [
        Row("path_load_seconds", load, "s", "processor time: the shipped register read and checked"),
        Row("path_plan_seconds", planned, "s", "processor time: make_plan of the reference study"),
        *(Row(f"path_{stage}_seconds", stages[stage], "s", f"{of}: {what}") for stage, what in STAGES.items()),
        Row("path_around_kernel_seconds", around, "s", f"{of}: all stages but the kernel"),
        Row("path_chunk_wall_seconds", wall, "s", f"time on the clock of the same chunk, {campaigns / wall:,.0f} campaigns/s"),
    ]


if __name__ == "__main__":
    show(measure(), wide_console(), "From the register to Parquet files")
