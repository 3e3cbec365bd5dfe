"""Builds replies: the header sets of fal's surfaces (PROTOCOL.md sections 1.4, 1.6, 2.3) around a body."""

from __future__ import annotations

import hashlib
import string
from functools import lru_cache
from typing import Any
from typing import TypeVar
from typing import cast
from urllib.parse import quote

from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.model import MADE
from falmock.fixtures.model import Answer
from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import cors
from falmock.wire import errors
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.handshake import BadHandshake
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import checked
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_value
from falmock.wire.message import sendable

QUEUE_TYPE = (b"Content-Type", b"application/json; charset=utf-8")
JSON_TYPE = (b"Content-Type", b"application/json")
EVENTS_TYPE = (b"Content-Type", sse.TYPE.encode())
GATEWAY: tuple[Header, ...] = (
    (b"Strict-Transport-Security", b"max-age=31536000; includeSubDomains"),
    (b"X-Robots-Tag", b"noindex"),
)
QUEUE_HEADERS = (QUEUE_TYPE, *GATEWAY)
JSON_HEADERS = (JSON_TYPE, *GATEWAY)
REQUEST_ID = b"x-fal-request-id"
FIXTURE_HEADER = b"x-falmock-fixture"
MISS_HEADER = (b"x-falmock-miss", b"1")
WARNING_HEADER = b"x-falmock-warning"
SYNTHESIZED_HEADER = b"x-falmock-synthesized"
BAD_BODY = "bad body"
"""How the reason begins why a body that is no input was refused."""
A = TypeVar("A", Reply, Stream)
W = TypeVar("W", bound=Reply | Stream)
LONGEST_WARNING = 1000
"""How many characters of a warning the header has; log and journal have all of it."""
_PLAIN = (string.ascii_letters + string.digits + string.punctuation + " ").replace("%", "")
"""The characters of a warning that its header has as they are: `quote` escapes the others."""


@lru_cache(maxsize=4096)
def fixture_headers(label: str) -> tuple[Header, ...]:
    """The header that names the fixture that answered, safe for any file name; and for a made answer what it is made by."""
    named = (FIXTURE_HEADER, quote(label, safe="/#@:+,=~ ()[]{}!$&'*;", errors="replace").encode())
    return (named, (SYNTHESIZED_HEADER, label.partition(":")[0].encode())) if label.startswith(MADE) else (named,)


def queue_reply(status: int, value: Any, why: str, fixture: str | None = None) -> Reply:
    """An answer of the queue gateway."""
    headers = QUEUE_HEADERS if fixture is None else _queue_headers(fixture)
    return Reply(status, headers, jsontext.dump_queue(value), why, fixture)


def with_request_id(answer: A, request_id: str) -> A:
    """An answer about a job with the job's request id in a header, if it has none (PROTOCOL.md section 1.6)."""
    for name, _ in answer.headers:
        if name is REQUEST_ID or name.lower() == REQUEST_ID:
            return answer
    content_type, *rest = answer.headers
    return answer._replace(headers=(content_type, (REQUEST_ID, header_value(request_id)), *rest))


def job_headers(fixture: str, request_id: str) -> tuple[Header, ...]:
    """The headers of an answer of the queue gateway about a job."""
    content_type, *rest = _queue_headers(fixture)
    return content_type, (REQUEST_ID, header_value(request_id)), *rest


@lru_cache(maxsize=4096)
def _queue_headers(fixture: str) -> tuple[Header, ...]:
    return (*QUEUE_HEADERS, *fixture_headers(fixture))


def json_reply(status: int, value: Any, why: str, *extra: Header) -> Reply:
    """An answer in the models' JSON style: from the REST host, or an error of falmock's own."""
    return Reply(status, JSON_HEADERS + extra, jsontext.dump_model(value), why)


def error_header(why: str) -> Header:
    """The header that says what is wrong with a call, in a few words."""
    return b"x-falmock-error", quote(why[:200], safe=" ,:;/()'=", errors="replace").encode()


def badly_encoded(why: str) -> Reply:
    """The answer to a request whose body is not encoded as its headers say."""
    return problem(400, f"The body is not encoded as its headers say: {why}", "bad content-encoding")


def problem(status: int, message: str, why: str, *extra: Header) -> Reply:
    """A 4xx or 5xx of falmock's own: `detail` is what the Python client shows, `message` what the JS client shows."""
    return json_reply(status, {"detail": message, "message": message}, why, error_header(why), *extra)


def bad_host(request: Request, hosts: Hosts) -> Reply | Stream | None:
    """The answer to a call to a host of fal's whose name no resolver takes; None for any other."""
    if hosts.knows(request.host):
        return None
    try:
        checked(request.host)
    except BadHost as error:
        return for_pages(request, problem(400, str(error), "bad host name"))
    return None


def warned(answer: W, warning: str) -> W:
    """The answer with one more warning; "" changes nothing."""
    if not warning:
        return answer
    both = f"{answer.warning}; {warning}" if answer.warning else warning
    return cast("W", answer._replace(warning=both))


