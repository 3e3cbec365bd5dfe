"""The door that acts as fal's server-side proxy, the target of the JavaScript client's `proxyUrl` (PROTOCOL.md section 9).

By default it follows the formula in fal's documentation. The profile `official` behaves like @fal-ai/server-proxy 1.2.1
with its Next.js app router handler. The differences: fewer allowed URLs, 400 for everything refused, a forced `accept`.
Its Express handler answers 200 to all calls that it makes: no profile does so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping

from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.config import ProxyProfile
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.gateway import door
from falmock.gateway import journal_view
from falmock.gateway.caller import is_from_nearby
from falmock.gateway.door import Ask
from falmock.gateway.door import FalCall
from falmock.gateway.door import OfDoor
from falmock.wire import cors
from falmock.wire import routes
from falmock.wire import target
from falmock.wire.formats.media import media_type
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.target import BadTarget
from falmock.wire.target import ProxyTarget

METHODS = ("GET", "POST", "PUT")
"""The methods of the formula, and PUT, because clients cannot cancel a job without it."""
_ALLOW = (b"allow", b"GET, POST, PUT, OPTIONS")
_JSON = "application/json"
_PASSED_ON = ("accept", "content-type", "user-agent")
_OURS = ("x-falmock-", "x-aimock-")
"""Prefixes of headers that control falmock itself."""
_SET_BY_SERVER = (b"content-length", b"content-encoding")
_TEXT_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")
_OFFICIAL_HOSTS = ("fal.run", "queue.fal.run")
_OFFICIAL_STORAGE = tuple(
    ProxyTarget("rest.fal.ai", f"/storage/upload/{action}", "storage_type=fal-cdn-v3")
    for action in ("initiate", "complete-multipart")
)


class ServerProxy:
    """Makes the call to `x-fal-target-url`, with the key in `environment` if the client sends none."""

    def __init__(self, engines: Engines, environment: Mapping[str, str]) -> None:
        self._engines = engines
        self._environment = environment

    @property
    def _config(self) -> Config:
        return self._engines.config

    @property
    def name(self) -> str:
        """The door's path and name, for messages."""
        return f"{self._config.proxy_path} (fal's server-side proxy)"

    def claims(self, request: Request) -> bool:
        """Whether a request is to its path."""
        return request.path.removesuffix("/") == self._config.proxy_path

    def max_body(self, request: Request) -> int:  # noqa: ARG002
        """How many bytes the body of a request may have."""
        return door.MAX_BODY

    def answer(self, request: Request, ask: Ask, now: float) -> OfDoor:  # noqa: ARG002
        """The call to fal that a request requests, or the reason why it is refused."""
        request = request._replace(door=door.SERVER_PROXY)
        if request.method == "OPTIONS":
            reply = Reply(200, (_TEXT_TYPE, *cors.preflight(request.headers)), b"OK", "CORS preflight")
            return door.noted(self._engines, request, reply, now, journal_view.PREFLIGHT)
        if request.too_large and request.method != "GET":
            message = f"The body has {request.too_large}: upload files and pass their URLs"
            return self._refused(request, replies.problem(413, message, "body too large"), now)
        official = self._config.proxy_profile is ProxyProfile.OFFICIAL
        result = self._as_official(request) if official else self._as_documented(request)
        if isinstance(result, FalCall):
            return result
        return self._refused(request, result, now)

    def _refused(self, request: Request, reply: Reply, now: float) -> Reply | Stream:
        """The reply to a request from which no call is made, added to the journal."""
        place = _target_of(request)
        if place is None:
            door.noted(self._engines, request, reply, now, journal_view.OTHER)
        else:
            refused = _at(request, place)
            call = routes.call_of(refused, self._config.hosts)
            door.noted(self._engines, refused, reply, now, call=call)
        return _readable(request, reply)

    def _as_documented(self, request: Request) -> Reply | FalCall:
        if request.method not in METHODS:
            message = f"{request.method} is not for fal's server-side proxy, which takes GET, POST and PUT (to cancel)"
            return replies.problem(405, message, "method not allowed", _ALLOW)
        url = request.headers.get(target.HEADER)
        if not url:
            message = f"The header {target.HEADER} is missing: it must contain the URL to call, as clients with a proxyUrl send it"
            return replies.problem(400, message, "no target URL")
        try:
            place = target.parse_target(url)
        except BadTarget as error:
            shown = self._engines.common.redactor.text(str(error))
            reply = replies.problem(412, f"The header {target.HEADER}: {shown}", "bad target URL")
            return reply._replace(why=f"bad target URL: {shown}")
        wrong = _wrong_body(request)
        if wrong:
            reply = replies.problem(415, f"Expected a body of type {_JSON}, found {wrong}", "body is not JSON")
            return reply._replace(why=f"body is not JSON, but {wrong}")
        kept = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        extra = {name: value for name, value in _fal_headers(request).items() if name != target.HEADER}
        return self._forwarded(
            request, place, kept | extra | {"x-fal-client-proxy": "falmock"}, self._key(), _without_framing
        )

    def _as_official(self, request: Request) -> Reply | FalCall:
        if request.method not in METHODS:
            return Reply(405, (_ALLOW,), b"", "method not allowed")
        url = request.headers.get(target.HEADER)
        if not url:
            return _invalid("no target URL")
        try:
            place = target.parse_target(url, ("https", "http"))
        except BadTarget as error:
            return _invalid(f"bad target URL: {error}") if error.is_url else Reply(500, (), b"", "target is not a URL")
        if place.host not in _OFFICIAL_HOSTS and place not in _OFFICIAL_STORAGE:
            return _invalid("target URL is not among the allowed")
        agent = {name: value for name, value in request.headers.items() if name == "user-agent"}
        forced = {
            "accept": _JSON,
            "content-type": _JSON,
            "x-fal-client-proxy": "@fal-ai/server-proxy/nextjs-app-router",
        }
        key = f"Key {self._environment.get('FAL_KEY', 'undefined').strip()}"
        return self._forwarded(request, place, agent | _fal_headers(request) | forced, key, lambda headers: headers)

    def _forwarded(
        self,
        request: Request,
        place: ProxyTarget,
        headers: dict[str, str],
        key: str | None,
        rewrite: Callable[[tuple[Header, ...]], tuple[Header, ...]],
    ) -> Reply | FalCall:
        own = request.headers.get("authorization")
        if not own and key is not None and not is_from_nearby(request):
            if self._config.mode is not Mode.REPLAY:
                return _key_refused(request)
            key = None
        authorization = own or key
        # The body is streamed through, so request it without content encoding.
        headers["accept-encoding"] = "identity"
        if authorization is not None:
            headers["authorization"] = authorization
        body = b"" if request.method == "GET" else request.body
        call = Request(
            request.method, place.host, place.path, place.query, headers, body, scope=request.scope, door=request.door
        )

        def rewritten(effect: Reply | Stream) -> Reply | Stream:
            return _readable(request, effect._replace(headers=rewrite(effect.headers)))

        return FalCall(call, rewritten)

    def _key(self) -> str | None:
        """The credentials in the environment, as fal's clients read it."""
        found = self._environment
        key = found.get("FAL_KEY", "").strip()
        if not key and found.get("FAL_KEY_ID") and found.get("FAL_KEY_SECRET"):
            key = f"{found['FAL_KEY_ID'].strip()}:{found['FAL_KEY_SECRET'].strip()}"
        return f"Key {key}" if key else None


