"""What is Redis' own: its keys, their lives, scripts that it lost, and content that is damaged."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import sys
from collections.abc import Awaitable
from collections.abc import Callable

import pytest

from falmock.store import redis
from falmock.store.address import parse
from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.interface import Unavailable
from falmock.store.line import Line
from falmock.store.redis import RedisStore
from unit.store.servers import Server
from unit.store.servers import maker


def play(running: Server, test: Callable[[RedisStore, Line], Awaitable[None]]) -> None:
    """Runs a test with a store, and with a line to its server."""

    async def run() -> None:
        store, line = maker(running)(), Line(running.address())
        assert isinstance(store, RedisStore)
        try:
            await test(store, line)
        finally:
            await store.close()
            await line.close()

    asyncio.run(run())


async def write_everything(store: RedisStore) -> None:
    content = os.urandom(2 * 1024 * 1024)
    await store.commit(Commit(puts={"{s}:a": Put(b"1", 60)}, scores=[Score("{s}:s", b"x", 1)], score_ttl=60))
    await store.take("{s}:s", 9, 20, 1)
    await store.append([Append("{s}:log", [b"1"], 5, 60), Append("log", [b"1"], 5, 60)])
    await store.put_blob(hashlib.sha256(content).hexdigest(), content, 60)


def test_every_key_has_the_prefix_and_an_end(running: Server) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        await line.ask("FLUSHALL")
        await write_everything(store)
        keys = await line.ask("KEYS", "*")
        assert len(keys) == 7
        for key in keys:
            assert key.decode().startswith(store._prefix)
            assert 50_000 < await line.ask("PTTL", key) <= 60_000

    play(running, test)


def test_scripts_that_the_server_lost_are_sent_again(running: Server) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        for number in range(1, 3):
            await line.ask("SCRIPT", "FLUSH")
            logs = [Append(name, [b"1"], 5, 60) for name in ("a", "b", "c")]
            assert await store.append(logs) == [number] * 3
            assert await store.commit(Commit(puts={"v": Put(b"1", 60)}, scores=[Score("s", b"x", 1)])) is Outcome.DONE
            assert await store.take("s", 1, 2, 1) == [b"x"]
            assert await store.bounds("a") == (1, number)

    play(running, test)


def test_a_call_is_one_command(running: Server) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        commit = Commit({"a": None}, {"b": Put(b"1", 60)}, [Score("s", b"x", 1)], {"s": 9})
        await store.commit(commit)
        await line.ask("CONFIG", "RESETSTAT")
        await store.commit(commit)
        await store.load(["a", "b", "c"])
        found = (await line.ask("INFO", "commandstats")).decode()
        # what scripts do is counted too
        assert "cmdstat_evalsha:calls=1," in found
        assert "cmdstat_mget:calls=1," in found
        assert "cmdstat_eval:" not in found
        assert "cmdstat_auth" not in found

    play(running, test)


@pytest.mark.parametrize(
    "harm", ["DEL 0", "DEL 1", "DEL size", "SET size x", "SET size 1", "SET 0 y", "SET size 9999999"]
)
def test_damaged_content_is_none(running: Server, harm: str) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        content = os.urandom(redis.PART + 1)
        digest = hashlib.sha256(content).hexdigest()
        await store.put_blob(digest, content, 60)
        command, part, *value = harm.split()
        await line.ask(command, store._part(digest, part), *value)
        assert await store.blob(digest) is None

    play(running, test)


def test_other_data_under_a_key(running: Server) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        await line.ask("SADD", f"{store._prefix}log", "x")
        for call in (store.append([Append("log", [b"1"], 5, 60)]), store.commit(Commit({"log": None}))):
            with pytest.raises(Unavailable, match=r"has other data under a key .* choose another \?prefix="):
                await call

    play(running, test)


def test_watchers_use_their_connections_again(running: Server) -> None:
    async def test(store: RedisStore, line: Line) -> None:
        await store.load(["a"])
        before = await line.ask("CLIENT", "LIST")
        for _ in range(5):
            await store.watch({"log": 0}, 0.001)
        assert len((await line.ask("CLIENT", "LIST")).splitlines()) == len(before.splitlines()) + 1

    play(running, test)


def test_a_closed_store_says_so(running: Server) -> None:
    async def test(store: RedisStore, _: Line) -> None:
        watching = asyncio.create_task(store.watch({"log": 0}, 30))
        await asyncio.sleep(0.05)
        await store.close()
        with pytest.raises(Unavailable, match="was closed by falmock"):
            await watching
        with pytest.raises(Unavailable, match="was closed by falmock"):
            await store.load(["a"])

    play(running, test)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.exceptions", None)
    spec = importlib.util.spec_from_file_location("without_extra", redis.__file__)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match=r"needs the package redis, .*pip install 'falmock\[redis\]'"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_a_tcp_address_is_reached_as_it_says() -> None:
    async def run() -> None:
        store = RedisStore(parse("redis://127.0.0.1:1", {}))
        with pytest.raises(
            Unavailable, match=r"the store redis://127\.0\.0\.1:1/0 cannot be reached: .*Connect call failed"
        ):
            await store.now()
        await store.close()

    asyncio.run(run())
