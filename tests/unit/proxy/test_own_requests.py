"""falmock's own requests end, whatever becomes of them: each is sent by mitmproxy's own code to a server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy import http
from mitmproxy.addons import proxyserver
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from falmock.proxy import egress
from falmock.proxy import own_requests
from falmock.proxy.own_requests import OwnRequests
from unit.proxy.loopback import SECONDS
from unit.proxy.loopback import until
from unit.proxy.mitm import mitmproxy

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await reader.read()


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


class Killing:
    """An addon that kills every request."""

    def request(self, flow: http.HTTPFlow) -> None:
        flow.kill()


class Raising:
    """An addon whose hook fails."""

    def server_connect(self, _: ServerConnectionHookData) -> None:
        raise RuntimeError("no such thing")


def flow_to(host: str, port: int) -> http.HTTPFlow:
    here = ("127.0.0.1", 0)
    client = connection.Client(peername=here, sockname=here, timestamp_start=0.0)
    flow = http.HTTPFlow(client, connection.Server(address=None))
    flow.request = http.Request.make("GET", f"http://127.0.0.1:{port}/")
    flow.request.data.host = host
    return flow


def sent(
    serve: Serve,
    *addons: Any,
    host: str = "127.0.0.1",
    seconds: float = SECONDS,
    received: Callable[[http.HTTPFlow], int] = lambda _: 0,
) -> tuple[str | None, http.HTTPFlow]:
    """Why a request was given up, and its flow."""

    async def send() -> tuple[str | None, http.HTTPFlow]:
        served: set[asyncio.Task[Any] | None] = set()

        async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.add(asyncio.current_task())
            await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
        requests = OwnRequests()
        flow = flow_to(host, server.sockets[0].getsockname()[1])
        given_up = await asyncio.wait_for(requests.send(flow, seconds, received), SECONDS)
        assert not requests.is_own(flow)
        server.close()
        await asyncio.gather(*filter(None, served))
        return given_up, flow

    with mitmproxy(proxyserver.Proxyserver(), *addons):
        return asyncio.run(send())


def test_an_answer_is_on_the_flow() -> None:
    given_up, flow = sent(answers)
    assert (given_up, flow.error) == (None, None)
    assert flow.response is not None
    assert (flow.response.content, flow.is_replay) == (b"ok", "request")


def test_a_server_that_never_answers_is_given_up() -> None:
    given_up, flow = sent(is_silent, seconds=0.05)
    assert given_up == "nothing came for 0.05 s"
    assert flow.response is None
    assert flow.error is not None  # its connection is closed


def test_a_server_that_goes_on_is_not_given_up() -> None:
    came = iter([10, 20, 20])
    given_up, _ = sent(is_silent, seconds=0.01, received=lambda _: next(came))
    assert (given_up, next(came, None)) == ("nothing came for 0.01 s", None)


@pytest.mark.parametrize(
    ("serve", "addons", "host"),
    [
        (hangs_up, (), "127.0.0.1"),
        (answers, (Killing(),), "127.0.0.1"),
        (answers, (egress.Egress(),), "fal.run"),
        (answers, (egress.Egress(),), f"{'a' * 64}.example"),
        (answers, (egress.Egress(),), ".example"),
    ],
)
def test_what_fails_ends_at_once(serve: Serve, addons: tuple[Any, ...], host: str) -> None:
    given_up, flow = sent(serve, *addons, host=host)
    assert given_up is None
    assert flow.error is not None or (flow.response is not None and flow.response.status_code == 502)


def test_a_hook_that_fails_does_not_keep_it_from_its_end(caplog: pytest.LogCaptureFixture) -> None:
    given_up, flow = sent(answers, Raising())
    assert given_up is None
    assert flow.response is not None
    assert "no such thing" in caplog.text


def test_what_mitmproxy_drops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the check of names, the look-up fails with an exception that mitmproxy does not expect, and no hook is called.
    monkeypatch.setattr(own_requests, "CLOSING", 0.05)
    assert sent(answers, host=f"{'a' * 64}.example", seconds=0.05)[0] == "nothing came for 0.05 s"


def test_what_cannot_even_begin_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(own_requests.ReplayHandler, "replay", fails)
    assert sent(answers)[0] == "mitmproxy failed to send it"
    assert "no such thing" in caplog.text


def test_a_caller_who_goes_away_leaves_the_request_and_the_end_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_requests, "CLOSING", 0.05)

    async def told() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        requests = OwnRequests()
        flow = flow_to(*listener.getsockname())
        caller = asyncio.ensure_future(requests.send(flow, SECONDS))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait([caller])
        assert requests.is_own(flow)
        waiting = asyncio.ensure_future(requests.send(other := flow_to(*listener.getsockname()), SECONDS))
        await until(lambda: requests.is_own(other))
        requests.stop()
        await until(lambda: not requests.is_own(flow))
        assert await waiting == "falmock stopped it"
        listener.close()

    with mitmproxy(proxyserver.Proxyserver()):
        asyncio.run(asyncio.wait_for(told(), SECONDS))
