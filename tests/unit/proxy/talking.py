"""Conversations for a WebSocket of the origin, and a client for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wsproto import ConnectionType
from wsproto import WSConnection
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.proxy.origin.server import Origin
from falmock.proxy.origin.tickets import HEADER
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Text
from unit.proxy.loopback import Peer

Message = str | bytes
Answers = Callable[[Message, float], SocketStep]
NOTHING = SocketStep()


class Talk:
    """A conversation that keeps the messages it gets, plays `first` when it opens and `later` when it is due."""

    def __init__(
        self, answer: Answers = lambda *_: NOTHING, first: SocketStep = NOTHING, later: SocketStep = NOTHING
    ) -> None:
        self.messages: list[Message] = []
        self.dues: list[float] = []
        self._answer = answer
        self._first = first
        self._later = later

    def opened(self, now: float) -> SocketStep:
        return self._first._replace(again=None if self._first.again is None else now + self._first.again)

    def received(self, message: Message, now: float) -> SocketStep:
        self.messages.append(message)
        return self._answer(message, now)

    def due(self, now: float) -> SocketStep:
        self.dues.append(now)
        return self._later


def says(*frames: Frame) -> Talk:
    """A conversation that opens with these frames."""
    return Talk(first=SocketStep(frames))


def echo(message: Message, _: float) -> SocketStep:
    return SocketStep((Text(message) if isinstance(message, str) else Binary(message),))


class Caller:
    """A client of a socket."""

    def __init__(self, peer: Peer, *, deflate: bool) -> None:
        self._peer = peer
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._extensions = [PerMessageDeflate()] if deflate else []
        self._seen: list[events.Event] = []
        self._read = b""
        self.accepted: events.AcceptConnection | None = None

    @classmethod
    async def connected(cls, origin: Origin, talk: Talk, *, deflate: bool = False, **more: Any) -> Caller:
        """A client whose handshake is done."""
        ticket = await origin.admit(Socket(talk, "test", **more))
        caller = cls(await Peer.connected(origin), deflate=deflate)
        extra = [(HEADER.encode(), ticket.encode())]
        caller.say(
            events.Request(
                host="fal.run", target="/a/b/realtime?x=1", extensions=caller._extensions, extra_headers=extra
            )
        )
        accepted = await caller.next()
        assert isinstance(accepted, events.AcceptConnection)
        caller.accepted = accepted
        return caller

    async def __aenter__(self) -> Caller:  # noqa: PYI034
        return self

    async def __aexit__(self, *_: object) -> None:
        self._peer.writer.transport.abort()

    def say(self, *said: events.Event) -> None:
        self._peer.writer.write(b"".join(self._ws.send(event) for event in said))

    def say_raw(self, data: bytes) -> None:
        self._peer.writer.write(data)

    def vanish(self) -> None:
        self._peer.vanish()

    async def next(self) -> events.Event | None:
        """What comes next; None when the connection is at its end."""
        while not self._seen:
            data = await self._peer.reader.read(65536)
            if not data:
                return None
            self._read += data
            self._ws.receive_data(data)
            self._seen.extend(self._ws.events())
        return self._seen.pop(0)

    async def rest(self) -> bytes:
        """Every byte after the handshake, to the end."""
        return (self._read + await self._peer.reader.read()).partition(b"\r\n\r\n")[2]

    async def message(self) -> Message:
        """The next whole message."""
        parts: list[Any] = []
        while True:
            event = await self.next()
            assert isinstance(event, events.TextMessage | events.BytesMessage), event
            parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                return type(parts[0])().join(parts)  # type: ignore[no-any-return]

    async def closed(self) -> tuple[int, str | None]:
        """The code and reason of the close that comes next; it is answered, and then the connection ends."""
        event = await self.next()
        assert isinstance(event, events.CloseConnection), event
        self.say(event.response())
        assert await self.next() is None
        return event.code, event.reason or None
