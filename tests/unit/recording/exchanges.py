"""Builds exchanges between clients and fal for a recorder, with times that the test sets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC
from datetime import datetime
from typing import Any

from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.volatile import Ignores
from falmock.recording.exchange import Exchange
from falmock.recording.outcome import Level
from falmock.recording.outcome import Link
from falmock.recording.outcome import NotRecorded
from falmock.recording.outcome import Outcome
from falmock.recording.outcome import Save
from falmock.recording.outcome import SelfAnswered
from falmock.recording.outcome import Tell
from falmock.recording.recorder import Recorder
from falmock.recording.tally import Tally
from falmock.recording.uploads import File
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of
from unit.fixtures.build import decoded

START = 1_752_619_398.0
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
CAT = "https://v3b.fal.media/files/b/0a1b2c3d/kVYyA5s8Xo0qTzNw3pLr_cat.png"
"""A file URL in fal's form."""
CANCELLED = {"detail": "Request was cancelled", "error_type": "client_cancelled"}
FAILED = {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]}


def body_of(value: Any) -> tuple[bytes, str]:
    """Bytes and media type of a body: bytes (without a type) and texts unchanged, empty for None, all else as JSON."""
    if value is None:
        return b"", ""
    if isinstance(value, bytes):
        return value, ""
    if isinstance(value, str):
        return value.encode(), "text/plain; charset=utf-8"
    return json.dumps(value).encode(), "application/json"


