"""Where requests go, by their first line and their Host header."""

from __future__ import annotations

from typing import NamedTuple

from falmock.gateway.health import is_check
from falmock.serving.http_reader import as_text
from falmock.serving.request_parts import Head
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import named

_SCHEMES = ("http", "https", "ws", "wss")


class Target(NamedTuple):
    """Where a request goes: the normalized host, the path with its query, and whether it names falmock as its proxy."""

    host: str
    path: str
    is_absolute: bool = False


def tunnel_host(head: Head) -> str:
    """The normalized host to which a CONNECT request wants a tunnel."""
    return named(as_text(head.target))


def target_of(head: Head, host: str) -> Target | None:
    """Where a request goes; None for a target that is neither a path nor a URL of HTTP. `host` is the normalized one in Host."""
    target = as_text(head.target)
    if target.startswith("/") or target == "*":
        return Target(host, target if target != "*" else "/")
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        return None
    authority, slash, path = rest.partition("/")
    return Target(named(authority), slash + path or "/", is_absolute=True)


def is_bare_check(head: Head) -> bool:
    """Whether this is a health check of HTTP/1.0, which is for falmock itself: it needs no Host header, and balancers send none."""
    return not head.is_http11 and is_check(as_text(head.target))


def claimed(hosts: Hosts, target: Target, tunnel: str) -> str:
    """The host of fal's that a request is for: the one that it names, or that of its tunnel; "" for neither."""
    if hosts.claims(target.host, target.path):
        return target.host
    return tunnel if tunnel and hosts.claims(tunnel, target.path) else ""
