"""Servers that are away, die, hang, are full, are replicas or want a password: what calls get, and that they recover."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress

import pytest

from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.interface import Unavailable
from falmock.store.interface import Unknown
from falmock.store.line import Line
from falmock.store.redis import RedisStore
from unit.store.servers import ENGINES
from unit.store.servers import Server
from unit.store.servers import server

SHORT = 0.5
PATIENCE = 60
"""Seconds in which each call has got an answer."""
WRITE = Commit(puts={"a": Put(b"1", 60)}, scores=[Score("s", b"x", 1)])


@pytest.fixture(params=ENGINES)
def own(request: pytest.FixtureRequest) -> Iterator[Callable[..., Server]]:
    """Starts servers of this test's own, with options."""
    opened = []

    def start(*options: str) -> Server:
        context = server(request.param, *options)
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


def play(
    running: Server,
    test: Callable[[RedisStore, Line], Awaitable[None]],
    password: str | None = None,
    timeout: float = 20,
) -> None:
    async def run() -> None:
        # as mitmdump's, whose tasks begin at once with Python 3.12 and newer
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
        store = RedisStore(running.address(timeout=timeout))
        # who looks after the server
        admin = Line(running.address(password=password))
        try:
            async with asyncio.timeout(PATIENCE):
                await test(store, admin)
        finally:
            await store.close()
            await admin.close()

    asyncio.run(run())


async def refused(call: Awaitable[object], told: str, *, unknown: bool = False) -> None:
    with pytest.raises(Unavailable) as error:
        await call
    assert told in error.value.reason
    assert type(error.value) is Unknown if unknown else not isinstance(error.value, Unknown)


def test_a_server_that_dies_and_comes_back(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, _: Line) -> None:
        assert await store.commit(WRITE) is Outcome.DONE
        running.kill()
        # the event loop sees the end of the connection
        await asyncio.sleep(0.05)
        await refused(store.load(["a"]), "cannot be reached")
        # nothing was sent, so it is known
        await refused(store.commit(WRITE), "cannot be reached")
        await refused(store.watch({"log": 0}, 5), "cannot be reached")
        running.start()
        assert await store.load(["a"]) == [None]
        assert await store.commit(WRITE) is Outcome.DONE
        assert await store.append([Append("log", [b"1"], 5, 60)]) == [1]
        # a connection that the server ended while nobody used it
        running.kill()
        running.start()
        await asyncio.sleep(0.05)
        assert await store.commit(WRITE) is Outcome.DONE

    play(running, test)


def test_a_server_that_dies_during_a_call(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, admin: Line) -> None:
        await store.commit(WRITE)
        await admin.ask("CLIENT", "PAUSE", 60_000, "ALL")
        calls = [
            asyncio.ensure_future(call) for call in (store.load(["a"]), store.commit(WRITE), store.take("s", 1, 2, 1))
        ]
        watching = asyncio.ensure_future(store.watch({"log": 0}, 20))
        await asyncio.sleep(0.2)
        running.kill()
        await refused(calls[0], "ended the connection")
        await refused(calls[1], "ended the connection; whether the write was done is not known", unknown=True)
        await refused(calls[2], "is not known", unknown=True)
        await refused(watching, "")

    play(running, test)


def test_a_server_that_hangs(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, _: Line) -> None:
        await store.load(["a"])
        running.stop()
        began = time.monotonic()
        write, read = asyncio.ensure_future(store.commit(WRITE)), asyncio.ensure_future(store.load(["a"]))
        await asyncio.sleep(SHORT / 2)
        # comes while others wait: it has a time of its own
        late = asyncio.ensure_future(store.commit(WRITE))
        await refused(read, "did not answer within 0.5 s")
        await refused(write, "did not answer within 0.5 s; whether the write was done is not known", unknown=True)
        assert time.monotonic() - began < 5
        await refused(late, "did not answer within 0.5 s")
        running.go_on()
        # a busy machine may need several times
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(Unavailable):
                assert await store.commit(WRITE) is Outcome.DONE
                return
        pytest.fail("it does not recover")

    play(running, test, timeout=SHORT)


def test_a_watched_server_that_hangs(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, _: Line) -> None:
        assert await store.watch({"log": 0}, 0.01) == set()
        running.stop()
        await refused(store.watch({"log": 0}, 0.1), "did not answer")
        running.go_on()
        assert store._idle == []

    play(running, test, timeout=SHORT)


def test_a_full_server_keeps_what_it_has(own: Callable[..., Server]) -> None:
    running = own("--maxmemory", "8mb", "--maxmemory-policy", "noeviction")

    async def test(store: RedisStore, admin: Line) -> None:
        await store.commit(WRITE)
        with suppress(Unavailable):
            for number in range(20):
                await store.commit(Commit(puts={f"big{number}": Put(b"x" * 1_000_000, 60)}))
        await admin.ask("CONFIG", "SET", "maxmemory", "1mb")
        other = Commit({"a": b"1"}, {"a": Put(b"2", 60)}, [Score("s", b"y", 1)], {"s": 9}, now=5)
        await refused(store.commit(other), "is full: give it more memory")
        await refused(store.append([Append("log", [b"1"], 5, 60)]), "is full")
        await refused(store.put_blob("0" * 64, b"x", 60), "is full")
        assert await store.load(["a"]) == [b"1"]
        assert await store.ranged("s", 0, 9, 9) == [(b"x", 1.0)]
        await admin.ask("CONFIG", "SET", "maxmemory", "100mb")
        assert await store.commit(other) is Outcome.DONE

    play(running, test)


