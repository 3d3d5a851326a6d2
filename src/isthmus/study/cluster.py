"""Chunks on the workers of a Dask cluster. Needs the extra `distributed`; nothing below this module knows Dask.

Every task carries the packed plan and the number of a chunk and hands back the bytes of its files, so a worker needs Isthmus and
no shared folder, and holds nothing that could be lost: a task whose worker dies is computed again elsewhere.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from isthmus.errors import Interrupted, Problem, RunError
from isthmus.study.chunks import identity
from isthmus.study.plan import Plan
from isthmus.study.schedulers import AHEAD, Chunk, ChunkResult, Step, accepted, compute, differences, pack

try:
    from distributed import Client, KilledWorker
except ImportError:
    problem = Problem(
        "isthmus", None, "--scheduler", "no distributed", "the extra: isthmus[distributed]", "Dask is not installed"
    )
    raise RunError([problem]) from None

TICK = 0.5
"""Seconds between looks at a silent cluster."""


@dataclass(frozen=True)
class Cluster:
    """Workers behind a Dask scheduler such as ``tcp://10.0.0.1:8786``. Without an answer for `patience` seconds the run stops."""

    address: str
    patience: float = 30.0

    def run(self, plan: Plan, chunks: Iterable[Chunk], step: Step | None = None) -> Iterator[ChunkResult]:  # noqa: ARG002
        packed, mine, todo = pack(plan), identity(), deque(chunks)
        waiting: dict[Any, Chunk] = {}
        ended: SimpleQueue[Any] = SimpleQueue()
        with self._client() as client:
            self._check(client, mine)
            heard = time.monotonic()
            while todo or waiting:
                threads = self._threads(client)
                heard = time.monotonic() if threads else heard
                while todo and len(waiting) < AHEAD * threads:
                    # Not pure: the same chunk asked for by another driver is a task of its own.
                    future = client.submit(compute, packed, mine, todo[0], pure=False)
                    waiting[future] = todo.popleft()
                    future.add_done_callback(ended.put)
                if client.status == "closed" or time.monotonic() - heard > self.patience:
                    raise self._lost("no longer answers or has no workers")
                try:
                    future = ended.get(timeout=TICK)
                except Empty:
                    continue
                chunk, result = waiting.pop(future), self._result(future)
                del future  # or the cluster would keep its result
                if result is None:
                    todo.appendleft(chunk)
                else:
                    yield result

    def _result(self, future: Any) -> ChunkResult | None:
        """The chunk, or None where the scheduler went away with it and it has to be asked for again."""
        if future.status == "error":
            problem = future.exception()
            if isinstance(problem, KilledWorker):
                raise Interrupted(f"one chunk killed its workers again and again, perhaps for want of memory: {problem}")
            raise problem
        try:
            found: ChunkResult | list[Problem] = future.result(timeout=self.patience)
        except (CancelledError, OSError, TimeoutError):
            return None
        return accepted(found)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A connection that ends with the run. Dask's own complaints are silenced: they come as one error of Isthmus."""
        logger = logging.getLogger("distributed")
        level = logger.level
        logger.setLevel(logging.CRITICAL)
        connect: Any = Client
        client = None
        try:
            try:
                client = connect(self.address, timeout=self.patience, set_as_default=False)
                client.wait_for_workers(1, timeout=self.patience)
            except (OSError, TimeoutError):
                raise self._lost("does not answer or has no workers") from None
            except ValueError as bad:
                allowed = "an address such as tcp://127.0.0.1:8786"
                raise RunError([Problem("isthmus", None, "--scheduler", self.address, allowed, str(bad)[:120])]) from None
            yield client
        finally:
            if client is not None:
                with suppress(OSError, TimeoutError):
                    client.close(timeout=TICK)
            logger.setLevel(level)

    def _check(self, client: Any, mine: dict[str, Any]) -> None:
        """Refuse workers of other versions before anything is computed; those that join later are refused by their first task."""
        problems = []
        for worker, found in client.run(identity, on_error="return").items():
            if isinstance(found, Exception):
                message = "the worker cannot load Isthmus"
                problems.append(Problem(worker, None, None, f"{type(found).__name__}: {found}"[:120], mine["version"], message))
            else:
                problems += differences(worker, found, mine)
        if problems:
            raise RunError(problems)

    @staticmethod
    def _threads(client: Any) -> int:
        """Threads of all workers now; 0 where the scheduler does not answer."""
        try:
            return sum(client.nthreads().values()) if client.status == "running" else 0
        except (OSError, TimeoutError):
            return 0

    def _lost(self, what: str) -> Interrupted:
        return Interrupted(f"the scheduler at {self.address} {what}")
