"""A socket to an engine: `talk >> message << frame` sends a message and checks that this frame comes next."""

from __future__ import annotations

import json
from typing import Any
from typing import Self

from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.fixtures.matching.miss import Miss
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Text
from falmock.wire.realtime import encode
from unit.engine.calls import Client

UPGRADE = {"upgrade": "websocket", "connection": "upgrade"}
LCM = "fal-ai/lcm"


def packed(value: Any) -> Binary:
    """A result as msgpack, as the runtime sends it."""
    return Binary(encode(value))


def said(value: Any) -> Text:
    """A text message with this as JSON."""
    return Text(json.dumps(value, separators=(",", ":")))


def broken(reason: str) -> Text:
    return said({"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": reason})


TIMED_OUT = said({"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs, reconnect when needed!"})


def frames(model: str, *frames: dict[str, Any], **match: Any) -> dict[str, Any]:
    """A fixture with frames."""
    return {"match": {"model": model, **match}, "realtime": list(frames)}


class Talk:
    """A socket of a client. `inbox` are the frames that were not checked yet; `misses` are all reported misses."""

    def __init__(self, client: Client, path: str = f"{LCM}/realtime", host: str = "fal.run", **headers: str) -> None:
        effect = client.effect("GET", f"https://{host}/{path}", None, UPGRADE | headers)
        assert isinstance(effect, Socket), effect
        self.effect = effect
        self.inbox: list[Frame] = []
        self.misses: list[Miss] = []
        self.again: float | None = None
        self._client = client
        self._take(effect.conversation.opened(client.now))

    def _take(self, turn: SocketStep) -> None:
        self.inbox += turn.frames
        self.misses += turn.misses
        self.again = turn.again

    def __rshift__(self, message: Any) -> Self:
        """Send a message: text, bytes, or anything else as msgpack."""
        raw = message if isinstance(message, str | bytes) else encode(message)
        self._take(self.effect.conversation.received(raw, self._client.now))
        return self

    def __lshift__(self, frame: Frame) -> Self:
        """Assert that this frame is next."""
        assert self.inbox, f"nothing came, expected {frame}"
        assert self.inbox.pop(0) == frame
        return self

    def wait(self, seconds: float) -> Self:
        """Let seconds pass, and receive what is due meanwhile, as from an edge."""
        until = self._client.now + seconds
        while self.again is not None and self.again <= until:
            self._client.now = max(self._client.now, self.again)
            self._take(self.effect.conversation.due(self._client.now))
        self._client.now = until
        return self

    def quiet(self) -> Self:
        """Assert that no frame is left."""
        assert self.inbox == []
        return self

    def error(self) -> dict[str, Any]:
        """The JSON of the next frame, which must be text."""
        frame = self.inbox.pop(0)
        assert isinstance(frame, Text)
        value = json.loads(frame.text)
        assert isinstance(value, dict)
        return value
