"""The ordered record of calls and their answers.

Request headers are not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING
from typing import NamedTuple

from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.missed_calls import MissedCalls
from falmock.engine.totals import Totals
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.matching.proposed import MESSAGE
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire.calls import Call
from falmock.wire.formats.media import media_type
from falmock.wire.message import Header
from falmock.wire.message import Request

if TYPE_CHECKING:
    from falmock.engine.jobs.job import Job

LIMIT = 1000
BODIES = 16 * 1024 * 1024
"""How many bytes of bodies are kept; the oldest entries are dropped first."""
MAX_BODY = 64 * 1024
"""A body longer than this (bytes) is kept with its long texts cut (media in data URIs), or else not at all."""
LONG, CUT = 2000, 200
"""The length of a text that is cut, and the length it is cut to (characters)."""
MANY = 2000
"""How many strings of a body are checked for their length."""
WEBHOOK = "webhook"
"""The kind of an entry for a webhook that falmock posted: what falmock calls, not what it was asked."""
_BACKSLASH = 0x5C
_WITH_INPUT = ("application/json", "")
_NO_HEADERS: tuple[Header, ...] = ()


class JournalEntry(NamedTuple):
    """One call; `at` in seconds since the epoch. `call` is the call to fal, None if it is none.

    `status` is None for a forwarded call, `fault` names the injected fault.

    `kind` is set for what is no call to fal, such as a webhook that falmock posts, or a call that one of its doors
    answered by itself. `door` is the one that the call came through, "" for none. `body` is the JSON of the request,
    `left_out` the size (bytes) of one that is not kept. `answered` are the headers of the answer, `job` is the request
    id of the job that the call made, `delay` the wait before the answer in seconds. `warning` is that of the answer, ""
    for none. `cut`: long texts in `body` are cut. `about` is the endpoint id of the job that the call is about, "" if there
    is no such job; None if the table of jobs says so.
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
    warning: str = ""
    cut: bool = False
    about: str | None = None


