"""Whatever a client sends, each door answers: no exception, no 5xx of falmock's own, and nothing that HTTP cannot send."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.app import App
from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.engine.config import Dialect
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.wire.message import Header
from falmock.wire.message import Request
from unit.apps import app_of

FIXTURES: tuple[dict[str, Any], ...] = (
    {"match": {"model": "acme/cat"}, "response": {"json": {"images": [{"url": "https://v3.fal.media/files/a/f.png"}]}}},
    {"match": {"model": "acme/text", "input": {"prompt": "a"}}, "response": {"text": "é"}},
    {"match": {"model": "acme/events"}, "stream": {"events": [{"json": {"a": 1}}, {"data": "b"}]}},
    {"match": {"model": "acme/talk"}, "realtime": [{"json": {"b": 2}}]},
)
HOSTS = (
    "fal.run",
    "queue.fal.run",
    "rest.fal.ai",
    "v3b.fal.media",
    "ws.fal.run",
    "api.fal.ai",
    "storage.googleapis.com",
)
HERE = "127.0.0.1"
ASKED_FOR = (501, 507)
"""What falmock does not do, and what it has no room for: no faults."""
_CONTROL = re.compile(rb"[\x00-\x08\n-\x1f\x7f]|\A\s|\s\Z")

odd = st.text(st.characters(min_codepoint=0, max_codepoint=0x2FF), max_size=12)
anything = st.one_of(
    odd, st.text(max_size=8), st.sampled_from(["\r\nx: y", "\x00", "\ud800", "é", " ", "%0d%0a", "a" * 3000])
)
ids = st.one_of(st.just("01981041-b370-7000-8000-000000000001"), anything)
segments = st.one_of(
    st.sampled_from(
        [
            "acme",
            "cat",
            "text",
            "events",
            "talk",
            "realtime",
            "stream",
            "requests",
            "status",
            "cancel",
            "response",
            "storage",
            "upload",
            "initiate",
            "files",
            "fal",
            "v1",
            "images",
            "generations",
            "edits",
            "models",
            "multipart",
            "complete",
            "tokens",
            "health",
            "__falmock",
            "__aimock",
            "journal",
            "scopes",
            "fixtures",
            "jobs",
            "verify",
            "assets",
            "reset",
            "advance",
            "openapi.json",
            "proxy",
            "api",
            "workflows",
            "falserverless",
            "elephant",
            "auth",
        ]
    ),
    ids,
)
ROUTES = [
    "/acme/cat",
    "/acme/text",
    "/acme/events/stream",
    "/acme/talk/realtime",
    "/acme/nothing",
    "/storage/upload/initiate",
    "/tokens/",
    "/tokens/realtime",
    "/storage/auth/token",
    "/files/upload",
    "/files/upload/multipart",
    "/falserverless/x",
    "/v1/models",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/images/variations",
    "/api/fal/proxy",
    "/fal/run/acme/cat",
    "/fal/queue/submit/acme/cat",
    "/fal/acme/cat",
    "/__aimock/journal",
    "/__aimock/fixtures",
    "/__falmock/journal",
    "/__falmock/fixtures",
    "/__falmock/fixtures/match",
    "/__falmock/verify",
    "/__falmock/scopes",
    "/__falmock/reset",
    "/__falmock/faults",
    "/__falmock/jobs",
    "/__falmock/jobs/x/advance",
    "/__falmock/jobs/x",
    "/health",
    "/ready",
]
paths = st.one_of(
    st.sampled_from(ROUTES),
    st.builds(lambda route, name: f"{route}/{name}", st.sampled_from(ROUTES), ids),
    st.builds(
        lambda name, more: f"/acme/cat/requests/{name}{more}",
        ids,
        st.sampled_from(["", "/status", "/cancel", "/response"]),
    ),
    st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts)),
)
NAMES = [
    "origin",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "content-type",
    "cookie",
    "accept",
    "range",
    "if-none-match",
    "if-range",
    "x-fal-file-name",
    "x-fal-object-lifecycle",
    "x-fal-request-timeout",
    "x-fal-request-start-timeout",
    "x-fal-queue-priority",
    "x-app-fal-upload-policy",
    "x-falmock-scope",
    "x-falmock-fault",
    "x-fal-target-url",
    "x-aimock-test-id",
    "x-fal-runner-hint",
    "x-test-id",
    "upgrade",
    "connection",
    "content-encoding",
    "host",
    "content-length",
    "x-request-id",
    "last-event-id",
]
values = st.one_of(
    anything,
    st.sampled_from(
        [
            "application/json",
            "multipart/form-data; boundary=x",
            "Key a:b",
            "bytes=0-1",
            "websocket",
            "https://fal.run/acme/cat",
            "https://queue.fal.run/acme/cat/requests/x/status",
            "{}",
            "1",
            "text/plain; charset=\r\n",
        ]
    ),
)
scalars = st.one_of(
    st.sampled_from(
        ["1e999", "-1e999", "NaN", "Infinity", "-0", "1.10", "9" * 400, "9" * 5000, "1e-999", '"\\ud800"', "null"]
    ),
    anything.map(lambda text: json.dumps(text, ensure_ascii=False)),
)
names_in = st.sampled_from(
    [
        "prompt",
        "model",
        "n",
        "size",
        "url",
        "image",
        "response_format",
        "stream",
        "app",
        "input",
        "match",
        "response",
        "json",
        "fixtures",
        "scope",
        "allowed_apps",
        "token_expiration",
        "file_name",
        "content_type",
        "path",
        "method",
        "headers",
        "rules",
        "error",
        "status",
        "endpoint",
        "min",
        "max",
        "at",
        "polls",
        "parts",
        "partNumber",
        "etag",
        "data",
        "type",
        "webhook",
    ]
)


def _object_text(items: dict[str, str]) -> str:
    fields = ",".join(f"{json.dumps(key)}:{value}" for key, value in items.items())
    return f"{{{fields}}}"


objects = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.dictionaries(names_in, inner, max_size=4).map(_object_text),
    ),
    max_leaves=8,
)
bodies = st.one_of(
    objects.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=40),
    st.sampled_from([b"", b"[" * 2000, b'{"prompt":' * 300 + b"1" + b"}" * 300, b"[" * 300 + b"]" * 300]),
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Request, Client]:
    is_direct = draw(st.booleans())
    method = draw(
        st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "X\r\n"])
    )
    headers = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=5))
    query = draw(
        st.one_of(
            st.just(""),
            anything,
            st.builds(
                lambda a, b: f"{a}={b}",
                st.sampled_from(
                    ["fal_webhook", "scope", "logs", "limit", "status", "webhook_url", "fal_jwt_token", "max_buffering"]
                ),
                anything,
            ),
        )
    )
    host = HERE if is_direct else draw(st.sampled_from(HOSTS))
    request = Request(method, host, draw(paths), query, headers, draw(bodies), peer=HERE if is_direct else "")
    return request, Client(is_direct=is_direct)


def check_headers(headers: tuple[Header, ...]) -> None:
    for name, value in headers:
        assert not _CONTROL.search(value), (name, value)


def check_json(reply: Reply) -> None:
    """The body is the JSON that its header promises (RFC 8259)."""
    kind = dict(reply.headers).get(b"Content-Type", b"")
    if b"json" in kind and isinstance(reply.body, bytes) and reply.body:
        json.loads(reply.body.decode(), parse_constant=lambda name: pytest.fail(f"{name} in {reply.body!r}"))


async def ask(app: App, request: Request, client: Client) -> None:
    answer = await app.answer(request, client)
    if isinstance(answer, ForwardedCall):
        return
    check_headers(answer.headers)
    if isinstance(answer, Socket):
        return
    assert answer.status < 500 or answer.status in ASKED_FOR, answer
    if isinstance(answer, Stream):
        return
    check_json(answer)


@pytest.fixture(autouse=True)
def _no_traceback(caplog: pytest.LogCaptureFixture) -> Any:
    yield
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("dialect", list(Dialect))
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(requests(), min_size=1, max_size=4))
def test_every_request_is_answered(dialect: Dialect, asked: list[tuple[Request, Client]]) -> None:
    app = app_of(*FIXTURES, dialect=dialect)

    async def story() -> None:
        for request, client in asked:
            await ask(app, request, client)
        journal = Request("GET", HERE, "/__falmock/journal", "", {"host": HERE}, b"", peer=HERE)
        await ask(app, journal, Client(is_direct=True))
        app.stop()

    asyncio.run(story())


NUMBERS = b'{"b": 1.10, "c": -0, "d": 15738016505585340234, "e": "\\ud800"}'
INFINITE = b'{"a": 1e999, "b": 1.10, "c": -0}'


@pytest.mark.parametrize("body", [NUMBERS, INFINITE], ids=["finite", "infinite"])
@pytest.mark.parametrize("path", ["/v1/images/generations", "/fal/run/acme/cat", "/fal/run/acme/nothing"])
def test_the_journal_shows_numbers_as_they_came(path: str, body: bytes) -> None:
    app = app_of(*FIXTURES)
    named = {"host": HERE, "content-type": "application/json"}

    async def story() -> Reply:
        await app.answer(Request("POST", HERE, path, "", named, body, peer=HERE), Client(is_direct=True))
        journal = Request("GET", HERE, "/__falmock/journal", "", named, b"", peer=HERE)
        reply = await app.answer(journal, Client(is_direct=True))
        assert isinstance(reply, Reply)
        return reply

    reply = asyncio.run(story())
    check_json(reply)
    assert isinstance(reply.body, bytes)
    assert b'"input": ' + body in reply.body


REFLECTED = {
    "origin": "https://a\r\nset-cookie: x=1\x00\x7fé",
    "access-control-request-headers": "x-a\r\nset-cookie: x=1\x00\x7f, \ud800 ",
    "cookie": "a=b",
}


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
@pytest.mark.parametrize("host", [*HOSTS, HERE])
def test_what_is_reflected_is_printable(method: str, host: str) -> None:
    path = "/api/fal/proxy" if host == HERE else "/acme/cat"
    request = Request(method, host, path, "", REFLECTED, b"{}", peer=HERE)
    answer = asyncio.run(app_of(*FIXTURES).answer(request, Client(is_direct=host == HERE)))
    assert isinstance(answer, Reply)
    assert answer.status < 500 or answer.status in ASKED_FOR
    for _, value in answer.headers:
        assert value.decode().isprintable()
    check_headers(answer.headers)
