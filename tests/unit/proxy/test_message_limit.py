"""How many messages open sockets may hold."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy import websocket
from mitmproxy.test import tflow
from wsproto.frame_protocol import Opcode

from falmock.proxy import message_limit as messages_
from falmock.proxy.message_limit import MessageLimit


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_, "MOST", 100)
    monkeypatch.setattr(messages_, "MOST_BYTES", 1000)


def socket() -> http.HTTPFlow:
    flow = tflow.twebsocketflow()
    assert flow.websocket is not None
    flow.websocket.messages.clear()
    return flow


def say(messages: MessageLimit, flow: http.HTTPFlow, content: bytes) -> None:
    held(flow).append(websocket.WebSocketMessage(Opcode.BINARY, from_client=True, content=content))
    messages.came(flow)


def held(flow: http.HTTPFlow) -> list[websocket.WebSocketMessage]:
    assert flow.websocket is not None
    return flow.websocket.messages


def contents(flow: http.HTTPFlow) -> list[bytes]:
    return [message.content for message in held(flow)]


def test_a_socket_is_held_whole_up_to_the_limit() -> None:
    messages, flow = MessageLimit(), socket()
    for number in range(100):
        say(messages, flow, b"%d" % number)
    assert len(held(flow)) == 100
    say(messages, flow, b"100")
    assert contents(flow) == [b"%d" % number for number in range(50, 101)]


def test_long_messages_count_by_their_bytes_and_the_last_stays() -> None:
    messages, flow = MessageLimit(), socket()
    for number in range(5):
        say(messages, flow, bytes([number]) * 600)
    assert contents(flow) == [b"\x04" * 600]
    say(messages, flow, b"x" * 5000)
    assert contents(flow) == [b"x" * 5000]
    say(messages, flow, b"small")
    assert contents(flow) == [b"small"]


def test_what_is_closed_does_not_count_and_keeps_what_it_has() -> None:
    messages, first, second = MessageLimit(), socket(), socket()
    for number in range(90):
        say(messages, first, b"%d" % number)
    messages.ended(first)
    for number in range(90):
        say(messages, second, b"%d" % number)
    assert (len(held(first)), len(held(second))) == (90, 90)


def test_a_socket_that_said_nothing_may_end() -> None:
    messages = MessageLimit()
    messages.ended(socket())
    messages.came(tflow.tflow())
    assert messages._count == 0


@given(st.lists(st.integers(0, 300), min_size=1, max_size=200), st.integers(1, 30), st.integers(0, 2**32))
def test_however_many_there_are_memory_is_bounded_and_the_latest_stays(sizes: list[int], count: int, seed: int) -> None:
    messages, flows, dice = MessageLimit(), [socket() for _ in range(count)], random.Random(seed)
    for size in sizes:
        flow = dice.choice(flows)
        say(messages, flow, bytes(size))
        assert contents(flow)[-1] == bytes(size)
        total = [message for each in flows for message in held(each)]
        assert (messages._count, messages._bytes) == (len(total), sum(len(one.content) for one in total))
        assert len(total) <= 100 + 1
    for flow in flows:
        messages.ended(flow)
    assert (messages._count, messages._bytes, messages._held) == (0, 0, {})
