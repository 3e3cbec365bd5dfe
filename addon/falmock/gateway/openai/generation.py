"""Generates the images that a client of the OpenAI images API requests, by calls to fal."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.platform.platform import MADE_UP
from falmock.fixtures.matching.index import Index
from falmock.gateway.door import Decide
from falmock.gateway.openai import errors
from falmock.gateway.openai import file_urls
from falmock.gateway.openai import input_mapping
from falmock.gateway.openai import model_inputs
from falmock.gateway.openai import models
from falmock.gateway.openai import response
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.gateway.openai.image_files import ImageFile
from falmock.gateway.openai.input_mapping import SentFiles
from falmock.gateway.openai.jobs import JobWaiter
from falmock.gateway.openai.jobs import Pause
from falmock.gateway.openai.model_inputs import Inputs
from falmock.gateway.openai.request import ImageRequest
from falmock.gateway.openai.response import Image
from falmock.wire.formats import jsontext
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map

MISSING_HEADER = b"x-falmock-missing"
"""The header with the number of requested images that could not be generated."""
RETRY_SCHEMA_SECONDS = 300.0
"""How long to wait before a schema that could not be fetched is requested again."""
_KEPT = 1000
"""How many schemas and logged texts are remembered: limited, because endpoint ids come from clients."""

Together = Callable[[Sequence[Awaitable[Reply]]], Awaitable[list[Reply]]]
"""Awaits several answers concurrently."""


class ImageCall(NamedTuple):
    """One call of a client: its specification, the endpoint, how to call fal, and the fixtures of its scope.

    `now` is in seconds since the epoch.
    """

    spec: ImageRequest
    model: str
    endpoint: str
    request: Request
    calls: FalCalls
    fixtures: Index
    now: float


class ImageGenerator:
    """Generates images. `log` writes a line to the log."""

    def __init__(
        self, engines: Engines, decided: Decide, together: Together, pause: Pause, log: Callable[[str], None]
    ) -> None:
        self._engines = engines
        self._decided = decided
        self._together = together
        self._pause = pause
        self._log = log
        self._keys = FalKeys()
        self._logged: set[str] = set()
        self._schemas: dict[str, tuple[float | None, Inputs | None]] = {}

    @property
    def _forwards(self) -> bool:
        return self._engines.config.mode is not Mode.REPLAY

    async def make(self, call: ImageCall) -> Reply:
        """The answer with the images. Raises RefusedCall if there are none."""
        inputs = await self._inputs(call)
        files = SentFiles(
            tuple([await self._url(call, image) for image in call.spec.images]),
            None if call.spec.mask is None else await self._url(call, call.spec.mask),
        )
        most = input_mapping.per_call(call.spec, inputs)
        good: list[tuple[Any, Reply]] = []
        failed: list[Reply] = []
        number, requested, made, rounds = call.spec.number, 0, 0, 0
        while made < number and not failed and rounds < number:
            counts = _split(number - made, most)
            plans = []
            for count in counts:
                plans.append(input_mapping.mapped(call.spec, inputs, files, count, requested))
                requested += count
            if inputs is not None:
                self._log_left_out(call, plans[0].left_out)
            answers = await self._together([self._run(call, plan.inputs) for plan in plans])
            before, rounds = made, rounds + len(counts)
            for reply in answers:
                output = _output(reply)
                images = len(models.images_in(output))
                if images:
                    good.append((output, reply))
                    made += images
                elif reply.status >= 400 or not failed:
                    failed.append(reply)
            if made == before:
                break
        if not good:
            raise self._error(call, failed[0])
        return await self._answer_with(call, good, failed)

    async def _run(self, call: ImageCall, candidates: Sequence[dict[str, Any]]) -> Reply:
        requests = [call.calls.submit(call.endpoint, given) for given in candidates]

        def known() -> Request:
            engine = self._engines.peek(call.request.scope)
            return next((request for request in requests if engine.knows(request)), requests[0])

        # A fixture may be for a plainer input, without size, count and format.
        return await self._ask(call, requests[0] if self._forwards else await self._decided(known))

    async def _ask(self, call: ImageCall, request: Request) -> Reply:
        """The outcome of a submit, made with the first key that fal accepts."""
        keys = self._engines.config.fal_keys if self._forwards else ()
        tries = len(keys)
        while True:
            key = self._keys.next(keys, call.now)
            reply = await call.calls.ask(request, key)
            if key is None or not (reply.status == 401 or errors.is_out_of_balance(reply)):
                return await JobWaiter(call.calls, self._pause).outcome(reply, call.endpoint, key)
            self._suspend(keys, key, reply, call.now)
            tries -= 1
            if not tries:
                return reply

    def _suspend(self, keys: Sequence[str], key: str, reply: Reply, now: float) -> None:
        self._keys.suspend(key, now)
        why = "was refused" if reply.status == 401 else "is out of balance"
        self._log(f"fal key {keys.index(key) + 1} of {len(keys)} {why}: it is not used for a while")

    async def _url(self, call: ImageCall, image: ImageFile) -> str:
        """The URL of an image for the model's input; a file is uploaded."""
        if isinstance(image, str):
            return str(file_urls.to_fal(image))
        keys = self._engines.config.fal_keys if self._forwards else ()
        return await call.calls.upload(image, self._keys.next(keys, call.now))

    def _error(self, call: ImageCall, reply: Reply) -> RefusedCall:
        if reply.status < 400:
            message = f"The model {call.endpoint} answered, but with no image"
            kind, again = errors.SERVER_ERROR, (errors.NO_RETRY,)
            return RefusedCall(message, status=500, kind=kind, code="no_image", headers=again, cause=reply)
        return errors.of_fal(reply, call.model, known=bool(call.fixtures.of_endpoint(call.endpoint)))

    async def _answer_with(self, call: ImageCall, good: Sequence[tuple[Any, Reply]], failed: Sequence[Reply]) -> Reply:
        made = [(url, output.get("prompt")) for output, _ in good for url in models.images_in(output)]
        pictures: list[Image] = []
        lost: list[RefusedCall] = []
        for url, prompt in made[: call.spec.number]:
            try:
                pictures.append(await self._picture(call, url, prompt))
            except RefusedCall as refused:
                lost.append(refused)
        if not pictures:
            raise lost[0]
        first = good[0][1]
        headers = _headers(first)
        missing = call.spec.number - len(pictures)
        if missing:
            lost += [self._error(call, failed[0])] if failed else []
            why = lost[0].message if lost else "it makes no more"
            self._log(f"{call.endpoint}: {len(pictures)} of {call.spec.number} images: {why}")
            headers += ((MISSING_HEADER, str(missing).encode()),)
        outputs = [output for output, _ in good]
        reply = response.reply(call.spec, pictures, outputs, int(call.now), f"openai: {first.why}")
        return reply._replace(headers=reply.headers + headers, fixture=first.fixture)

    async def _picture(self, call: ImageCall, url: str, prompt: Any) -> Image:
        prompt = prompt if isinstance(prompt, str) else None
        if call.spec.base64:
            content = await call.calls.fetch(url)
            return Image(url, prompt, base64.b64encode(content).decode(), content)
        config = self._engines.config
        shown = file_urls.to_client(url, call.request, config.hosts) if config.mode.answers else url
        return Image(shown, prompt)

    # what models take

    async def _inputs(self, call: ImageCall) -> Inputs | None:
        """The inputs of a model from its schema: in a file, in a fixture, or from fal in modes that forward; None if unknown."""
        known = call.fixtures.documents.find(call.endpoint)
        inputs = None if known is None else model_inputs.inputs_of(known.document, known.endpoint)
        if inputs is None and self._forwards:
            inputs = await self._fetched_inputs(call)
        if inputs is None:
            self._log_once(
                f"the inputs of {call.endpoint} are unknown: it gets prompt, image_size and num_images. To map sizes and "
                f"counts, put its OpenAPI document at _schemas/{call.endpoint}.json next to the fixtures (falmock schemas fetch "
                f"{call.endpoint}), or record once"
            )
        return inputs

    async def _fetched_inputs(self, call: ImageCall) -> Inputs | None:
        again, inputs = self._schemas.get(call.endpoint, (0.0, None))
        if again is None or call.now < again:
            return inputs
        reply = await call.calls.ask(call.calls.schema(call.endpoint))
        if reply.status == 200 and MADE_UP not in reply.headers:
            inputs = model_inputs.inputs_of(_output(reply), call.endpoint)
        if len(self._schemas) >= _KEPT:
            self._schemas.clear()
        self._schemas[call.endpoint] = (None if inputs is not None else call.now + RETRY_SCHEMA_SECONDS, inputs)
        return inputs

    def _log_left_out(self, call: ImageCall, left_out: Sequence[str]) -> None:
        """Log, once each, the parameters for which a model has no input."""
        for name in left_out:
            self._log_once(f"{call.endpoint} has no input for the requested {name}: it is left out")

    def _log_once(self, text: str) -> None:
        if text not in self._logged and len(self._logged) < _KEPT:
            self._logged.add(text)
            self._log(text)


