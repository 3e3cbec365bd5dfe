"""One falmock alone, or two that share a store: worlds that get the same calls, and whose answers are compared."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import count
from typing import Any
from typing import NamedTuple

from falmock.app import App
from falmock.edge import Client
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.store.memory import MemoryStore
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit import apps
from unit.apps import TestEdge
from unit.stores import Slow

NOTHING_MADE = "01900000-0000-7000-8000-000000000000"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAMES = re.compile(r'("key"|"numbers?"): ("[0-9a-f]{32}"|\d+|\[[\d, ]*\])')
"""The names of misses, which are made of ids too, and numbers in the journal, which go by when an entry was written."""
_COUNTS = re.compile(r'("calls"|"misses"|"used"): (\d+|true|false)')
"""What counts calls by the journal, which has a call after its answer: those at once may not see each other."""
_UNMATCHED = re.compile(r"(found none for \d+: )([^;\"]*)")
"""What verify tells of calls that nothing matched: those that came at once have no order."""
_MADE = ("request_id", "file_url")
"""What later calls are about, by its name in an answer."""


class Act(NamedTuple):
    """A call. `{3}` in it stands for what the call number 3 made: a job's id, or the URL of a file."""

    ask: str
    """The method and the URL; a path alone is one of falmock's own."""
    json: Any = None
    scope: str = ""
    replica: int = 0
    """Which falmock gets it."""


class World:
    """One falmock with its state in memory; with `turns` two that share a store, whose calls take as many turns."""

    def __init__(self, fixtures: Sequence[dict[str, Any]], pace: str, turns: Iterator[int] | None = None) -> None:
        self._edge = TestEdge()
        self._made: dict[int, str] = {}
        ids = count()
        self.apps: list[App] = []
        for _ in range(1 if turns is None else 2):
            app = apps.app_of(
                *fixtures,
                edge=self._edge,
                new_id=lambda now: uuid7(now, next(ids)),
                pace=parse_pace(pace),
                pace_text=pace,
            )
            self.apps.append(app)
        if turns is not None:
            store = MemoryStore(lambda: self._edge.time)
            for app in self.apps:
                app.share(Slow(store, turns), b"x" * 32)  # type: ignore[arg-type]

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self._edge.time += seconds

    async def do(self, acts: Mapping[int, Act], *, has_counts: bool) -> dict[int, str]:
        """The answers to calls that come at the same time, by their numbers, without what differs from world to world.

        `has_counts`: with what counts calls.
        """
        answers = dict(zip(acts, await asyncio.gather(*map(self._answer, acts.values())), strict=True))
        self._made |= {number: _made(body) for number, (_, body) in answers.items()}
        plain = {number: self._plain(head + body) for number, (head, body) in answers.items()}
        return plain if has_counts else {number: _COUNTS.sub(r"\1: <count>", text) for number, text in plain.items()}

    async def _answer(self, act: Act) -> tuple[str, str]:
        method, _, url = self._filled(act.ask).partition(" ")
        host, _, rest = url.removeprefix("https://").partition("/")
        path, _, query = rest.partition("?")
        body = b"" if act.json is None else self._filled(json.dumps(act.json)).encode()
        headers = {"content-type": "application/json", "host": host or "127.0.0.1:8080"}
        is_direct = not host
        request = Request(
            method, host or "127.0.0.1", f"/{path}", query, headers, body, scope=act.scope, peer="127.0.0.1"
        )
        answer = await self.apps[act.replica % len(self.apps)].answer(request, Client(is_direct=is_direct))
        assert isinstance(answer, Reply), answer
        assert isinstance(answer.body, bytes), answer
        headers_told = [
            f"{name}: {value}" for name, value in sorted(answer.headers) if name.lower() != "content-length"
        ]
        return "\n".join([f"{answer.status}", *headers_told, ""]), answer.body.decode("utf-8", "replace")

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\d+)\}", lambda found: self._of(int(found[1])), text)

    def _of(self, number: int) -> str:
        return self._made.get(number) or NOTHING_MADE

    def _plain(self, text: str) -> str:
        for number, made in self._made.items():
            if made:
                text = text.replace(made, f"<made by {number}>")
        return _UNMATCHED.sub(_sorted, _NAMES.sub(r"\1: <name>", _UUID.sub("<uuid>", text)))


def _sorted(found: re.Match[str]) -> str:
    return found[1] + ", ".join(sorted(found[2].split(", ")))


def _made(body: str) -> str:
    """What later calls can be about."""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    found = [told[name] for name in _MADE if name in told] if isinstance(told, dict) else []
    return str(found[0]) if found else ""
