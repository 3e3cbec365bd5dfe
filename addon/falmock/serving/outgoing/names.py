"""Which names may be looked up: those that are certainly not fal's."""

from __future__ import annotations

import asyncio
import re
import socket

from falmock.serving import client_hello
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import normalize

_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


_HOST_HEADER = re.compile(rb"\r\nHost:[ \t]*([^\s:]+)", re.IGNORECASE)


class UnresolvedName(Exception):
    """A host name has no address; the text says why."""


class ForbiddenName(Exception):
    """A host must not be reached; the text says why."""


def checked(hosts: Hosts, host: str) -> str:
    """A host, normalized. Raises ForbiddenName if it is fal's, or may be.

    Only ASCII passes: other letters are mapped by the resolver, some of them to the letters of fal's names.
    """
    name = normalize(host)
    if not _NAME.fullmatch(name):
        raise ForbiddenName(f"{host[:100]!r} is no host name")
    if hosts.owns(name):
        raise ForbiddenName(f"{name} is a host of fal's: in replay nothing is sent to fal")
    return name


def are_for_fal(hosts: Hosts, data: bytes) -> bool | None:
    """Whether the first bytes of a tunnel name a host of fal's, in a TLS hello or an HTTP request; None for part of a hello.

    A tunnel to an address may lead there.
    """
    try:
        name = client_hello.read(data).name
    except client_hello.Incomplete:
        return None
    except client_hello.NotAHello:
        header = _HOST_HEADER.search(data)
        name = "" if header is None else header[1].decode("latin-1")
    return hosts.owns(name)


async def addresses_of(host: str, port: int, seconds: float) -> tuple[str, ...]:
    """All addresses of a host, in the order in which to try them.

    Odd spellings of an address (`0x7f.1`) are resolved too. Raises UnresolvedName if there are none within `seconds`.
    """
    resolving = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(resolving, seconds)
    except TimeoutError:
        raise UnresolvedName(f"{host} was not resolved within {seconds:.3g} s") from None
    except (OSError, UnicodeError) as error:  # UnicodeError: Python's codec for host names
        raise UnresolvedName(f"{host} cannot be resolved: {getattr(error, 'strerror', None) or error}") from None
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
