"""Breaks off WebSockets.

mitmproxy ends the client's side in order (1000) when the server's is gone without a word. So it is told, by a word of
ours, when the client is to see nothing of an end.
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

_WORD = secrets.token_hex(32)
"""What the origin says in the place of a reset. Nobody else can."""


class SocketReset(ConversationWrapper):
    """A conversation whose reset is a word to `breaks`. It has no frames that are cut, only messages."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__(conversation)
        self._in_binary = False

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        if not step.frames:
            return step
        frames: list[Frame] = []
        for frame in step.frames:
            frames += (begun(frame.message), Reset()) if isinstance(frame, Cut) else (frame,)
        return step._replace(frames=tuple(map(self._word, frames)))

    def _word(self, frame: Frame) -> Frame:
        if isinstance(frame, Binary | Stored):
            self._in_binary = not frame.final
        if not isinstance(frame, Reset):
            return frame
        # What begins a message is gone on with in its kind.
        return Binary(_WORD.encode()) if self._in_binary else Text(_WORD)


def breaks(flow: http.HTTPFlow) -> bool:
    """Whether the last message of a socket says that it is to break off. Its client's connection is reset then."""
    if flow.websocket is None or not flow.websocket.messages:
        return False
    message = flow.websocket.messages[-1]
    if message.from_client or not message.content.endswith(_WORD.encode()):
        return False
    message.drop()
    # It stays: other addons look at the last message, and this may be the only one.
    message.content = message.content.removesuffix(_WORD.encode())
    client_reset.reset_client(flow)
    return True
