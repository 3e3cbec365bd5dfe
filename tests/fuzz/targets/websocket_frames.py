"""The bytes of WebSocket frames at a session: what comes back are frames, the same however the bytes are cut."""

from __future__ import annotations

import asyncio
from typing import cast

import h11
from falmock.serving.websocket import WebSocketConnection
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from falmock.engine.effects import Socket
from falmock.wire.formats import frames as sent
from fuzz.harness import clock
from fuzz.harness import run
from fuzz.strategies import frames
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut
from fuzz.wire import Echo
from fuzz.wire import Wire

CASES = st.tuples(frames.FRAMES, CUTS, st.booleans())


async def _answered(parts: list[bytes], *, deflate: bool) -> tuple[list[object], list[str | bytes], bool]:
    client = WSConnection(ConnectionType.CLIENT)
    asked = events.Request(host="fal.run", target="/", extensions=[PerMessageDeflate()] if deflate else [])
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(client.send(asked))
    request = reader.next_event()
    assert isinstance(request, h11.Request)
    echo, wire = Echo(), Wire()
    session = WebSocketConnection(cast("asyncio.Transport", wire), Socket(echo, "test"), clock)
    session.open(request)
    for part in parts:
        if not wire.is_closed:
            session.feed(part)
    await asyncio.sleep(60)
    session.gone()
    client.receive_data(wire.written)
    heard = [event for event in client.events() if not isinstance(event, events.AcceptConnection)]
    return heard, echo.messages, wire.is_closed


def check(case: tuple[bytes, list[int], bool]) -> None:
    data, cuts, deflate = case
    heard, messages, closed = run(_answered(cut(data, ()), deflate=deflate))
    for event in heard:
        if isinstance(event, events.CloseConnection):
            assert event.code == 1005 or sent.is_sendable(event.code), event.code
            assert event is heard[-1]
    said = [event.data for event in heard if isinstance(event, events.Message)]
    whole = b"".join(each.encode() if isinstance(each, str) else bytes(each) for each in said)
    assert whole == b"".join(each.encode() if isinstance(each, str) else each for each in messages)
    again, messages_again, closed_again = run(_answered(cut(data, cuts), deflate=deflate))
    assert (messages_again, closed_again) == (messages, closed)
    assert _joined(again) == _joined(heard)


def _joined(heard: list[object]) -> list[object]:
    """Without how messages were split into events, and without wsproto's words for what is wrong."""
    return [
        event.code if isinstance(event, events.CloseConnection) else event
        for event in heard
        if not isinstance(event, events.Message)
    ]
