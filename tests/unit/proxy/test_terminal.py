"""What is printed of flows, and what gets into the event log."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from mitmproxy import flow as flows_
from mitmproxy import http
from mitmproxy import log
from mitmproxy.addons import dumper
from mitmproxy.test import taddons
from mitmproxy.test import tflow
from mitmproxy.test import tutils
from mitmproxy.websocket import WebSocketMessage

from falmock.fixtures.redaction import Redactor
from falmock.proxy import flows
from falmock.proxy import speaker
from falmock.proxy import terminal
from falmock.proxy.terminal import Guard
from falmock.wire.hosts import Hosts
from unit.proxy.mitm import mitmproxy

# mitmproxy 12 parses filters in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")
KEY = "planted-id:planted-secret"


class Lines(log.MitmLogHandler):
    """A handler like mitmproxy's own, which keeps its lines."""

    def __init__(self) -> None:
        super().__init__()
        self._initiated_in_test = None  # or it would listen only while the fixture is made
        self.formatter = log.MitmFormatter(colorize=False)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Printed:
    """A dumper behind the guard, and what it prints."""

    def __init__(self, context: taddons.context, dumper_: dumper.Dumper, out: io.StringIO) -> None:
        self.context = context
        self.dumper = dumper_
        self._out = out
        self.redactor = Redactor()
        self.log = Lines()
        self.log.install()
        self.guard()

    def guard(self) -> None:
        """Install the guard as a load of the script does."""
        terminal.installed(
            Guard(lambda flow: flows.host_of(flow.request, Hosts()) is not None, lambda *_: False, self.redactor)
        )

    def __call__(self, flow: http.HTTPFlow, hook: str = "response", **options: Any) -> str:
        self._out.seek(0)
        self._out.truncate()
        self.context.configure(self.dumper, **options)
        getattr(self.dumper, hook)(flow)
        return self._out.getvalue()


@contextmanager
def printing() -> Iterator[Printed]:
    out = io.StringIO()
    made = dumper.Dumper(out)
    with mitmproxy(made) as context:
        printed = Printed(context, made, out)
        yield printed
        printed.log.uninstall()


@pytest.fixture
def printed() -> Iterator[Printed]:
    with printing() as made:
        yield made


def flow_to(host: str, body: bytes = b"", **headers: str) -> http.HTTPFlow:
    request = tutils.treq(
        host=host,
        authority=b"",
        path=b"/fal-ai/flux/dev?fal_jwt_token=planted-token",
        headers=http.Headers(authorization=f"Key {KEY}", x_note=KEY, accept="*/*", **headers),
        content=body,
    )
    answered = http.Headers(set_cookie="session=planted-cookie; Path=/", location="https://x.y/z?sig=planted-signature")
    return tflow.tflow(req=request, resp=tutils.tresp(headers=answered, content=body))


@pytest.mark.parametrize("detail", [1, 2, 3, 4])
def test_of_a_fal_flow_no_secret_is_printed(printed: Printed, detail: int) -> None:
    flow = flow_to("fal.run", f'{{"a": "{KEY}"}}'.encode())
    flow.error = flows_.Error(f"it broke at {KEY}")
    text = printed(flow, flow_detail=detail)
    assert "planted" not in text
    assert "http://fal.run:22/fal-ai/flux/dev?[hidden]" in text
    assert "it broke at [hidden]" in text
    assert ("authorization: [hidden]" in text) == (detail >= 2)
    assert ("accept: */*" in text) == (detail >= 2)
    assert ("x-note: [hidden]" in text) == (detail >= 2)
    assert ("set-cookie: [hidden]" in text) == (detail >= 2)
    assert ("location: https://x.y/z?[hidden]" in text) == (detail >= 2)


def test_the_flow_itself_is_left_as_it_is(printed: Printed) -> None:
    flow = flow_to("fal.run", KEY.encode())
    before = flow.get_state()
    printed(flow, flow_detail=4)
    assert flow.get_state() == before


@pytest.mark.parametrize("detail", [0, 1, 2, 3, 4])
def test_other_flows_are_printed_as_ever(printed: Printed, detail: int) -> None:
    flow = flow_to("example.com", b"planted-secret")
    out = io.StringIO()
    plain = dumper.Dumper(out)
    text = printed(flow, flow_detail=detail)
    plain.response(flow)
    assert text == out.getvalue()
    assert ("?fal_jwt_token=pla" in text) == (detail >= 1)


