"""Flows on their way to the origin, and back."""

from __future__ import annotations

from typing import Any

import pytest
from mitmproxy import connection
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.proxy.origin import HOST
from falmock.proxy.redirect import Redirects
from falmock.proxy.tickets import HEADER

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
        "headers": http.Headers([(b"Host", b"fal.run"), (b"Accept", b"a"), (b"accept", b"b"), (b"X-Odd", b"\xff")]),
    },
}


def flow_of(name: str) -> http.HTTPFlow:
    parts = REQUESTS[name]
    return tflow.tflow(req=tutils.treq(**{**parts, "headers": parts["headers"].copy()}))


def told(flow: http.HTTPFlow) -> dict[str, Any]:
    """All that anybody can see of where a flow goes."""
    request = flow.request
    state = flow.get_state()
    state.pop("version", None)
    return {
        "urls": (request.url, request.pretty_url, request.host, request.pretty_host, request.host_header),
        "state": state,
    }


@pytest.mark.parametrize("name", REQUESTS)
def test_a_flow_comes_back_as_it_went(name: str) -> None:
    redirects, flow = Redirects(), flow_of(name)
    before, server = told(flow), flow.server_conn
    assert not redirects.is_away(flow)
    redirects.send(flow, PORT, TICKET, streams=True)
    assert redirects.is_away(flow)
    # mitmproxy gives it the connection that it makes
    flow.server_conn = connection.Server(address=(HOST, PORT))
    own = redirects.restore(flow)
    assert own is not None
    assert (own.ticket, own.streams) == (TICKET, True)
    assert flow.server_conn is server
    assert told(flow) == before
    assert str(PORT) not in repr(told(flow))
    assert TICKET not in repr(told(flow))
    assert not redirects.is_away(flow)


@pytest.mark.parametrize("name", REQUESTS)
def test_on_its_way_it_has_our_address_and_its_own_host_header(name: str) -> None:
    redirects, flow = Redirects(), flow_of(name)
    header, authority = flow.request.headers.get("host"), flow.request.authority
    redirects.send(flow, PORT, TICKET, streams=False)
    request = flow.request
    assert (request.scheme, request.host, request.port) == ("http", HOST, PORT)
    assert (request.headers.get("host"), request.authority) == (header, authority)
    assert request.headers[HEADER] == TICKET
    assert flow.server_conn.address is None


def test_a_flow_that_was_not_away_is_left_alone() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    before = told(flow)
    assert redirects.restore(flow) is None
    redirects.send(flow, PORT, TICKET, streams=True)
    assert redirects.restore(flow) is not None
    assert redirects.restore(flow) is None
    assert told(flow) == before


def test_a_client_cannot_bring_a_ticket_of_its_own() -> None:
    redirects, flow = Redirects(), flow_of("HTTPS")
    flow.request.headers[HEADER] = "the client's"
    redirects.send(flow, PORT, TICKET, streams=True)
    assert flow.request.headers.get_all(HEADER) == [TICKET]
    redirects.restore(flow)
    assert TICKET not in repr(told(flow))


def test_flows_are_kept_apart() -> None:
    redirects = Redirects()
    flows = [flow_of("HTTPS"), flow_of("HTTP")]
    before = [told(flow) for flow in flows]
    for number, flow in enumerate(flows):
        redirects.send(flow, PORT, f"ticket {number}", streams=bool(number))
    for number, flow in reversed(list(enumerate(flows))):
        own = redirects.restore(flow)
        assert own is not None
        assert (own.ticket, own.streams) == (f"ticket {number}", bool(number))
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
    redirects.send(flow, PORT, TICKET, streams=False)
    assert flow.request.headers.get("transfer-encoding") == framing
    redirects.restore(flow)
    assert "transfer-encoding" not in flow.request.headers
