from __future__ import annotations

import threading

import pytest

from falmock.proxy.record import log_sync
from falmock.proxy.record.log_sync import LogSync


def test_all_who_ask_meanwhile_are_synced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, synced = threading.Event(), threading.Semaphore(0)
    monkeypatch.setattr(log_sync.time, "sleep", lambda _: asked.wait(20))
    sync = LogSync(synced.release, lambda _: None)
    for _ in range(3):
        sync.soon()
    asked.set()
    assert synced.acquire(timeout=20)
    sync.close()
    assert not synced.acquire(blocking=False)


def test_it_goes_on_after_an_error() -> None:
    errors, synced = [OSError(5, "Input/output error")], threading.Semaphore(0)
    told: list[OSError] = []

    def broken() -> None:
        if errors:
            raise errors.pop()
        synced.release()

    sync = LogSync(broken, lambda error: (told.append(error), synced.release()))
    for _ in range(2):
        sync.soon()
        assert synced.acquire(timeout=20)
    sync.close()
    assert [error.errno for error in told] == [5]


def test_what_is_asked_late_is_still_within_the_window() -> None:
    assert log_sync.SYNC_AFTER < 0.05
    LogSync(lambda: None, lambda _: None).close()
