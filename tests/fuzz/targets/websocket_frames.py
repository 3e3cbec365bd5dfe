"""The bytes of WebSocket frames at a session: what comes back are frames, the same however the bytes are cut."""

from __future__ import annotations

from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from falmock.engine.effects import Socket
from falmock.serving.http_reader import RequestReader
from falmock.serving.request_parts import Head
from falmock.serving.session import Ending
from falmock.serving.websocket_session import WebSocketSession
from falmock.wire.formats import frames as sent
from fuzz.echo import Echo
from fuzz.strategies import frames
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut

CASES = st.tuples(frames.FRAMES, CUTS, st.booleans())


def _answered(parts: list[bytes], *, deflate: bool) -> tuple[list[object], list[str | bytes], bool]:
    client = WSConnection(ConnectionType.CLIENT)
    asked = events.Request(host="fal.run", target="/", extensions=[PerMessageDeflate()] if deflate else [])
    reader = RequestReader()
    reader.feed(client.send(asked))
    head = reader.parts[0]
    assert isinstance(head, Head)
    echo = Echo()
    session = WebSocketSession(Socket(echo, "test"))
    session.open(head, 0.0)
    written = session.take()
    for part in parts:
        session.receive(part, 0.0)
        written += session.take()
    while session.wake_at is not None and session.ending in (Ending.OPEN, Ending.HALF):
        session.wake(session.wake_at)
        written += session.take()
    is_closed = session.ending is not Ending.OPEN
    session.gone()
    client.receive_data(written)
    heard = [event for event in client.events() if not isinstance(event, events.AcceptConnection)]
    return heard, echo.messages, is_closed


def check(case: tuple[bytes, list[int], bool]) -> None:
    data, cuts, deflate = case
    heard, messages, closed = _answered(cut(data, ()), deflate=deflate)
    for event in heard:
        if isinstance(event, events.CloseConnection):
            assert event.code == 1005 or sent.is_sendable(event.code), event.code
            assert event is heard[-1]
    said = [event.data for event in heard if isinstance(event, events.Message)]
    whole = b"".join(each.encode() if isinstance(each, str) else bytes(each) for each in said)
    assert whole == b"".join(each.encode() if isinstance(each, str) else each for each in messages)
    again, messages_again, closed_again = _answered(cut(data, cuts), deflate=deflate)
    assert (messages_again, closed_again) == (messages, closed)
    assert _joined(again) == _joined(heard)


def _joined(heard: list[object]) -> list[object]:
    """Without how messages were split into events, and without wsproto's words for what is wrong."""
    return [
        event.code if isinstance(event, events.CloseConnection) else event
        for event in heard
        if not isinstance(event, events.Message)
    ]
