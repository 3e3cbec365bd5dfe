"""Describes one side of an exchange with fal for the proxy's screens: which call it is, its result, its body.

The text contains no headers and no query, and all of it passes through a redactor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from falmock.redaction.redactor import Redactor
from falmock.wire import calls
from falmock.wire import realtime
from falmock.wire import routes
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.formats.media import media_type
from falmock.wire.formats.regex import one_call
from falmock.wire.hosts import Role

MAX_SHOWN = 2 * 1024 * 1024
"""A text or JSON body longer than this (bytes) is shown only as its type and size."""
_MEDIA = (
    "image/",
    "audio/",
    "video/",
    "model/",
    "font/",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
)
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,\s]{0,200},")
_SHORT = 120


class Side(NamedTuple):
    """The request or the response of an exchange, and what falmock did about it.

    `host` is normalized and has the role `role`; `query` is only used to find the call. `status` is that of the response,
    None for a request. `body` is decoded from its content encoding. `request_id` comes from the response headers.
    `fixture` and `why` come from falmock's reply; `forwarded` is true if fal replied instead. `recorded` is the path of
    the fixture that was written. `report` is any further text, such as a miss report. `upgrade` is true for a request to
    open a WebSocket. Texts are "" if there is nothing.
    """

    host: str
    role: Role
    method: str
    path: str
    query: str
    status: int | None
    content_type: str
    body: bytes
    request_id: str = ""
    fixture: str = ""
    why: str = ""
    forwarded: bool = False
    recorded: str = ""
    report: str = ""
    upgrade: bool = False


def is_shown(content_type: str, body: bytes) -> bool:
    """Whether to describe a body of this content type: JSON, text, media, or an empty body."""
    plain = media_type(content_type)
    return not body or not plain or plain.startswith("text/") or "json" in plain or plain.startswith(_MEDIA)


@one_call()
def describe(side: Side, redactor: Redactor) -> str:
    """The text to show for one side of an exchange: facts as `name: value` lines, then the body."""
    call = _call_of(side)
    value = _json_of(side)
    facts = list(_facts(side, call, value))
    shown = redactor.value(shortened(value)) if value is not None else None
    label, content = _label(side, call), _events(side, redactor) or _body(side, shown)
    lines = [f"{name}: {fact}" for name, fact in facts if fact]
    if not _is_report(value, side.report):
        lines += [f"{label}:", content] if "\n" in content else [f"{label}: {content}"]
    return redactor.text("\n".join(lines))


def _is_report(value: Any, report: str) -> bool:
    """Whether a body only repeats the report."""
    return bool(report) and isinstance(value, dict) and value.get("detail") == report


def _call_of(side: Side) -> calls.Call | None:
    """The call; None for a CORS preflight."""
    if side.method == "OPTIONS":
        return None
    return routes.route(side.role, side.method, side.path, side.query, upgrade=side.upgrade)


def _facts(side: Side, call: calls.Call | None, value: Any) -> Iterator[tuple[str, str]]:
    yield "call", _name(side, call)
    yield "endpoint", calls.endpoint_of(call, side.path)
    yield "request id", _request_id(side, call, value)
    if side.status is not None:
        yield "state", _state(call, value)
    yield from _origin(side)


def _name(side: Side, call: calls.Call | None) -> str:
    if call is None:
        return "CORS preflight"
    if isinstance(call, calls.Unrouted):
        return f"{side.method} https://{side.host}{side.path}"
    name = calls.KINDS[type(call)].title
    if isinstance(call, calls.UploadPart | calls.PartUrl):
        name += f" {call.number}"
    if isinstance(call, calls.FileGet | calls.FilePut | calls.UploadPart | calls.UploadComplete):
        name += f", https://{side.host}{side.path}"
    return name


def _request_id(side: Side, call: calls.Call | None, value: Any) -> str:
    if isinstance(call, calls.ABOUT_JOB):
        return call.request_id
    if isinstance(call, calls.Submit) and isinstance(value, dict) and isinstance(value.get("request_id"), str):
        return str(value["request_id"])
    return side.request_id


def _state(call: calls.Call | None, value: Any) -> str:
    """The state of a job in an answer of the queue: its status and queue position."""
    if not isinstance(call, calls.Submit | calls.Status | calls.Cancel) or not isinstance(value, dict):
        return ""
    parts = [str(value["status"])] if "status" in value else []
    if "queue_position" in value:
        parts.append(f"queue position {value['queue_position']}")
    if value.get("error"):
        parts.append(f"error {value['error']}")
    return ", ".join(parts)


def _origin(side: Side) -> Iterator[tuple[str, str]]:
    """Who answered, and why."""
    if side.fixture:
        yield "fixture", f"{side.fixture} ({side.why})" if side.why else side.fixture
    elif side.forwarded:
        yield "forwarded", side.why
    elif side.why:
        yield "socket" if side.upgrade else "no fixture", side.why
    yield "recorded in", side.recorded
    if side.status is not None:
        yield "report", side.report


def _label(side: Side, call: calls.Call | None) -> str:
    if side.status is None:
        return "input" if isinstance(call, calls.Run | calls.Stream | calls.Submit) else "body"
    return "output" if isinstance(call, calls.Run | calls.Stream | calls.Result) else "answer"


# bodies


def _json_of(side: Side) -> Any:
    """The JSON value of a body; None if it is not JSON, or `null`."""
    plain = media_type(side.content_type)
    if not side.body or len(side.body) > MAX_SHOWN or not ("json" in plain or plain in ("", "text/plain")):
        return None
    return jsontext.value_of(side.body, exact=True)


def _body(side: Side, value: Any) -> str:
    if not side.body:
        return "none"
    plain = media_type(side.content_type)
    if value is not None:
        return jsontext.dump_exact(value, indent=2).rstrip("\n")
    if len(side.body) > MAX_SHOWN or not ("json" in plain or plain.startswith("text/")):
        return f"{plain or 'of no type'}, {len(side.body):,} bytes"
    return side.body.decode("utf-8", "replace").rstrip()


def _events(side: Side, redactor: Redactor) -> str:
    """The server-sent events in a body, one per line; "" if there are none."""
    if media_type(side.content_type) != sse.MEDIA_TYPE or len(side.body) > MAX_SHOWN:
        return ""
    lines = []
    for event in sse.Parser().feed(side.body):
        try:
            value = redactor.value(shortened(jsontext.loads_exact(event.data.encode())))
            data = jsontext.dump_exact(value, indent=None)
        except ValueError:
            data = event.data
        lines.append(data if event.type == "message" else f"{event.type}: {data}")
    return "\n".join(lines)


def shortened(value: Any) -> Any:
    """A JSON value without the content of its data URIs."""
    if isinstance(value, str):
        head = _DATA_URI.match(value) if len(value) > _SHORT else None
        return value if head is None else f"{head[0]}... ({len(value) - head.end():,} characters)"
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    return value


_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


def describe_message(content: bytes, redactor: Redactor, *, is_text: bool) -> str:
    """The text to show for one WebSocket message, without its secrets."""
    kind, text = _read(content, redactor, is_text=is_text)
    if len(text) > MAX_SHOWN or not text:
        return f"{kind}, {len(content):,} bytes"
    return redactor.text(f"{kind}:\n{text}" if "\n" in text else f"{kind}: {text}")


def unpacked(content: bytes) -> Any:
    """The map, list or text that a binary message holds as msgpack; None if it is not one of these.

    Bytes in it become the text `(N bytes)`, and NaN or an infinite number becomes text.
    """
    try:
        value = realtime.decode(content)
    except realtime.BadMessage:
        return None
    # Many short messages that are not meant as msgpack decode as a number.
    return _printable(value) if isinstance(value, dict | list | str) else None


def _printable(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _read(content: bytes, redactor: Redactor, *, is_text: bool) -> tuple[str, str]:
    """The kind of a message and its text; "" if it is not readable text."""
    if not is_text:
        value = unpacked(content)
        if value is not None:
            return "msgpack", _indented(value, redactor)
    kind = "text" if is_text else "binary"
    if len(content) > MAX_SHOWN:
        return kind, ""
    try:
        return kind, _indented(jsontext.loads_exact(content), redactor)
    except jsontext.BadJSON:
        text = content.decode("utf-8", "replace")
    return kind, text if is_text or not _UNREADABLE.search(text) else ""


def _indented(value: Any, redactor: Redactor) -> str:
    return jsontext.dump_exact(redactor.value(shortened(value)), indent=2).rstrip("\n")
