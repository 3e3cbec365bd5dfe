"""URLs of files at falmock's own address: a client that does not go through the proxy can open no other."""

from __future__ import annotations

import re
from typing import Any

from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Request

PREFIX = "/v1/images/files/"
_OURS = re.compile(rf"https?://[^/?#]+{PREFIX}([^/?#]+/.*)", re.DOTALL)
_FALS = re.compile(r"https://([^/?#@:]+)(/[^?#]*)([?#].*)?", re.DOTALL)
_PASSED_ON = ("accept", "if-none-match", "if-range", "origin", "range", "user-agent", "x-falmock-fault")
_NAME = re.compile(r"[A-Za-z0-9.:\[\]_-]+")


def outward(url: str, request: Request, hosts: Hosts) -> str:
    """A file's URL on one of fal's hosts as one at the address that the client of `request` knows.

    Any other as it is.
    """
    found, address = _FALS.fullmatch(url), request.headers.get("host", "")
    if found is None or not _NAME.fullmatch(address) or not _serves_files(found[1], found[2], hosts):
        return url
    # Whatever speaks TLS on this port speaks plain HTTP there too.
    return f"http://{address}{PREFIX}{url.removeprefix('https://')}"


def inward(value: Any) -> Any:
    """A value with the URLs in it (itself, or items of a list) as fal knows them."""
    if isinstance(value, list):
        return [inward(item) for item in value]
    found = _OURS.fullmatch(value) if isinstance(value, str) else None
    return f"https://{found[1]}" if found else value


def behind(request: Request, hosts: Hosts) -> Request | None:
    """The call to one of fal's hosts that a GET below our prefix stands for; None where it names no file of fal's."""
    host, slash, path = request.path.removeprefix(PREFIX).partition("/")
    path = slash + path
    if not slash or not _serves_files(host, path, hosts):
        return None
    headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
    return request._replace(host=host, path=path, headers=headers, body=b"")


def _serves_files(host: str, path: str, hosts: Hosts) -> bool:
    return hosts.role(host) in (Role.CDN, Role.GCS) and hosts.claims(host, path)
