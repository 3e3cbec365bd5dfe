"""One port for several processes.

Linux spreads the connections over the sockets that processes bind with SO_REUSEPORT. macOS has the option too, but gives them all
to one socket: there, and where there is no such option, all processes have the same socket.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from falmock.cli.launch.workers.assignment import Assignment

SPREADS = sys.platform == "linux" and hasattr(socket, "SO_REUSEPORT")
"""Whether each process has a socket of its own."""


def reserved(host: str, port: int) -> list[socket.socket]:
    """Bound sockets that do not listen: they keep the port while workers end and start. Raises OSError, also if it is taken."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with ExitStack() as made:
        found = []
        for family, address in dict.fromkeys((info[0], info[4]) for info in infos):
            if SPREADS and port:  # another falmock with workers would share the port
                _bound(family, address, shares=False).close()
            found.append(made.enter_context(_bound(family, address, shares=SPREADS)))
        made.pop_all()
    return found


def for_workers(sockets: Sequence[socket.socket]) -> tuple[tuple[tuple[Any, ...], ...], tuple[int, ...]]:
    """The addresses or the descriptors for an assignment."""
    if SPREADS:
        return tuple(each.getsockname() for each in sockets), ()
    return (), tuple(each.fileno() for each in sockets)


def of_worker(assignment: Assignment) -> list[socket.socket]:
    """The sockets to listen on. Raises OSError."""
    if assignment.descriptors:
        return [socket.socket(fileno=each) for each in assignment.descriptors]
    families = [socket.AF_INET6 if len(each) == 4 else socket.AF_INET for each in assignment.addresses]
    return [_bound(family, each, shares=True) for family, each in zip(families, assignment.addresses, strict=True)]


def _bound(family: int, address: Any, *, shares: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made
