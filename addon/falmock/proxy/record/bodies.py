"""Captures the bodies of recorded flows while they stream, and makes exchanges of the flows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mitmproxy import http
from mitmproxy.flow import Error

from falmock.proxy import flows
from falmock.proxy.record.listeners import Pieces
from falmock.proxy.record.listeners import TimedChunks
from falmock.recording.exchange import Exchange
from falmock.recording.uploads import Sink
from falmock.serving import spool
from falmock.serving.spool import Decoded
from falmock.serving.spool import Hasher
from falmock.serving.spool import Spool
from falmock.wire.formats import sse
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.media import media_type
from falmock.wire.message import header_map

Listener = Hasher | Decoded | TimedChunks
"""What captures a body."""
WHOLE_ABOVE = 1024 * 1024
"""Text and JSON longer than this (bytes) is streamed like media."""
_SENT, _RECEIVED = "sent", "received"
_BODILESS = (101, 204, 304)


class BodyListeners:
    """Captures bodies of flows; what must be kept of them is written to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listeners: dict[tuple[str, str], Listener] = {}

    def on_request(self, flow: http.HTTPFlow, sink: Sink) -> None:
        """A request begins whose body is used as `sink` says: stream it on, and capture it."""
        if sink is Sink.NOTHING:
            return
        listener = _decoded(
            flow.request.headers.get("content-encoding", ""),
            lambda: Hasher() if sink is Sink.HASH else Spool(self._folder),
        )
        if listener is None:
            return
        flow.request.stream = listener
        self._listeners[flow.id, _SENT] = listener

    def on_response(self, flow: http.HTTPFlow) -> None:
        """An answer begins: stream it on and capture it, unless it is a short text."""
        listener = self._capture_for(flow)
        if listener is not None and flow.response is not None:
            flow.response.stream = listener
            self._listeners[flow.id, _RECEIVED] = listener

    def _capture_for(self, flow: http.HTTPFlow) -> Listener | None:
        response = flow.response
        if response is None or flow.request.method == "HEAD":
            return None
        headers = header_map(response.headers.fields)  # once: each lookup goes through all headers
        encoding = headers.get("content-encoding", "").strip().lower()
        content_type = media_type(headers.get("content-type", ""))
        is_text = content_type.startswith("text/") or "json" in content_type
        if content_type == sse.MEDIA_TYPE or (is_text and comes_in_pieces(flow)):
            return TimedChunks(encoding)
        length = headers.get("content-length", "")
        # A compressed text is read whole: how long it is when it is decoded is not known in advance.
        if is_text and (encoding or not (length.isdigit() and int(length) > WHOLE_ABOVE)):
            return None
        if length == "0" or response.status_code in _BODILESS:
            return None
        if encoding:
            return _decoded(encoding, lambda: Spool(self._folder))
        return (Pieces if comes_in_pieces(flow) else Spool)(self._folder)

    def received(self, flow: http.HTTPFlow) -> int:
        """How much of an answer has come so far (bytes)."""
        listener = self._listeners.get((flow.id, _RECEIVED))
        return 0 if listener is None else listener.size

    def complete(self, flow: http.HTTPFlow, host: str) -> Exchange:
        """A flow is complete: its exchange."""
        return _exchange(flow, host, *self._pop(flow))

    def broke_off(self, flow: http.HTTPFlow, host: str | None) -> Exchange | None:
        """A flow failed: discard its bodies. Returns an exchange with what an event stream of a fal host sent, else None."""
        sent, received = self._pop(flow)
        exchange = None
        if isinstance(received, TimedChunks | Pieces) and host is not None and flow.error is not None:
            exchange = _exchange(flow, host, sent, received)
            if not exchange.lost:
                whole = len(exchange.body) == received.size
                why = f"its stream broke off ({flow.error.msg.rstrip('.')})"
                exchange = exchange._replace(lost=why, broke_off=whole and not app_left(flow))
        for listener in (sent, received):
            if listener is not None:
                listener.drop()
        return exchange

    def _pop(self, flow: http.HTTPFlow) -> tuple[Listener | None, Listener | None]:
        return self._listeners.pop((flow.id, _SENT), None), self._listeners.pop((flow.id, _RECEIVED), None)


def app_left(flow: http.HTTPFlow) -> bool:
    """Whether a flow failed because its client disconnected or mitmproxy ended it, and not because of fal."""
    client, server, message = flow.client_conn, flow.server_conn, flow.error.msg if flow.error else ""
    if not client.connected or message == Error.KILLED_MESSAGE:
        return True
    # For HTTP/2, mitmproxy writes this for both sides.
    is_reset = message.startswith("stream reset by client")
    return is_reset and client.alpn == b"h2" and (server.alpn != b"h2" or "CANCEL" in message)


def comes_in_pieces(flow: http.HTTPFlow) -> bool:
    """Whether an answer to a stream call has no declared length: its client must get it as it comes."""
    response = flow.response
    if response is None or response.status_code != 200:
        return False
    is_stream = flow.request.path.partition("?")[0].rstrip("/").endswith("/stream")
    return is_stream and "content-length" not in response.headers


def _decoded(encoding: str, sink: Callable[[], Hasher]) -> Hasher | Decoded | None:
    """A listener that gives the content of a body to a sink; None if the encoding is not known."""
    if not encoding:
        return sink()
    try:
        return Decoded(spool.decoder(encoding), sink())
    except BadEncoding:
        return None


def _exchange(flow: http.HTTPFlow, host: str, sent: Listener | None, received: Listener | None) -> Exchange:
    """The exchange of a flow, with what was captured of its streamed bodies."""
    captured = [None if isinstance(each, TimedChunks | None) else each.content() for each in (sent, received)]
    exchange = flows.exchange(flow, host, *captured)
    for listener in (sent, received):
        if isinstance(listener, Decoded) and not exchange.lost:
            exchange = exchange._replace(lost=listener.lost)
    if isinstance(received, TimedChunks):
        body = b"".join(chunk for _, chunk in received.chunks)
        return exchange._replace(body=body, chunks=tuple(received.chunks), lost=received.lost)
    if isinstance(received, Pieces) and received.chunks:
        received.drop()
        body = b"".join(chunk for _, chunk in received.chunks)
        return exchange._replace(body=body, chunks=tuple(received.chunks), received=None)
    return exchange
