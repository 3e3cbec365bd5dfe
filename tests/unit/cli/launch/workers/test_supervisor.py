"""What becomes of workers and their store, with stand-ins for both: no processes, and no time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path

import pytest

from falmock.cli import serve_options
from falmock.cli.launch.workers import restarts
from falmock.cli.launch.workers import supervisor
from falmock.cli.launch.workers.assignment import Assignment
from falmock.cli.launch.workers.store_server import NoStore
from falmock.cli.launch.workers.supervisor import Supervisor
from falmock.engine.config import Config
from falmock.serving import ready
from falmock.serving import server_context

Ends = int | None


class FakeWorker:
    """A worker that ends with this code at once, before or after it is ready; None for never by itself."""

    served = 0.5

    def __init__(self, code: Ends, *, is_ready: bool) -> None:
        self._is_ready = is_ready
        self.may_begin = False
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if code is not None:
            self.code.set_result(code)

    def go(self) -> None:
        self.may_begin = True

    async def is_ready(self) -> bool:
        return self._is_ready

    async def wait(self) -> int:
        return await asyncio.shield(self.code)

    async def stop(self) -> None:
        self.code.cancel()

    def kill(self) -> None:
        self.code.cancel()


class FakeStore:
    """A store whose server ends with these codes, one after the other, and then stays."""

    name, url = "the private store (fake)", "unix:///fake"

    def __init__(self, codes: Sequence[int] = (), problems: Sequence[str] = ()) -> None:
        self._codes = list(codes)
        self._problems = list(problems)
        self.did: list[str] = []

    async def start(self) -> None:
        self.did.append("start")
        if self._problems and (problem := self._problems.pop(0)):
            raise NoStore(problem)

    async def wait(self) -> int:
        if self._codes:
            return self._codes.pop(0)
        await asyncio.Event().wait()
        return 0

    async def stop(self) -> None:
        self.did.append("stop")

    def kill(self) -> None:
        self.did.append("kill")


class World:
    """A supervisor of two workers. `lives` are what becomes of each start, by the worker's number: it was ready, and its code."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.INFO)
        self.lives: dict[int, list[tuple[bool, Ends]]] = {1: [], 2: []}
        self.store = FakeStore()
        self.assignments: list[Assignment] = []
        self.workers: list[FakeWorker] = []
        self.announced = 0
        monkeypatch.setattr(supervisor, "WorkerProcess", self)
        monkeypatch.setattr(server_context, "made", lambda *_: None)
        monkeypatch.setattr(restarts, "PAUSES", (0.0, 0.001))
        monkeypatch.setattr(ready, "announce", self._announce)

    def _announce(self, *_: object) -> None:
        self.announced += 1

    async def started(self, _: object, assignment: Assignment, __: object) -> FakeWorker:
        """In the place of `WorkerProcess.started`."""
        self.assignments.append(assignment)
        lives = self.lives[assignment.number]
        is_ready, code = lives.pop(0) if lives else (True, None)
        self.workers.append(FakeWorker(code, is_ready=is_ready))
        return self.workers[-1]

    def run(self, *arguments: str, until: Callable[[], bool] | None = None, signals: int = 1) -> int:
        """Run it. When `until` holds, so many signals come."""
        given = serve_options.parser().parse_args(["--workers", "2", "--port", "0", *arguments])

        async def run() -> int:
            task = asyncio.ensure_future(Supervisor([], given, Config(), Path(), self.store).run())  # type: ignore[arg-type]
            async with asyncio.timeout(10):
                while until is not None and not until():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                for _ in range(signals if until is not None else 0):
                    os.kill(os.getpid(), signal.SIGTERM)
                    await asyncio.sleep(0.005)
                return await task

        return asyncio.run(run())

    @property
    def log(self) -> str:
        return "\n".join(record.getMessage() for record in self._caplog.records)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> World:
    return World(monkeypatch, caplog)


