"""Which answers are captured while they stream, and how."""

from __future__ import annotations

from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.flow import Error
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.record.bodies import BodyListeners
from falmock.proxy.record.bodies import app_left
from falmock.proxy.record.bodies import comes_in_pieces
from falmock.proxy.record.listeners import Pieces
from falmock.proxy.record.listeners import TimedChunks
from falmock.serving.spool import Decoded
from falmock.serving.spool import Spool

EVENTS, JSON, SOUND = "text/event-stream; charset=utf-8", "application/json", "audio/mpeg"


def answered(content_type: str, path: str = "/a/b", status: int = 200, **headers: str) -> http.HTTPFlow:
    """A flow whose answer begins."""
    fields = [(b"content-type", content_type.encode())]
    fields += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return tflow.tflow(
        req=tutils.treq(path=path.encode()), resp=tutils.tresp(status_code=status, headers=http.Headers(fields))
    )


@pytest.mark.parametrize(
    ("flow", "listener"),
    [
        (answered(EVENTS), TimedChunks),
        (answered(EVENTS, content_encoding="gzip"), TimedChunks),
        (answered(JSON), None),
        (answered("text/plain"), None),
        (answered(JSON, content_length="2000000"), Spool),
        (answered(SOUND), Spool),
        (answered(SOUND, content_encoding="gzip"), Decoded),
        (answered(SOUND, content_encoding="compress"), None),
        (answered(JSON, content_encoding="gzip", content_length="2000000"), None),
        (answered(SOUND, content_encoding="gzip", status=304), None),
        (answered(SOUND, status=204), None),
        (answered(SOUND, "/a/b/stream"), Pieces),
        (answered(SOUND, "/a/b/stream", content_length="5"), Spool),
        (answered(JSON, "/a/b/stream?x=1"), TimedChunks),
        (answered("text/plain", "/a/b/stream/", content_encoding="gzip"), TimedChunks),
        (answered(JSON, "/a/b/stream", content_length="5"), None),
        (answered(JSON, "/a/b/stream", 422), None),
    ],
)
def test_what_is_listened_to(flow: http.HTTPFlow, listener: type | None, tmp_path: Path) -> None:
    tees = BodyListeners(tmp_path)
    tees.on_response(flow)
    assert flow.response is not None
    assert (type(flow.response.stream) if flow.response.stream else None) is listener
    tees.broke_off(flow, None)
    assert list(tmp_path.iterdir()) == []


def test_nothing_comes_in_pieces_of_a_flow_without_an_answer() -> None:
    assert not comes_in_pieces(tflow.tflow(req=tutils.treq(path=b"/a/b/stream")))


# streams that break off

H1, H2 = b"http/1.1", b"h2"
LOST = "peer closed connection without sending complete message body"


def broken(
    message: str = LOST, client: bytes = H1, server: bytes = H1, state: ConnectionState = ConnectionState.OPEN
) -> http.HTTPFlow:
    flow = answered(EVENTS, "/a/b/stream")
    flow.error = Error(message)
    flow.client_conn.alpn, flow.server_conn.alpn, flow.client_conn.state = client, server, state
    return flow


@pytest.mark.parametrize(
    ("flow", "left"),
    [
        (broken(), False),
        (broken(client=H2), False),
        (broken("stream reset by client (INTERNAL_ERROR)", server=H2), False),
        (broken("stream reset by client (CANCEL)", server=H2), False),
        (broken("stream reset by client (INTERNAL_ERROR)", client=H2, server=H2), False),
        (broken("stream reset by client (CANCEL)", client=H2, server=H2), True),
        (broken("stream reset by client (NO_ERROR)", client=H2), True),
        (broken("Client disconnected.", state=ConnectionState.CLOSED), True),
        (broken("Client disconnected.", state=ConnectionState.CAN_WRITE), True),
        (broken(Error.KILLED_MESSAGE), True),
    ],
)
def test_who_broke_it_off(flow: http.HTTPFlow, *, left: bool) -> None:
    assert app_left(flow) is left


def test_what_came_of_a_stream_that_breaks_off(tmp_path: Path) -> None:
    tees = BodyListeners(tmp_path)
    for content_type in (EVENTS, SOUND):
        flow = answered(content_type, "/a/b/stream")
        tees.on_response(flow)
        assert flow.response is not None
        assert callable(flow.response.stream)
        flow.response.stream(b"data: 1\n\n")
        flow.error = Error(f"{LOST}.")
        exchange = tees.broke_off(flow, "fal.run")
        assert exchange is not None
        assert (exchange.body, exchange.lost, exchange.broke_off) == (
            b"data: 1\n\n",
            f"its stream broke off ({LOST})",
            True,
        )
        assert exchange.received is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content_type", "encoding", "body"),
    [(EVENTS, "compress", b"?"), (EVENTS, "gzip", b"???"), (SOUND, "", bytes(Pieces.LIMIT + 1))],
)
def test_what_came_is_not_known(content_type: str, encoding: str, body: bytes, tmp_path: Path) -> None:
    tees = BodyListeners(tmp_path)
    headers = {"content_encoding": encoding} if encoding else {}
    flow = answered(content_type, "/a/b/stream", **headers)
    tees.on_response(flow)
    assert flow.response is not None
    assert callable(flow.response.stream)
    flow.response.stream(body)
    flow.error = Error(LOST)
    exchange = tees.broke_off(flow, "fal.run")
    assert exchange is not None
    assert exchange.lost
    assert not exchange.broke_off
    assert list(tmp_path.iterdir()) == []
