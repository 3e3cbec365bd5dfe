"""Which names may be looked up: those that are certainly not fal's."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

from falmock.serving import client_hello
from falmock.serving.http_reader import MAX_HEAD
from falmock.wire import hosts as hosts_
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import named

_HOST_HEADER = re.compile(rb"\nHost[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_TARGET = re.compile(rb"[A-Z]{1,20} (?:[a-z]{2,5}://)?([^/\s]+)", re.IGNORECASE)
"""The host in a request's target, if it has one: an absolute URL, or that of CONNECT."""
_LINE = re.compile(rb"[A-Z]{1,20}(?: [^\n]*)?", re.IGNORECASE)
"""The line of a request, or a part of it."""
NOTHING_SENT = "in replay nothing is sent to fal"
_VERSION = re.compile(rb" HTTP/1\.\d\r?$")


class UnresolvedName(Exception):
    """A host name has no address; the text says why."""


class ForbiddenName(Exception):
    """A host must not be reached; the text says why."""


def checked(hosts: Hosts, host: str) -> str:
    """A host, normalized. Raises ForbiddenName if it is fal's, or no resolver takes it."""
    try:
        name = hosts_.checked(host)
    except BadHost as error:
        raise ForbiddenName(str(error)) from None
    if hosts.owns(name):
        raise ForbiddenName(f"{name} is a host of fal's: {NOTHING_SENT}")
    return name


def names_in(data: bytes) -> Iterator[str]:
    """The host names in the first bytes of a connection, normalized: of a TLS hello, or of an HTTP request."""
    with suppress(ValueError):
        yield from map(named, client_hello.read(data).names)
    for found in (_TARGET.match(data), *_HOST_HEADER.finditer(data)):
        if found is not None:
            yield named(found[1].decode("utf-8", "replace"))


def are_for_fal(hosts: Hosts, data: bytes) -> bool | None:
    """Whether the first bytes of a tunnel name a host of fal's; None for a part of a TLS hello, or of a request's head.

    A tunnel to an address may lead there.
    """
    return None if _is_part(data) else any(map(hosts.owns, names_in(data)))


def _is_part(data: bytes) -> bool:
    try:
        client_hello.read(data)
    except client_hello.Incomplete:
        return True
    except client_hello.NotAHello:
        line, has_ended, _ = data.partition(b"\n")
        if len(data) > MAX_HEAD or not _LINE.fullmatch(line):
            return False
        return not (b"\n\r\n" in data or b"\n\n" in data) if _VERSION.search(line) else not has_ended
    return False


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
