"""The door for clients of the OpenAI images API: all paths below `/v1`, and below `/openai` as Azure has them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import unquote

from falmock.engine import replies
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.engines import Engines
from falmock.engine.files.registry import LIMIT
from falmock.fixtures.matching.index import Index
from falmock.gateway import door
from falmock.gateway import journal_view
from falmock.gateway.door import Ask
from falmock.gateway.door import Decide
from falmock.gateway.door import FalCall
from falmock.gateway.openai import errors
from falmock.gateway.openai import fal_calls
from falmock.gateway.openai import file_urls
from falmock.gateway.openai import models as openai_models
from falmock.gateway.openai import request as openai_request
from falmock.gateway.openai import routes
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.gateway.openai.generation import ImageCall
from falmock.gateway.openai.generation import ImageGenerator
from falmock.gateway.openai.generation import Together
from falmock.gateway.openai.jobs import Pause
from falmock.gateway.openai.models import Models
from falmock.gateway.openai.routes import Route
from falmock.wire import cors
from falmock.wire.formats import multipart
from falmock.wire.formats.media import media_type
from falmock.wire.message import Request

_READERS = {
    routes.GENERATIONS: openai_request.of_generation,
    routes.EDITS: openai_request.of_edit,
    routes.VARIATIONS: openai_request.of_variation,
}
_METHODS = {**dict.fromkeys(_READERS, "POST"), routes.MODELS: "GET"}


class OpenAIImages:
    """Answers OpenAI's clients with models of fal. `log` writes a line to the log."""

    name = (
        "POST /v1/images/generations, /v1/images/edits and /v1/images/variations, GET /v1/models (OpenAI; Azure OpenAI has "
        "the same at /openai/v1/ and /openai/deployments/MODEL/)"
    )

    def __init__(
        self, engines: Engines, decided: Decide, together: Together, pause: Pause, log: Callable[[str], None]
    ) -> None:
        self._engines = engines
        self._decided = decided
        self._generator = ImageGenerator(engines, decided, together, pause, log)
        self._listed: tuple[Index, bool, Models] = (Index(), False, ())

    def claims(self, request: Request) -> bool:
        """Whether a request is for this door."""
        path = routes.of(request.path).path
        return path in _METHODS or path.startswith((f"{routes.MODELS}/", file_urls.PREFIX))

    def max_body(self, request: Request) -> int:
        """How many bytes the body of a request may have: a form has files."""
        return LIMIT if media_type(request.headers.get("content-type", "")) == multipart.TYPE else door.MAX_BODY

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply | Stream | FalCall:
        """The answer in OpenAI's form, also for errors."""
        request = request._replace(door=door.OPENAI)
        route = routes.of(request.path)
        prepared = await self._decided(lambda: self._prepared(request, route, ask, now))
        if not isinstance(prepared, ImageCall):
            return prepared
        try:
            reply = await self._generator.make(prepared)
        except RefusedCall as error:
            refused = error
            reply = await self._decided(lambda: self._refusal(request, route, refused, now))
        return _readable(request, reply)

    def _prepared(self, request: Request, route: Route, ask: Ask, now: float) -> Reply | FalCall | ImageCall:
        """The answer to a request, or what is needed to generate the images that it asks for."""
        if request.method == "OPTIONS":
            reply = Reply(204, cors.preflight(request.headers), b"", "CORS preflight")
            return door.noted(self._engines, request, reply, now, journal_view.PREFLIGHT)
        self._engines.common.redactor.learn(request.headers, request.query)
        if route.path.startswith(file_urls.PREFIX):
            return self._file(request, now)
        try:
            found = self._image_call(request, route, ask, now)
        except RefusedCall as refused:
            found = self._refusal(request, route, refused, now)
        return _readable(request, found) if isinstance(found, Reply) else found

    def _image_call(self, request: Request, route: Route, ask: Ask, now: float) -> Reply | ImageCall:
        """The answer to a request about models, or what is needed to generate images. Raises RefusedCall."""
        expected = _METHODS.get(route.path, "GET")
        if request.method != expected:
            message = f"Not allowed to {request.method} on {request.path}. (HINT: Perhaps you meant to use {expected}?)"
            raise RefusedCall(message, status=405, code="method_not_supported", headers=[(b"allow", expected.encode())])
        self._check_key(request)
        if route.path not in _READERS:
            reply = self._models(unquote(route.path.removeprefix(routes.MODELS).removeprefix("/")), request.scope)
            return door.noted(self._engines, request, reply, now, journal_view.MODELS)
        spec = _READERS[route.path](request, route.deployment)
        spec = spec._replace(extras={name: file_urls.to_fal(value) for name, value in spec.extras.items()})
        model, endpoint = self._model(spec.model, request.scope)
        headers = fal_calls.headers_of(request, forwards=self._forwards)
        if "authorization" in headers:
            headers["authorization"] = fal_calls.fals_authorization(headers["authorization"], self._engines.config.auth)
        calls = FalCalls(ask, request.scope, headers, fal_calls.patience_of(request))
        return ImageCall(spec, model, endpoint, request, calls, self._engines.peek(request.scope).index, now)

    def _refusal(self, request: Request, route: Route, refused: RefusedCall, now: float) -> Reply:
        """The answer for an error; it is added to the journal unless fal answered it, because that call is already there."""
        reply = refused.reply(is_azure=route.is_azure)
        if refused.cause is not None and refused.cause.status >= 400:
            return reply
        if refused.is_unmatched:
            reply = door.unmatched(
                self._engines, request, reply, f"no model answers {request.method} {request.path}: {refused.message}"
            )
        kind = journal_view.IMAGES if route.path in _READERS else journal_view.MODELS
        return door.noted(self._engines, request, reply, now, kind)

    @property
    def _forwards(self) -> bool:
        return self._engines.config.mode is not Mode.REPLAY

    def _check_key(self, request: Request) -> None:
        """Check the access key if one is set; in modes that forward, one must be set. Raises RefusedCall."""
        expected = self._engines.config.openai_access_key
        if not expected:
            if self._forwards:
                raise errors.bad_key(
                    f"In mode {self._engines.config.mode.value} calls go to the real fal, which bills them: start falmock "
                    "with an access key of your own in the environment variable CUSTOM_ACCESS_KEY, and give it as the API key"
                )
            return
        given = fal_calls.key_of(request)
        if not given:
            raise errors.bad_key(
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or with Azure's clients in an api-key header."
            )
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode()):
            raise errors.bad_key("Incorrect API key provided: expected the one in CUSTOM_ACCESS_KEY.")

    # models

    def _all_models(self, scope: str) -> Models:
        named = self._engines.config.openai_models
        if named:
            return named
        index, makes_answers = self._engines.peek(scope).index, self._engines.config.makes_answers
        if self._listed[0] is not index or self._listed[1] is not makes_answers:
            self._listed = (index, makes_answers, openai_models.of_index(index, makes_answers=makes_answers))
        return self._listed[2]

    def _models(self, name: str, scope: str) -> Reply:
        models = self._all_models(scope)
        if not name:
            data = [openai_models.described(*model) for model in models]
            return replies.json_reply(200, {"object": "list", "data": data}, "openai: models")
        found = dict(models).get(name)
        if found is None:
            raise errors.no_such_model(name, _available(models))
        return replies.json_reply(200, openai_models.described(name, found), "openai: model")

    def _model(self, name: str, scope: str) -> tuple[str, str]:
        """The name and endpoint id of the model of a call, or of the default or only one. Raises RefusedCall."""
        models = self._all_models(scope)
        known = dict(models)
        if not name:
            name = (
                openai_request.DEFAULT_MODEL
                if openai_request.DEFAULT_MODEL in known or len(known) != 1
                else models[0][0]
            )
            if name not in known:
                raise errors.missing("model")
        if name in known:
            return name, known[name]
        if self._engines.config.openai_models:
            raise errors.no_such_model(name, _available(models), for_images=True)
        try:
            return name, openai_models.parse([name])[0][1]
        except (openai_models.BadModels, IndexError):
            hint = f"{_available(models)}; fal_openai_models={name[:200]}:ENDPOINT gives one of fal's this name"
            raise errors.no_such_model(name, hint, for_images=True) from None

    def _file(self, request: Request, now: float) -> Reply | FalCall:
        call = file_urls.fal_request(request, self._engines.config.hosts)
        if call is None or request.method not in ("GET", "HEAD") or not self._engines.config.mode.answers:
            reply = RefusedCall("There is no such file", status=404, code="file_not_found").reply()
            return door.noted(self._engines, request, reply, now, journal_view.DOWNLOAD)
        return FalCall(call, _of_file)


def _readable(request: Request, reply: Reply) -> Reply:
    """A reply that the page that asked may read."""
    return reply._replace(headers=reply.headers + cors.simple(request.headers))


def _of_file(effect: Reply | Stream) -> Reply | Stream:
    """An answer about a file of fal's, an error in OpenAI's form. The real fal's error stays, as its body cannot be changed."""
    if not isinstance(effect, Reply) or effect.status < 400 or effect.why == door.FALS_ANSWER:
        return effect
    message = errors.message_of(effect)
    code = "file_not_found" if effect.status == 404 else None
    headers = (*errors.marks(effect), *cors.public())
    return RefusedCall(message, status=effect.status, code=code, headers=headers, cause=effect).reply()


def _available(models: Models) -> str:
    names = [name for name, _ in models[:20]]
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}" if names else "there are none"
