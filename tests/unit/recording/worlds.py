"""The stand-in for fal, falmock and one client in one process, without sockets."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from typing import NamedTuple
from typing import Protocol

import pytest

from clients.upstream import Asked
from clients.upstream import Fal
from clients.upstream import fal as fal_module
from clients.upstream import queue as queue_module
from clients.upstream.queue import Job as UpstreamJob
from falmock.engine.config import Config
from falmock.engine.effects import End
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import Source
from falmock.engine.effects import Stream
from falmock.engine.engine import Engine
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.recording.exchange import Exchange
from falmock.wire.formats import jsontext
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from falmock.wire.message import header_map

TICK = 0.25
"""Seconds between two requests: like all times here it is exact in binary, and with two decimals."""
KEY = "Key 0f8fad5b-d9cb-469f-a165-70867728950e:0123456789abcdef0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
NEVER_OVER = ("test/waiting", "test/endless")
_OF_THE_GATEWAY = re.compile(
    r"x-fal-request-id|x-fal-served-from|strict-transport-security|x-robots-tag|x-falmock-.*|etag|cache-control"
    r"|accept-ranges|access-control-.*"
)
_URL = re.compile(r"https://[^\s\"\\<]+")


class Clock:
    """A clock that moves only when the test moves it, by steps that are exact in binary, so that differences are equal too."""

    def __init__(self) -> None:
        self.now = 1_752_619_398.0

    def wait(self, seconds: float) -> bool:
        self.now += math.ceil(seconds * 1024) / 1024
        return False


class World(Protocol):
    """A service that answers."""

    clock: Clock

    def answer(self, request: Request) -> Exchange: ...

    def content(self, url: str) -> bytes | None:
        """The file at a URL, without being recorded."""


class Real:
    """The stand-in, in which time passes by a clock of ours."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.fal = Fal(self.clock.wait)
        self.fal.stream_seconds = TICK
        patch.setattr(queue_module, "time", SimpleNamespace(monotonic=lambda: self.clock.now))
        patch.setattr(fal_module, "Job", self._job)

    def _job(self, *parts: Any) -> UpstreamJob:
        now = self.clock.now
        return UpstreamJob(*parts, submitted=now, at=datetime.fromtimestamp(now, UTC))

    def answer(self, request: Request) -> Exchange:
        asked = Asked(request.method, request.host, request.path, request.query, dict(request.headers), request.body)
        started = self.clock.now
        answer, _ = self.fal.answer(asked)
        headers = header_map((name.encode(), value.encode()) for name, value in answer.headers)
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        chunks = tuple(self._timed(answer.body)) if is_stream else ()
        body = b"".join(chunk for _, chunk in chunks) if is_stream else answer.content
        return Exchange(request, started, answer.status, headers, body, self.clock.now, chunks=chunks)

    def _timed(self, body: Any) -> Iterator[tuple[float, bytes]]:
        for chunk in body:
            yield self.clock.now, chunk

    def content(self, url: str) -> bytes | None:
        file = self.fal.files.find(url)
        return None if file is None else file.content


class Mock:
    """Falmock, answering from a folder of fixtures."""

    def __init__(self, folder: Path, elsewhere: Callable[[str], bytes | None], pace: str = "recorded") -> None:
        """`elsewhere` knows the files whose URLs stand in the fixtures as they came."""
        self.clock = Clock()
        self._elsewhere = elsewhere
        library = FixtureLoader([str(folder)]).load()
        counter = iter(range(10**6))
        config = Config(pace=parse_pace(pace))
        self.engine = Engine(config, library.index, lambda now: uuid7(now, next(counter)), b"falmock")

    def answer(self, request: Request) -> Exchange:
        started = self.clock.now
        reply = self.engine.handle(request, started)
        if isinstance(reply, Stream):
            chunks = tuple(self._played(reply.source))
            body = b"".join(chunk for _, chunk in chunks)
            headers = header_map(reply.headers)
            return Exchange(request, started, reply.status, headers, body, self.clock.now, chunks=chunks)
        assert isinstance(reply, Reply)
        assert reply.miss is None, reply.miss.text
        self.clock.wait(reply.delay)
        return Exchange(request, started, reply.status, header_map(reply.headers), _bytes(reply), self.clock.now)

    def _played(self, source: Source) -> Iterator[tuple[float, bytes]]:
        while True:
            step = source.step(self.clock.now)
            yield from ((self.clock.now, piece) for piece in step.pieces)
            if step.end is End.WHOLE:
                return
            assert step.again is not None
            self.clock.wait(max(step.again - self.clock.now, 0.0))

    def content(self, url: str) -> bytes | None:
        reply = self.engine.handle(_request("GET", url), self.clock.now)
        assert isinstance(reply, Reply)
        return _bytes(reply) if reply.status == 200 else self._elsewhere(url)


