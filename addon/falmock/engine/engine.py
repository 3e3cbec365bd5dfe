"""The engine: one function from a request and the time to what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falmock.engine import auto
from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.answers import NewId
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.downloads import Downloads
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.queue import Queue
from falmock.engine.scopes import Scope
from falmock.engine.tokens import Tokens
from falmock.engine.uploads import Uploads
from falmock.fixtures.index import Index
from falmock.fixtures.redaction import Redactor
from falmock.wire import auth
from falmock.wire import cors
from falmock.wire import errors
from falmock.wire import routes
from falmock.wire.hosts import Role
from falmock.wire.message import Request

Handler = Callable[[Request, Any, float], Reply]
_PREFLIGHT_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")


class Engine:
    """Decides what every call is answered with.

    `new_id` makes a request id from the time (seconds since the epoch): the engine itself rolls no dice and reads
    no clock. `secret` signs the tokens it gives out.
    """

    def __init__(self, config: Config, index: Index, new_id: NewId, secret: bytes = b"falmock") -> None:
        self.config = config
        self.redactor = Redactor(*config.redact)
        self.scope = Scope(config.max_jobs, config.job_ttl, self.redactor)
        self._index = index
        index = index.ignoring(config.ignore)
        self._answers = Answers(config, index, self.scope, new_id)
        self._queue = Queue(self._answers, self.scope.jobs)
        self._uploads = Uploads(self.scope.assets)
        self._downloads = Downloads(self.scope.assets, index, self.redactor, self._answers.find_plain)
        self._tokens = Tokens(secret)
        self._handlers = self._table()

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way end as they were to end."""
        self._index = index
        self._take(index.ignoring(self.config.ignore))

    def _take(self, index: Index) -> None:
        self._answers.use_fixtures(index)
        self._downloads.index = index

    def use_config(self, config: Config) -> None:
        """Work by another configuration from now on; jobs under way keep their pace."""
        before, self.config = self.config, config
        self._answers.config = config
        if config.ignore != before.ignore:
            self._take(self._index.ignoring(config.ignore))
        if config.redact != before.redact:
            self.redactor.use(*config.redact)
        self.scope.jobs.limit, self.scope.jobs.ttl = config.max_jobs, config.job_ttl

    def handle(self, request: Request, now: float) -> Effect:
        """What to do about a request to one of fal's hosts at `now` (seconds since the epoch)."""
        self.redactor.learn(request.headers, request.query)
        if not self.config.mode.answers:
            effect: Effect = Forward(self.config.mode.value)
        elif request.method == "OPTIONS":
            effect = Reply(200, (_PREFLIGHT_TYPE, *cors.preflight(request.headers)), b"OK", "CORS preflight")
        else:
            effect = self._answer(request, now)
            if isinstance(effect, Reply) and "origin" in request.headers and not _has_cors(effect):
                effect = effect._replace(headers=effect.headers + cors.simple(request.headers))
        self.scope.journal.note(request, effect, now)
        return effect

    def _answer(self, request: Request, now: float) -> Effect:
        role = self.config.hosts.role(request.host) or Role.OTHER
        call = routes.route(role, request.method, request.path, request.query)
        if self.config.mode is not Mode.AUTO:
            return self._handlers[type(call)](request, call, now)
        if type(call) in auto.TO_FAL:
            return Forward("auto: uploads and tokens go to fal")
        reply = self._handlers[type(call)](request, call, now)
        if auto.is_ours(call, reply):
            return reply
        inline = auto.known_here_only(request, self.scope.assets, self._downloads.index.assets)
        return Forward("auto: nothing here answers it", inline)

    def _table(self) -> dict[type[Any], Handler]:
        """What answers each kind of call."""
        queue, uploads = self._queue, self._uploads
        return {
            routes.Status: self._about_job(lambda _, call, now: queue.status(call, now)),
            routes.StatusStream: self._about_job(lambda _, call, now: queue.status_stream(call, now)),
            routes.Result: self._about_job(lambda _, call, now: queue.result(call, now)),
            routes.Cancel: self._about_job(lambda _, call, now: queue.cancel(call, now)),
            routes.Run: self._to_endpoint(self._run),
            routes.Submit: self._to_endpoint(queue.submit),
            routes.UploadInitiate: self._to_storage(
                self._recorded_or(lambda request, call, _: uploads.initiate(request, call))
            ),
            routes.CdnToken: self._to_storage(self._recorded_or(lambda _, __, now: uploads.token(now))),
            routes.Token: self._to_storage(self._recorded_or(self._tokens.give)),
            routes.FileGet: lambda request, _, __: self._downloads.get(request),
            routes.FilePut: self._recorded_or(lambda request, _, __: uploads.put(request)),
            routes.DirectUpload: self._recorded_or(lambda request, _, __: uploads.upload(request)),
            routes.MultipartStart: self._recorded_or(lambda request, _, __: uploads.multipart_start(request)),
            routes.UploadPart: self._recorded_or(lambda request, call, _: uploads.part(request, call)),
            routes.PartUrl: self._recorded_or(lambda _, call, __: uploads.part_url(call)),
            routes.UploadComplete: self._recorded_or(lambda request, call, _: uploads.complete(request, call)),
            routes.Unrouted: self._recorded_or(
                lambda request, call, _: replies.problem(
                    call.status, f"{request.method} https://{request.host}{request.path}: {call.message}", call.message
                )
            ),
        }

    def _recorded_or(self, handler: Handler) -> Handler:
        """A handler for calls to no endpoint: what a fixture answers goes before what would be made up."""

        def handle(request: Request, call: Any, now: float) -> Reply:
            return self._answers.recorded(request) or handler(request, call, now)

        return handle

    def _run(self, request: Request, call: routes.Run, now: float) -> Reply:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return replies.problem(501, "falmock does not answer realtime sockets yet", "realtime")
        return self._answers.run(request, call, now)

    # who may call

    def _about_job(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Reply:
            if self.config.auth.required:
                job = self.scope.jobs.get(call.request_id, now)
                if job is not None:  # an unknown id is 404 even without a key (section 3.2)
                    refused = self._refused(request, errors.no_authorization(job.app))
                    if refused is not None:
                        return refused
            return handler(request, call, now)

        return handle

    def _to_endpoint(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Reply:
            if self.config.auth.required:
                refused = self._refused(request, errors.no_authorization(call.endpoint.app))
                if refused is not None:
                    return refused
            return handler(request, call, now)

        return handle

    def _to_storage(self, handler: Handler) -> Handler:
        def handle(request: Request, call: Any, now: float) -> Reply:
            return self._refused(request, errors.NO_AUTHORIZATION_REST) or handler(request, call, now)

        return handle

    def _refused(self, request: Request, missing: str) -> Reply | None:
        text = auth.refusal(self.config.auth, request.headers, request.query, missing)
        return None if text is None else replies.queue_reply(401, {"detail": text}, "not authorized")


def _has_cors(reply: Reply) -> bool:
    return any(name == b"access-control-allow-origin" for name, _ in reply.headers)
