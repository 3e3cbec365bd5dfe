"""Maps a request to aimock's routes (`/fal/...`, the host in `x-fal-target-host`) to a call to fal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qsl
from urllib.parse import urlencode
from urllib.parse import urlsplit

from falmock.engine import scopes
from falmock.engine.effects import Reply
from falmock.wire import calls
from falmock.wire import routes
from falmock.wire.formats import jsontext
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.hosts import normalize
from falmock.wire.message import Request

PREFIX = "/fal"
HOST_HEADER = "x-fal-target-host"
"""The header with the host of fal's that a request is for."""
IN_PATH = "@"
"""The prefix of that host if it is the first part of the path instead: `/fal/@v3b.fal.media/...`."""
TEST_ID = "testId"
"""The query parameter that names a scope, as the header `X-Test-Id` does."""
RUN_HOST = "fal.run"
_HOST = re.compile(r"([A-Za-z0-9.-]+)(?::\d{1,5})?")
_OWN = re.compile(r"x-aimock-(?!context$).*|x-fal-target-host|x-test-id")
"""Headers for aimock that are not sent to fal. The context stays, because fixtures may match it."""
_LEGACY_JOB = re.compile(r"/queue(/requests/[^/]+)(?:/(status|cancel|response))?/*")
_LEGACY_METHODS = ("GET", "POST", "PUT")


class RoutedCall(NamedTuple):
    """A call to fal: `request` as fal gets it, and its `call`.

    `legacy`: it came by one of the older routes, without the header.
    """

    request: Request
    call: calls.Call
    legacy: bool = False


def is_one(path: str) -> bool:
    """Whether a path is one of aimock's routes."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def read(request: Request, hosts: Hosts) -> RoutedCall | None:
    """The call to fal for a request below the prefix; None if it is not for a host of fal's."""
    path = request.path[len(PREFIX) :]
    query, scope = less_scope(request)
    headers = {name: request.headers[name] for name in _for_fal(tuple(request.headers))}
    changed: dict[str, Any] = {"headers": headers, "query": query, "scope": scope}
    host = request.headers.get(HOST_HEADER, "")
    if path.startswith(f"/{IN_PATH}"):
        host, _, path = path[len(IN_PATH) + 1 :].partition("/")
    if host:
        found = _at(request, host, f"/{path.lstrip('/')}", hosts, changed)
        if found is not None:
            return found
    return _legacy(request._replace(**changed), path, hosts)


@lru_cache(maxsize=256)
def _for_fal(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of headers that are for fal too."""
    return tuple(name for name in names if not _OWN.fullmatch(name))


def less_scope(request: Request) -> tuple[str, str]:
    """The query without the scope, and the scope: from a header, else the parameter, else the proxy's user."""
    if TEST_ID not in request.query:
        return request.query, request.scope
    pairs = parse_qsl(request.query, keep_blank_values=True)
    named = next((value for name, value in pairs if name == TEST_ID), "").strip()
    kept = urlencode([pair for pair in pairs if pair[0] != TEST_ID])
    return kept, scopes.named(request.headers) or scopes.shortened(named) or request.scope


def _at(
    request: Request, host: str, path: str, hosts: Hosts, changed: Mapping[str, Any] = MappingProxyType({})
) -> RoutedCall | None:
    """A request with these fields changed, to this host of fal's; None for any other host, so that requests go only to fal."""
    written = _HOST.fullmatch(host.strip())
    if written is None:
        return None
    host = normalize(written[1])
    if not hosts.claims(host, path):
        return None
    role = hosts.role(host) or Role.OTHER
    call = routes.route(role, request.method, path, changed.get("query", request.query), lenient=True)
    return RoutedCall(request._replace(host=host, path=path, **changed), call)


def _legacy(request: Request, path: str, hosts: Hosts) -> RoutedCall | None:
    """A request to aimock's older routes, which need no header."""
    job = _LEGACY_JOB.fullmatch(path)
    if job is not None and request.method in _LEGACY_METHODS:
        method = "PUT" if job[2] == "cancel" else "GET"
        action = f"/{job[2]}" if job[2] else ""
        found = _at(request._replace(method=method, body=b""), QUEUE_HOST, job[1] + action, hosts)
    elif request.method == "POST" and path.startswith("/queue/submit/"):
        found = _at(request, QUEUE_HOST, path.removeprefix("/queue/submit"), hosts)
    elif request.method == "POST" and path.startswith("/run/"):
        found = _at(request, RUN_HOST, path.removeprefix("/run"), hosts)
    else:
        found = None
    return None if found is None else found._replace(legacy=True)


def initiated(request: Request, *, lenient: bool) -> Request:
    """An upload initiation as fal reads it: `filename`, which aimock takes too, is `file_name`.

    If it is `lenient`, a body that is no JSON object names nothing.
    """
    value = jsontext.object_of(request.body)
    if value is None:
        return request._replace(body=b"{}") if lenient else request
    if "filename" not in value:
        return request
    name = value.pop("filename")
    return request._replace(body=jsontext.dump_model({"file_name": name, **value}))


_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def through(reply: Reply, base: str) -> Reply:
    """The answer to an upload initiation, with an `upload_url` at `base`, the host and port of falmock in the request.

    `file_url` is unchanged, because inputs and answers contain it.
    """
    if reply.status != 200 or not isinstance(reply.body, bytes) or not _AUTHORITY.fullmatch(base):
        return reply
    value = jsontext.object_of(reply.body)
    if value is None or not isinstance(value.get("upload_url"), str):
        return reply
    url = urlsplit(value["upload_url"])
    query = f"?{url.query}" if url.query else ""
    value["upload_url"] = f"http://{base}{PREFIX}/{IN_PATH}{url.netloc}{url.path}{query}"
    return reply._replace(body=jsontext.dump_model(value), length=None)