def _split(number: int, most: int) -> list[int]:
    """The number of images for each call, if one call may request at most `most`."""
    whole, rest = divmod(number, most)
    return [most] * whole + ([rest] if rest else [])


def _output(reply: Reply) -> Any:
    """A model's output; None if the answer is an error or not JSON."""
    if reply.status >= 400 or not isinstance(reply.body, bytes):
        return None
    return jsontext.value_of(reply.body)


def _headers(reply: Reply) -> tuple[Header, ...]:
    """The headers of a run to return with its images; the request id under OpenAI's name too."""
    headers = header_map(reply.headers)
    named = (
        ("x-request-id", headers.get("x-fal-request-id")),
        ("x-fal-request-id", headers.get("x-fal-request-id")),
        ("x-falmock-fixture", headers.get("x-falmock-fixture")),
        ("x-falmock-warning", headers.get("x-falmock-warning")),
        ("x-falmock-synthesized", headers.get("x-falmock-synthesized")),
    )
    return tuple((name.encode(), value.encode()) for name, value in named if value)


SUSPEND_SECONDS = 600.0
"""How long a key that was refused or is out of balance is not used."""


class FalKeys:
    """Issues the keys in turn.

    Suspended keys are skipped. If all are suspended, the one that was suspended first is issued.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._suspended_until: dict[str, float] = {}

    def next(self, keys: tuple[str, ...], now: float) -> str | None:
        """The key for a call at `now` (seconds since the epoch); None if there are no keys."""
        if not keys:
            return None
        candidates = [keys[(self._turn + place) % len(keys)] for place in range(len(keys))]
        chosen = next((key for key in candidates if self._suspended_until.get(key, 0.0) <= now), None)
        chosen = chosen or min(candidates, key=lambda key: self._suspended_until[key])
        self._turn = (keys.index(chosen) + 1) % len(keys)
        return chosen

    def suspend(self, key: str, now: float) -> None:
        """Suspend a refused key for SUSPEND_SECONDS from `now`."""
        self._suspended_until[key] = now + SUSPEND_SECONDS
