"""The door for aimock's clients: `/fal/...` with the host of fal's in a header, or aimock's older routes.

The same engine answers from the same fixtures, so a job submitted here can be polled through the proxy. With
`fal_dialect=aimock` the answers have aimock's form.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable
from collections.abc import Callable

from falmock.engine import replies
from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.context import NewId
from falmock.engine.effects import Delivery
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.files.registry import LIMIT
from falmock.gateway import door
from falmock.gateway import journal_view
from falmock.gateway.aimock import dialect
from falmock.gateway.aimock import routes
from falmock.gateway.aimock import steering as chaos
from falmock.gateway.aimock.routes import PREFIX
from falmock.gateway.aimock.routes import RoutedCall
from falmock.gateway.aimock.steering import OneError
from falmock.gateway.aimock.steering import Steering
from falmock.gateway.aimock.translation import Translation
from falmock.gateway.door import Ask
from falmock.gateway.door import FalCall
from falmock.gateway.door import Later
from falmock.gateway.door import OfDoor
from falmock.wire import calls
from falmock.wire import cors
from falmock.wire.formats import jsontext
from falmock.wire.hosts import QUEUE_HOST
from falmock.wire.message import Header
from falmock.wire.message import Request

STRICT = "x-aimock-strict"
"""The header that has a call which no fixture answers fail with 503, and never go on to fal."""
MAX_JOBS = 10_000
_INERT: tuple[Header, ...] = ((b"Content-Security-Policy", b"sandbox"), (b"X-Content-Type-Options", b"nosniff"))
_ASKS = (calls.Submit, calls.Run)
"""The calls to which chaos and errors apply."""


class Aimock:
    """Answers aimock's routes. `new_id` makes request ids from the time; `steering` has the settings of tests."""

    name = f"aimock's routes at {PREFIX}/ (with the header {routes.HOST_HEADER})"

    def __init__(self, engines: Engines, new_id: NewId, steering: Steering) -> None:
        self._engines = engines
        self._new_id = new_id
        self._steering = steering
        self._apps: OrderedDict[str, str] = OrderedDict()

    def claims(self, request: Request) -> bool:
        """Whether a request is for this door."""
        return routes.is_one(request.path)

    def max_body(self, request: Request) -> int:
        """How many bytes the body of a request may have."""
        called = routes.read(request, self._engines.config.hosts)
        return LIMIT if called is not None and isinstance(called.call, calls.FILES) else door.MAX_BODY

    def answer(self, request: Request, ask: Ask, now: float) -> OfDoor | Awaitable[OfDoor]:
        """The answer to a request at `now` (seconds since the epoch), or the call to fal that answers it."""
        request = request._replace(door=door.AIMOCK, lenient=True)
        if request.method == "OPTIONS":
            reply = Reply(204, cors.preflight(request.headers), b"", "CORS preflight")
            return self._own(request, reply, now, journal_view.PREFLIGHT)
        called = routes.read(request, self._engines.config.hosts)
        if called is None:
            return self._rewrites(request, now)(self._own(request, self._nothing(request), now, journal_view.OTHER))
        if called.legacy:
            called = self._with_app(called)
        if isinstance(called.call, calls.UploadInitiate):
            called = called._replace(request=routes.initiated(called.request, lenient=self._is_aimock))
        rewrite = self._rewrites(request, now)
        if isinstance(called.call, _ASKS):
            try:
                injected = self._apply(request, called, now)
            except chaos.BadChaos as error:
                return rewrite(self._noted(called, self._problem(400, str(error), "invalid_request_error"), now))
            if isinstance(injected, Reply):
                return rewrite(injected)
            rewrite = _delayed(rewrite, injected)
            if self._is_aimock and not request.too_large and not _is_json(called.request.body):
                message = "Malformed JSON: the body is not JSON"
                more = {} if called.legacy else {"code": "invalid_json"}
                return rewrite(self._noted(called, dialect.problem(400, message, "invalid_request_error", **more), now))
        return self._handed_on(request, called, ask, now, rewrite)

    def unchanged(self, request: Request) -> Request | None:
        """The call to fal about a job that a request is, if its answer is given on as it is; else None."""
        called = routes.read(request._replace(door=door.AIMOCK, lenient=True), self._engines.config.hosts)
        if (
            self._is_aimock
            or called is None
            or called.legacy
            or not isinstance(called.call, calls.Status | calls.Result)
        ):
            return None
        return called.request

    @property
    def _is_aimock(self) -> bool:
        return self._engines.config.dialect is Dialect.AIMOCK

    def _handed_on(
        self, request: Request, called: RoutedCall, ask: Ask, now: float, rewrite: Callable[[Reply], Reply]
    ) -> FalCall | Awaitable[Reply]:
        """The answer to a call without an injected fault."""
        strict = request.headers.get(STRICT, "").strip().lower() in ("1", "true")
        base = request.headers.get("host", request.host)
        if self._is_aimock:
            translation = Translation(self._engines.of(called.request.scope), called, now, strict=strict)
            called = translation.called
            worded: Callable[[Reply], Reply] = translation.rewrite
        elif isinstance(called.call, calls.UploadInitiate):
            worded = _as_it_is
        else:
            worded = _unavailable if strict else _as_it_is

        def leaving(effect: Reply | Stream) -> Reply | Stream:
            if isinstance(effect, Stream):
                return effect
            if isinstance(called.call, calls.UploadInitiate):
                effect = routes.through(effect, base)
            return rewrite(_inert(worded(effect)))

        if strict and isinstance(called.call, (*_ASKS, calls.Stream)):
            return FalCall(called.request, leaving, lambda forward: self._kept_here(called, forward))
        if called.legacy and isinstance(called.call, calls.Submit) and self._engines.config.mode is not Mode.REPLAY:
            app = str(called.call.endpoint.app)
            submit = called.request
            return Later(lambda: ask(submit, lambda effect: leaving(self._learn(effect, app))))
        known = called.call if isinstance(called.call, calls.Submit) else None
        return FalCall(called.request, leaving, call=known)

    # injected faults

    def _apply(self, request: Request, called: RoutedCall, now: float) -> Reply | float:
        """The reply to a call if chaos or an error applies, else the delay of the call in seconds.

        Raises BadChaos.
        """
        scope = called.request.scope
        rates = {**self._steering.chaos(scope), **chaos.of_headers(request.headers)}
        injected = chaos.injected(rates, self._steering.rng(scope)) if rates else chaos.InjectedChaos()
        if injected.by is not None:
            return self._noted(called, self._chaotic(injected.by)._replace(delay=injected.delay), now)
        error = self._steering.take_error(scope)
        return injected.delay if error is None else self._noted(called, self._one_error(error), now)

    def _chaotic(self, by: str) -> Reply:
        if by == chaos.MALFORMED:
            body = b"{malformed json: <<<chaos>>>"
            reply = Reply(200, ((b"Content-Type", b"application/json"),), body, "chaos")
        elif by == chaos.DISCONNECT:
            reply = Reply(0, (), b"", "chaos", delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS))
        elif by == chaos.RATE_LIMIT:
            reply = self._problem(429, "Chaos: rate limit exceeded", "rate_limit_error", code="chaos_ratelimit")
            reply = reply._replace(headers=(*reply.headers, (b"Retry-After", b"1")))
        else:
            reply = self._problem(500, "Chaos: request dropped", "server_error", code="chaos_drop")
        return reply._replace(fault=f"aimock chaos {by}")

    def _one_error(self, error: OneError) -> Reply:
        kind, kept = error.worded.kind or "server_error", {"param": error.worded.param, "code": error.worded.code}
        reply = self._problem(error.status, error.worded.message, kind, **kept)
        after = ((b"Retry-After", b"1"),) if error.status == 429 else ()
        return reply._replace(headers=reply.headers + after, fault="aimock one-shot error")

    def _problem(self, status: int, message: str, kind: str, **more: str | float | None) -> Reply:
        if self._is_aimock:
            return dialect.problem(status, message, kind, **more)
        return replies.problem(status, message, message)

    def _nothing(self, request: Request) -> Reply:
        message = (
            f"falmock finds no call to fal in {request.method} {request.path}: expected the header "
            f"{routes.HOST_HEADER} with a host of fal's, such as {QUEUE_HOST}, or one of "
            f"{PREFIX}/queue/submit/..., {PREFIX}/queue/requests/... and {PREFIX}/run/..."
        )
        if self._is_aimock:
            text = "Unknown fal.ai endpoint" if request.path.startswith(f"{PREFIX}/queue/requests/") else "Not found"
            reply = dialect.problem(404, text, "not_found")
        else:
            reply = replies.problem(404, message, "no call to fal")
        return door.unmatched(self._engines, request, reply, message)

    def _kept_here(self, called: RoutedCall, forward: Forward) -> Reply:
        """What strict makes of a call that would go on to fal."""
        message = "Strict mode: no fixture matched"
        reply = self._problem(503, message, "invalid_request_error", code="no_fixture_match")
        text = f"{STRICT} keeps {called.request.method} https://{called.request.host}{called.request.path} from fal: {forward.why}"
        return door.unmatched(self._engines, called.request, reply, text)

    def _own(self, request: Request, reply: Reply, now: float, kind: str) -> Reply:
        """An answer to a request that is not a call to fal, added to the journal."""
        scoped = request._replace(scope=routes.less_scope(request)[1])
        return door.noted(self._engines, scoped, reply, now, kind)

    def _noted(self, called: RoutedCall, reply: Reply, now: float) -> Reply:
        return door.noted(self._engines, called.request, reply, now, call=called.call)

    def _rewrites(self, request: Request, now: float) -> Callable[[Reply], Reply]:
        """The rewrite of every answer to a request."""
        if not self._is_aimock:
            return lambda reply: _readable(request, reply)
        sent = request.headers.get("x-request-id", "")
        return lambda reply: reply._replace(headers=dialect.signed(reply.headers, sent, self._new_id(now)))

    # the older routes do not contain the app of a job, which the real fal needs

    def _with_app(self, called: RoutedCall) -> RoutedCall:
        if not isinstance(called.call, calls.ABOUT_JOB):
            return called
        app = self._apps.get(called.call.request_id)
        request = called.request
        return called if app is None else called._replace(request=request._replace(path=f"/{app}{request.path}"))

    def _learn(self, effect: Reply | Stream, app: str) -> Reply | Stream:
        """The answer to a submit as it is: its job is one of this app's from now on."""
        body = effect.body if isinstance(effect, Reply) else None
        value = jsontext.object_of(body) if isinstance(body, bytes) else None
        request_id = None if value is None else value.get("request_id")
        if isinstance(request_id, str):
            self._apps[request_id] = app
            if len(self._apps) > MAX_JOBS:
                self._apps.popitem(last=False)
        return effect


def _is_json(body: bytes) -> bool:
    return not body.strip() or jsontext.is_json(body)


def _as_it_is(reply: Reply) -> Reply:
    return reply


def _delayed(rewrite: Callable[[Reply], Reply], delay: float) -> Callable[[Reply], Reply]:
    if not delay:
        return rewrite
    return lambda reply: rewrite(reply._replace(delay=reply.delay + delay))


def _unavailable(reply: Reply) -> Reply:
    """What strict has a miss be."""
    return reply if reply.miss is None else reply._replace(status=503)


def _inert(reply: Reply) -> Reply:
    """The answer without the right to run scripts: who opens an uploaded page in a browser is at falmock's own address."""
    kind = next((value for name, value in reply.headers if name.lower() == b"content-type"), b"")
    return reply if kind.startswith(b"application/json") else reply._replace(headers=(*reply.headers, *_INERT))


def _readable(request: Request, reply: Reply) -> Reply:
    """The answer with CORS headers, so that pages of any origin may read it, as with fal."""
    if "origin" not in request.headers or any(name == b"access-control-allow-origin" for name, _ in reply.headers):
        return reply
    return reply._replace(headers=reply.headers + cors.simple(request.headers))