def _bytes(reply: Reply) -> bytes:
    if not isinstance(reply.body, FileBody):
        return reply.body
    file, start, stop = reply.body
    return Path(file).read_bytes()[start:stop]


def _request(method: str, url: str, body: bytes = b"", **headers: str) -> Request:
    host, _, rest = url.removeprefix("https://").partition("/")
    path, _, query = rest.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, host, f"/{path}", query, named, body)


class Step(NamedTuple):
    """One action of an app: a method of Client and its arguments."""

    verb: str
    options: dict[str, Any]


class Job:
    """A job as its client knows it."""

    def __init__(self, endpoint: str, accepted: dict[str, Any], *, own: bool) -> None:
        self.endpoint = endpoint
        self.own = own
        self.urls = accepted
        self.is_stopped = False
        self.is_done = False
        self.is_abandoned = False


class Client:
    """An app that knows only the answers it got.

    `seen` is what came back, in a form that is the same for the same meaning: files in it by their content. `observed` is
    told of every exchange.
    """

    def __init__(self, world: World, observed: Callable[[Exchange], None]) -> None:
        self.world = world
        self.seen: list[tuple[str, Any]] = []
        self.files: list[str] = []
        self.jobs: list[Job] = []
        self._heard = observed
        self._ids: list[str] = []

    def perform(self, program: list[Step]) -> list[tuple[str, Any]]:
        for step in program:
            getattr(self, step.verb)(**step.options)
        for number in range(len(self.jobs)):
            self.finish(number)
        return self.seen

    def send(self, method: str, url: str, body: bytes = b"", **headers: str) -> Exchange:
        self.world.clock.wait(TICK)
        exchange = self.world.answer(_request(method, url, body, authorization=KEY, user_agent="app/1.0", **headers))
        self._heard(exchange)
        return exchange

    def post(self, url: str, value: Any) -> Exchange:
        return self.send("POST", url, json.dumps(value).encode(), content_type="application/json")

    # calls to models

    def run(self, endpoint: str, value: dict[str, Any], file: int | None = None) -> None:
        exchange = self.post(f"https://fal.run/{endpoint}", self._input(value, file))
        self._see(f"run {endpoint}", exchange)
        self._keep_files(exchange)

    def get(self, endpoint: str, query: str) -> None:
        self._see(f"get {endpoint}", self.send("GET", f"https://fal.run/{endpoint}?{query}"))

    def submit(self, endpoint: str, value: dict[str, Any], file: int | None = None, *, own: bool = False) -> None:
        """A job that may be cancelled if no other has its input: otherwise timing decides which answer it gets."""
        own = own or endpoint in NEVER_OVER
        value = {**value, "own": len(self.jobs)} if own else value
        exchange = self.post(f"https://queue.fal.run/{endpoint}", self._input(value, file))
        if exchange.status == 200:
            accepted = json.loads(exchange.body)
            self._ids.append(accepted["request_id"])
            self.jobs.append(Job(endpoint, accepted, own=own))
        if exchange.status != 200:
            self._see(f"submit {endpoint}", exchange)

    def poll(self, job: int, *, logs: bool) -> None:
        for chosen in self._chosen(job):
            self._status(chosen, logs=logs)

    def cancel(self, job: int) -> None:
        for chosen in self._chosen(job):
            if chosen.own:
                self._cancel(chosen)

    def abandon(self, job: int) -> None:
        """Cancel a job and never poll it again."""
        for chosen in self._chosen(job):
            if not chosen.is_done and chosen.own and self._cancel(chosen).status == 202:
                chosen.is_done = chosen.is_abandoned = True

    def finish(self, job: int) -> None:
        """Poll until the job is completed, then fetch the result."""
        for chosen in self._chosen(job):
            if not chosen.is_done:
                self._finish(chosen)

    def _chosen(self, job: int) -> list[Job]:
        """The job with a number, if there is one and it was not abandoned."""
        chosen = [self.jobs[job % len(self.jobs)]] if self.jobs else []
        return [job for job in chosen if not job.is_abandoned]

    def _cancel(self, job: Job) -> Exchange:
        exchange = self.send("PUT", job.urls["cancel_url"])
        job.is_stopped = True
        self._see("cancel", exchange)
        return exchange

    def _finish(self, job: Job) -> None:
        if job.endpoint in NEVER_OVER and not job.is_stopped:
            self._status(job, logs=True)
            self._cancel(job)
        status = self._status(job, logs=True)
        while status.status == 202:
            status = self._status(job, logs=True)
        self._see("status", status)
        exchange = self.send("GET", job.urls["response_url"])
        job.is_done = True
        self._see(f"result {job.endpoint}", exchange)
        self._keep_files(exchange)

    def _status(self, job: Job, *, logs: bool) -> Exchange:
        exchange = self.send("GET", f"{job.urls['status_url']}?logs={int(logs)}")
        over = json.loads(exchange.body)["status"] == "COMPLETED"
        assert exchange.status == (200 if over else 202)
        return exchange

    def _input(self, value: dict[str, Any], file: int | None) -> dict[str, Any]:
        if file is None:
            return value
        inline = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
        return {**value, "image_url": self.files[file % len(self.files)] if self.files else inline}

    # files

    def download(self, file: int) -> None:
        if self.files:
            self._see("download", self.send("GET", self.files[file % len(self.files)]))

    def upload(self, way: str, content: bytes, name: str, content_type: str) -> None:
        url = getattr(self, f"_by_{way}")(content, name, content_type)
        assert self.world.content(url) == content
        self.files.append(url)

    def _by_javascript(self, content: bytes, name: str, content_type: str, kind: str = "fal-cdn-v3") -> str:
        told = self._initiate("initiate", kind, name, content_type)
        assert self.send("PUT", told["upload_url"], content, content_type=content_type).status == 200
        return str(told["file_url"])

    def _by_fallback(self, content: bytes, name: str, content_type: str) -> str:
        return self._by_javascript(content, name, content_type, "gcs")

    def _by_javascript_parts(self, content: bytes, name: str, content_type: str) -> str:
        told = self._initiate("initiate-multipart", "fal-cdn-v3", name, content_type)
        target, _, query = told["upload_url"].partition("?")
        parts = [
            json.loads(self.send("PUT", f"{target}/{number}?{query}", part).body) for number, part in _parts(content)
        ]
        assert self.post(f"{target}/complete?{query}", {"parts": parts}).status == 200
        return str(told["file_url"])

    def _initiate(self, route: str, kind: str, name: str, content_type: str) -> Any:
        announced = {"content_type": content_type, "file_name": name}
        url = f"https://rest.fal.ai/storage/upload/{route}?storage_type={kind}"
        return json.loads(self.post(url, announced).body)

    def _by_python(self, content: bytes, name: str, content_type: str) -> str:
        told = json.loads(self.post("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", {}).body)
        named = {"content_type": content_type, "x_fal_file_name": name, "x_token": told["token"]}
        exchange = self.send("POST", "https://v3.fal.media/files/upload", content, **named)
        return str(json.loads(exchange.body)["access_url"])

    def _by_python_parts(self, content: bytes, name: str, content_type: str) -> str:
        named = {"content_type": content_type, "x_fal_file_name": name}
        told = json.loads(self.send("POST", "https://v3b.fal.media/files/upload/multipart", **named).body)
        target = f"{told['access_url']}/multipart/{told['uploadId']}"
        parts = [
            {"partNumber": number, "etag": self.send("PUT", f"{target}/{number}", part).headers["etag"]}
            for number, part in reversed(_parts(content))
        ]
        assert self.post(f"{target}/complete", {"parts": parts}).status == 200
        return str(told["access_url"])

    # what the client observed

    def _keep_files(self, exchange: Exchange) -> None:
        if exchange.status == 200 and exchange.content_type == "application/json":
            texts = _texts(json.loads(exchange.body))
            self.files += [text for text in texts if text.startswith("https://")]

    def _see(self, what: str, exchange: Exchange) -> None:
        headers = {
            name: value
            for name, value in exchange.headers.items()
            if not _OF_THE_GATEWAY.fullmatch(name) and (name, exchange.status) != ("content-type", 204)
        }
        self.seen.append((what, (exchange.status, headers, self._meaning(exchange))))

    def _meaning(self, exchange: Exchange) -> Any:
        """The body, with files by content, request ids by number, and without the times of log lines."""
        body = exchange.body
        if exchange.content_type == "application/json":
            value = _untimed(jsontext.loads_exact(body))
            body = jsontext.dump_exact(value, indent=None).encode()
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return hashlib.sha256(body).hexdigest()
        for number, request_id in enumerate(self._ids):
            text = text.replace(request_id, f"<id {number}>")
        return _URL.sub(lambda found: self._file(found[0]), text)

    def _file(self, url: str) -> str:
        content = self.world.content(url)
        return url if content is None else f"<{hashlib.sha256(content).hexdigest()}>"


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    half = len(content) // 2
    return [(1, content[:half]), (2, content[half:])]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(item) for key, item in value.items() if key != "timestamp"}
    return [_untimed(item) for item in value] if isinstance(value, list) else value