def test_two_workers_and_one_line_when_they_are_ready(world: World) -> None:
    assert world.run(until=lambda: world.announced > 0) == 0
    first, second = world.assignments
    assert (first.number, first.is_first, first.store) == (1, True, "unix:///fake")
    assert second == first._replace(number=2, is_first=False, is_held=True)
    assert first.parent == os.getpid()
    assert "2 workers are ready" in world.log
    assert world.store.did == ["start", "stop"]
    assert [each.may_begin for each in world.workers] == [False, True]


@pytest.mark.parametrize(("code", "ends", "told"), [(1, 1, False), (2, 2, False), (-9, 1, True), (0, 1, True)])
def test_what_keeps_the_first_from_starting_ends_all(world: World, code: int, ends: int, *, told: bool) -> None:
    """It has told why, unless it was killed."""
    world.lives[1] = [(False, code)]
    assert world.run() == ends
    assert len(world.assignments) <= 2
    assert not any(each.may_begin for each in world.workers)
    assert ("worker 1 ended" in world.log) == told
    assert world.announced == 0


def test_one_that_dies_is_started_again(world: World) -> None:
    world.lives[2] = [(True, -9), (False, 1)]
    assert world.run(until=lambda: "worker 2 is back" in world.log) == 0
    assert [each.number for each in world.assignments] == [1, 2, 2, 2]
    assert "worker 2 ended by SIGKILL: it is started again" in world.log
    assert "worker 2 ended with exit code 1: it is started again in 0.001 s" in world.log
    assert world.announced == 1


def test_the_first_says_what_all_have_in_common_once(world: World) -> None:
    world.lives[1] = [(True, -9)]
    assert world.run(until=lambda: "worker 1 is back" in world.log) == 0
    assert [each.is_first for each in world.assignments if each.number == 1] == [True, False]


def test_one_that_dies_again_and_again_ends_all(world: World) -> None:
    world.lives[2] = [(True, 1)] * 3
    assert world.run() == 1
    assert "worker 2 ended with exit code 1, 3 times in a row within 10 s of being ready: falmock ends" in world.log


def test_a_store_that_dies(world: World) -> None:
    world.store = FakeStore([-9, 1], ["", "it does not start", ""])
    assert world.run(until=lambda: "is lost: jobs, uploads" in world.log) == 0
    assert "the private store (fake) ended by SIGKILL: it is started again" in world.log
    assert "falmock: it does not start" in world.log
    assert world.store.did.count("start") == 3


def test_a_store_that_dies_again_and_again(world: World) -> None:
    world.store = FakeStore([-9] * 3)
    assert world.run() == 1
    assert "the private store (fake) ended by SIGKILL, 3 times in a row" in world.log


def test_a_store_that_does_not_start(world: World) -> None:
    world.store = FakeStore(problems=["there is no memory"])
    assert world.run() == 1
    assert "falmock: there is no memory" in world.log
    assert world.assignments == []


def test_no_call_for_a_while(world: World) -> None:
    assert world.run("--idle-timeout", "0.05s") == 0
    assert "no call came for 0.05 s (--idle-timeout): falmock ends" in world.log


def test_the_second_signal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []

    async def hangs(_: FakeWorker) -> None:
        while not ended:  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    monkeypatch.setattr(FakeWorker, "stop", hangs)
    monkeypatch.setattr(os, "_exit", ended.append)
    world.run(until=lambda: world.announced > 0, signals=2)
    assert ended == [130]
    assert "kill" in world.store.did


def test_one_that_cannot_be_started(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(world, "started", fails)
    assert world.run() == 1
    assert "falmock: worker 1 cannot be started: [Errno 11]" in world.log


def test_where_it_cannot_listen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.run("--host", "no.such.host.invalid") == 1
    assert "cannot listen at no.such.host.invalid:0: " in world.log

    def fails(*_: object) -> None:
        raise OSError("no CA can be made")

    monkeypatch.setattr(server_context, "made", fails)
    assert world.run() == 1
    assert "no CA can be made" in world.log
    assert world.assignments == []
