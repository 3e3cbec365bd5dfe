"""Passes every byte of a socket to the client as it is sent, also incomplete messages and frames.

mitmproxy's WebSocket layer holds a message back until it is complete. After a handshake whose flow has no WebSocket,
mitmproxy passes everything on byte for byte, unless `rawtcp` is off. That is a TCP flow of its own, beside the flow of
the handshake. It leads to the origin, so other addons must not see it.
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
"""The key of a flow's metadata that says, until the handshake is over, that the flow will become a tunnel."""


class Resetting(ConversationWrapper):
    """A conversation in a tunnel: its reset resets the connection of the flow's client."""

    def __init__(self, conversation: Conversation, flow: http.HTTPFlow) -> None:
        super().__init__(conversation)
        self._flow = flow

    def _passed(self, step: SocketStep, now: float) -> SocketStep:  # noqa: ARG002
        if any(isinstance(frame, Reset) or (isinstance(frame, Cut) and frame.reset) for frame in step.frames):
            client_reset.end_by_reset(self._flow)
        return step


def prepared(flow: http.HTTPFlow, socket: Socket) -> Socket:
    """The socket in the form in which this flow's client can receive it."""
    if socket.exact and ctx.options.rawtcp:
        flow.metadata[_MARK] = True
        return socket._replace(conversation=Resetting(socket.conversation, flow))
    if socket.exact:
        logger.warning(
            "falmock: clients do not see the parts of a message that breaks off, only the break: "
            "mitmproxy passes the parts on only if the option rawtcp is true"
        )
    return socket._replace(conversation=SocketReset(socket.conversation), exact=False)


def open_through(flow: http.HTTPFlow) -> None:
    """The handshake is over: make the flow a tunnel, if it was prepared to be one."""
    if flow.metadata.pop(_MARK, False):
        flow.websocket = None


class Hidden:
    """Hides the TCP flows to the origin from the addons after this one. `origins` are its addresses, also former ones."""

    name = "falmock-tunnels"

    def __init__(self, origins: Collection[tuple[str, int]]) -> None:
        self._origins = origins

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """See the class. Raises AddonHalt, like the other hooks."""
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