def with_warning_header(answer: Reply | Stream, redactor: Redactor) -> Reply | Stream:
    """The answer with its warning, if it has one, on one line, without secrets, and in a header."""
    if not answer.warning:
        return answer
    # First with its line ends, by which the fields of a form are found.
    warning = redactor.text(" ".join(redactor.text(answer.warning).split()))
    value = quote(warning[:LONGEST_WARNING], safe=_PLAIN, errors="replace").encode()
    return answer._replace(warning=warning, headers=(*answer.headers, (WARNING_HEADER, value)))


def for_pages(request: Request, answer: Reply | Stream) -> Reply | Stream:
    """The answer with CORS headers, if a page sent the request, so that pages of any origin may read it."""
    if "origin" not in request.headers or any(name == b"access-control-allow-origin" for name, _ in answer.headers):
        return answer
    return answer._replace(headers=answer.headers + cors.simple(request.headers))


def unreadable_asset(error: OSError) -> Reply:
    """The answer if the file of an asset is missing or has changed."""
    return problem(500, f"An asset of the fixtures cannot be read: {error}", "asset unreadable")


def no_disk(error: OSError) -> Reply:
    """The answer to an upload that does not fit on the disk."""
    return problem(
        507,
        f"falmock cannot keep this upload on disk: {error.strerror or error}. It is kept in the folder for temporary files "
        "until mitmproxy ends: set TMPDIR to one with more room",
        "no room on disk",
        *cors.public(),
    )


def bad_handshake(bad: BadHandshake) -> Reply:
    """The refusal of a WebSocket, as RFC 6455 section 4.2.2 has it."""
    return problem(bad.status, f"This is not a valid WebSocket handshake: {bad.text}", "bad handshake", *bad.headers)


def invalid_body(message: str, kind: str = "json_invalid", status: int = 422) -> Reply:
    """The runtime's answer to a bad input (FastAPI's detail list), with `message` added for the JS client."""
    body = errors.model_error(kind, message) | {"message": message}
    return json_reply(status, body, f"{BAD_BODY}: {message}", (b"x-fal-billable-units", b"0"))


def refused_body(status: int, body: dict[str, Any]) -> Reply:
    """The runtime's answer to a body that is no input, in FastAPI's words."""
    why = f"{BAD_BODY}: {errors.text_of(status, body)}"
    return json_reply(status, body, why, error_header(why), (b"x-fal-billable-units", b"0"))


def too_large(request: Request, call: calls.Call) -> Reply:
    """413 for a body that is too large to be read."""
    if isinstance(call, calls.UPLOADS):
        message = f"The upload has {request.too_large}: send it without a content encoding, or in parts"
        return problem(413, message, "upload too large", *cors.public())
    message = f"The body has {request.too_large}: upload files and pass their URLs"
    return invalid_body(message, status=413)


def miss_reply(miss: Miss) -> Reply:
    """404 in fal's envelope, which every client shows and none retries."""
    body = jsontext.dump_model({"detail": miss.text, "message": miss.text})
    return Reply(404, (*JSON_HEADERS, MISS_HEADER), body, "no fixture matches", miss=miss)


@lru_cache(maxsize=4096)
def served_from(app: str) -> bytes:
    """The runner's UUID in X-Fal-Served-From: one for each app, the same in every run."""
    text = hashlib.sha256(app.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}".encode()


def model_headers(answer: Answer, app: str, request_id: str, label: str) -> tuple[Header, ...]:
    """The headers of a run or a result."""
    headers = [
        (b"Content-Type", header_value(answer.content_type)),
        (b"X-Fal-Served-From", served_from(app)),
        (REQUEST_ID, header_value(request_id)),
    ]
    if answer.units is not None:
        headers.append((b"x-fal-billable-units", header_value(answer.units)))
    headers += GATEWAY
    return own_headers(headers, answer, label)


def own_headers(headers: list[Header], answer: Answer, label: str) -> tuple[Header, ...]:
    """These headers and the fixture's, which replace those of the same name."""
    if answer.headers:
        own = _of_fixture(answer.headers)
        named = {name.lower() for name, _ in own}
        headers = [*(header for header in headers if header[0].lower() not in named), *own]
    headers += fixture_headers(label)
    return tuple(headers)


@lru_cache(maxsize=1024)
def _of_fixture(headers: tuple[tuple[str, str], ...]) -> tuple[Header, ...]:
    return sendable(tuple((name.encode(), value.encode()) for name, value in headers))


def cancelled(request_id: str, fixture: str) -> Reply:
    """The result of a cancelled job."""
    return _request_error("client_cancelled", errors.CANCELLED_TEXT, request_id, fixture, "cancelled")


def timed_out(request_id: str, fixture: str) -> Reply:
    """The answer to a call whose start deadline passed; it is marked as the client's, so that no client retries it."""
    marked = (errors.TIMEOUT_TYPE_HEADER, b"user")
    text = errors.TIMED_OUT_TEXT
    return _request_error("request_timeout", text, request_id, fixture, "start deadline passed", marked)


def _request_error(kind: str, message: str, request_id: str, fixture: str, why: str, *extra: Header) -> Reply:
    headers = (
        (REQUEST_ID, header_value(request_id)),
        (errors.ERROR_TYPE_HEADER, kind.encode()),
        *extra,
        *fixture_headers(fixture),
    )
    reply = json_reply(errors.REQUEST_ERRORS[kind], errors.request_error(kind, message), why, *headers)
    return reply._replace(fixture=fixture)
