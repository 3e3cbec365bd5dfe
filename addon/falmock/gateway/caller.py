"""Determines the origin of a direct request: a program, a local page of the developer, or a web page from elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from falmock.wire.addresses import literal
from falmock.wire.hosts import normalize
from falmock.wire.message import Request

_LOCAL = (".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa")
"""Domains that do not exist on the internet."""
_FROM_HERE = frozenset({"", "same-origin", "none"})
"""The values of Sec-Fetch-Site of requests that no page sent, or one of falmock's own address."""


def is_from_nearby(request: Request) -> bool:
    """Whether a web page from elsewhere cannot have sent this direct request.

    Such pages run in the developer's browser and reach what it reaches. Their browser sends Origin with calls to other
    origins. A page whose own name resolves to falmock (DNS rebinding) sends no Origin, but that name in Host.
    """
    origin = request.headers.get("origin")
    if origin is not None and not _is_page_nearby(origin):
        return False
    return literal(normalize(request.host)) is not None or _is_local_name(request.host)


def _is_page_nearby(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    address = literal(normalize(host))
    if address is not None:
        return address.is_private or address.is_loopback
    return _is_local_name(host)


def _is_local_name(host: str) -> bool:
    name = normalize(host)
    return bool(name) and ("." not in name or name.endswith(_LOCAL))


def is_from_page_elsewhere(request: Request) -> bool:
    """Whether a web page of another origin than falmock's own address sent this request."""
    if request.headers.get("sec-fetch-site", "").strip().lower() not in _FROM_HERE:
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    try:
        page = urlsplit(origin)
    except ValueError:
        return True
    return page.scheme not in ("http", "https") or page.netloc.lower() != request.headers.get("host", "").lower()


def is_loopback(address: str) -> bool:
    """Whether an IP address, as text, is one of this machine's loopback interface."""
    ip = literal(address.partition("%")[0])
    return ip is not None and ip.is_loopback


def is_our_name(host: str) -> bool:
    """Whether a host names this machine itself: `localhost` or a loopback address."""
    return normalize(host) == "localhost" or is_loopback(host.strip("[]"))
