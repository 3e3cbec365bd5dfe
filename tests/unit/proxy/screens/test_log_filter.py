from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from falmock.proxy.screens import terminal
from falmock.proxy.screens.terminal import Guard
from falmock.serving import websocket_session
from unit.proxy.screens import KEY
from unit.proxy.screens import Printed

# mitmproxy 12 parses filters in a way that its library would like to see changed.
pytestmark = pytest.mark.filterwarnings("ignore:'parse:DeprecationWarning")


def test_lines_of_mitmproxy_and_falmock_are_for_people(printed: Printed) -> None:
    logging.getLogger("mitmproxy.proxy.server").warning("Bad line: %r", b"GET http://a.b/c?d=planted HTTP/1.1")
    logging.getLogger("falmock.proxy").warning("Authorization: Key %s", KEY)
    assert [line.partition("] ")[2] for line in printed.log.lines] == [
        "Bad line: b'GET http://a.b/c?[hidden] HTTP/1.1'",
        "Authorization: Key [hidden]",
    ]


def test_a_request_cannot_steer_the_terminal(printed: Printed) -> None:
    logging.getLogger("falmock.engine").warning("no fixture for /a\x1b[2J\x07\r\x9b\u202e\x00\nnearest: é\tb")
    assert printed.log.lines[-1].endswith("/a\\x1b[2J\\x07\\r\\x9b\\u202e\\x00\nnearest: é\tb")


def test_of_others_lines_only_secrets_are_hidden(printed: Printed) -> None:
    printed.redactor.learn({"authorization": f"Key {KEY}"})
    logging.getLogger("my.script").warning("GET https://a.b/c?page=2 with %s, 100%%", KEY)
    assert printed.log.lines[-1].endswith("] GET https://a.b/c?page=2 with [hidden], 100%")


def test_a_line_without_secrets_is_the_same(printed: Printed) -> None:
    logging.getLogger("mitmproxy").warning("%d%% of %s", 5, "it", extra={"client": ("127.0.0.1", 5)})
    assert printed.log.lines[-1].endswith("[127.0.0.1:5] 5% of it")


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7", "10.0.0.5", "::ffff:203.0.113.7"])
@pytest.mark.parametrize("name", ["mitmproxy.proxy.server", "my.script"])
def test_no_line_shows_the_address_of_a_client(printed: Printed, address: str, name: str) -> None:
    logging.getLogger(name).warning("client connect", extra={"client": (address, 4711)})
    assert printed.log.lines[-1].endswith("[[hidden]:4711] client connect")


def test_a_line_that_cannot_be_put_together_costs_nothing_but_itself(printed: Printed) -> None:
    guard = Guard(lambda _: False, lambda *_: False, printed.redactor)
    terminal.installed(guard).origins.add(("127.0.0.1", 40001))
    logging.getLogger("mitmproxy").warning("%d calls", "no")
    assert printed.log.lines[-1].endswith("(a log line that could not be searched for secrets)")


def test_lines_about_pings_of_the_origins_own_are_left_out(printed: Printed) -> None:
    guard = Guard(lambda _: False, lambda *_: False, printed.redactor)
    terminal.installed(guard).origins.add(("127.0.0.1", 40001))
    mitmproxy = logging.getLogger("mitmproxy.proxy.layer")
    for payload in (websocket_session.READ_ALL, b"the fixture's"):
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
    assert printed.log.lines[-1].endswith("(a log line that could not be searched for secrets)")
    assert len(calls) == 3
