from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.proxy.record import write_queue
from falmock.proxy.record.write_queue import WriteQueue
from falmock.proxy.record.write_queue import WriteResult
from falmock.recording.disk import atomic
from falmock.recording.disk import recovery
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.write_ahead_log import WriteAheadLog
from falmock.recording.disk.writer import Writer
from falmock.recording.outcome import Link
from falmock.recording.write_ahead import records
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.recording.disk.test_recovery import save
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG

TAKES_AGAIN = "falmock: the disk takes recordings again: all %d that it refused are written"


class Disk:
    """A disk that refuses the log, the fixture files, or both, while it is told to.

    It also refuses a file whose name has a text in `refuses`; and it writes no file while `waits` is not set.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.refuses: set[str] = set()
        self.waits = threading.Event()
        self.waits.set()
        append, write_all = WriteAheadLog.append, atomic.write_all

        def appended(log: WriteAheadLog, record: Any) -> int:
            self._check("log", "")
            return append(log, record)

        def written(files: Any) -> None:
            self.waits.wait(20)
            self._check("files", str(list(files)))
            write_all(files)

        patch.setattr(WriteAheadLog, "append", appended)
        patch.setattr(atomic, "write_all", written)
        patch.setattr(write_queue, "TRY_AGAIN_AFTER", 0.01)

    def _check(self, what: str, names: str) -> None:
        if what in self.refuses or any(text in names for text in self.refuses):
            raise OSError(28, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def results() -> list[WriteResult]:
    return []


def queue_of(folder: Path, results: list[WriteResult], **more: Any) -> WriteQueue:
    return WriteQueue(Writer(str(folder)), results.extend, str, **more)


def answers(folder: Path) -> list[Any]:
    found = (json.loads(path.read_bytes())["fixtures"] for path in sorted(folder.rglob("*.json")))
    return sorted(entry["response"]["json"] for entries in found for entry in entries)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what it waits for is in a thread
            await asyncio.sleep(0.005)


def test_what_came_is_in_the_log_at_once_and_in_the_files_when_it_is_asked_for(
    tmp_path: Path, results: list[WriteResult]
) -> None:
    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(save(1, {"n": 1}, 1), None)
        assert queue.is_busy
        (log,) = (tmp_path / LOGS).glob("*.log")
        assert b'"requestId":"1"' in log.read_bytes()
        assert answers(tmp_path) == []
        await queue.settle()
        assert not queue.is_busy
        assert answers(tmp_path) == [1]
        assert [result.problem for result in results] == [None]
        queue.put(save(2, {"n": 2}, 2), None)
        assert queue.close()

    asyncio.run(use())
    assert answers(tmp_path) == [1, 2]
    assert not (tmp_path / LOGS).exists()


def test_the_log_is_synced_soon(tmp_path: Path, results: list[WriteResult], monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = WriteAheadLog.sync
    monkeypatch.setattr(WriteAheadLog, "sync", lambda log: (synced.append("log"), real(log)))

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        for number in range(3):
            queue.put(save(number, {"n": number}, number), None)
        await until(lambda: bool(synced))
        assert answers(tmp_path) == [], "long before it is written to the files"
        queue.close()

    asyncio.run(use())


def test_contents_in_memory_go_to_files_that_the_log_names(tmp_path: Path, results: list[WriteResult]) -> None:
    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(Link(CAT, content_of(PNG), "image/png"), None)
        queue.put(save(1, {"n": 1}, 1)._replace(contents=((content_of(b"text"), "text/plain"),)), None)
        (log,) = (tmp_path / LOGS).glob("*.log")
        parts = list((tmp_path / "_assets").glob("*.tmp"))
        assert len(parts) == 2
        assert all(part.name.encode() in log.read_bytes() for part in parts)
        queue.close()

    asyncio.run(use())
    assert sorted(path.suffix for path in (tmp_path / "_assets").glob("[!.]*")) == [".png", ".txt"]
    assert not list((tmp_path / "_assets").glob("*.tmp"))


def test_what_the_disk_refuses_is_written_when_it_takes_it(
    tmp_path: Path, results: list[WriteResult], disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        for refused in ({"log", "files"}, {"files"}, {"log"}):
            disk.refuses = refused
            queue.put(save(len(results), {"n": len(results)}, len(results)), None)
            await queue.settle()
            assert queue.is_busy is ("files" in refused)
            await asyncio.sleep(0.03)
            disk.refuses = set()
            await until(lambda: not queue.is_busy)
        queue.close()

    asyncio.run(use())
    assert answers(tmp_path) == [0, 1, 2]
    told = [record.message for record in caplog.records]
    assert [text[:60] for text in told[::2]] == ["falmock: the run of a/b could not be written: No space left "] * 2
    assert told[1::2] == [TAKES_AGAIN % 1] * 2, "once when it begins, once when it is over"


def test_how_many_were_refused_is_told_even_if_some_of_them_were_written_before_others(
    tmp_path: Path, results: list[WriteResult], disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        disk.refuses = {"files"}
        queue.put(save(1, {"n": 1}, 1), None)
        await queue.settle()
        disk.refuses = {"a-dog"}
        queue.put(save(2, {"n": 2}, 2)._replace(name="a-dog"), None)
        await queue.settle()
        assert [result.problem for result in results] == [None]
        disk.refuses = set()
        await until(lambda: not queue.is_busy)
        queue.close()

    asyncio.run(use())
    assert [record.message for record in caplog.records][1:] == [TAKES_AGAIN % 2]


def test_a_disk_that_is_full_to_the_end_is_not_told_to_take_recordings_again(
    tmp_path: Path,
    results: list[WriteResult],
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    disk.refuses = {"files", "log"}

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(save(1, {"n": 1}, 1), None)
        await queue.settle()
        monkeypatch.setattr(write_queue, "MAX_KEPT", 0)
        disk.waits.clear()
        queue._hand_over()
        queue.put(save(2, {"n": 2}, 2), None)
        assert [result.problem for result in results] == [
            "No space left on device, and 0 MiB wait in memory. It is lost"
        ]
        monkeypatch.setattr(write_queue, "MAX_KEPT", 1000)
        disk.waits.set()
        await queue.settle()
        queue.close()

    asyncio.run(use())
    (told,) = (record.message for record in caplog.records)
    assert "could not be written: No space left on device. What was recorded before" in told


def test_what_is_refused_to_the_end_is_lost_or_in_the_log(
    tmp_path: Path, results: list[WriteResult], disk: Disk
) -> None:
    async def use() -> None:
        queue = queue_of(tmp_path, results)
        disk.refuses = {"files"}
        queue.put(save(1, {"n": 1}, 1), None)
        disk.refuses = {"files", "log"}
        queue.put(save(2, {"n": 2}, 2)._replace(contents=((content_of(PNG), "image/png"),)), None)
        assert not queue.close()

    asyncio.run(use())
    problems = [result.problem or "" for result in results]
    assert "No space left on device. It is in " in problems[0]
    assert problems[0].endswith("and the next recorder writes it")
    assert problems[1] == "No space left on device. It is lost"
    assert not list((tmp_path / "_assets").glob("*.tmp"))
    disk.refuses = set()
    assert recovery.prepare(str(tmp_path)).answers == 1
    assert answers(tmp_path) == [1]


def test_what_waits_in_memory_is_bounded(
    tmp_path: Path, results: list[WriteResult], disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "MAX_KEPT", 1000)
    disk.refuses = {"files", "log"}

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        for number in range(20):
            queue.put(save(number, {"n": number}, number), None)
        lost = len(results)
        assert 10 < lost < 20
        disk.refuses = set()
        await queue.settle()
        assert len(answers(tmp_path)) == 20 - lost
        queue.close()

    asyncio.run(use())
    assert "and 0 MiB wait in memory. It is lost" in str(results[0].problem)


def test_what_is_being_written_counts_as_waiting(
    tmp_path: Path, results: list[WriteResult], disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "MAX_KEPT", 300)
    disk.refuses = {"log"}
    disk.waits.clear()

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(save(1, {"n": 1}, 1), None)
        await asyncio.sleep(0.01)
        queue.put(save(2, {"n": 2}, 2), None)
        assert len(results) == 1, "the first is in the thread"
        disk.waits.set()
        await queue.settle()
        queue.put(save(3, {"n": 3}, 3), None)
        await queue.settle()
        queue.close()

    asyncio.run(use())
    assert answers(tmp_path) == [1, 3]


def test_while_the_disk_is_full_what_comes_waits_and_nothing_is_measured_again(
    tmp_path: Path, results: list[WriteResult], disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    measured: list[int] = []
    write, of_outcome = Writer.write, records.of_outcome
    monkeypatch.setattr(
        Writer, "write", lambda writer, outcomes: (tries.append(len(outcomes)), write(writer, outcomes))[1]
    )
    monkeypatch.setattr(records, "of_outcome", lambda *given: (measured.append(1), of_outcome(*given))[1])
    monkeypatch.setattr(write_queue, "TRY_AGAIN_AFTER", 30.0)
    disk.refuses = {"files", "log"}

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        for number in range(5):
            queue.put(save(number, {"n": number}, number), None)
            await asyncio.sleep(0.02)
        assert (tries, len(measured)) == ([1], 5)
        disk.refuses = set()
        queue.close()

    asyncio.run(use())
    assert answers(tmp_path) == [0, 1, 2, 3, 4]


def test_what_is_in_the_log_need_not_wait_in_memory(
    tmp_path: Path, results: list[WriteResult], disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "MAX_KEPT", 1000)
    disk.refuses = {"files"}

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        for number in range(20):
            queue.put(save(number, {"n": number}, number), None)
        await queue.settle()
        assert 10 < len(results) < 20
        queue.close()

    asyncio.run(use())
    assert all(str(result.problem).endswith("and the next recorder writes it") for result in results)
    disk.refuses = set()
    assert recovery.prepare(str(tmp_path)).answers == 20


def test_what_can_never_be_written_is_told_and_not_tried_again(tmp_path: Path, results: list[WriteResult]) -> None:
    bad = save(1, {"n": 1}, 1)
    bad.entry["match"]["exact"] = "perhaps"
    gone = Link(CAT, Content("0" * 64, 1), "image/png")

    async def use() -> None:
        queue = queue_of(tmp_path, results, at_once=True)
        queue.put(bad, None)
        queue.put(gone, None)
        await queue.settle()
        assert not queue.is_busy
        assert not queue.close(), "the first is in the log for whoever wants to look"

    asyncio.run(use())
    assert "the recording" in str(results[0].problem)
    assert str(results[1].problem).endswith("was not kept")


def test_an_error_of_our_own_is_logged(
    tmp_path: Path, results: list[WriteResult], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Writer, "_save", broken)

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(save(1, {"n": 1}, 1), None)
        await queue.settle()
        queue.close()

    asyncio.run(use())
    assert [result.problem for result in results] == ["ZeroDivisionError"]
    assert caplog.records[0].exc_info


def test_a_log_that_cannot_be_synced_has_the_files_written(
    tmp_path: Path, results: list[WriteResult], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)

    async def use() -> None:
        queue = queue_of(tmp_path, results)
        queue.put(save(1, {"n": 1}, 1), None)
        await until(lambda: not queue.is_busy)
        queue.close()

    asyncio.run(use())
    assert answers(tmp_path) == [1]
    assert "the log of recordings could not be synced: Input/output error" in caplog.text
