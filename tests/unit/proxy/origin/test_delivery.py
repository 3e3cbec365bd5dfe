"""Which effects are delivered on the flow, and which by the origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy import connection
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.engine.effects import Delivery
from falmock.engine.effects import End
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.proxy.origin import delivery
from falmock.proxy.origin.delivery import Responder
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import HEADER
from falmock.proxy.origin.tickets import Upload
from falmock.serving import bodies
from falmock.wire.message import Content
from unit.proxy.loopback import Script
from unit.proxy.loopback import on_loopback
from unit.proxy.mitm import mitmproxy

HELLO = Reply(200, ((b"Content-Type", b"text/plain"),), b"hello", "a reason", fixture="a.json#0")
URL = "https://fal.run/a/b"


@pytest.fixture
def _master() -> Iterator[None]:
    """A mitmproxy that lists its connections, so that these tests do not depend on others to set one up."""
    with mitmproxy():
        yield


class Silent:
    """A conversation that says nothing."""

    def opened(self, now: float) -> SocketStep:  # noqa: ARG002
        return SocketStep()

    def received(self, message: str | bytes, now: float) -> SocketStep:  # noqa: ARG002
        return SocketStep()

    def due(self, now: float) -> SocketStep:  # noqa: ARG002
        return SocketStep()


class Sink:
    dropped = False

    def write(self, data: bytes) -> None:
        raise NotImplementedError

    def drop(self) -> None:
        self.dropped = True

    def content(self) -> Content:
        raise NotImplementedError


async def _never(_: Content) -> Reply:
    raise NotImplementedError


def responder_with(origin: Origin) -> tuple[Responder, list[object]]:
    """A responder with this origin, and the addresses that it reports."""
    moves: list[object] = []
    responder = Responder(moves.append)
    responder.origin = origin
    return responder, moves


def new_flow() -> http.HTTPFlow:
    request = tutils.treq(scheme=b"https", host="fal.run", port=443, path=b"/a/b", headers=http.Headers(host="fal.run"))
    return tflow.tflow(req=request)


def answered(responder: Responder, flow: http.HTTPFlow) -> None:
    """What mitmproxy does when the headers of the origin's answer are here."""
    flow.server_conn = connection.Server(address=("127.0.0.1", 1))
    flow.response = tutils.tresp()
    assert responder.came_back(flow)


@on_loopback
async def test_what_is_small_and_whole_is_put_on_the_flow(origin: Origin) -> None:
    responder, moves = responder_with(origin)
    flow = new_flow()
    await responder.put(flow, HELLO._replace(delay=0.01))
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.content) == (200, b"hello")
    assert flow.comment == "falmock: a.json#0 (a reason)"
    assert (responder.is_away(flow), origin.port, moves) == (False, 0, [])
    assert not responder.came_back(flow)


@pytest.mark.parametrize("size", [0, bodies.WHOLE])
@on_loopback
async def test_a_file_that_is_not_long_too(origin: Origin, tmp_path: Path, size: int) -> None:
    responder, _ = responder_with(origin)
    flow, file = new_flow(), tmp_path / "a.png"
    file.write_bytes(bytes(size))
    await responder.put(flow, HELLO._replace(body=FileBody(str(file), 0, size)))
    assert flow.response is not None
    assert flow.response.content == bytes(size)


@on_loopback
async def test_a_file_that_cannot_be_read_is_told(origin: Origin, tmp_path: Path) -> None:
    responder, _ = responder_with(origin)
    flow = new_flow()
    await responder.put(flow, HELLO._replace(body=FileBody(str(tmp_path / "gone.png"), 0, 5)))
    assert flow.response is not None
    assert flow.response.status_code == 500
    assert "gone.png" in flow.response.text


# What is played elsewhere, and whether its body streams through mitmproxy then.
AWAY = {
    "a stream": (Stream(200, (), Script(StreamStep(end=End.WHOLE)), "a reason", fixture="a.json#0"), True),
    "a socket": (Socket(Silent(), "a reason", fixture="a.json#0"), True),
    "a drip": (HELLO._replace(delivery=Delivery(piece=1, pause=1)), True),
    "a long file": (HELLO._replace(body=FileBody("a.mp4", 0, bodies.WHOLE + 1)), True),
    "a late reply": (HELLO._replace(delay=delivery.MAX_DELAY + 0.1), False),
}


@pytest.mark.parametrize("what", AWAY)
@on_loopback
async def test_what_takes_time_is_played_by_the_origin(origin: Origin, what: str) -> None:
    responder, moves = responder_with(origin)
    effect, streams = AWAY[what]
    flow = new_flow()
    await responder.put(flow, effect)
    assert flow.response is None
    assert responder.is_away(flow)
    assert flow.request.pretty_url == URL
    assert await responder.redirects.depart(flow)
    assert moves == [("127.0.0.1", origin.port)]
    assert origin.tickets.take(flow.request.headers[HEADER]) is effect
    assert (flow.comment, flow.metadata["falmock.why"]) == ("falmock: a.json#0 (a reason)", "a reason")
    answered(responder, flow)
    assert flow.response is not None
    assert (bool(flow.response.stream), flow.request.pretty_url) == (streams, URL)
    assert not responder.is_away(flow)


@on_loopback
async def test_the_origin_is_told_of_once(origin: Origin) -> None:
    responder, moves = responder_with(origin)
    for _ in range(3):
        flow = new_flow()
        await responder.put(flow, HELLO._replace(delay=5))
        answered(responder, flow)
    assert len(moves) == 1
    responder.stop()
    assert moves == [moves[0], None]


@on_loopback
async def test_a_flow_that_breaks_off_on_its_way_takes_its_ticket_along(origin: Origin) -> None:
    responder, _ = responder_with(origin)
    flow, sink = new_flow(), Sink()
    await responder.take(flow, Upload(sink, _never))
    assert flow.request.stream
    assert await responder.redirects.depart(flow)
    ticket = flow.request.headers[HEADER]
    flow.error = tflow.terr()
    assert responder.came_back(flow)
    assert (sink.dropped, origin.tickets.take(ticket), flow.request.pretty_url) == (True, None, URL)
    assert not responder.came_back(flow)


@on_loopback
async def test_the_answer_to_an_upload_stays_on_the_flow(origin: Origin) -> None:
    responder, _ = responder_with(origin)
    flow = new_flow()
    await responder.take(flow, Upload(Sink(), _never))
    answered(responder, flow)
    assert flow.response is not None
    assert not flow.response.stream


@pytest.mark.usefixtures("_master")
@on_loopback
async def test_a_reset_before_the_headers_is_a_flow_that_is_killed(origin: Origin) -> None:
    responder, moves = responder_with(origin)
    flow = new_flow()
    await responder.put(flow, HELLO._replace(delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS)))
    assert flow.error is not None
    assert (flow.response, responder.is_away(flow), moves) == (None, False, [])


@pytest.mark.usefixtures("_master")
@on_loopback
async def test_nobody_waits_to_break_off_what_broke_off(origin: Origin) -> None:
    responder, _ = responder_with(origin)
    flow = new_flow()
    flow.client_conn.state = connection.ConnectionState.CLOSED
    await responder.put(flow, HELLO._replace(delay=3600, delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS)))


@on_loopback
async def test_nothing_is_played_once_the_script_is_gone(origin: Origin) -> None:
    responder, _ = responder_with(origin)
    responder.stop()
    flow = new_flow()
    with pytest.raises(OSError, match="not loaded any more"):
        await responder.put(flow, HELLO._replace(delay=5))
    assert (origin.port, responder.is_away(flow)) == (0, False)
