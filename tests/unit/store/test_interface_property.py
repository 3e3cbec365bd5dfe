"""Any calls, in any order, do the same in memory and in a server."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import rule
from hypothesis.stateful import run_state_machine_as_test

from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Put
from falmock.store.interface import Score
from falmock.store.interface import Store
from unit.store.servers import Server
from unit.store.servers import maker

KEYS = st.sampled_from(["a", "b", "{s}:c"])
SETS = st.sampled_from(["set", "{s}:set"])
LOGS = st.sampled_from(["log", "{s}:log"])
VALUES = st.sampled_from([b"", b"0", b"1"]) | st.binary(max_size=20)
AT = st.integers(-5, 5).map(float) | st.floats(-1e12, 1e12) | st.just(float("inf"))
LIMIT = st.integers(1, 5)
KEEP = 4
LIVES = 3600.0


class Twins(RuleBasedStateMachine):
    """Two stores that are told the same."""

    server_of: Server

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.memory = maker(None)()
        self.server = maker(self.server_of)()
        self.held: dict[str, bytes | None] = {}

    def teardown(self) -> None:
        self.runner.run(self.server.close())
        self.runner.close()

    def both(self, call: Callable[[Store], Awaitable[Any]]) -> Any:
        async def ask() -> tuple[Any, Any]:
            return await call(self.memory), await call(self.server)

        mine, found = self.runner.run(ask())
        assert mine == found
        return found

    @rule(
        puts=st.dictionaries(KEYS, st.none() | VALUES),
        scores=st.lists(st.builds(Score, SETS, VALUES, st.none() | AT), max_size=4),
        limits=st.dictionaries(SETS, st.integers(0, 4), max_size=2),
        wrong=st.dictionaries(KEYS, st.none() | VALUES, max_size=1),
        now=AT,
        keys=st.sets(KEYS),
    )
    def commit(self, puts: Any, scores: Any, limits: Any, wrong: Any, now: float, keys: Any) -> None:
        expected = {key: self.held.get(key) for key in keys} | wrong
        written = {key: Put(value, LIVES) for key, value in puts.items()}
        if self.both(lambda store: store.commit(Commit(expected, written, scores, limits, now))).value == "done":
            self.held |= puts

    @rule(keys=st.lists(KEYS, max_size=4))
    def load(self, keys: list[str]) -> None:
        assert self.both(lambda store: store.load(keys)) == [self.held.get(key) for key in keys]

    @rule(key=SETS, low=AT, high=AT, limit=LIMIT)
    def ranged(self, key: str, low: float, high: float, limit: int) -> None:
        self.both(lambda store: store.ranged(key, low, high, limit))

    @rule(key=SETS, until=AT, lease=AT, limit=LIMIT)
    def take(self, key: str, until: float, lease: float, limit: int) -> None:
        self.both(lambda store: store.take(key, until, lease, limit))

    @rule(logs=st.dictionaries(LOGS, st.lists(VALUES, max_size=3)))
    def append(self, logs: dict[str, list[bytes]]) -> None:
        self.both(lambda store: store.append([Append(log, entries, KEEP, LIVES) for log, entries in logs.items()]))

    @rule(log=LOGS, back=st.integers(0, KEEP), limit=LIMIT)
    def read(self, log: str, back: int, limit: int) -> None:
        _, last = self.runner.run(self.memory.bounds(log))
        self.both(lambda store: store.read(log, max(0, last - back), limit))

    @rule(log=LOGS)
    def bounds(self, log: str) -> None:
        (first, last), (kept, newest) = (self.runner.run(store.bounds(log)) for store in (self.memory, self.server))
        # a server may keep more
        assert newest == last
        assert kept <= first

    @rule(log=LOGS, after=st.integers(0, 6))
    def watch(self, log: str, after: int) -> None:
        self.both(lambda store: store.watch({log: after}, 0.001))

    @rule(content=VALUES, honest=st.booleans())
    def blob(self, content: bytes, honest: bool) -> None:  # noqa: FBT001 - drawn
        digest = hashlib.sha256(content).hexdigest()
        self.both(lambda store: store.put_blob(digest, content if honest else content + b".", LIVES))
        assert self.both(lambda store: store.blob(digest)) == (content if honest else None)


def test_a_server_does_what_memory_does(running: Server) -> None:
    class Machine(Twins):
        server_of = running

    run_state_machine_as_test(Machine, settings=settings(max_examples=25, stateful_step_count=30, deadline=None))
