"""Ends TCP connections by RST, as a crashed server does."""

from __future__ import annotations

import asyncio
import socket
import struct

_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: on, with a timeout of 0 seconds."""


def end_by_reset(sock: socket.socket | None) -> None:
    """Make a connection end by RST when its socket is closed. Does nothing if the socket is None."""
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def reset(transport: asyncio.WriteTransport) -> None:
    """Reset a connection. Unsent data is lost."""
    end_by_reset(transport.get_extra_info("socket"))
    transport.abort()
