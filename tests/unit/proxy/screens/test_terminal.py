"""The filter between mitmproxy and the terminal: where it is installed, and what it does not change."""

from __future__ import annotations

import io
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.addons import dumper
from mitmproxy.test import tflow

from falmock.gateway.health import CHECK
from falmock.proxy import flows
from falmock.proxy.screens import terminal
from falmock.proxy.screens.terminal import Guard
from falmock.redaction.redactor import Redactor
from unit.proxy.mitm import mitmproxy
from unit.proxy.screens import KEY
from unit.proxy.screens import Printed
from unit.proxy.screens import flow_to

# mitmproxy 12 parses filters in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")


@pytest.mark.parametrize("detail", [0, 1, 2, 3, 4])
def test_other_flows_are_printed_as_ever(printed: Printed, detail: int) -> None:
    flow = flow_to("example.com", b"planted-secret")
    out = io.StringIO()
    plain = dumper.Dumper(out)
    text = printed(flow, flow_detail=detail)
    plain.response(flow)
    assert text == out.getvalue()
    assert ("?fal_jwt_token=pla" in text) == (detail >= 1)


@pytest.mark.parametrize("host", ["example.com", "fal.run"])
@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7"])
def test_no_flow_is_printed_with_the_address_of_its_client(printed: Printed, host: str, address: str) -> None:
    flow = flow_to(host)
    flow.client_conn.peername = (address, 4711)
    before = flow.get_state()
    assert "[hidden]:4711: GET http" in printed(flow, flow_detail=1)
    assert flow.get_state() == before


@pytest.mark.parametrize(
    ("flow", "hook"),
    [
        (tflow.ttcpflow(), "tcp_message"),
        (tflow.tudpflow(), "udp_message"),
        (tflow.tdnsflow(resp=True), "dns_response"),
        (tflow.tdnsflow(err=True), "dns_error"),
    ],
)
def test_flows_of_other_protocols_neither(printed: Printed, flow: Any, hook: str) -> None:
    flow.client_conn.peername = ("203.0.113.7", 4711)
    assert "[hidden]:4711" in printed(flow, hook, flow_detail=1)


def test_quiet_prints_nothing(printed: Printed) -> None:
    assert printed(flow_to("fal.run"), flow_detail=0) == ""


def test_a_health_check_is_not_printed(printed: Printed) -> None:
    flow = flow_to("127.0.0.1")
    assert printed(flow, flow_detail=1) != ""
    flow.metadata[flows.WHY] = CHECK
    assert printed(flow, flow_detail=1) == ""


def test_filters_see_the_flow_as_it_is(printed: Printed) -> None:
    assert printed(flow_to("fal.run"), dumper_filter="~u planted-token") != ""
    assert printed(flow_to("fal.run"), dumper_filter="~u nothing") == ""


def test_what_falmocks_view_shows_is_left_to_it(printed: Printed) -> None:
    views: list[bytes] = []
    guard = Guard(lambda _: True, lambda data, *_: not views.append(data), printed.redactor)
    terminal.installed(guard)
    assert "planted-body" in printed(flow_to("fal.run", b"password=planted-body"), flow_detail=3)
    assert views == [b"password=planted-body"] * 2
    assert "planted-body" not in printed(
        flow_to("fal.run", b"password=planted-body"), flow_detail=3, dumper_default_contentview="raw"
    )


def test_what_cannot_be_made_safe_is_not_printed(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(KEY)

    flow = flow_to("fal.run")
    monkeypatch.setattr(printed.redactor, "learn", broken)
    assert printed(flow, flow_detail=4) == ""
    assert "a flow could not be printed without its secrets" in printed.log.lines[-1]
    assert "Traceback" in printed.log.lines[-1]


def test_a_reload_changes_the_guard_and_stacks_nothing(printed: Printed) -> None:
    echo = printed.dumper.echo_flow
    filters = list(printed.log.filters)
    printed.redactor = Redactor()
    printed.redactor.learn_value("learned-since")
    printed.guard()
    assert printed.dumper.echo_flow is echo
    assert printed.log.filters == filters
    assert "learned-since" not in printed(flow_to("fal.run", b"learned-since"), flow_detail=4)


def test_an_unknown_dumper_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    class Dumper:
        def echo_flow(self, flow: http.HTTPFlow) -> None: ...

    with mitmproxy(Dumper()):
        terminal.installed(Guard(lambda _: True, lambda *_: False, Redactor()))
    assert "no websocket_message, websocket_end, _echo_message" in caplog.text
