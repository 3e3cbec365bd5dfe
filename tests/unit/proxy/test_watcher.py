from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import pytest

from falmock.fixtures.disk.loader import Library
from falmock.fixtures.disk.loader import Store
from falmock.proxy import watcher
from falmock.proxy.watcher import Watcher


def write(folder: Path, *answers: str) -> None:
    fixtures = [{"match": {}, "response": {"json": answer}} for answer in answers]
    (folder / "f.json").write_text(json.dumps({"fixtures": fixtures}))


def test_a_change_is_taken_over_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watcher, "INTERVAL", 0.01)
    monkeypatch.setattr(watcher, "SHARE", 0.9)
    write(tmp_path, "one")
    store = Store([str(tmp_path)])
    store.load()
    taken: asyncio.Queue[Library] = asyncio.Queue()

    async def edit() -> list[int]:
        looking = Watcher(store, taken.put_nowait)
        looking.start()
        write(tmp_path, "one", "two")
        counts = [len((await asyncio.wait_for(taken.get(), 5)).index.fixtures)]
        (tmp_path / "f.json").write_text("{broken")
        while "cannot be loaded" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert taken.empty()
        write(tmp_path, "one", "two", "three")
        counts.append(len((await asyncio.wait_for(taken.get(), 5)).index.fixtures))
        looking.stop()
        return counts

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(asyncio.wait_for(edit(), 20)) == [2, 3]
    assert caplog.text.count("cannot be loaded") == 1
    assert "the old ones stay in use" in caplog.text


class Slow(Store):
    """Fixtures that take a while to load."""

    def load(self) -> Library:
        time.sleep(0.5)
        return super().load()


def test_a_slow_load_does_not_put_off_the_next_look(tmp_path: Path) -> None:
    write(tmp_path, "one")
    store = Slow([str(tmp_path)])
    store.load()
    taken: asyncio.Queue[Library] = asyncio.Queue()

    async def edit() -> list[int]:
        looking = Watcher(store, taken.put_nowait)
        looking.start()
        counts = []
        for answers in (["two"] * 2, ["three"] * 3):
            write(tmp_path, *answers)
            counts.append(len((await asyncio.wait_for(taken.get(), 30)).index.fixtures))
        looking.stop()
        return counts

    assert asyncio.run(edit()) == [2, 3]


def test_a_slow_machine_puts_off_the_next_look_for_seconds_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "LONGEST", 0.1)
    monkeypatch.setattr(watcher, "SHARE", 1e-9)
    test_a_slow_load_does_not_put_off_the_next_look(tmp_path)
