from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from falmock.recording.disk import atomic
from falmock.recording.disk import locks
from falmock.recording.disk import write_ahead_log
from falmock.recording.disk.folder import LOGS
from falmock.recording.disk.write_ahead_log import WriteAheadLog
from falmock.recording.write_ahead import records

STATE = {"state": {"runs": {}}}


@pytest.fixture
def log(tmp_path: Path) -> WriteAheadLog:
    made = WriteAheadLog(tmp_path)
    made.start()
    return made


def records_of(log: WriteAheadLog) -> list[dict[str, Any]]:
    assert log.path is not None
    return records.read(log.path.read_bytes()).records


def test_a_log_is_for_its_owner_alone_and_not_for_git(log: WriteAheadLog, tmp_path: Path) -> None:
    assert log.path is not None
    assert log.path.name.startswith(f"{atomic.owner()}-")
    assert (log.path.parent.stat().st_mode & 0o777, log.path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert (tmp_path / LOGS / ".gitignore").read_text() == "*\n"
    log.start()
    assert len(list((tmp_path / LOGS).iterdir())) == 2


def test_outcomes_are_numbered_and_noted_when_they_are_done(log: WriteAheadLog) -> None:
    assert [log.append({"save": place}) for place in range(3)] == [0, 1, 2]
    log.sync()
    log.done([0, 2, 7], lambda: STATE)
    log.done([0], lambda: STATE)
    assert records_of(log) == [*({"number": place, "save": place} for place in range(3)), {"done": [0, 2]}]


def test_it_is_removed_if_nothing_in_it_is_missing_elsewhere(log: WriteAheadLog, tmp_path: Path) -> None:
    log.append({"save": 1})
    other = WriteAheadLog(tmp_path)
    other.start()
    assert not other.close(), "the first is still there"
    assert (tmp_path / LOGS).exists()
    log.done([0], lambda: STATE)
    assert log.close()
    assert list(tmp_path.iterdir()) == []
    assert log.close()


def test_it_stays_if_something_is(log: WriteAheadLog, tmp_path: Path) -> None:
    log.append({"save": 1})
    assert not log.close()
    (found,) = write_ahead_log.find(tmp_path)
    assert found.handle is not None
    assert records.read(write_ahead_log.content_of(found.handle)).records == [{"number": 0, "save": 1}]
    os.close(found.handle)


def test_it_is_held_while_its_recorder_lives(log: WriteAheadLog, tmp_path: Path) -> None:
    assert [one.handle for one in write_ahead_log.find(tmp_path)] == [None]
    assert [one.path for one in write_ahead_log.find(tmp_path, only_read=True)] == [log.path]
    assert log.path is not None
    log.path.chmod(0)
    assert [one.handle for one in write_ahead_log.find(tmp_path)] == [None], "so it is if somebody else owns it"


def test_what_cannot_be_appended_leaves_no_trace(log: WriteAheadLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append({"save": 1})
    real = os.write

    def half(handle: int, data: memoryview) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(handle, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            log.append({"save": 2})
    assert log.append({"save": 3}) == 1
    assert [record["save"] for record in records_of(log)] == [1, 3]


def test_a_log_that_could_not_be_made_refuses(tmp_path: Path) -> None:
    log = WriteAheadLog(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no log"):
        log.append({"save": 1})
    log.sync()
    log.done([], lambda: STATE)
    assert log.path is None
    assert log.close()


def test_a_large_log_gives_way_to_a_short_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write_ahead_log, "CUT_ABOVE", 1000)
    log = WriteAheadLog(tmp_path)
    log.start()
    log.note_before({"before": []})
    for place in range(20):
        log.append({"save": "x" * 100, "place": place})
    before = log.path
    log.done(range(18), lambda: STATE)
    assert log.path == before
    assert [one.path for one in write_ahead_log.find(tmp_path)] == [log.path]
    left = [{"number": place, "save": "x" * 100, "place": place} for place in (18, 19)]
    assert records_of(log) == [STATE, *left], "there was nothing to note before"
    log.note_before({"before": [1]})
    assert log.append({"save": 1}) == 20
    log.done([18, 19, 20], lambda: STATE)
    assert records_of(log)[-3:] == [{"before": [1]}, {"number": 20, "save": 1}, {"done": [18, 19, 20]}]
    assert log.close()


def test_a_large_log_stays_if_there_is_no_room_for_another(
    log: WriteAheadLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(write_ahead_log, "CUT_ABOVE", 10)
    log._limit = 10
    log.append({"save": 1})
    before, real = log.path, os.write

    def full(handle: int, data: bytes) -> int:
        if b"state" in bytes(data):
            raise OSError(28, "No space left on device")
        return real(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            log.done([0], lambda: STATE)
    assert log.path == before
    assert [one.path for one in write_ahead_log.find(tmp_path)] == [before]
    log.append({"save": 2})
    assert [record["save"] for record in records_of(log)] == [1, 2]


def test_somebody_who_only_looks_does_not_take_a_log_from_its_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks holds the lock for a moment; the recorder that is starting waits for that."""
    looking: list[int] = []
    real = os.open

    def opened(path: Any, flags: int, mode: int = 0o777) -> int:
        handle = real(path, flags, mode)
        if str(path).endswith(write_ahead_log.SUFFIX) and flags & os.O_CREAT:
            looking.append(real(path, os.O_RDONLY))
            assert locks.take(looking[0])
        return handle

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(locks.time, "sleep", lambda _: os.close(looking.pop()))
    log = WriteAheadLog(tmp_path)
    log.start()
    assert [one.handle for one in write_ahead_log.find(tmp_path)] == [None]
    assert log.close()


def test_a_system_without_fdatasync(log: WriteAheadLog, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.delattr(os, "fdatasync", raising=False)
    monkeypatch.setattr(os, "fsync", synced.append)
    log.append({"save": 1})
    log.sync()
    assert len(synced) == 1


def test_its_name_survives_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[int] = set()
    real = os.fsync

    def noted(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    WriteAheadLog(tmp_path).start()
    assert synced >= {tmp_path.stat().st_ino, (tmp_path / LOGS).stat().st_ino}


def test_git_does_not_see_it_although_the_disk_was_full_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    log = WriteAheadLog(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            log.start()
    assert log.path is None
    log.start()
    assert (tmp_path / LOGS / ".gitignore").read_text() == "*\n"


def test_a_new_log_that_another_process_holds_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = WriteAheadLog(tmp_path)
    real = locks.wait_for
    with monkeypatch.context() as patch:
        # The lock on the folder, which has a patience, is free.
        patch.setattr(locks, "wait_for", lambda handle, *patience: bool(patience) and real(handle, *patience))
        with pytest.raises(locks.Busy, match="holds the lock on the new"):
            log.start()
    assert write_ahead_log.find(tmp_path) == []


def test_a_log_that_gave_way_meanwhile_is_not_found_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opened the large log before another took its place has a file without a name, which nobody holds."""
    monkeypatch.setattr(write_ahead_log, "CUT_ABOVE", 10)
    log = WriteAheadLog(tmp_path)
    log.start()
    log._limit = 10
    log.append({"save": 1})
    real = locks.take

    def late(handle: int) -> bool | None:
        if log._open:
            log.done([0], lambda: STATE)
        return real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(locks, "take", late)
        assert [one.handle for one in write_ahead_log.find(tmp_path)] == [None]
    assert records_of(log) == [STATE]


def test_its_process_may_have_left_another(log: WriteAheadLog, tmp_path: Path) -> None:
    log.append({"save": 1})
    log.close()
    other = WriteAheadLog(tmp_path)
    other.start()
    assert not other.close(), "the contents of the first are temporary files of this process"