def exchange(
    line: str,
    sent: Any = None,
    answer: Any = None,
    status: int = 200,
    *,
    at: float = 0.0,
    took: float = 0.0,
    asked: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Exchange:
    """A request (`POST https://...`) and its answer, `at` in seconds after START.

    `asked` are headers of the request, `headers` of the answer.
    """
    method, _, url = line.partition(" ")
    host, _, rest = url.removeprefix("https://").partition("/")
    path, _, query = rest.partition("?")
    body, told = body_of(sent)
    request = Request(method, host, f"/{path}", query, _typed(told, asked), body)
    body, told = body_of(answer)
    started = START + at
    return Exchange(request, started, status, _typed(told, headers), body, started + took, **more)


def _typed(content_type: str, headers: dict[str, str] | None) -> dict[str, str]:
    return ({"content-type": content_type} if content_type else {}) | (headers or {})


def joined(parts: list[Content]) -> Content:
    """The content of parts that are in memory."""
    return content_of(b"".join(part.data or b"" for part in parts))


def recorder(*, ignore: Iterable[str] = (), redactor: Redactor | None = None, **options: Any) -> Recorder:
    ignores = Ignores(map(parse_ignore, ignore))
    return Recorder(Hosts(), redactor or Redactor(), ignores, joined, **options)


def saves(outcomes: Iterable[Outcome]) -> list[Save]:
    return [outcome for outcome in outcomes if isinstance(outcome, Save)]


def entries(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    return [save.entry for save in saves(outcomes)]


def warnings(outcomes: Iterable[Outcome]) -> list[str]:
    return [one.text for one in outcomes if isinstance(one, Tell | NotRecorded) and one.level is Level.WARNING]


def _only_counts(outcome: Outcome) -> bool:
    return isinstance(outcome, SelfAnswered) or (isinstance(outcome, NotRecorded) and outcome.level is Level.DEBUG)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def log(message: str, at: float | None = None, **more: Any) -> dict[str, Any]:
    """A log line of a status; `at` is when it was written, in seconds after START by fal's clock."""
    line = {"message": message, "level": "INFO", "source": "USER"}
    return line | ({} if at is None else {"timestamp": _time(at)}) | more


def _time(at: float) -> str:
    return datetime.fromtimestamp(START + at, UTC).isoformat()


class ObservedTraffic:
    """A recorder, its outcomes so far, and calls of clients that it observes at `now` (seconds after START)."""

    def __init__(self, **options: Any) -> None:
        self.recorder = recorder(**options)
        self.observed: list[Outcome] = []
        self.tally = Tally()
        self.now = 0.0
        self._jobs = 0

    def observe(self, line: str, sent: Any = None, answer: Any = None, status: int = 200, **more: Any) -> list[Outcome]:
        """The recorder's outcomes for one exchange."""
        return self.note(exchange(line, sent, answer, status, **{"at": self.now, **more}))

    def note(self, observed: Exchange) -> list[Outcome]:
        """The outcomes, without those that only count the call; whatever happens, it is counted once."""
        return self._counted(self.recorder.note(observed))

    def _counted(self, outcomes: list[Outcome], calls: int = 1) -> list[Outcome]:
        self.tally.add(outcomes, calls)
        assert self.tally.open == sum(job.calls for job in self.recorder._jobs._jobs.values())
        done = [outcome for outcome in outcomes if not _only_counts(outcome)]
        self.observed += done
        return done

    def deliver(self, request: Request, at: float) -> list[Outcome]:
        """A webhook that came to the app, `at` in seconds since the epoch."""
        return self._counted(self.recorder.note_delivery(request, at), 0)

    def run(self, endpoint: str, sent: Any = None, answer: Any = None, status: int = 200, **more: Any) -> list[Outcome]:
        return self.observe(f"POST https://fal.run/{endpoint}", {} if sent is None else sent, answer, status, **more)

    def upload(self, content: bytes, url: str, content_type: str = "image/png") -> list[Outcome]:
        """An upload as the Python client does it."""
        asked = {"content-type": content_type}
        return self.observe("POST https://v3.fal.media/files/upload", content, {"access_url": url}, asked=asked)

    def download(self, url: str, content: bytes, content_type: str = "image/png", **more: Any) -> list[Outcome]:
        return self.observe(f"GET {url}", None, content, headers={"content-type": content_type, **more})

    def submit(self, endpoint: str, sent: Any = None, *, query: str = "", **shown: Any) -> Job:
        """A job that was accepted; `shown` are further keys of the answer."""
        self._jobs += 1
        job = Job(self, endpoint, f"id-{self._jobs}")
        answer = {"status": "IN_QUEUE", "queue_position": 0, "request_id": job.id} | shown
        self.observe(f"POST https://queue.fal.run/{endpoint}{query}", {} if sent is None else sent, answer)
        return job

    def finish(self) -> list[Outcome]:
        return self._counted(self.recorder.finish(), 0)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return entries(self.observed)

    @property
    def entry(self) -> dict[str, Any]:
        """The only recorded fixture."""
        (entry,) = self.entries
        return entry

    @property
    def save(self) -> Save:
        (save,) = saves(self.observed)
        return save

    @property
    def links(self) -> list[Link]:
        return [outcome for outcome in self.observed if isinstance(outcome, Link)]

    @property
    def warnings(self) -> list[str]:
        return warnings(self.observed)

    @property
    def loads(self) -> bool:
        """Whether the recorded fixtures load."""
        return decoded(*self.entries).problems == []


class Job:
    """A job that clients poll."""

    def __init__(self, listening: ObservedTraffic, endpoint: str, request_id: str) -> None:
        self.id = request_id
        self.url = f"https://queue.fal.run/{'/'.join(endpoint.split('/')[:2])}/requests/{request_id}"
        self._hooks = listening

    def observe(self, line: str, answer: Any, status: int, at: float | None, **more: Any) -> list[Outcome]:
        if at is not None:
            self._hooks.now = at
        return self._hooks.observe(line, None, answer, status, **more)

    def status(self, word: str, at: float | None = None, **shown: Any) -> list[Outcome]:
        """A poll with this answer."""
        answer = {"status": word, "request_id": self.id} | shown
        return self.observe(f"GET {self.url}/status?logs=1", answer, 200 if word == "COMPLETED" else 202, at)

    def stream(self, *events: tuple[float, dict[str, Any]]) -> list[Outcome]:
        """A status stream with these status objects, each at its time."""
        chunks = tuple((START + at, b"data: " + json.dumps(shown).encode() + b"\n\n") for at, shown in events)
        self._hooks.now = events[-1][0]
        headers = {"content-type": "text/event-stream"}
        return self._hooks.observe(f"GET {self.url}/status/stream?logs=1", None, None, headers=headers, chunks=chunks)

    def cancel(self, at: float | None = None, status: int = 202) -> list[Outcome]:
        word = "CANCELLATION_REQUESTED" if status == 202 else "ALREADY_COMPLETED"
        return self.observe(f"PUT {self.url}/cancel", {"status": word}, status, at)

    def result(self, answer: Any = None, at: float | None = None, status: int = 200, **more: Any) -> list[Outcome]:
        if answer is None:
            answer = {"done": self.id}
        headers = {"x-fal-request-id": self.id, **more.pop("headers", {})}
        return self.observe(f"GET {self.url}", answer, status, at, headers=headers, **more)


def uploaded(url: str, content: bytes, content_type: str = "image/png") -> File:
    return File(url, sha256(content), len(content), content_type)
