"""The engine: one function from a request and the time to what is to be done about it."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.files import Files
from falmock.engine.inference import Inference
from falmock.engine.inference import NewId
from falmock.engine.scopes import Scope
from falmock.fixtures.index import Index
from falmock.wire import auth
from falmock.wire import cors
from falmock.wire import errors
from falmock.wire import routes
from falmock.wire.hosts import Role
from falmock.wire.message import Request

_PREFLIGHT_TYPE = (b"Content-Type", b"text/plain; charset=utf-8")


class Engine:
    """Decides what every call is answered with.

    `new_id` makes a request id from the time (seconds since the epoch): the engine itself rolls no dice and reads
    no clock.
    """

    def __init__(self, config: Config, index: Index, new_id: NewId) -> None:
        self.config = config
        self.scope = Scope(config.max_jobs, config.job_ttl)
        self._inference = Inference(config, index, self.scope, new_id)
        self._files = Files(self.scope.assets, index)

    def use_fixtures(self, index: Index) -> None:
        """Answer from another set of fixtures from now on; jobs under way end as they were to end."""
        self._inference.index = self._files.index = index
        self._inference.misses.clear()

    def use_config(self, config: Config) -> None:
        """Work by another configuration from now on; jobs under way keep their pace."""
        self.config = self._inference.config = config
        self.scope.jobs.limit, self.scope.jobs.ttl = config.max_jobs, config.job_ttl

    def handle(self, request: Request, now: float) -> Effect:
        """What to do about a request to one of fal's hosts at `now` (seconds since the epoch)."""
        if self.config.mode is Mode.PASSTHROUGH:
            effect: Effect = Forward("passthrough")
        elif request.method == "OPTIONS":
            effect = Reply(200, (_PREFLIGHT_TYPE, *cors.preflight(request.headers)), b"OK", "CORS preflight")
        else:
            effect = self._answer(request, now)
            if "origin" in request.headers and not _has_cors(effect):
                effect = effect._replace(headers=effect.headers + cors.simple(request.headers))
        self.scope.journal.note(request, effect, now)
        return effect

    def _answer(self, request: Request, now: float) -> Reply:
        role = self.config.hosts.role(request.host) or Role.OTHER
        call = routes.route(role, request.method, request.path, request.query)
        # The commonest calls first: polls outnumber everything else.
        if isinstance(call, routes.Status | routes.Result | routes.Cancel):
            return self._about_job(request, call, now)
        if isinstance(call, routes.Run | routes.Submit):
            refused = self._refused(request, errors.no_authorization(call.endpoint.app))
            if refused is not None:
                return refused
            if isinstance(call, routes.Submit):
                return self._inference.submit(request, call, now)
            if request.headers.get("upgrade", "").lower() == "websocket":
                return replies.problem(501, "falmock does not answer realtime sockets yet", "realtime")
            return self._inference.run(request, call, now)
        if isinstance(call, routes.UploadInitiate | routes.CdnToken):
            refused = self._refused(request, errors.NO_AUTHORIZATION_REST)
            if refused is not None:
                return refused
            if isinstance(call, routes.UploadInitiate):
                return self._files.initiate(request, call)
            return self._files.token(now)
        return self._cdn(request, call)

    def _about_job(self, request: Request, call: routes.Status | routes.Result | routes.Cancel, now: float) -> Reply:
        job = self.scope.jobs.get(call.request_id, now) if self.config.auth.required else None
        if job is not None:  # an unknown id is 404 even without a key (section 3.2)
            refused = self._refused(request, errors.no_authorization(job.app))
            if refused is not None:
                return refused
        if isinstance(call, routes.Status):
            return self._inference.status(call, now)
        if isinstance(call, routes.Result):
            return self._inference.result(call, now)
        return self._inference.cancel(call, now)

    def _cdn(self, request: Request, call: routes.Call) -> Reply:
        files = self._files
        match call:
            case routes.FileGet():
                return files.get(request)
            case routes.FilePut():
                return files.put(request, call)
            case routes.UploadPart():
                return files.part(request, call)
            case routes.UploadComplete():
                return files.complete(request, call)
            case routes.PartUrl():
                return files.part_url(call)
            case routes.MultipartStart():
                return files.multipart_start(request)
            case routes.DirectUpload():
                return files.upload(request)
            case routes.StatusStream():
                message = "falmock does not stream statuses yet: poll .../status instead"
                return replies.problem(501, message, "status stream")
            case routes.Unrouted():
                message = f"{request.method} https://{request.host}{request.path}: {call.message}"
                return replies.problem(call.status, message, call.message)
            case _:
                raise AssertionError(f"no answer for {call!r}")

    def _refused(self, request: Request, missing: str) -> Reply | None:
        text = auth.refusal(self.config.auth, request.headers, request.query, missing)
        return None if text is None else replies.queue_reply(401, {"detail": text}, "not authorized")


def _has_cors(reply: Reply) -> bool:
    return any(name == b"access-control-allow-origin" for name, _ in reply.headers)
