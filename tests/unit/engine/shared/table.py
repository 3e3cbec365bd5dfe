"""A table of jobs in a store, and a way to use it: each use is a transaction of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from falmock.engine.jobs.job import Job
from falmock.engine.shared.current import Current
from falmock.engine.shared.jobs import SharedJobs
from falmock.engine.shared.place import Place
from falmock.fixtures.fault import Fault
from falmock.sharing.calls import SharedCalls
from falmock.store.memory import MemoryStore

T = TypeVar("T")
_RUNNER = asyncio.Runner()
"""One loop for all: a test takes hundreds of steps."""


class Clock:
    """The time of everybody, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Table:
    """One falmock's view of the jobs of a scope."""

    def __init__(self, store: MemoryStore, clock: Clock, limit: int = 1000, ttl: float = 60.0) -> None:
        self.current = Current()
        self.calls = SharedCalls(store, self.current, clock)
        self.kept: list[str] = []
        self.fault: Fault | None = None
        self.jobs = SharedJobs(Place(self.current, "s", ttl), limit, ttl, lambda _: self.fault, self._keep)

    def _keep(self, job: Job, ttl: float) -> None:  # noqa: ARG002
        self.kept.append(job.request_id)

    def run(self, decide: Callable[[float], T]) -> T:
        return _RUNNER.run(self.calls.run(decide))

    def add(self, job: Job) -> None:
        self.run(lambda now: self.jobs.add(job, now))

    def get(self, request_id: str) -> Job | None:
        return self.run(lambda now: self.jobs.get(request_id, now))


def two(limit: int = 1000, ttl: float = 60.0) -> tuple[Clock, Table, Table]:
    """The clock, and two falmocks with one store."""
    clock = Clock()
    store = MemoryStore(clock)
    return clock, Table(store, clock, limit, ttl), Table(store, clock, limit, ttl)
