from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path

import pytest

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.miss import Miss
from falmock.proxy import live_fixtures
from falmock.proxy.live_fixtures import LiveFixtures
from falmock.proxy.live_fixtures import Watcher
from falmock.proxy.miss_log import MissLog
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request

RUN = Request("POST", "fal.run", "/a/b", "", {"content-type": "application/json"}, b"{}")


class Rig:
    """Fixtures in use from a folder, and the engine that answers from them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "f.json"
        self.store = FixtureLoader([str(folder)])
        self.misses = MissLog()
        self.engine = Engines(Config(), Index(), lambda now: uuid7(now, 1))
        self.fixtures = LiveFixtures(self.engine, self.misses)

    def write(self, *answers: int) -> None:
        fixtures = [{"match": {"model": "a/b"}, "response": {"json": answer}} for answer in answers]
        self.path.write_text(json.dumps({"fixtures": fixtures}))

    def answer(self) -> int | bytes:
        """The body of what is answered, or the status of an error."""
        reply = self.engine.handle(RUN, 1.0)
        assert isinstance(reply, Reply)
        assert isinstance(reply.body, bytes)
        return reply.body if reply.status == 200 else reply.status


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_what_is_loaded_is_in_use(rig: Rig) -> None:
    rig.write(1)
    assert rig.answer() == 404
    rig.fixtures.load(rig.store)
    assert rig.answer() == b"1"
    assert rig.fixtures.store is rig.store
    assert len(rig.fixtures.library.index.fixtures) == 1


def test_a_broken_load_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.write(1)
    rig.fixtures.load(rig.store)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "f.json").write_text("{broken")
    with pytest.raises(FixtureErrors):
        rig.fixtures.load(FixtureLoader([str(tmp_path / "other")]))
    assert rig.fixtures.store is rig.store
    assert rig.answer() == b"1"


def test_a_reload_tells_what_there_is_now(rig: Rig) -> None:
    with pytest.raises(OSError, match="falmock is not configured"):
        rig.fixtures.reload()
    rig.write(1)
    rig.fixtures.load(rig.store)
    rig.write(2, 3)
    assert rig.fixtures.reload() == "fixtures read again: 2 fixtures in 1 file"
    assert rig.answer() == b"2"


def test_other_fixtures_miss_anew(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.write()
    for _ in range(2):
        rig.fixtures.load(rig.store)
        rig.misses.tell(Miss("key", "missed", ()))
    assert caplog.messages.count("missed") == 2


def test_warnings_of_a_load_are_told(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    other = {"match": {"endpoint": "chat"}, "response": {"content": "hello"}}
    rig.path.write_text(json.dumps({"fixtures": [other]}))
    rig.fixtures.load(rig.store)
    assert caplog.messages == ["falmock: 1 fixtures for other providers than fal are passed over"]


def test_what_changes_on_disk_is_in_use_while_it_is_watched(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_fixtures, "INTERVAL", 1000.0)
    caplog.set_level(logging.INFO)

    async def edit() -> list[int | bytes]:
        answers: list[int | bytes] = []
        rig.write(1)
        rig.fixtures.watch()  # nothing is loaded: there is nothing to look at
        rig.fixtures.load(rig.store)
        rig.write(2, 3)
        rig.fixtures.poke()
        await rig.fixtures.look()
        answers.append(rig.answer())
        rig.fixtures.watch()
        await rig.fixtures.look()
        answers.append(rig.answer())
        rig.write(4)
        rig.fixtures.poke()
        while "1 fixture in 1 file" not in caplog.text:  # noqa: ASYNC110 - the watcher tells nobody else
            await asyncio.sleep(0.001)
        answers.append(rig.answer())
        rig.fixtures.stop_watching()
        rig.write(5, 6)
        await rig.fixtures.look()
        answers.append(rig.answer())
        return answers

    assert asyncio.run(asyncio.wait_for(edit(), 30)) == [b"1", b"2", b"4", b"4"]
    assert caplog.messages[0] == "falmock: fixtures changed on disk: 2 fixtures in 1 file"


def test_it_is_the_fixtures_in_use_that_are_watched(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Rig(tmp_path / "other")

    async def edit() -> None:
        rig.write(1)
        other.write(2)
        rig.fixtures.load(rig.store)
        rig.fixtures.watch()
        rig.fixtures.load(other.store)
        rig.fixtures.watch()
        other.write(3, 4)
        await rig.fixtures.look()
        rig.fixtures.stop_watching()

    asyncio.run(edit())
    assert rig.answer() == b"3"


def write(folder: Path, *answers: str) -> None:
    fixtures = [{"match": {}, "response": {"json": answer}} for answer in answers]
    (folder / "f.json").write_text(json.dumps({"fixtures": fixtures}))


def test_a_change_is_taken_over_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_fixtures, "INTERVAL", 0.01)
    monkeypatch.setattr(live_fixtures, "SHARE", 0.9)
    write(tmp_path, "one")
    store = FixtureLoader([str(tmp_path)])
    store.load()
    taken: asyncio.Queue[LoadedFixtures] = asyncio.Queue()

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


class Slow(FixtureLoader):
    """Fixtures that take a while to load."""

    def load(self) -> LoadedFixtures:
        time.sleep(0.5)
        return super().load()


def test_a_slow_load_does_not_put_off_the_next_look(tmp_path: Path) -> None:
    write(tmp_path, "one")
    store = Slow([str(tmp_path)])
    store.load()
    taken: asyncio.Queue[LoadedFixtures] = asyncio.Queue()

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
    monkeypatch.setattr(live_fixtures, "LONGEST", 0.1)
    monkeypatch.setattr(live_fixtures, "SHARE", 1e-9)
    test_a_slow_load_does_not_put_off_the_next_look(tmp_path)
