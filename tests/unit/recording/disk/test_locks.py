from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from falmock.recording.disk import locks
from falmock.recording.disk.locks import Busy


def test_one_holds_the_lock_on_a_folder_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    told = f"another process has held the lock on {folder} for 0.01 s: expected"
    with locks.locked(folder), pytest.raises(Busy, match=told), locks.locked(folder, 0.01):
        pass
    with locks.locked(folder, 0):
        pass
    assert list(folder.iterdir()) == [], "it needs no file"


def test_a_process_that_waits_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    assert locks.take(handle)
    monkeypatch.setattr(locks.time, "sleep", lambda _: os.close(handle))
    with locks.locked(tmp_path):
        pass


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            locks.take(os.open(tmp_path, os.O_RDONLY))
            os.write(writer, b".")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    try:
        assert os.read(reader, 1) == b".", "it did not come that far"
        handle = os.open(tmp_path, os.O_RDONLY)
        assert locks.take(handle) is False
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(reader)
    assert locks.take(handle) is True
    os.close(handle)


def test_where_files_have_no_locks_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with locks.locked(tmp_path, 0), locks.locked(tmp_path, 0):
        assert locks.take(0) is None
    monkeypatch.setattr("sys.platform", "win32")
    with locks.locked(tmp_path / "a", 0):
        assert locks.take(0) is None
