"""falmock starts with its store, or not at all."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from falmock.engine.config import MEMORY
from falmock.serving import store
from falmock.serving.store import NoStore
from falmock.serving.store import share
from falmock.sharing.replicas import SECRET
from falmock.store import redis as redis_store
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Unavailable
from falmock.store.memory import MemoryStore
from unit.apps import app_of


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """The store that every address leads to."""
    store = MemoryStore(lambda: 1_000_005.0)

    async def close() -> None:
        pass

    monkeypatch.setattr(store, "close", close)
    monkeypatch.setattr(redis_store, "RedisStore", lambda _: store)
    return store


def test_memory_needs_no_store() -> None:
    app = app_of()
    share(app, MEMORY, {})
    assert app.shared is None
    assert app.store_address == ""


@pytest.mark.usefixtures("memory")
def test_all_falmocks_of_a_store_have_one_secret() -> None:
    first, second = app_of(), app_of()
    share(first, "redis://one", {})
    share(second, "redis://one", {})
    ticket, _ = first.engines.tickets.give(1_000_000.0)
    assert second.engines.tickets.holds(ticket, 1_000_001.0)
    assert first.engines.run == second.engines.run
    alone, _ = app_of().engines.tickets.give(1_000_000.0)
    assert not second.engines.tickets.holds(alone, 1_000_001.0)


@pytest.mark.usefixtures("memory")
def test_the_clock_is_the_stores() -> None:
    app = app_of()
    share(app, "redis://one", {})
    assert app.shared is not None
    assert app.shared.calls.now() == 1_000_005.0


@pytest.mark.usefixtures("memory")
def test_within_a_running_loop() -> None:
    async def start() -> None:
        share(app_of(), "redis://one", {})

    asyncio.run(start())


@pytest.mark.usefixtures("memory")
def test_its_password_is_a_secret() -> None:
    app = app_of()
    share(app, "redis://:hunter22hunter@one", {})
    assert "hunter22hunter" not in app.redactor.text("it is hunter22hunter")
    assert app.store_address == "redis://one:6379/0"
    assert app.shared is not None
    assert "hunter22hunter" not in app.shared.calls.shown


def test_no_start_without_it(tmp_path: Path) -> None:
    with pytest.raises(NoStore, match=r"fal_store: .*none.sock.* falmock does not start without its store") as found:
        share(app_of(), f"unix://:hunter22hunter@{tmp_path}/none.sock", {})
    assert "hunter22hunter" not in str(found.value)


def test_a_wrong_address() -> None:
    with pytest.raises(NoStore, match="fal_store: 'memcached://x' names no store"):
        share(app_of(), "memcached://x", {})


def test_a_store_that_ends_while_it_is_opened(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: object) -> None:
        raise Unavailable("it is away")

    monkeypatch.setattr(memory, "load", away)
    with pytest.raises(NoStore, match="it is away"):
        share(app_of(), "redis://one", {})


@pytest.mark.usefixtures("memory")
def test_one_falmock_of_a_store_records(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = app_of(), app_of()
    for app in (first, second):
        share(app, "redis://one", {})
    store.record(first, "redis://one", {})
    assert first.shared is not None
    assert first.shared.replicas.recorder
    monkeypatch.setattr("os.getpid", lambda: 4711)
    with pytest.raises(NoStore, match=r"one falmock of a store records, and process \d+ on .* does"):
        store.record(second, "redis://one", {})
    assert second.shared is not None
    assert not second.shared.replicas.recorder

    async def end() -> None:
        assert first.shared is not None
        await first.shared.replicas.stop()

    asyncio.run(end())
    store.record(second, "redis://one", {})
    assert second.shared.replicas.recorder == f"process 4711 on {socket.gethostname()}"
    assert memory


def test_alone_it_records_without_a_store() -> None:
    store.record(app_of(), MEMORY, {})


@pytest.mark.usefixtures("memory")
def test_it_counts_as_recording_while_it_says_so() -> None:
    app = app_of()
    share(app, "redis://one", {})
    store.record(app, "redis://one", {})

    async def beat() -> bytes | None:
        assert app.shared is not None
        replicas = app.shared.replicas
        await replicas.join()
        found = (await app.shared.calls.store.load(["{}:recorder"]))[0]
        await replicas.stop()
        return found

    assert asyncio.run(beat()) == app.shared.replicas.recorder.encode()  # type: ignore[union-attr]


def test_no_record_without_the_store(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of()
    share(app, "redis://one", {})

    async def away(_: object) -> None:
        raise Unavailable("it is away")

    monkeypatch.setattr(memory, "commit", away)
    with pytest.raises(NoStore, match="does not record without its store"):
        store.record(app, "redis://one", {})


@pytest.mark.usefixtures("memory")
def test_a_store_that_lost_its_data_gets_the_secret_again(memory: MemoryStore) -> None:
    first, later = app_of(), app_of()
    share(first, "redis://one", {})
    ticket, _ = first.engines.tickets.give(1_000_000.0)

    async def lose_and_tell() -> None:
        await memory.commit(Commit(puts={SECRET: Put(None, 1.0)}))
        assert first.shared is not None
        await first.shared.replicas.join()
        await first.shared.replicas.stop()

    asyncio.run(lose_and_tell())
    share(later, "redis://one", {})
    assert later.engines.tickets.holds(ticket, 1_000_001.0)
