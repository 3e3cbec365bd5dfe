"""What every store does: the same tests for memory, Redis and Valkey."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time

import pytest

from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.interface import Store
from unit.store.servers import on_store

ODD = bytes(range(256)) + "\r\n$5\r\nß".encode()


def put(**values: bytes | None) -> Commit:
    return Commit(puts={key: Put(value, 60) for key, value in values.items()})


@on_store
async def test_values_are_loaded_in_order_with_none_for_the_absent(store: Store) -> None:
    assert await store.commit(put(a=b"1", b=ODD, empty=b"")) is Outcome.DONE
    assert await store.load(["b", "none", "a", "empty", "a"]) == [ODD, None, b"1", b"", b"1"]
    assert await store.load([]) == []


@on_store
async def test_names_may_be_anything(store: Store) -> None:
    names = ["{s}:job:ä", "a b", "x\r\ny", "*", ""]
    await store.commit(Commit(puts={name: Put(name.encode(), 60) for name in names}))
    assert await store.load(names) == [name.encode() for name in names]


@on_store
async def test_a_commit_writes_all_or_nothing(store: Store) -> None:
    await store.commit(put(a=b"1", b=b"2"))
    for expected in ({"a": b"1", "b": b"9"}, {"a": None}, {"c": b""}, {"a": b""}, {"a": ODD}):
        commit = Commit(expected, {"a": Put(None, 0), "c": Put(b"3", 60)}, [Score("s", b"x", 1)], now=0)
        assert await store.commit(commit) is Outcome.CONFLICT
    assert await store.load(["a", "b", "c"]) == [b"1", b"2", None]
    assert await store.ranged("s", 0, 9, 9) == []
    changed = Commit({"a": b"1", "c": None}, {"a": Put(None, 0), "c": Put(b"3", 60)}, [Score("s", b"x", 1)], now=0)
    assert await store.commit(changed) is Outcome.DONE
    assert await store.load(["a", "b", "c"]) == [None, b"2", b"3"]
    assert await store.ranged("s", 0, 9, 9) == [(b"x", 1.0)]


@on_store
async def test_of_racing_commits_one_wins(store: Store) -> None:
    async def add() -> int:
        tries = 0
        while True:
            tries += 1
            (before,) = await store.load(["n"])
            after = Put(b"%d" % (int(before or b"0") + 1), 60)
            if await store.commit(Commit({"n": before}, {"n": after})) is Outcome.DONE:
                return tries

    await asyncio.gather(*[add() for _ in range(20)])
    assert await store.load(["n"]) == [b"20"]


@on_store
async def test_an_empty_commit_is_done(store: Store) -> None:
    assert await store.commit(Commit()) is Outcome.DONE


@on_store
async def test_values_end(store: Store) -> None:
    await store.commit(Commit(puts={"short": Put(b"1", 0.05), "long": Put(b"2", 60)}))
    await store.commit(Commit(scores=[Score("s", b"x", 1)], score_ttl=0.05))
    await store.append([Append("log", [b"1", b"2"], 9, 0.05)])
    await store.put_blob(hashlib.sha256(b"x").hexdigest(), b"x", 0.05)
    await asyncio.sleep(0.1)
    assert await store.load(["short", "long"]) == [None, b"2"]
    assert await store.ranged("s", 0, 9, 9) == []
    assert await store.bounds("log") == (1, 0)
    assert await store.blob(hashlib.sha256(b"x").hexdigest()) is None
    assert await store.append([Append("log", [b"3"], 9, 60)]) == [1]


@on_store
async def test_a_write_gives_a_new_life(store: Store) -> None:
    await store.commit(Commit(puts={"a": Put(b"1", 1)}))
    await store.append([Append("log", [b"1"], 9, 1)])
    await store.commit(Commit(puts={"a": Put(b"2", 60)}))
    await store.append([Append("log", [b"2"], 9, 60)])
    await asyncio.sleep(1.1)
    assert await store.load(["a"]) == [b"2"]
    assert await store.bounds("log") == (1, 2)


@on_store
async def test_sets_are_sorted_by_score_and_then_by_bytes(store: Store) -> None:
    scores = [Score("s", b"b", 2), Score("s", b"a", 2), Score("s", b"c", 1.5), Score("s", ODD, -3), Score("t", b"t", 0)]
    await store.commit(Commit(scores=scores))
    assert await store.ranged("s", -10, 10, 10) == [(ODD, -3.0), (b"c", 1.5), (b"a", 2.0), (b"b", 2.0)]
    assert await store.ranged("s", 1.5, 2, 2) == [(b"c", 1.5), (b"a", 2.0)]
    assert await store.ranged("s", float("-inf"), float("inf"), 1) == [(ODD, -3.0)]
    await store.commit(Commit(scores=[Score("s", b"c", None), Score("s", b"none", None), Score("s", b"b", 1)]))
    assert await store.ranged("s", 0, 9, 9) == [(b"b", 1.0), (b"a", 2.0)]


@on_store
async def test_scores_are_exact(store: Store) -> None:
    at = 1764409999.1234567
    await store.commit(Commit(scores=[Score("s", b"x", at)]))
    assert await store.ranged("s", at, at, 9) == [(b"x", at)]


@on_store
async def test_a_full_set_refuses(store: Store) -> None:
    await store.commit(Commit(scores=[Score("s", b"a", 10), Score("s", b"b", 20)]))
    more = Commit({"v": None}, {"v": Put(b"1", 60)}, [Score("s", b"c", 30)], {"s": 2}, now=10)
    assert await store.commit(more) is Outcome.FULL
    assert await store.load(["v"]) == [None]
    assert await store.ranged("s", 0, 99, 9) == [(b"a", 10.0), (b"b", 20.0)]
    assert await store.commit(more._replace(now=10.1)) is Outcome.DONE
    assert await store.ranged("s", 0, 99, 9) == [(b"b", 20.0), (b"c", 30.0)]
    assert await store.commit(Commit({"v": None}, limits={"s": 0})) is Outcome.CONFLICT


@on_store
async def test_who_takes_an_item_has_it_until_the_lease_ends(store: Store) -> None:
    await store.commit(Commit(scores=[Score("due", b"%d" % at, at) for at in range(1, 6)]))
    first, second = await asyncio.gather(store.take("due", 4, 100, 3), store.take("due", 4, 100, 3))
    assert sorted(first + second) == [b"1", b"2", b"3", b"4"]
    assert await store.take("due", 4, 100, 3) == []
    await store.commit(Commit(scores=[Score("due", b"1", None)]))
    assert await store.take("due", 100, 200, 9) == [b"5", b"2", b"3", b"4"]


@on_store
async def test_entries_are_numbered_without_gaps(store: Store) -> None:
    assert await store.bounds("a") == (1, 0)
    assert await store.append([Append("a", [b"1", ODD], 100, 60), Append("b", [b"x"], 100, 60)]) == [2, 1]
    assert await store.append([Append("a", [b""], 100, 60), Append("c", [], 100, 60)]) == [3, 0]
    assert await store.read("a", 0, 10) == [(1, b"1"), (2, ODD), (3, b"")]
    assert await store.read("a", 1, 1) == [(2, ODD)]
    assert await store.read("a", 3, 10) == await store.read("a", 99, 10) == await store.read("none", 0, 1) == []
    numbers = await asyncio.gather(*[store.append([Append("a", [b"y"], 100, 60)]) for _ in range(20)])
    assert sorted(last for (last,) in numbers) == list(range(4, 24))
    assert await store.bounds("a") == (1, 23)
    assert await store.append([]) == []


@on_store
async def test_a_log_keeps_the_newest(store: Store) -> None:
    for at in range(50):
        await store.append([Append("log", [b"%d" % at] * 10, 20, 60)])
    first, last = await store.bounds("log")
    assert last == 500
    # a Redis trims whole nodes of 100 entries
    assert 280 < first <= 481
    found = await store.read("log", 0, 1000)
    assert [number for number, _ in found] == list(range(first, last + 1))
    assert found[-1] == (500, b"49")


@on_store
async def test_watching_ends_with_an_entry_or_with_the_time(store: Store) -> None:
    await store.append([Append("a", [b"1"], 9, 60)])
    assert await store.watch({"a": 0, "b": 0}, 5) == {"a"}
    began = time.monotonic()
    assert await store.watch({"a": 1, "b": 0}, 0.05) == set()
    assert await store.watch({}, 0.01) == set()
    assert 0.05 < time.monotonic() - began < 4

    watching = [asyncio.create_task(store.watch({"a": 1, "b": 0}, 20)) for _ in range(3)]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await store.append([Append("b", [b"1"], 9, 60)])
    assert await asyncio.gather(*watching) == [{"b"}] * 3
    assert time.monotonic() - began < 4


@on_store
async def test_watching_delays_no_other_call_and_may_be_given_up(store: Store) -> None:
    watching = asyncio.create_task(store.watch({"a": 0}, 20))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await store.load(["x"])
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    await store.append([Append("a", [b"1"], 9, 60)])
    assert await store.watch({"a": 0}, 20) == {"a"}
    assert time.monotonic() - began < 4


@on_store
async def test_blobs(store: Store) -> None:
    for content in (b"", b"x", os.urandom(1024 * 1024), os.urandom(9 * 1024 * 1024 + 1)):
        digest = hashlib.sha256(content).hexdigest()
        assert await store.blob(digest) is None
        await store.put_blob(digest, content, 60)
        assert await store.blob(digest) == content


@on_store
async def test_content_with_another_digest_is_none(store: Store) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    await store.put_blob(digest, b"y", 60)
    assert await store.blob(digest) is None


@on_store
async def test_the_clock(store: Store) -> None:
    assert abs(await store.now() - time.time()) < 5
