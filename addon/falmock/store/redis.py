"""A store in a Redis (6.2 or newer) or a Valkey."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from falmock.store.address import Address
from falmock.store.interface import Append
from falmock.store.interface import Commit
from falmock.store.interface import Outcome
from falmock.store.interface import Unavailable
from falmock.store.lua import APPEND
from falmock.store.lua import BOUNDS
from falmock.store.lua import COMMIT
from falmock.store.lua import TAKE
from falmock.store.lua import Script

try:
    from redis.exceptions import NoScriptError

    from falmock.store.line import Line
    from falmock.store.line import Refused
except ImportError as missing:
    package = (missing.name or "").partition(".")[0]
    raise ImportError(
        f"a store in Redis or Valkey needs the package {package}, which is not installed: pip install 'falmock[redis]'",
        name=package,
    ) from missing

PART = 1024 * 1024
"""Blobs are kept in parts of this many bytes."""
_TOGETHER = 4
_OUTCOMES = (Outcome.DONE, Outcome.CONFLICT, Outcome.FULL)


class RedisStore:
    """`RedisStore(address.parse(url, os.environ))`: connects when it is first used, in the event loop that uses it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._prefix = address.prefix
        self._closed = False
        self._calls: Line | None = None
        self._blobs: Line | None = None
        self._watching: set[Line] = set()
        self._idle: list[Line] = []

    async def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """See `Store.load`."""
        if not keys:
            return []
        prefix = self._prefix
        found: list[bytes | None] = await self._line().ask("MGET", *[prefix + key for key in keys])
        return found

    async def commit(self, commit: Commit) -> Outcome:
        """See `Store.commit`."""
        prefix, scores = self._prefix, commit.scores
        sets: dict[str, int] = {}
        for score in scores:
            sets.setdefault(score.key, len(sets) + 1)
        keys = [prefix + key for names in (commit.expected, commit.limits, commit.puts, sets) for key in names]
        arguments: list[str | bytes | float] = [
            "".join(["0" if value is None else "1" for value in commit.expected.values()]),
            len(commit.limits),
            len(commit.puts),
            len(scores),
            commit.now if commit.limits else 0,
            _milliseconds(commit.score_ttl),
            *[value for value in commit.expected.values() if value is not None],
            *commit.limits.values(),
        ]
        for value, ttl in commit.puts.values():
            arguments += ("", 0) if value is None else (value, _milliseconds(ttl))
        for key, item, at in scores:
            arguments += (sets[key], "" if at is None else at, item)
        return _OUTCOMES[await self._run(COMMIT, keys, arguments)]

    async def ranged(self, key: str, low: float, high: float, limit: int) -> list[tuple[bytes, float]]:
        """See `Store.ranged`."""
        name = self._prefix + key
        found = await self._line().ask("ZRANGEBYSCORE", name, low, high, "WITHSCORES", "LIMIT", 0, limit)
        return [(item, float(at)) for item, at in zip(found[::2], found[1::2], strict=True)]

    async def take(self, key: str, until: float, lease_until: float, limit: int) -> list[bytes]:
        """See `Store.take`."""
        taken: list[bytes] = await self._run(TAKE, [self._prefix + key], [until, lease_until, limit])
        return taken

    async def append(self, logs: Sequence[Append]) -> list[int]:
        """See `Store.append`."""
        runs = [
            self._run(APPEND, [self._prefix + log], [keep, _milliseconds(ttl), *entries])
            for log, entries, keep, ttl in logs
        ]
        # one alone needs no task
        return [await runs[0]] if len(runs) == 1 else await asyncio.gather(*runs)

    async def read(self, log: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """See `Store.read`."""
        found = await self._line().ask("XRANGE", self._prefix + log, f"{after + 1}-0", "+", "COUNT", limit)
        return [(_number(name), fields[1]) for name, fields in found]

    async def bounds(self, log: str) -> tuple[int, int]:
        """See `Store.bounds`."""
        first, last = await self._run(BOUNDS, [self._prefix + log], [], write=False)
        return first, last

    async def watch(self, logs: Mapping[str, int], seconds: float) -> set[str]:
        """See `Store.watch`. Uses a connection of its own, which the next one uses again."""
        if not logs:
            await asyncio.sleep(seconds)
            return set()
        self._line()
        line = self._idle.pop() if self._idle else Line(self._address)
        self._watching.add(line)
        names = [self._prefix + log for log in logs]
        after = [f"{number}-0" for number in logs.values()]
        command: list[str | int] = ["XREAD", "COUNT", 1, "BLOCK", _milliseconds(seconds), "STREAMS", *names, *after]
        try:
            found = await line.ask(*command, patience=seconds)
        except BaseException:
            # the server may still wait: the connection is of no use
            await line.close()
            raise
        finally:
            self._watching.discard(line)
        self._idle.append(line)
        cut = len(self._prefix)
        return {name.decode()[cut:] for name, _ in found or ()}

    async def put_blob(self, sha256: str, content: bytes, ttl: float) -> None:
        """See `Store.put_blob`."""
        lives = _milliseconds(ttl)
        line = self._blob_line()
        for start in range(0, len(content), PART * _TOGETHER):
            starts = range(start, min(start + PART * _TOGETHER, len(content)), PART)
            parts = [(self._part(sha256, at // PART), content[at : at + PART]) for at in starts]
            await asyncio.gather(*[line.ask("SET", key, part, "PX", lives, write=True) for key, part in parts])
        # who finds it finds all parts
        await line.ask("SET", self._part(sha256, "size"), len(content), "PX", lives, write=True)

    async def blob(self, sha256: str) -> bytes | None:
        """See `Store.blob`."""
        line = self._blob_line()
        size = await line.ask("GET", self._part(sha256, "size"))
        if size is None or not size.isdigit():
            return None
        digest, parts = hashlib.sha256(), []
        count = -(-int(size) // PART)
        for start in range(0, count, _TOGETHER):
            numbers = range(start, min(start + _TOGETHER, count))
            for part in await asyncio.gather(*[line.ask("GET", self._part(sha256, number)) for number in numbers]):
                if part is None:
                    return None
                digest.update(part)
                parts.append(part)
        return b"".join(parts) if digest.hexdigest() == sha256 else None

    async def now(self) -> float:
        """See `Store.now`."""
        seconds, microseconds = await self._line().ask("TIME")
        return int(seconds) + int(microseconds) / 1e6

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True
        lines = [*self._watching, *self._idle, *[line for line in (self._calls, self._blobs) if line is not None]]
        self._idle = []
        await asyncio.gather(*[line.close() for line in lines])

    async def _run(
        self, script: Script, keys: list[str], arguments: Sequence[str | bytes | float], *, write: bool = True
    ) -> Any:
        line = self._line()
        try:
            return await line.ask("EVALSHA", script.sha1, len(keys), *keys, *arguments, write=write)
        except Refused as refused:
            if not isinstance(refused.error, NoScriptError):
                raise
        # a server that has just started, or a new primary: it keeps the script from now on
        return await line.ask("EVAL", script.text, len(keys), *keys, *arguments, write=write)

    def _line(self) -> Line:
        if self._closed:
            raise Unavailable(f"the store {self._address.shown} was closed by falmock")
        if self._calls is None:
            self._calls = Line(self._address)
        return self._calls

    def _blob_line(self) -> Line:
        """Content that takes long to send delays no call."""
        self._line()
        if self._blobs is None:
            self._blobs = Line(self._address)
        return self._blobs

    def _part(self, sha256: str, name: int | str) -> str:
        return f"{self._prefix}blob:{{{sha256}}}:{name}"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _number(name: bytes) -> int:
    return int(name.partition(b"-")[0])