def test_a_primary_that_became_a_replica(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, admin: Line) -> None:
        await store.commit(WRITE)
        before = await admin.ask("CLIENT", "LIST", "TYPE", "NORMAL")
        await admin.ask("REPLICAOF", "127.0.0.1", 1)
        await refused(store.commit(WRITE), "is a read-only replica: expected the primary")
        await refused(store.append([Append("log", [b"1"], 5, 60)]), "is a read-only replica")
        await admin.ask("REPLICAOF", "NO", "ONE")
        assert await store.commit(WRITE) is Outcome.DONE
        # the name may mean another server by now, so the connection is a new one
        ids = [
            {line.split()[0] for line in found.splitlines()} for found in (before, await admin.ask("CLIENT", "LIST"))
        ]
        assert len(ids[0] & ids[1]) == 1

    play(running, test)


def test_passwords(own: Callable[..., Server]) -> None:
    running = own("--requirepass", "geheim")

    async def test(store: RedisStore, admin: Line) -> None:
        await refused(store.load(["a"]), "wants a password: set FALMOCK_STORE_PASSWORD")
        await refused(store.commit(WRITE), "wants a password")
        other = RedisStore(running.address(password="geheimer"))
        with pytest.raises(Unavailable, match="refuses the user or the password") as error:
            await other.load(["a"])
        assert "geheim" not in f"{error.value!r}"
        await other.close()
        right = RedisStore(running.address(password="geheim"))
        assert await right.commit(WRITE) is Outcome.DONE
        await right.close()
        await admin.ask("ACL", "SETUSER", "default", "-evalsha", "nopass")
        await refused(store.commit(WRITE), "does not allow its user a command or a key")
        assert await store.load(["a"]) == [b"1"]

    play(running, test, password="geheim")


def test_a_server_that_is_busy_with_a_script(own: Callable[..., Server]) -> None:
    running = own("--lua-time-limit", "20")

    async def test(store: RedisStore, admin: Line) -> None:
        await store.load(["a"])
        endless = admin.ask("EVAL", "while true do end", 0)
        await asyncio.sleep(0.2)
        await refused(store.commit(WRITE), "runs a script that does not end: SCRIPT KILL ends it")
        killer = Line(running.address())
        await killer.ask("SCRIPT", "KILL")
        await killer.close()
        with pytest.raises(Unavailable):
            await endless
        assert await store.commit(WRITE) is Outcome.DONE

    play(running, test)


def test_a_server_with_too_many_clients(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, admin: Line) -> None:
        await admin.ask("CONFIG", "SET", "maxclients", 1)
        # whether its words are read before the end of the connection is noticed is chance
        await refused(store.commit(WRITE), "its maxclients")

    play(running, test)


def test_calls_at_once_travel_together(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, admin: Line) -> None:
        await store.load(["a"])
        before = int((await admin.ask("INFO", "stats")).partition(b"total_reads_processed:")[2].split()[0])
        await asyncio.gather(*[store.load(["a"]) for _ in range(100)])
        after = int((await admin.ask("INFO", "stats")).partition(b"total_reads_processed:")[2].split()[0])
        assert after - before <= 5

    play(running, test)


def test_a_caller_that_gives_up_disturbs_no_other(own: Callable[..., Server]) -> None:
    running = own()

    async def test(store: RedisStore, _: Line) -> None:
        await store.commit(WRITE)
        calls = [asyncio.ensure_future(store.load(["a" if number % 2 else "b"])) for number in range(10)]
        await asyncio.sleep(0)
        for call in calls[::3]:
            call.cancel()
        found = await asyncio.gather(*calls, return_exceptions=True)
        for number, answer in enumerate(found):
            if number % 3:
                assert answer == [b"1" if number % 2 else None]
            else:
                assert isinstance(answer, asyncio.CancelledError)

    play(running, test)


def test_a_line_that_is_closed_tells_who_waits(own: Callable[..., Server]) -> None:
    running = own()

    async def test(_: RedisStore, admin: Line) -> None:
        line = Line(running.address())
        assert await line.ask("PING") == b"PONG"
        await admin.ask("CLIENT", "PAUSE", 500, "ALL")
        waiting = [line.ask("GET", "a"), line.ask("SET", "a", "1", write=True)]
        await asyncio.sleep(0.05)
        late = line.ask("SET", "a", "1", write=True)
        await line.close()
        await refused(waiting[0], "was closed by falmock")
        await refused(waiting[1], "was closed by falmock; whether the write was done is not known", unknown=True)
        await refused(late, "was closed by falmock")
        assert await line.ask("PING") == b"PONG"
        await line.close()

    play(running, test)


def test_what_is_no_redis(own: Callable[..., Server]) -> None:
    running = own()

    async def test(_: RedisStore, __: Line) -> None:
        running.kill()

        async def talk(__: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_unix_server(talk, running.socket):
            store = RedisStore(running.address())
            await refused(store.commit(WRITE), "does not speak as a Redis does")
            await store.close()

    play(running, test)
