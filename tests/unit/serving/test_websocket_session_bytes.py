"""Bytes for a WebSocket that are split anywhere or malformed, without a real connection."""

from __future__ import annotations

import random
from typing import Any

import h11
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from falmock.engine.effects import Socket
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.serving.websocket_session import WebSocketSession
from unit.proxy.talking import Message
from unit.proxy.talking import Talk
from unit.proxy.talking import echo


def opened(talk: Talk, *, deflate: bool) -> tuple[WebSocketSession, WSConnection]:
    """A session that has accepted the handshake of this client."""
    client = WSConnection(ConnectionType.CLIENT)
    extensions = [PerMessageDeflate()] if deflate else []
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(client.send(events.Request(host="fal.run", target="/a/b/realtime", extensions=extensions)))
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    session = WebSocketSession(Socket(talk, "test"))
    session.open(
        Head("GET", request.target, tuple((bytes(name), bytes(value)) for name, value in request.headers)), 0.0
    )
    client.receive_data(session.take())
    assert any(isinstance(event, events.AcceptConnection) for event in client.events())
    return session, client


def fed(session: WebSocketSession, data: bytes, seed: int) -> None:
    """Feed bytes to a session in parts of any size."""
    dice = random.Random(seed)
    while data:
        size = dice.choice([1, 2, 7, 50, len(data)])
        session.receive(data[:size], 0.0)
        data = data[size:]


_MESSAGES = st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=200)), max_size=6)


@given(_MESSAGES, st.booleans(), st.booleans(), st.integers(0, 2**32))
@settings(max_examples=200)
def test_messages_are_the_same_wherever_frames_and_bytes_are_cut(
    messages: list[Message],
    deflate: bool,  # noqa: FBT001
    fragmented: bool,  # noqa: FBT001
    seed: int,
) -> None:
    talk = Talk(echo)
    session, client = opened(talk, deflate=deflate)
    for message in messages:
        kind: Any = events.TextMessage if isinstance(message, str) else events.BytesMessage
        middle = len(message) // 2 if fragmented else 0
        said = client.send(kind(data=message[:middle], message_finished=False)) if middle else b""
        fed(session, said + client.send(kind(data=message[middle:])), seed)
    client.receive_data(session.take())
    heard: list[Any] = [event.data for event in client.events() if isinstance(event, events.Message)]
    assert talk.messages == messages
    assert heard == messages
    fed(session, client.send(events.CloseConnection(code=1000)), seed)
    assert session.ending is Ending.CLOSE


@given(st.binary(max_size=300), st.booleans(), st.integers(0, 2**32))
@settings(max_examples=300)
def test_bytes_that_are_no_frames_break_nothing(noise: bytes, deflate: bool, seed: int) -> None:  # noqa: FBT001
    session, _ = opened(Talk(echo), deflate=deflate)
    dice = random.Random(seed)
    while noise and session.ending is Ending.OPEN:
        session.receive(noise[: dice.randint(1, len(noise))], 0.0)
        if dice.random() < 0.5:
            break
    session.gone()
