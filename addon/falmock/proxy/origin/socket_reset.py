"""Resets WebSockets.

mitmproxy closes the client's side normally (1000) if the server disconnects without a close. So the origin sends a
marker message, at which the client's connection is reset instead.
"""

from __future__ import annotations

import secrets

from mitmproxy import http

from falmock.engine.effects import Conversation
from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import SocketStep
from falmock.proxy.origin import client_reset
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.formats.frames import begun

_MARKER = secrets.token_hex(32)
"""What the origin sends in place of a reset. It is random, so that nobody else can send it."""


class SocketReset(ConversationWrapper):
    """A conversation that sends the marker for `breaks` in place of a reset. It cuts messages, not frames."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._in_binary = False

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        if not step.frames:
            return step
        frames: list[Frame] = []
        for frame in step.frames:
            frames += (begun(frame.message), Reset()) if isinstance(frame, Cut) else (frame,)
        return step._replace(frames=tuple(map(self._marked, frames)))

    def _marked(self, frame: Frame) -> Frame:
        if isinstance(frame, Binary | Stored):
            self._in_binary = not frame.final
        if not isinstance(frame, Reset):
            return frame
        # A message that has begun must continue in the same type.
        return Binary(_MARKER.encode()) if self._in_binary else Text(_MARKER)


def breaks(flow: http.HTTPFlow) -> bool:
    """Whether the last message of a socket is the marker for a reset; if so, reset the client's connection."""
    if flow.websocket is None or not flow.websocket.messages:
        return False
    message = flow.websocket.messages[-1]
    if message.from_client or not message.content.endswith(_MARKER.encode()):
        return False
    message.drop()
    # The message stays: other addons look at the last message, and this may be the only one.
    message.content = message.content.removesuffix(_MARKER.encode())
    client_reset.reset_client(flow)
    return True
