"""Ends TCP connections by RST, as a server does that dies."""

from __future__ import annotations

import asyncio
import socket
import struct

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: linger, for no time."""


def end_by_reset(sock: socket.socket | None) -> None:
    """Have a connection end by RST when its socket is closed. Does nothing without a socket."""
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def reset(transport: asyncio.WriteTransport) -> None:
    """Break a connection off. What is not sent yet never is."""
    end_by_reset(transport.get_extra_info("socket"))
    transport.abort()
