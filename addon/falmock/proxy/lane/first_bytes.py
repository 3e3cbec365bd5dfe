"""Tells from the first bytes of a client whether its connection is for the fast lane."""

from __future__ import annotations

from collections.abc import Collection

from falmock.app import App
from falmock.serving import client_hello
from falmock.serving import leaf
from falmock.serving.http_reader import RequestReader
from falmock.serving.request_parts import Head
from falmock.serving.targets import target_of
from falmock.serving.targets import tunnel_host
from falmock.serving.tunnel_session import TLS
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import named
from falmock.wire.hosts import normalize
from falmock.wire.message import Request
from falmock.wire.message import header_map

_HTTP1 = b"http/1.1"
_HTTP2 = b"h2"


def head_of(data: bytes) -> Head | None:
    """The head of the first request; None if it is not complete, or none."""
    if b"\r\n\r\n" not in data:
        return None
    reader = RequestReader()
    reader.feed(data)
    first = reader.parts[0] if reader.parts else None
    return first if isinstance(first, Head) else None


def is_for_proxy(app: App, data: bytes, port: int) -> bool:
    """Whether the first request to a proxy is for a host of fal's, or for falmock itself, which listens on `port`."""
    head = head_of(data)
    if head is None:
        return False
    if head.method == "CONNECT":
        return app.config.hosts.owns(tunnel_host(head))
    headers = header_map(head.fields)
    target = target_of(head, named(headers.get("host", "")))
    # What asks a proxy for a URL may ask for one of any host next, on the same connection.
    if target is None or target.is_absolute:
        return False
    if app.config.hosts.owns(target.host):
        return True
    request = Request(head.method, target.host, target.path.partition("?")[0], "", headers, b"")
    return headers.get("host", "").rpartition(":")[2] == str(port) or app.claims(request)


def host_of(hosts: Hosts, data: bytes, host: str, names: Collection[str]) -> str:
    """The host of fal's that a client wants to reach who does not know of a proxy; "" if it is none, or not known yet.

    `host` is the one that the port stands for, "" if it stands for any. `names` are those of the certificate.
    """
    if data[0] != TLS:
        head = head_of(data)
        name = "" if head is None else named(header_map(head.fields).get("host", ""))
        found = host if head is not None and host else name
    else:
        try:
            hello = client_hello.read(data)
        except ValueError:  # not complete, or none
            return ""
        # What offers HTTP/2 gets it from mitmproxy.
        if _HTTP2 in hello.protocols or (hello.protocols and _HTTP1 not in hello.protocols):
            return ""
        name = normalize(hello.name)
        if not leaf.covers(names, name):
            return ""
        found = host or name
    return found if found and hosts.owns(found) else ""