class Journal:
    """The last calls, at most `limit`.

    `totals` are the counts of all scopes, `scope` is the name of this one. Secrets are redacted when entries are read: this keeps calls fast, and
    covers secrets learned later.
    """

    hides_at_once = False
    """Whether secrets are hidden before entries are kept: what was sent is not known exactly then."""

    def __init__(self, redactor: Redactor, limit: int = LIMIT, totals: Totals | None = None, scope: str = "") -> None:
        self.redactor = redactor
        self.totals = Totals() if totals is None else totals
        self._limit = limit
        self._scope = scope
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self._entries: deque[JournalEntry] = deque()
        self._size = 0
        self._total = 0
        self._misses = 0
        self._missed = MissedCalls()
        self.totals.journals += 1
        self._begun = self.totals.journals
        self._used: set[str] = set()

    @property
    def total(self) -> int:
        """The number of all calls."""
        return self._total

    @property
    def misses(self) -> int:
        """The number of all calls without an answer."""
        return self._misses

    @property
    def missed(self) -> MissedCalls:
        """The calls without an answer."""
        return self._missed

    @property
    def begun(self) -> int:
        """Tells this journal from all that began before in any scope: numbers begin at 1 again."""
        return self._begun

    @property
    def used(self) -> set[str]:
        """The fixtures that answered."""
        return self._used

    def read_as_it_is(self) -> None:
        """Read it from now on without calls that were answered a moment ago, if it takes long to know of them."""

    def submit_of(self, job: Job) -> int | None:
        """The number of the call that submitted a job; None if it is not in this journal."""
        return job.number if job.journal == self.begun else None

    def looks_of(self, job: Job) -> list[float]:
        """When clients asked for the status or the result of a job, the last LOOKS times."""
        return list(job.looks or ())

    def note(
        self,
        request: Request,
        call: Call | None,
        effect: Reply | Stream | Socket | Forward,
        now: float,
        kind: str = "",
        status: int | None = None,
    ) -> None:
        """Record one call and its answer.

        `kind` is the kind of a call to no host of fal's. `status` is the one that the client gets, if it is not that of
        the answer.
        """
        own_status = fixture = missed = fault = None
        answered, job, delay, warning = _NO_HEADERS, "", 0.0, ""
        if isinstance(effect, Reply):
            own_status, answered, delay, job = effect.status, effect.headers, effect.delay, effect.job
            warning, missed = effect.warning, effect.miss
        elif isinstance(effect, Stream):
            own_status, answered, delay, warning = effect.status, effect.headers, effect.delay, effect.warning
        elif isinstance(effect, Socket):
            own_status, answered, delay = 101, effect.headers, effect.delay
        if not isinstance(effect, Forward):
            fixture, fault = effect.fixture, effect.fault
        body, left_out = kept(request.body) if request.body and _has_input(request, call) else (b"", 0)
        self.add(
            JournalEntry(
                now,
                request.method,
                request.host,
                request.path,
                own_status if status is None else status,
                fixture,
                effect.why,
                None if missed is None else missed.text,
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
                warning,
                len(request.body) > MAX_BODY,
            ),
            missed,
        )

    def add(self, entry: JournalEntry, missed: Miss | None = None) -> None:
        """Record an entry, such as a call that falmock made itself; `missed` is the report behind its `miss`."""
        self._total += 1
        if missed is not None:
            self._missed.add(missed, self._total, entry)
        self._count(entry)
        self._misses += entry.miss is not None
        if entry.fixture is not None:
            self._used.add(entry.fixture)
        self._entries.append(entry)
        self._size += len(entry.body)
        while len(self._entries) > self._limit or self._size > BODIES:
            self._size -= len(self._entries.popleft().body)

    def _count(self, entry: JournalEntry) -> None:
        """Count an entry in the totals of all scopes."""
        if entry.kind != WEBHOOK:
            self.totals.add(entry.fixture, is_miss=entry.miss is not None, is_forwarded=entry.status is None)
            if entry.miss is not None:
                self.totals.add_miss(entry.miss, calls.endpoint_of(entry.call, entry.path), self._scope)

    def note_message(
        self,
        handshake: Request,
        call: Call,
        now: float,
        fixture: str | None,
        why: str,
        missed: Miss | None,
        body: bytes = b"",
        fault: str | None = None,
        warning: str = "",
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
                None if missed is None else missed.text,
                fault,
                body=text,
                left_out=left_out,
                call=call,
                kind="message",
                warning=warning,
                cut=len(body) > MAX_BODY,
            ),
            missed,
        )

    def __iter__(self) -> Iterator[JournalEntry]:
        """The calls with their secrets, the oldest first."""
        return iter(self._entries)

    def numbered(self) -> Iterator[tuple[int, JournalEntry]]:
        """The calls with their numbers and their secrets, the oldest first."""
        return enumerate(self._entries, self.first)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def first(self) -> int:
        """The number of the oldest call that is kept; that of the next call if there is none."""
        return self._total - len(self._entries) + 1

    def since(self, number: int, most: int) -> list[tuple[int, JournalEntry]]:
        """The kept calls after the one with this number, at most `most`, with their numbers and secrets."""
        start = max(number + 1, self.first)
        latest = islice(reversed(self._entries), max(0, self._total - start + 1))
        return list(enumerate(reversed(list(latest)), start))[:most]

    def get(self, number: int) -> JournalEntry | None:
        """The call with this number, with its secrets; None if it is not kept."""
        return self._entries[number - self.first] if self.first <= number <= self._total else None

    @property
    def entries(self) -> list[JournalEntry]:
        """The calls with secrets redacted, the oldest first."""
        return [self.shown(entry) for entry in self]

    def shown(self, entry: JournalEntry) -> JournalEntry:
        """A call with secrets redacted, and without the fields that may have some.

        These are `body`, `query`, `call` and `answered`.
        """
        text, value = self.redactor.text, self.redactor.value  # the latter knows what occurs again and again
        return entry._replace(
            method=value(entry.method),
            host=value(entry.host),
            path=text(entry.path),
            fixture=value(entry.fixture),
            why=text(entry.why),
            miss=None if entry.miss is None else text(entry.miss),
            fault=None if entry.fault is None else text(entry.fault),
            job=value(entry.job),
            warning=text(entry.warning),
            body=b"",
            query="",
            call=None,
            answered=_NO_HEADERS,
        )


def _has_input(request: Request, call: Call | None) -> bool:
    """Whether a body may be an input: an object that is sent to a model is read as JSON whatever its type."""
    if isinstance(call, calls.Run | calls.Submit | calls.Stream) and request.body[:64].lstrip()[:1] == b"{":
        return True
    content_type = request.headers.get("content-type", "")
    return content_type in _WITH_INPUT or media_type(content_type) in _WITH_INPUT


def kept(body: bytes) -> tuple[bytes, int]:
    """The part of a JSON body to keep, and the size (bytes) of a body that is left out; 0 if it is kept."""
    if len(body) <= MAX_BODY:
        return body, 0
    short = _shortened(body)
    return (short, 0) if len(short) <= MAX_BODY else (b"", len(body))


def _shortened(body: bytes) -> bytes:
    """A JSON text with its long strings cut, among the first MANY strings."""
    parts: list[bytes] = []
    done = 0
    start = body.find(b'"')
    for _ in range(MANY):
        end = -1 if start < 0 else _end_of_string(body, start + 1)
        if end < 0:
            break
        start, size = start + 1, end - start - 1
        if size > LONG and body.find(b"\\", start, end) < 0:
            # Keep more than is shown, so that redaction sees whole secrets.
            text = body[start : start + LONG].decode("utf-8", "ignore").encode()
            parts += [body[done:start], text, b"... (%d bytes)" % size]
            done = end
        start = body.find(b'"', end + 1)
    return b"".join((*parts, body[done:]))


def _end_of_string(body: bytes, start: int) -> int:
    """The index of the quote that ends the string starting at `start`; -1 if there is none."""
    end = body.find(b'"', start)
    while end >= 0:
        escapes = end
        while body[escapes - 1] == _BACKSLASH:
            escapes -= 1
        if (end - escapes) % 2 == 0:
            return end
        end = body.find(b'"', end + 1)
    return end