def test_quiet_prints_nothing(printed: Printed) -> None:
    assert printed(flow_to("fal.run"), flow_detail=0) == ""


def test_filters_see_the_flow_as_it_is(printed: Printed) -> None:
    assert printed(flow_to("fal.run"), dumper_filter="~u planted-token") != ""
    assert printed(flow_to("fal.run"), dumper_filter="~u nothing") == ""


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (f'{{"token": "{KEY}"}}'.encode(), {}),
        (b"\xff\x00" + KEY.encode(), {}),
        (
            f"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n{KEY}\r\n--x--\r\n".encode(),
            {"content_type": "multipart/form-data; boundary=x"},
        ),
        (KEY.encode() + b"x" * terminal.MAX_READ, {}),
    ],
)
@pytest.mark.parametrize("view", ["auto", "raw", "json", "multipart form"])
def test_bodies_in_any_view(printed: Printed, body: bytes, headers: dict[str, str], view: str) -> None:
    text = printed(flow_to("fal.run", body, **headers), flow_detail=4, dumper_default_contentview=view)
    assert "planted" not in text
    assert "hidden" in text or "too many to look through" in text


def test_encoded_bodies(printed: Printed) -> None:
    flow = flow_to("fal.run", f'{{"a": "{KEY}", "b": 1}}'.encode())
    flow.request.encode("gzip")
    text = printed(flow, flow_detail=4, dumper_default_contentview="raw")
    assert '{"a": "[hidden]", "b": 1}' in text
    flow.request.raw_content = f"not gzip: {KEY}".encode()
    text = printed(flow, flow_detail=4, dumper_default_contentview="raw")
    assert "not gzip: [hidden]" in text
    assert "planted" not in text


def test_what_falmocks_view_shows_is_left_to_it(printed: Printed) -> None:
    views: list[bytes] = []
    guard = Guard(lambda _: True, lambda data, *_: not views.append(data), printed.redactor)
    terminal.installed(guard)
    assert "planted-body" in printed(flow_to("fal.run", b"password=planted-body"), flow_detail=3)
    assert views == [b"password=planted-body"] * 2
    assert "planted-body" not in printed(
        flow_to("fal.run", b"password=planted-body"), flow_detail=3, dumper_default_contentview="raw"
    )


def test_sockets(printed: Printed) -> None:
    flow = tflow.twebsocketflow()
    flow.request = flow_to("fal.run").request
    assert flow.websocket is not None
    flow.websocket.messages[-1].content = f"hello {KEY}".encode()
    flow.websocket.close_reason, flow.websocket.close_code = f"enough, {KEY}", 1000
    printed.redactor.learn({"authorization": f"Key {KEY}"})
    message = printed(flow, "websocket_message", flow_detail=3)
    assert "/fal-ai/flux/dev?[hidden]" in message
    assert "hello [hidden]" in message
    assert "1000 enough, [hidden]" in printed(flow, "websocket_end", flow_detail=3)
    assert flow.websocket.close_reason == f"enough, {KEY}"


@pytest.mark.parametrize("view", ["auto", "raw", "hex"])
def test_secrets_in_msgpack_are_hidden_though_nothing_gives_them_away_but_their_key(
    printed: Printed, view: str
) -> None:
    flow = tflow.twebsocketflow()
    flow.request = flow_to("fal.run").request
    assert flow.websocket is not None
    content = b"\x82\xa5token\xb0planted-secret-1\xa5image\xc4\x03abc"
    flow.websocket.messages = [WebSocketMessage(2, True, content)]
    text = printed(flow, "websocket_message", flow_detail=4, dumper_default_contentview=view)
    assert "token" in text
    assert "planted" not in text
    assert "(3 bytes)" in text
    assert flow.websocket.messages[0].content == content
    flow.websocket.messages = [WebSocketMessage(2, True, b"\x81\xa1a\xdb\x00\x20\x00\x00" + b"a" * 2**21)]
    assert "too many to look" in printed(
        flow, "websocket_message", flow_detail=4, dumper_default_contentview=view
    ).replace("\n", "")


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


# the event log


