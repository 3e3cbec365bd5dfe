"""A worker's process: a stand-in for falmock in a real one."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from falmock.cli.launch.workers import worker_process
from falmock.cli.launch.workers.assignment import Assignment
from falmock.cli.launch.workers.worker_process import WorkerProcess

READY = "import os, time; os.write(int(os.environ['FALMOCK_READY_FD']), b'{}\\n'); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"


async def started(monkeypatch: pytest.MonkeyPatch, program: str) -> WorkerProcess:
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, "-c", program))
    return await WorkerProcess.started(["--port", "0"], Assignment(1, 1, "memory"))


def test_from_the_start_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        worker = await started(monkeypatch, READY)
        assert await worker.is_ready()
        assert worker.served > 0
        await worker.stop()
        await worker.stop()
        return await worker.wait()

    assert asyncio.run(run()) == -signal.SIGTERM


def test_one_that_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> bool:
        worker = await started(monkeypatch, f"import os; os.read(int(os.environ['FALMOCK_READY_FD']), 1); {READY}")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker.is_ready(), 0.3)
        worker.go()
        is_ready = await worker.is_ready()
        await worker.stop()
        worker.go()
        return is_ready

    assert asyncio.run(run())


def test_one_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_END_SECONDS", 0.1)

    async def run() -> int:
        worker = await started(monkeypatch, DEAF)
        assert await worker.is_ready()
        await worker.stop()
        return await worker.wait()

    assert asyncio.run(run()) == -signal.SIGKILL


def test_one_that_ends_before_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> tuple[bool, int]:
        worker = await started(monkeypatch, "import sys; sys.exit(1)")
        found = await worker.is_ready(), await worker.wait()
        assert worker.served == 0
        return found

    assert asyncio.run(run()) == (False, 1)


def test_one_that_is_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "SECONDS", 0.1)

    async def run() -> tuple[bool, int]:
        worker = await started(monkeypatch, "import time; time.sleep(60)")
        return await worker.is_ready(), await worker.wait()

    assert asyncio.run(run()) == (False, -signal.SIGKILL)


def test_one_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", ("/nowhere/at/all",))
    with pytest.raises(FileNotFoundError):
        asyncio.run(WorkerProcess.started([], Assignment(1, 1, "memory", activity=1)))