def _target_of(request: Request) -> ProxyTarget | None:
    """The target of a refused request; None if it is not a URL of fal's."""
    try:
        return target.parse_target(request.headers.get(target.HEADER, ""), ("https", "http"))
    except BadTarget:
        return None


def _at(request: Request, place: ProxyTarget) -> Request:
    return request._replace(host=place.host, path=place.path, query=place.query)


def _wrong_body(request: Request) -> str:
    """What the body of a request is if its type is not JSON; "" if it is, or if there is no body."""
    if not request.body:
        return f"one that is not encoded as it says ({request.undecoded})" if request.undecoded else ""
    found = request.headers.get("content-type", "")
    return "" if media_type(found) == _JSON else found[:100] or "one without content-type"


def _fal_headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith(("x-fal-", *_OURS))}


def _without_framing(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    return tuple(header for header in headers if header[0].lower() not in _SET_BY_SERVER)


def _readable(request: Request, effect: Reply | Stream) -> Reply | Stream:
    """The answer with CORS headers, so that the requesting page may read it from any origin."""
    if any(name.lower() == b"access-control-allow-origin" for name, _ in effect.headers):
        return effect
    return effect._replace(headers=(*effect.headers, *cors.simple(request.headers)))


def _invalid(why: str) -> Reply:
    return Reply(400, (replies.JSON_TYPE,), json.dumps("Invalid request").encode(), why)


def _key_refused(request: Request) -> Reply:
    origin = request.headers.get("origin")
    found = f"a page of {origin[:100]}" if origin else f"a client that calls falmock {request.host[:100]}"
    message = (
        "falmock adds the key of its environment only to calls of programs, and of pages on this machine or network, "
        f"found {found}: call falmock by its address, or send an authorization header"
    )
    return replies.problem(403, message, "the key is kept from web pages elsewhere")
