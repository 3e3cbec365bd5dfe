"""Flows on their way to the origin, and back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.origin.redirect import Redirects
from falmock.proxy.origin.server import HOST
from falmock.proxy.origin.tickets import HEADER

TICKET = "t" * 43
PORT = 45678
REQUESTS: dict[str, dict[str, Any]] = {
    "HTTPS": {"scheme": b"https", "host": "fal.run", "port": 443, "headers": http.Headers(host="fal.run")},
    "HTTP": {"scheme": b"http", "host": "fal.run", "port": 80, "headers": http.Headers(host="fal.run")},
    "transparent": {"scheme": b"https", "host": "198.18.0.1", "port": 443, "headers": http.Headers(Host="fal.run")},
    "a port in the header": {"host": "127.0.0.1", "port": 8080, "headers": http.Headers(Host="fal.run:8080")},
    "HTTP/2": {
        "scheme": b"https",
        "host": "fal.run",
        "port": 443,
        "authority": b"fal.run",
        "http_version": b"HTTP/2.0",
        "headers": http.Headers(accept="text/event-stream"),
    },
    "HTTP/2 on a port": {"authority": b"fal.run:8443", "http_version": b"HTTP/2.0", "headers": http.Headers()},
    "repeated headers": {
        "host": "fal.run",
        "headers": http.Headers(
            [(b"Host", b"fal.run"), (b"host", b"\xff"), (b"Accept", b"a"), (b"accept", b"b"), (b"X-Odd", b"\xff")]
        ),
    },
}


def flow_of(name: str) -> http.HTTPFlow:
    parts = REQUESTS[name]
    return tflow.tflow(req=tutils.treq(**{**parts, "headers": parts["headers"].copy()}))


def told(flow: http.HTTPFlow) -> dict[str, Any]:
    """The parts of a flow that show where it goes."""
    request = flow.request
    state = flow.get_state()
    state.pop("version", None)
    return {
        "urls": (request.url, request.pretty_url, request.host, request.pretty_host, request.host_header),
        "state": state,
    }


def sent(redirects: Redirects, flow: http.HTTPFlow, ticket: str = TICKET, *, streams: bool = True) -> bool:
    """A flow is sent to the origin."""
    redirects.plan(flow, PORT, ticket, streams=streams)
    return asyncio.run(redirects.depart(flow))


@pytest.mark.parametrize("arrives", [True, False], ids=["its ticket came", "its ticket did not come"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_flow_comes_back_as_it_went(name: str, arrives: bool) -> None:  # noqa: FBT001
    redirects, flow = Redirects(), flow_of(name)
    before, server = told(flow), flow.server_conn
    assert not redirects.is_planned(flow)
    assert sent(redirects, flow)
    assert redirects.is_planned(flow)
    # mitmproxy gives it the connection that it makes
    flow.server_conn = connection.Server(address=(HOST, PORT))
    if arrives:
        redirects.arrived(TICKET)
        assert redirects.is_planned(flow)
    trip = redirects.end(flow)
    assert trip is not None
    assert (trip.ticket, trip.streams) == (TICKET, True)
    assert flow.server_conn is server
    assert told(flow) == before
    assert not redirects.is_planned(flow)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_flow_that_waits_for_its_answer_shows_nothing_of_the_origin(name: str) -> None:
    redirects, flow = Redirects(), flow_of(name)
    before = told(flow)
    redirects.plan(flow, PORT, TICKET, streams=True)
    assert told(flow) == before
    asyncio.run(redirects.depart(flow))
    assert str(PORT) in repr(told(flow))
    flow.server_conn = connection.Server(address=(HOST, PORT))
    redirects.arrived(TICKET)
    assert told(flow)["urls"] == before["urls"]
    assert str(PORT) not in repr(told(flow))
    assert TICKET not in repr(told(flow))


@pytest.mark.parametrize("name", REQUESTS)
def test_on_its_way_it_has_our_address_and_one_host_header(name: str) -> None:
    redirects, flow = Redirects(), flow_of(name)
    authority = flow.request.authority
    sent(redirects, flow)
    request = flow.request
    assert (request.scheme, request.host, request.port) == ("http", HOST, PORT)
    assert (request.headers.get_all("host"), request.authority) == (["localhost"], authority)
    assert request.headers[HEADER] == TICKET
    assert flow.server_conn.address is None


def test_what_the_origin_does_not_need_stays_behind() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    flow.request.headers["x-any"] = "a\x01"
    flow.request.headers["upgrade"] = "websocket"
    flow.request.headers["sec-websocket-key"] = "a\x00b"
    flow.request.data.path = b"/\x01 \xff"
    before = told(flow)
    sent(redirects, flow)
    assert {"x-any", "sec-websocket-key", "authorization"}.isdisjoint(flow.request.headers)
    assert (flow.request.headers["upgrade"], flow.request.data.path) == ("websocket", b"/")
    redirects.arrived(TICKET)
    assert told(flow) == before


def test_a_flow_that_has_no_trip_is_left_alone() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    before = told(flow)
    assert not asyncio.run(redirects.depart(flow))
    redirects.arrived("no such ticket")
    assert redirects.end(flow) is None
    sent(redirects, flow)
    assert redirects.end(flow) is not None
    assert redirects.end(flow) is None
    assert told(flow) == before


def test_a_flow_is_sent_once() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    before = told(flow)
    sent(redirects, flow)
    redirects.arrived(TICKET)
    assert asyncio.run(redirects.depart(flow))  # an upload: its `request` hook comes when it is there already
    assert told(flow) == before


@pytest.mark.parametrize("answered", ["response", "error"])
def test_a_flow_that_was_answered_meanwhile_stays(answered: str) -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    redirects.plan(flow, PORT, TICKET, streams=True)
    before = told(flow)["urls"]
    setattr(flow, answered, tutils.tresp() if answered == "response" else tflow.terr())
    assert not asyncio.run(redirects.depart(flow))
    assert told(flow)["urls"] == before


def test_a_flow_that_somebody_holds_goes_when_it_is_let_go() -> None:
    async def talk() -> None:
        redirects, flow = Redirects(), flow_of("HTTPS")
        redirects.plan(flow, PORT, TICKET, streams=True)
        flow.intercept()
        departing = asyncio.ensure_future(redirects.depart(flow))
        await asyncio.sleep(0)
        assert flow.request.host == "fal.run"
        flow.resume()
        assert await departing
        assert flow.request.host == HOST

    asyncio.run(talk())


def test_when_nothing_is_answered_any_more_all_come_back() -> None:
    redirects, flow = Redirects(), flow_of("HTTP/2")
    before = told(flow)
    sent(redirects, flow)
    redirects.end_all()
    assert told(flow) == before
    assert not redirects.is_planned(flow)


def test_a_client_cannot_bring_a_ticket_of_its_own() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    flow.request.headers[HEADER] = "the client's"
    sent(redirects, flow)
    assert flow.request.headers.get_all(HEADER) == [TICKET]
    redirects.end(flow)
    assert TICKET not in repr(told(flow))


def test_flows_are_kept_apart() -> None:
    redirects = Redirects()
    flows = [flow_of("HTTPS"), flow_of("HTTP")]
    before = [told(flow) for flow in flows]
    for number, flow in enumerate(flows):
        sent(redirects, flow, f"ticket {number}", streams=bool(number))
    for number, flow in reversed(list(enumerate(flows))):
        trip = redirects.end(flow)
        assert trip is not None
        assert (trip.ticket, trip.streams) == (f"ticket {number}", bool(number))
    assert [told(flow) for flow in flows] == before


@pytest.mark.parametrize(
    ("version", "length", "framing"),
    [
        (b"HTTP/2.0", None, "chunked"),
        (b"HTTP/2.0", "5", None),
        (b"HTTP/1.1", None, None),
    ],
)
def test_a_body_of_unknown_length_has_an_end_on_the_way(
    version: bytes, length: str | None, framing: str | None
) -> None:
    headers = http.Headers(**({} if length is None else {"content-length": length}))
    flow = tflow.tflow(req=tutils.treq(http_version=version, headers=headers))
    redirects = Redirects()
    sent(redirects, flow)
    assert flow.request.headers.get("transfer-encoding") == framing
    redirects.arrived(TICKET)
    assert flow.request.headers.get("transfer-encoding") == framing  # its body is still coming
    redirects.end(flow)
    assert "transfer-encoding" not in flow.request.headers
