"""Where a direct request comes from: a program, a page of the developer's own, or a web page from elsewhere."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from falmock.wire.message import Request

_LOCAL = (".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa")
"""Domains that nobody can have on the internet."""


def is_from_nearby(request: Request) -> bool:
    """Whether no web page from elsewhere can have sent this direct request: such pages run in the developer's browser, and reach what it reaches.

    A page tells its origin with every call to another one. One that had its own name point at falmock tells none, but
    that name.
    """
    origin = request.headers.get("origin")
    if origin is not None and not _is_page_nearby(origin):
        return False
    return _is_address(request.host) or _is_local_name(request.host)


def _is_page_nearby(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    if _is_address(host):
        address = ip_address(host)
        return address.is_private or address.is_loopback
    return _is_local_name(host)


def _is_local_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    return bool(name) and ("." not in name or name.endswith(_LOCAL))


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
