"""The content view as mitmproxy calls it, whichever version this is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import contentviews
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils
from mitmproxy.websocket import WebSocketMessage

from falmock.proxy.screens import contentview
from falmock.proxy.screens.contentview import Screen
from falmock.redaction.redactor import Redactor
from falmock.wire.hosts import Hosts
from unit.proxy.mitm import mitmproxy


def flow_to(host: str, path: str = "/fal-ai/flux/dev", **response: Any) -> http.HTTPFlow:
    """A flow of a run on fal, or the same flow to another host."""
    headers = http.Headers(content_type="application/json", authorization="Key planted-id:planted-secret")
    request = tutils.treq(
        host=host, path=path.encode(), method=b"POST", headers=headers, content=b'{"prompt": "a cat"}', authority=b""
    )
    answered = {"headers": http.Headers(content_type="application/json"), "content": b'{"seed": 1}', **response}
    return tflow.tflow(req=request, resp=tutils.tresp(**answered))


def shown(flow: http.HTTPFlow, message: http.Message | None = None, view: str = "auto") -> str:
    """What mitmproxy's screens would show of a message, by default the response."""
    message = message or flow.response
    assert message is not None
    if contentview.REGISTRY is not None:
        return str(contentviews.prettify_message(message, flow, view).text)
    _, lines, error = contentviews.get_message_content_view(view, message, flow)
    assert error is None
    return "\n".join("".join(text for _, text in line) for line in lines)


@pytest.fixture
def screen() -> Iterator[Screen]:
    """The view, registered."""
    hosts, redactor = Hosts(), Redactor()
    made = Screen(lambda: hosts, redactor)
    contentview.register(made)
    with mitmproxy():
        yield made
    contentview.unregister()


@pytest.mark.usefixtures("screen")
def test_a_flow_to_fal_is_shown_as_what_it_is() -> None:
    flow = flow_to("fal.run", "/fal-ai/flux/dev?fal_jwt_token=planted-token")
    flow.metadata |= {"falmock.fixture": "a.json#0", "falmock.why": "exact input"}
    facts = "call: Run\nendpoint: fal-ai/flux/dev\nfixture: a.json#0 (exact input)\n"
    assert shown(flow, flow.request) == facts + 'input: { "prompt": "a cat" }'
    assert shown(flow) == facts + 'output: { "seed": 1 }'


@pytest.mark.usefixtures("screen")
def test_what_was_forwarded_and_recorded_says_so() -> None:
    flow = flow_to("fal.run")
    flow.metadata |= {"falmock.why": "record", "falmock.recorded": "fixtures/a.json"}
    assert "\nforwarded: record\nrecorded in: fixtures/a.json\n" in shown(flow)


@pytest.mark.usefixtures("screen")
def test_what_falmock_answered_without_a_fixture_was_not_forwarded() -> None:
    flow = flow_to("fal.run")
    flow.metadata |= {"falmock.why": "bad body", "falmock.fixture": None}
    assert "\nno fixture: bad body\n" in shown(flow)


@pytest.mark.usefixtures("screen")
def test_a_miss_report_is_shown() -> None:
    flow = flow_to("fal.run")
    flow.metadata["falmock.report"] = "falmock: no fixture\nAsked: it"
    assert "report: falmock: no fixture\nAsked: it\n" in shown(flow)


@pytest.mark.usefixtures("screen")
def test_an_empty_body_is_ours_too_or_another_view_would_show_the_query() -> None:
    flow = flow_to("queue.fal.run", "/a/b/requests/x/status?fal_jwt_token=planted-token")
    flow.request.method, flow.request.content = "GET", b""
    assert shown(flow, flow.request) == "call: Status\nendpoint: a/b\nrequest id: x\nbody: none"


@pytest.mark.usefixtures("screen")
@pytest.mark.parametrize(
    ("host", "content_type"),
    [
        ("example.com", "application/json"),
        ("fal.run.example.com", "image/png"),
        ("fal.run", "multipart/form-data; boundary=x"),
    ],
)
def test_other_flows_are_left_to_other_views(host: str, content_type: str) -> None:
    flow = flow_to(host)
    flow.request.headers["content-type"] = content_type
    assert "call:" not in shown(flow, flow.request)
    assert "call:" in shown(flow_to("fal.run"))


@pytest.mark.usefixtures("screen")
def test_chosen_by_hand_it_says_what_it_is_not_for() -> None:
    assert shown(flow_to("example.com"), view="falmock") == "This flow is not to one of fal's hosts."
    socket = tflow.twebsocketflow()
    assert socket.websocket is not None
    message: Any = socket.websocket.messages[0]
    assert shown(socket, message, view="falmock") == "This flow is not to one of fal's hosts."


@pytest.mark.usefixtures("screen")
def test_messages_on_a_socket_read_as_json() -> None:
    flow = flow_to("fal.run", "/fal-ai/flux/realtime")
    flow.request.method = "GET"
    flow.request.headers["upgrade"] = "websocket"
    flow.metadata |= {"falmock.why": "realtime", "falmock.fixture": None}
    assert shown(flow, flow.request).startswith("call: Socket\nendpoint: fal-ai/flux/realtime\nsocket: realtime\n")
    packed: Any = WebSocketMessage(2, True, b"\x82\xa1n\x01\xa5token\xb0planted-secret-1")
    assert shown(flow, packed) == 'msgpack: { "n": 1, "token": "[hidden]" }'
    text: Any = WebSocketMessage(1, False, b'{"n": 1}')
    assert shown(flow, text) == 'text: { "n": 1 }'
    assert "msgpack" not in shown(flow_to("example.com"), packed)


def test_it_never_raises(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(contentview.describe, "describe", broken)
    assert shown(flow_to("fal.run")) == "falmock cannot show this (RuntimeError): choose another view."
    monkeypatch.setattr(contentview.describe, "is_shown", broken)
    flow = flow_to("fal.run")
    assert not screen.wants(b"", flow, flow.response)


def test_registering_again_replaces(screen: Screen, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        contentview.register(screen)
    assert not caplog.records
    flow = flow_to("fal.run")
    assert screen.shows(b"{}", flow, flow.response)
    contentview.unregister()
    assert not screen.shows(b"{}", flow, flow.response)
    assert "call:" not in shown(flow)
    contentview.unregister()


def test_a_failure_to_register_is_a_warning(
    screen: Screen, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("no more views")

    if contentview.REGISTRY is not None:
        monkeypatch.setattr(contentview.REGISTRY, "register", refuse)
    else:
        monkeypatch.setattr(contentviews, "add", refuse)
    contentview.register(screen)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "falmock: mitmproxy refused the content view and will show its own views: no more views"
    ]