def test_lines_of_mitmproxy_and_falmock_are_for_people(printed: Printed) -> None:
    logging.getLogger("mitmproxy.proxy.server").warning("Bad line: %r", b"GET http://a.b/c?d=planted HTTP/1.1")
    logging.getLogger("falmock.proxy").warning("Authorization: Key %s", KEY)
    assert [line.partition("] ")[2] for line in printed.log.lines] == [
        "Bad line: b'GET http://a.b/c?[hidden] HTTP/1.1'",
        "Authorization: Key [hidden]",
    ]


def test_of_others_lines_only_secrets_are_hidden(printed: Printed) -> None:
    printed.redactor.learn({"authorization": f"Key {KEY}"})
    logging.getLogger("my.script").warning("GET https://a.b/c?page=2 with %s, 100%%", KEY)
    assert printed.log.lines[-1].endswith("] GET https://a.b/c?page=2 with [hidden], 100%")


def test_a_line_without_secrets_is_the_same(printed: Printed) -> None:
    logging.getLogger("mitmproxy").warning("%d%% of %s", 5, "it", extra={"client": ("127.0.0.1", 5)})
    assert printed.log.lines[-1].endswith("[127.0.0.1:5] 5% of it")


def test_a_line_that_cannot_be_put_together_costs_nothing_but_itself(printed: Printed) -> None:
    guard = Guard(lambda _: False, lambda *_: False, printed.redactor)
    terminal.installed(guard).origins.add(("127.0.0.1", 40001))
    logging.getLogger("mitmproxy").warning("%d calls", "no")
    assert printed.log.lines[-1].endswith("(a log line that could not be looked through for secrets)")


def test_lines_about_pings_of_the_origins_own_are_left_out(printed: Printed) -> None:
    guard = Guard(lambda _: False, lambda *_: False, printed.redactor)
    terminal.installed(guard).origins.add(("127.0.0.1", 40001))
    mitmproxy = logging.getLogger("mitmproxy.proxy.layer")
    for payload in (speaker.READ_ALL, b"the fixture's"):
        mitmproxy.warning("Received WebSocket ping from server (payload: %r)", payload)
        mitmproxy.warning("Received WebSocket pong from client (payload: %r)", payload)
    assert len(printed.log.lines) == 2
    assert "the fixture's" in printed.log.lines[0]


def test_lines_about_connections_to_the_origin_are_left_out(printed: Printed) -> None:
    guard = Guard(lambda _: False, lambda *_: False, printed.redactor)
    terminal.installed(guard).origins |= {("127.0.0.1", 40001), ("127.0.0.1", 40002)}
    mitmproxy, other = logging.getLogger("mitmproxy.proxy.server"), logging.getLogger("my.script")
    for line in (
        "server connect 127.0.0.1:40001",
        "server disconnect 127.0.0.1:40002",
        "Streaming request to 127.0.0.1.",
    ):
        mitmproxy.warning("%s", line)
        other.warning("%s", line)
    mitmproxy.warning("server connect 127.0.0.1:40003")
    assert [line.partition("] ")[2] for line in printed.log.lines] == [
        "server connect 127.0.0.1:40001",
        "server disconnect 127.0.0.1:40002",
        "Streaming request to 127.0.0.1.",
        "server connect 127.0.0.1:40003",
    ]


@contextmanager
def logged() -> Iterator[None]:
    try:
        yield
    except ValueError:
        logging.getLogger("mitmproxy").exception("failed")
        raise


def test_tracebacks_are_looked_through(printed: Printed) -> None:
    printed.redactor.learn({"authorization": f"Key {KEY}"})
    for text in (KEY, "innocent"):
        with contextlib.suppress(ValueError), logged():
            int(text)
    assert "base 10: '[hidden]'" in printed.log.lines[0]
    assert "base 10: 'innocent'" in printed.log.lines[1]
    assert "planted" not in "".join(printed.log.lines)


def test_a_line_that_cannot_be_read_is_not_shown(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def broken(text: str) -> str:
        calls.append(text)
        raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(printed.redactor, "text", broken)
    logging.getLogger("mitmproxy").warning("a %s", KEY)
    assert printed.log.lines[-1].endswith("(a log line that could not be looked through for secrets)")
    assert len(calls) == 3
