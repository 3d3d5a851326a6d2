"""Who computes the chunks of a run: threads of this process, or processes of this machine. A cluster: :mod:`isthmus.study.cluster`.

Whoever computes hands back whole chunks, in any order; only the caller writes to the folder of the run.
"""

from __future__ import annotations

import pickle
import signal
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from os import _exit, getpid
from socket import gethostname
from threading import Thread
from typing import Any, Protocol

from isthmus.errors import Interrupted, Problem, RunError
from isthmus.register import Register
from isthmus.study.chunks import identity, run_chunk
from isthmus.study.plan import Plan
from isthmus.study.store import encode

Step = Callable[[int], None]
"""Called with the campaigns done of the chunk under way."""

AHEAD = 2
"""Chunks asked for per worker, computed or under way: enough to keep workers busy, few enough to keep memory flat."""


@dataclass(frozen=True)
class Chunk:
    """A block of futures: `first` … `first + count - 1`."""

    index: int
    first: int
    count: int


@dataclass(frozen=True)
class ChunkResult:
    """A computed chunk: the bytes of its Parquet files by table."""

    chunk: Chunk
    files: Mapping[str, bytes]


class Scheduler(Protocol):
    """Computes chunks of a plan. Yields them whole, each once, in whatever order they come to an end."""

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:
        """Raises Interrupted where the workers are gone, RunError where one of them would compute otherwise."""
        ...


@dataclass(frozen=True)
class Threads:
    """The kernel's threads in this process, one chunk after the other; all processors by default."""

    threads: int | None = None

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:
        for chunk in chunks:
            yield ChunkResult(chunk, _encoded(run_chunk(plan, chunk.first, chunk.count, step, self.threads)))


@dataclass(frozen=True)
class Processes:
    """So many processes of this machine, each with one thread: what is not kernel runs side by side as well."""

    processes: int

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:  # noqa: ARG002
        packed, mine, todo = pack(plan), identity(), iter(chunks)
        # A fresh interpreter each: a fork would copy the threads' locks in whatever state they are.
        pool = ProcessPoolExecutor(self.processes, get_context("spawn"), initializer=_follow_the_parent)
        waiting: set[Future[ChunkResult | list[Problem]]] = set()
        try:
            while True:
                while len(waiting) < AHEAD * self.processes and (chunk := next(todo, None)) is not None:
                    waiting.add(pool.submit(compute, packed, mine, chunk))
                if not waiting:
                    return
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                while ended:
                    yield accepted(ended.pop().result())
        except BrokenProcessPool:
            raise Interrupted(
                "a process of the run was killed, perhaps for want of memory: fewer --processes need less"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _follow_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end where it was killed: nobody else would tell this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        _exit(1)


def pack(plan: Plan) -> bytes:
    """A plan for a worker. The register's tables stay behind: what campaigns need of them is in the plan."""
    light = replace(plan, register=Register({}, plan.register.root, plan.register.hash, plan.register.date))
    return zlib.compress(pickle.dumps(light, protocol=5))


@lru_cache(maxsize=2)
def _unpack(packed: bytes) -> Plan:
    plan: Plan = pickle.loads(zlib.decompress(packed))  # noqa: S301 - written by `pack` of the driver that this worker serves
    return plan


def compute(packed: bytes, driver: Mapping[str, Any], chunk: Chunk) -> ChunkResult | list[Problem]:
    """What a worker does: one chunk on one thread, or what is wrong where it would compute otherwise than the driver.

    The plan is not even unpacked then: it may hold classes that this version does not know.
    """
    problems = differences(f"worker {gethostname()}, process {getpid()}", identity(), driver)
    if problems:
        return problems
    return ChunkResult(chunk, _encoded(run_chunk(_unpack(packed), chunk.first, chunk.count, threads=1)))


def accepted(found: ChunkResult | list[Problem]) -> ChunkResult:
    """What a worker computed. Raises RunError where it refused."""
    if isinstance(found, list):
        raise RunError(found)
    return found


def differences(worker: str, found: Mapping[str, Any], driver: Mapping[str, Any]) -> list[Problem]:
    """Where the identity of a worker is not that of the driver."""
    rows = []
    for key, allowed in driver.items():
        if isinstance(allowed, Mapping):
            rows += [(f"{key}.{k}", v, found.get(key, {}).get(k)) for k, v in allowed.items()]
        else:
            rows.append((key, allowed, found.get(key)))
    message = "the worker would compute other values: give it the versions and the kernel target of the driver"
    return [Problem(worker, None, key, str(value), str(allowed), message) for key, allowed, value in rows if value != allowed]


def _encoded(tables: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: encode(table) for name, table in tables.items()}
