"""Faults of replies: an error in place of the answer, or an answer that is late, broken or wrong."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.effects import Delivery
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import CallInfo
from falmock.engine.injected_fault import InjectedFault
from falmock.fixtures.fault import BadBody
from falmock.fixtures.fault import Breaks
from falmock.fixtures.fault import Fault
from falmock.wire.error_table import ErrorKind
from falmock.wire.errors import ErrorSpec
from falmock.wire.errors import envelope
from falmock.wire.message import Header
from falmock.wire.message import header_value

_HTML = b"<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>\n"
_TYPE = b"content-type"
_UNNAMED = b""
_NO_STATUS = 0


def fault_header(name: str) -> Header:
    """The header that names the injected fault."""
    return HEADER.encode(), header_value(name)


def reason_of(injected: InjectedFault) -> str:
    """Which source asked for a fault, for the log."""
    return f"asked for by {injected.source}"


def error_reply(injected: InjectedFault, spec: ErrorSpec, called: CallInfo, request_id: str) -> Reply:
    """The error in place of the answer to a call; `request_id` names its job or run."""
    app, path = _parts(called)
    error = envelope(spec, app, path)
    headers: list[Header] = [(b"Content-Type", header_value(error.content_type))]
    if error.kind in (ErrorKind.MODEL, ErrorKind.APP):
        headers.append((b"X-Fal-Served-From", replies.served_from(app)))
    if error.kind in (ErrorKind.MODEL, ErrorKind.APP, ErrorKind.REQUEST):
        headers.append((b"x-fal-request-id", header_value(request_id)))
    if error.units is not None:
        headers.append((b"x-fal-billable-units", header_value(error.units)))
    headers += [(name.encode(), value.encode()) for name, value in error.headers]
    if error.kind is not ErrorKind.PAGE:
        headers += replies.GATEWAY
    headers.append(fault_header(injected.fault.name))
    return Reply(error.status, tuple(headers), error.body, reason_of(injected), fault=injected.fault.name)


def _parts(called: CallInfo) -> tuple[str, str]:
    """The app (owner/alias) that a call is about, and the path after it."""
    endpoint = getattr(called.call, "endpoint", None)
    if endpoint is not None:
        return endpoint.app, endpoint.path
    return called.model, ""


def applied(injected: InjectedFault, reply: Reply) -> Reply:
    """A reply with the fault applied."""
    fault = injected.fault
    if not fault.delays_or_breaks:
        return reply
    body: bytes | FileBody = reply.body
    headers = reply.headers
    if fault.body is not None:
        body, content_type = _bad_body(fault.body, body)
        headers = _with_type(headers, content_type)
    if fault.content_type is not None:
        headers = _with_type(headers, header_value(fault.content_type))
    size = body.stop - body.start if isinstance(body, FileBody) else len(body)
    return reply._replace(
        headers=_marked(headers, fault),
        body=body,
        why=f"{reply.why}; {reason_of(injected)}" if reply.fault is None else reply.why,
        delay=reply.delay + delay_of(injected),
        length=None if fault.body is not None else reply.length,
        delivery=_delivery(fault, size),
        fault=fault.name,
    )


def delay_of(injected: InjectedFault) -> float:
    """The latency of a fault in seconds; 0 if it has none."""
    return 0.0 if injected.fault.latency is None else injected.rng.seconds(injected.fault.latency)


def _marked(headers: tuple[Header, ...], fault: Fault) -> tuple[Header, ...]:
    mark = fault_header(fault.name)
    return headers if mark in headers else (*headers, mark)


def _with_type(headers: tuple[Header, ...], content_type: bytes) -> tuple[Header, ...]:
    if content_type == _UNNAMED:
        return headers
    return ((b"Content-Type", content_type), *(pair for pair in headers if pair[0].lower() != _TYPE))


def _bad_body(bad: BadBody, body: bytes | FileBody) -> tuple[bytes, bytes]:
    """The bad body in place of the given one, and its media type; an empty type means unchanged."""
    if bad is BadBody.EMPTY:
        return b"", _UNNAMED
    if bad is BadBody.HTML:
        return _HTML, b"text/html; charset=utf-8"
    return (b'{"file":,' if isinstance(body, FileBody) else malformed(body)), _UNNAMED


def malformed(body: bytes) -> bytes:
    """Invalid JSON made from valid JSON: no JSON text ends in a comma."""
    return body.rstrip()[:-1] + b","


def _delivery(fault: Fault, size: int) -> Delivery | None:
    """How to send a body of this size (bytes); None if it goes whole and at once."""
    piece, pause = fault.drip or (0, 0.0)
    delivery = Delivery(
        fault.first_byte,
        piece,
        pause,
        None if fault.truncate is None else min(fault.truncate.of(size), size),
        None if fault.reset is None else _RESETS[fault.reset],
        None if fault.content_length is None else fault.content_length.of(size),
    )
    return None if delivery == Delivery() else delivery


_RESETS = {Breaks.BEFORE_HEADERS: ResetPoint.BEFORE_HEADERS, Breaks.AFTER_HEADERS: ResetPoint.AFTER_HEADERS}


def broken_off(injected: InjectedFault) -> Reply:
    """No answer and no status: the connection is reset before the headers."""
    name = injected.fault.name
    gone = Delivery(reset=ResetPoint.BEFORE_HEADERS)
    return Reply(
        _NO_STATUS, (fault_header(name),), b"", reason_of(injected), delay=delay_of(injected), delivery=gone, fault=name
    )
