"""The handler for each kind of call, the check of its key, and in `auto` which calls go on to fal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine import auto
from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.config import Mode
from falmock.engine.effects import Answer
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.files.downloads import Downloads
from falmock.engine.files.uploads import Uploads
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.platform import hub
from falmock.engine.platform.platform import Platform
from falmock.engine.queue import Queue
from falmock.engine.sockets import accept
from falmock.engine.sockets.accept import Sockets
from falmock.engine.streams import Streams
from falmock.engine.tokens import PARAMETER
from falmock.engine.tokens import Tokens
from falmock.engine.webhooks import request as webhook_requests
from falmock.engine.webhooks.job_webhooks import JobWebhooks
from falmock.fixtures.matching.miss import Miss
from falmock.wire import auth
from falmock.wire import calls
from falmock.wire import endpoint as endpoint_ids
from falmock.wire import errors
from falmock.wire import handshake
from falmock.wire import platform
from falmock.wire import query
from falmock.wire.endpoint import EndpointId
from falmock.wire.hosts import Role
from falmock.wire.message import Request

_SHOWN = 500
"""The maximum length of a query in a report, in characters."""
NOT_HERE = 501
"""The status for calls that fal can answer and falmock cannot."""
Handler = Callable[[Request, Any, float], Answer]


class Dispatch:
    """Passes each call of a scope to its handler, if the key of the call is accepted."""

    def __init__(
        self,
        answers: Answers,
        faults: FaultSelector,
        webhooks: JobWebhooks,
        uploads: Uploads,
        downloads: Downloads,
        tokens: Tokens,
    ) -> None:
        self._context = answers.context
        self._answers = answers
        self._webhooks = webhooks
        self._uploads = uploads
        self._downloads = downloads
        self._tokens = tokens
        self.queue = Queue(answers, webhooks, faults)
        self._streams = Streams(answers)
        self._sockets = Sockets(answers, faults)
        self._platform = Platform(answers.context)
        self._handlers = self._table()

    def decide(self, request: Request, call: calls.Call, now: float, injected: InjectedFault | None) -> Effect:
        """Decide about a call at `now` (seconds since the epoch).

        `injected` is applied to the job of a submit.
        """
        if isinstance(call, calls.ProviderMapping):
            return self._providers(request, call, now)
        if request.too_large:
            if self._context.config.mode is Mode.AUTO:
                return Forward("auto: its body is too large to be read here")
            return replies.too_large(request, call)
        handler = self._handlers[type(call)]
        if injected is not None and isinstance(call, calls.Submit):
            handler = self._to_endpoint(lambda request, call, now: self.queue.submit(request, call, now, injected))
        if self._context.config.mode is not Mode.AUTO:
            return handler(request, call, now)
        if type(call) in auto.TO_FAL:
            return Forward("auto: uploads and tokens go to fal")
        if isinstance(call, calls.WebhookKeys) and not self._webhooks.schedule.used:
            return Forward("auto: no webhook was sent from here, so the keys are fal's")
        if isinstance(call, calls.Socket | calls.RunSocket):
            known = self._sockets.knows(call)
            return handler(request, call, now) if known else Forward("auto: no fixture is for this socket")
        reply = handler(request, call, now)
        if auto.is_ours(call, reply):
            return reply
        inline = auto.known_here_only(request, self._context.scope.assets, self._context.index.assets)
        return Forward("auto: nothing here answers it", inline)

    def _table(self) -> dict[type[Any], Handler]:
        """The handler for each kind of call."""
        queue, uploads = self.queue, self._uploads
        return {
            **dict.fromkeys(calls.ABOUT_JOB, self._about_job(lambda _, call, now: queue.follow_up(call, now))),
            calls.Run: self._to_endpoint(self._streams.run),
            calls.Stream: self._to_endpoint(self._streams.run),
            calls.Socket: _after_handshake(self._socket),
            calls.RunSocket: _after_handshake(self._to_endpoint(self._sockets.open_runs)),
            calls.WebhookKeys: lambda request, _, __: webhook_requests.keys(
                self._webhooks.edge, head=request.method == "HEAD"
            ),
            calls.Submit: self._to_endpoint(queue.submit),
            calls.UploadInitiate: self._to_storage(
                self._recorded_start_or(lambda request, call, _: uploads.initiate(request, call))
            ),
            calls.CdnToken: self._to_storage(self._recorded_or(lambda _, __, now: uploads.token(now))),
            calls.Token: self._to_storage(self._recorded_or(self._tokens.give)),
            calls.FileGet: lambda request, _, now: self._downloads.get(request, now),
            calls.FilePut: self._recorded_file_or(lambda request, _, __: uploads.put(request)),
            calls.DirectUpload: self._recorded_file_or(lambda request, _, __: uploads.upload(request)),
            calls.MultipartStart: self._recorded_start_or(lambda request, _, __: uploads.multipart_start(request)),
            calls.UploadPart: self._recorded_or(uploads.part),
            calls.PartUrl: self._recorded_or(lambda _, call, __: uploads.part_url(call)),
            calls.UploadComplete: self._recorded_or(lambda request, call, _: uploads.complete(request, call)),
            calls.Unrouted: self._to_platform(self._recorded_or(self._unrouted)),
        }

    def _providers(self, request: Request, call: calls.ProviderMapping, now: float) -> Effect:
        """Which endpoint serves a model of Hugging Face's Hub. Only a call to fal's hosts must not go on."""
        found = self._answers.recorded(request, now)
        if found is None and self._context.config.mode is not Mode.AUTO:
            found = hub.providers(call.model, self._platform.catalogue, self._context.makes)
        if found is not None:
            return found
        shown = self._context.scope.redactor.text(call.model)
        if self._context.config.mode is Mode.AUTO or self._context.config.hosts.may_pass(request.host):
            return Forward(f"{hub.why_unknown(shown)}. The call goes to {request.host}")
        return hub.unknown(call.model, shown)

    def _unrouted(self, request: Request, call: calls.Unrouted, now: float) -> Reply:
        asked = query.of_plain_call(request.query)
        beside = f" with the query {self._context.scope.redactor.shown(asked, _SHOWN)}" if asked else ""
        text = f"{request.method} https://{request.host}{request.path}{beside}: {call.message}"
        return self._platform.answer(request, now) or self._unanswered(call, text)

    def _unanswered(self, call: calls.Unrouted, text: str) -> Reply:
        if call.status != NOT_HERE:
            extra = handshake.headers_of(call.status) if call.status == handshake.UPGRADE_REQUIRED else ()
            return replies.problem(call.status, text, call.message, *extra)
        # fal can answer this, and a fixture could. Clients of its Platform API read only `error`.
        body = {"detail": text, "message": text, **platform.error("not_implemented", text)}
        marks = (replies.error_header(call.message), replies.MISS_HEADER)
        miss = Miss(text, f"falmock: {self._context.scope.redactor.text(text)}", ())
        return replies.json_reply(call.status, body, call.message, *marks)._replace(miss=miss)

    def _recorded_or(self, handler: Handler) -> Handler:
        """A handler for calls to no endpoint: a fixture's answer wins over a synthesized one."""

        def handle(request: Request, call: Any, now: float) -> Answer:
            return self._answers.recorded(request, now) or handler(request, call, now)

        return handle

    def _recorded_start_or(self, handler: Handler) -> Handler:
        """As `_recorded_or`, for calls that start an upload: its content is taken at the recorded URLs."""

        def handle(request: Request, call: Any, now: float) -> Answer:
            recorded = self._answers.recorded(request, now)
            if recorded is None:
                return handler(request, call, now)
            self._uploads.issued(recorded)
            return recorded

        return handle

    def _recorded_file_or(self, handler: Handler) -> Handler:
        """As `_recorded_or`, for calls whose body is a file: it is kept, whoever answers."""

        def handle(request: Request, call: Any, now: float) -> Answer:
            recorded = self._answers.recorded(request, now)
            if recorded is None:
                return handler(request, call, now)
            self._uploads.stored(request, recorded)
            return recorded

        return handle

    # keys and tokens

    def _about_job(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Answer:
            if self._checks_key(request):
                app = self._app_of(request, call, now)
                refused = None if app is None else self._refusal(request, app, now)
                if refused is not None:
                    return _unauthorized(refused)
            answer = handler(request, call, now)
            if isinstance(answer, Reply) and answer.fixture is not None:
                return replies.with_request_id(answer, call.request_id)
            if isinstance(answer, Stream) and answer.fixture is not None:
                return replies.with_request_id(answer, call.request_id)
            return answer

        return handle

    def _app_of(self, request: Request, call: Any, now: float) -> EndpointId | None:
        """The app that a call about a job needs access to; None if the call is 404 whatever it shows.

        A key is checked before the id is looked up; without one, an unknown id is 404 (PROTOCOL.md section 1.4).
        """
        job = self._context.scope.jobs.get(call.request_id, now)
        if job is not None:
            return endpoint_ids.parse(job.app)
        if "authorization" not in request.headers and PARAMETER not in request.query:
            return None
        try:
            return endpoint_ids.parse(calls.endpoint_of(call, request.path))
        except endpoint_ids.BadEndpointId:
            return None

    def _to_endpoint(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Answer:
            if self._checks_key(request):
                refused = self._refusal(request, call.endpoint, now)
                if refused is not None:
                    return _unauthorized(refused)
            return handler(request, call, now)

        return handle

    def _socket(self, request: Request, call: calls.Socket, now: float) -> Answer:
        if self._checks_key(request) and self._refusal(request, call.endpoint, now) is not None:
            return accept.refused()
        return self._sockets.open(request, call, now)

    def _to_storage(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Answer:
            refused = auth.refusal(self._context.config.auth, request.headers, errors.NO_AUTHORIZATION_REST, now)
            return handler(request, call, now) if refused is None else _unauthorized(refused)

        return handle

    def _to_platform(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Answer:
            return self._platform.refusal(request, now) or handler(request, call, now)

        return handle

    def _checks_key(self, request: Request) -> bool:
        """Whether the key or the token of a request has to be checked."""
        is_checked = self._context.config.auth.required or PARAMETER in request.query
        return is_checked and not self._is_from_hub(request)

    def _is_from_hub(self, request: Request) -> bool:
        """Whether a call to Hugging Face's router has a token of Hugging Face's, which is no key of fal's."""
        if self._context.config.hosts.role(request.host) is not Role.ROUTER:
            return False
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.startswith("hf_"):
            return False
        rule = self._context.config.auth
        return not rule.keys or auth.is_listed(rule, token)

    def _refusal(self, request: Request, endpoint: EndpointId, now: float) -> str | None:
        trusts_fal = self._context.config.mode is Mode.AUTO
        return self._tokens.refusal(self._context.config.auth, request, endpoint, now, trusts_fal=trusts_fal)


def _after_handshake(handler: Handler) -> Handler:
    """A handler for sockets, which are opened only after a good handshake."""

    def handle(request: Request, call: Any, now: float) -> Answer:
        bad = request.bad_handshake
        return handler(request, call, now) if bad is None else replies.bad_handshake(bad)

    return handle


def _unauthorized(text: str) -> Reply:
    return replies.queue_reply(401, {"detail": text}, "not authorized")
