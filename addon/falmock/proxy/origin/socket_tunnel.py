"""Has clients see every byte of a socket as it is sent, halves of messages and of frames too.

mitmproxy's WebSocket layer keeps a message back until it is whole. Behind a handshake whose flow has no WebSocket it
passes on what comes, byte for byte, unless `rawtcp` is off. That is a TCP flow beside the one of the handshake, and
it leads to the origin, so no other addon is to see it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from mitmproxy import ctx
from mitmproxy import exceptions
from mitmproxy import http
from mitmproxy import tcp

from falmock.engine.effects import Conversation
from falmock.engine.effects import ConversationWrapper
from falmock.engine.effects import Socket
from falmock.engine.effects import SocketStep
from falmock.proxy.origin import client_reset
from falmock.proxy.origin.socket_reset import SocketReset
from falmock.wire.formats.frames import Cut
from falmock.wire.formats.frames import Reset

logger = logging.getLogger(__name__)
_MARK = "falmock.exact"
"""The key of a flow's metadata that tells, until its handshake is over, that it is to become a tunnel."""


class Resetting(ConversationWrapper):
    """A conversation in a tunnel: where it resets, the connection of the flow's client is."""

    def __init__(self, conversation: Conversation, flow: http.HTTPFlow) -> None:
        super().__init__(conversation)
        self._flow = flow

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        if any(isinstance(frame, Reset) or (isinstance(frame, Cut) and frame.reset) for frame in step.frames):
            client_reset.end_by_reset(self._flow)
        return step


def prepared(flow: http.HTTPFlow, socket: Socket) -> Socket:
    """A socket as it can be played to the client of this flow."""
    if socket.exact and ctx.options.rawtcp:
        flow.metadata[_MARK] = True
        return socket._replace(conversation=Resetting(socket.conversation, flow))
    if socket.exact:
        logger.warning(
            "falmock: of a message that breaks off, clients see nothing but that it does: "
            "mitmproxy passes on its parts only where the option rawtcp is true"
        )
    return socket._replace(conversation=SocketReset(socket.conversation), exact=False)


def open_through(flow: http.HTTPFlow) -> None:
    """The handshake is over: pass on whatever follows, if that was prepared."""
    if flow.metadata.pop(_MARK, False):
        flow.websocket = None


class Hidden:
    """The addon that keeps the TCP flows to the origin from those behind it. `origins` are its addresses, old ones too."""

    name = "falmock-tunnels"

    def __init__(self, origins: Collection[tuple[str, int]]) -> None:
        self._origins = origins

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """See the class. Raises AddonHalt, as the other hooks do."""
        self._hide(flow)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        """See the class."""
        self._hide(flow)

    def tcp_end(self, flow: tcp.TCPFlow) -> None:
        """See the class."""
        self._hide(flow)

    def tcp_error(self, flow: tcp.TCPFlow) -> None:
        """See the class."""
        self._hide(flow)

    def _hide(self, flow: tcp.TCPFlow) -> None:
        if flow.server_conn.address in self._origins:
            flow.messages.clear()  # mitmproxy would hold them until the end
            raise exceptions.AddonHalt
