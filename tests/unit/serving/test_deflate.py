from __future__ import annotations

import inspect
import tracemalloc

import pytest
from mitmproxy.proxy.layers import websocket
from wsproto import extensions
from wsproto.connection import Connection
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage
from wsproto.events import CloseConnection
from wsproto.events import Event
from wsproto.events import Message
from wsproto.events import Ping
from wsproto.extensions import PerMessageDeflate

from falmock.serving import deflate
from falmock.serving.deflate import TOO_BIG
from falmock.serving.deflate import BoundedDeflate


class Pair:
    """A client that compresses its messages, and a server with the limit."""

    def __init__(self) -> None:
        sending, receiving = PerMessageDeflate(), BoundedDeflate()
        for each in (sending, receiving):
            each.finalize("permessage-deflate")
        self.client = Connection(ConnectionType.CLIENT, [sending])
        self.server = Connection(ConnectionType.SERVER, [receiving])

    def send(self, *events: Event) -> list[Event]:
        self.server.receive_data(b"".join(map(self.client.send, events)))
        return list(self.server.events())


def content(events: list[Event]) -> bytes:
    return b"".join(bytes(event.data) for event in events if isinstance(event, Message))


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate, "MAX_MESSAGE", 100_000)


def test_each_message_may_be_as_long() -> None:
    pair = Pair()
    for _ in range(3):
        assert content(pair.send(BytesMessage(bytes(100_000)))) == bytes(100_000)


@pytest.mark.parametrize("sizes", [(100_001,), (60_000, 40_001), (1,) * 100 + (100_000,), (10**7,)])
def test_a_longer_message_closes_the_socket(sizes: tuple[int, ...]) -> None:
    pair = Pair()
    assert content(pair.send(BytesMessage(bytes(90_000)))) == bytes(90_000)
    parts = [BytesMessage(bytes(size), message_finished=place == len(sizes)) for place, size in enumerate(sizes, 1)]
    events = pair.send(Ping(), *parts)
    (closed,) = (event for event in events if isinstance(event, CloseConnection))
    assert closed.code == TOO_BIG
    assert len(content(events)) <= 100_000


def test_no_more_is_made_than_the_limit() -> None:
    pair = Pair()
    data = pair.client.send(BytesMessage(bytes(64 << 20)))
    tracemalloc.start()
    pair.server.receive_data(data)
    list(pair.server.events())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_what_is_not_compressed_so() -> None:
    pair = Pair()
    assert content(pair.send(BytesMessage(b"x"))) == b"x"
    frame = bytearray(pair.client.send(BytesMessage(b"hello")))
    frame[6:] = (0xFF ^ frame[2 + place % 4] for place in range(len(frame) - 6))
    pair.server.receive_data(bytes(frame))
    (closed,) = pair.server.events()
    assert isinstance(closed, CloseConnection)
    assert closed.code == 1007


def test_mitmproxy_gets_it_too() -> None:
    assert inspect.getsource(websocket).count("wsproto.extensions.PerMessageDeflate()") == 2
    deflate.install()
    assert extensions.PerMessageDeflate is BoundedDeflate
    deflate.uninstall()
    assert extensions.PerMessageDeflate is PerMessageDeflate
