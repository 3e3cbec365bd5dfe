"""The ordered record of calls and what answered them.

No headers or query values of requests are kept, but the input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.fixtures.matching.miss import MESSAGE
from falmock.redaction.redactor import Redactor
from falmock.wire.calls import Call
from falmock.wire.formats.media import media_type
from falmock.wire.message import Header
from falmock.wire.message import Request

LIMIT = 1000
BODIES = 16 * 1024 * 1024
"""How many bytes of bodies are kept at most: the oldest entries go first."""
MAX_BODY = 64 * 1024
"""A body longer than this (bytes) is kept without its long texts (media in data URIs), or else not at all."""
LONG, CUT = 2000, 200
"""A text longer than the one is cut to the other (characters)."""
MANY = 2000
"""In a body with more strings than so many the rest are not looked at."""
_BACKSLASH = 0x5C
_WITH_INPUT = ("application/json", "")
_NO_HEADERS: tuple[Header, ...] = ()


class JournalEntry(NamedTuple):
    """One call; `at` in seconds since the epoch. `call` is what it is to fal, None where it is none.

    `status` is None for a call that was forwarded, `fault` names what struck it.

    `kind` is set for what is no call to fal, such as a webhook that falmock posts, or a call that one of its doors
    answered by itself. `door` is the one that it came in by, "" for none. `body` is the JSON it came with, `left_out`
    the size (bytes) of one that is not kept. `answered` are the headers of the answer, `job` is the request
    id of the job that it made, `delay` the seconds it was made to wait.
    """

    at: float
    method: str
    host: str
    path: str
    status: int | None
    fixture: str | None
    why: str
    miss: str | None
    fault: str | None = None
    query: str = ""
    body: bytes = b""
    left_out: int = 0
    call: Call | None = None
    answered: tuple[Header, ...] = _NO_HEADERS
    job: str = ""
    delay: float = 0.0
    kind: str = ""
    door: str = ""


class Journal:
    """The last calls, at most `limit` of them; `total` counts all there were, `misses` those that nothing answered.

    Secrets are hidden when entries are read: that costs the calls nothing, and hides what was learned since, too.
    """

    def __init__(self, redactor: Redactor, limit: int = LIMIT) -> None:
        self.redactor = redactor
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self._entries: deque[JournalEntry] = deque()
        self._size = 0
        self.total = 0
        self.misses = 0
        self.used: set[str] = set()
        """The fixtures that answered."""

    def note(
        self,
        request: Request,
        call: Call | None,
        effect: Reply | Stream | Socket | Forward,
        now: float,
        kind: str = "",
        status: int | None = None,
    ) -> None:
        """Record one call and what it was answered with.

        `kind` is what one to no host of fal's is called, `status` the one that the client gets, where it is not that of
        the answer.
        """
        own = fixture = miss = fault = None
        answered, job, delay = _NO_HEADERS, "", 0.0
        if isinstance(effect, Reply):
            own, answered, delay, job = effect.status, effect.headers, effect.delay, effect.job
            if effect.miss is not None:
                miss = effect.miss.text
        elif isinstance(effect, Stream):
            own, answered, delay = effect.status, effect.headers, effect.delay
        elif isinstance(effect, Socket):
            own, answered, delay = 101, effect.headers, effect.delay
        if not isinstance(effect, Forward):
            fixture, fault = effect.fixture, effect.fault
        body, left_out = kept(request.body) if request.body and _is_json(request) else (b"", 0)
        self.add(
            JournalEntry(
                now,
                request.method,
                request.host,
                request.path,
                own if status is None else status,
                fixture,
                effect.why,
                miss,
                fault,
                request.query,
                body,
                left_out,
                call,
                answered,
                job,
                delay,
                kind,
                request.door,
            )
        )

    def add(self, entry: JournalEntry) -> None:
        """Record a call that falmock made itself, or one that is no request."""
        self.total += 1
        self.misses += entry.miss is not None
        if entry.fixture is not None:
            self.used.add(entry.fixture)
        self._entries.append(entry)
        self._size += len(entry.body)
        while len(self._entries) > self._limit or self._size > BODIES:
            self._size -= len(self._entries.popleft().body)

    def note_message(
        self,
        handshake: Request,
        call: Call,
        now: float,
        fixture: str | None,
        why: str,
        miss: str | None,
        body: bytes = b"",
        fault: str | None = None,
    ) -> None:
        """Record one message on the socket that a request opened with a call, and its answer; `body` is its JSON."""
        text, left_out = kept(body)
        self.add(
            JournalEntry(
                now,
                MESSAGE,
                handshake.host,
                handshake.path,
                101,
                fixture,
                why,
                miss,
                fault,
                body=text,
                left_out=left_out,
                call=call,
                kind="message",
            )
        )

    def __iter__(self) -> Iterator[JournalEntry]:
        """The calls as they were, secrets and all, the oldest first."""
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> list[JournalEntry]:
        """The calls, the oldest first."""
        return [self.shown(entry) for entry in self._entries]

    def shown(self, entry: JournalEntry) -> JournalEntry:
        """A call with its secrets hidden, and without what may hold some.

        These are its body and query, what it is to fal, and the headers of its answer.
        """
        text = self.redactor.text
        miss = None if entry.miss is None else text(entry.miss)
        return entry._replace(
            path=text(entry.path), why=text(entry.why), miss=miss, body=b"", query="", call=None, answered=_NO_HEADERS
        )


def _is_json(request: Request) -> bool:
    content_type = request.headers.get("content-type", "")
    return content_type in _WITH_INPUT or media_type(content_type) in _WITH_INPUT


def kept(body: bytes) -> tuple[bytes, int]:
    """As much of a JSON body as is kept, and the size of one that is left out."""
    if len(body) <= MAX_BODY:
        return body, 0
    short = _shortened(body)
    return (short, 0) if len(short) <= MAX_BODY else (b"", len(body))


def _shortened(body: bytes) -> bytes:
    """A JSON text with its long strings cut, as long as there are few strings in all."""
    parts: list[bytes] = []
    done = 0
    start = body.find(b'"')
    for _ in range(MANY):
        end = -1 if start < 0 else _end_of_string(body, start + 1)
        if end < 0:
            break
        start, size = start + 1, end - start - 1
        if size > LONG and body.find(b"\\", start, end) < 0:
            # More than is shown stays: a secret is hidden whole or not there.
            text = body[start : start + LONG].decode("utf-8", "ignore").encode()
            parts += [body[done:start], text, b"... (%d bytes)" % size]
            done = end
        start = body.find(b'"', end + 1)
    return b"".join((*parts, body[done:]))


def _end_of_string(body: bytes, start: int) -> int:
    """Where the quote is that ends a string which begins here; -1 for none."""
    end = body.find(b'"', start)
    while end >= 0:
        escapes = end
        while body[escapes - 1] == _BACKSLASH:
            escapes -= 1
        if (end - escapes) % 2 == 0:
            return end
        end = body.find(b'"', end + 1)
    return end
