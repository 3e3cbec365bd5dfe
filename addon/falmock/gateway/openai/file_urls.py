"""URLs of files at falmock's own address, for clients that do not use the proxy and cannot open others."""

from __future__ import annotations

import re
from typing import Any

from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.hosts import normalize
from falmock.wire.message import Request

PREFIX = "/v1/images/files/"
_OURS = re.compile(rf"https?://[^/?#]+{PREFIX}([^/?#]+/.*)", re.DOTALL)
_FALS = re.compile(r"https://([^/?#@:]+)(/[^?#]*)([?#].*)?", re.DOTALL)
_PASSED_ON = ("accept", "if-none-match", "if-range", "origin", "range", "user-agent", "x-falmock-fault")
_NAME = re.compile(r"[A-Za-z0-9.:\[\]_-]+")


def to_client(url: str, request: Request, hosts: Hosts) -> str:
    """A file's URL on one of fal's hosts, rewritten to the address that the client of `request` uses.

    Any other URL is returned unchanged.
    """
    found, address = _FALS.fullmatch(url), request.headers.get("host", "")
    if found is None or not _NAME.fullmatch(address) or not _serves_files(found[1], found[2], hosts):
        return url
    # The port also accepts plain HTTP if the client uses TLS.
    return f"http://{address}{PREFIX}{url.removeprefix('https://')}"


def to_fal(value: Any) -> Any:
    """A value with its URLs (the value itself, or items of a list) rewritten back to fal's."""
    if isinstance(value, list):
        return [to_fal(item) for item in value]
    found = _OURS.fullmatch(value) if isinstance(value, str) else None
    return f"https://{found[1]}" if found else value


def fal_request(request: Request, hosts: Hosts) -> Request | None:
    """The call to one of fal's hosts for a GET below our prefix; None if it is not for a file of fal's."""
    host, slash, path = request.path.removeprefix(PREFIX).partition("/")
    path = slash + path
    if not slash or not _serves_files(host, path, hosts):
        return None
    headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
    return request._replace(host=normalize(host), path=path, headers=headers, body=b"")


def _serves_files(host: str, path: str, hosts: Hosts) -> bool:
    host = normalize(host)
    return hosts.role(host) in (Role.CDN, Role.GCS) and hosts.claims(host, path)
