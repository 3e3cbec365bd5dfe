"""Makes the images that a client of the OpenAI images API asks for: which calls to fal that takes, and what comes of them."""

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
from falmock.gateway.openai import errors
from falmock.gateway.openai import file_urls
from falmock.gateway.openai import input_mapping
from falmock.gateway.openai import model_inputs
from falmock.gateway.openai import models
from falmock.gateway.openai import response
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.fal_calls import FalCalls
from falmock.gateway.openai.input_mapping import SentFiles
from falmock.gateway.openai.jobs import JobWaiter
from falmock.gateway.openai.jobs import Pause
from falmock.gateway.openai.model_inputs import Inputs
from falmock.gateway.openai.multipart import Part
from falmock.gateway.openai.request import ImageRequest
from falmock.gateway.openai.response import Image
from falmock.wire.formats import jsontext
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map

MISSING_HEADER = b"x-falmock-missing"
"""How many of the images that were asked for could not be made."""
RETRY_SCHEMA_SECONDS = 300.0
"""How long it is before a document is asked for again that could not be had."""
_KEPT = 1000
"""How many documents and told texts are remembered: endpoint ids come from clients."""

Together = Callable[[Sequence[Awaitable[Reply]]], Awaitable[list[Reply]]]
"""Waits for several answers at once."""


class ImageOrder(NamedTuple):
    """One call of a client: what it wants of which endpoint, and how fal is asked."""

    wanted: ImageRequest
    model: str
    endpoint: str
    request: Request
    calls: FalCalls
    now: float


class ImageGenerator:
    """Makes images. `tell` writes to the log, for people."""

    def __init__(self, engines: Engines, together: Together, pause: Pause, tell: Callable[[str], None]) -> None:
        self._engines = engines
        self._together = together
        self._pause = pause
        self._tell = tell
        self._keys = FalKeys()
        self._told: set[str] = set()
        self._asked: dict[str, tuple[float | None, Inputs | None]] = {}

    @property
    def _forwards(self) -> bool:
        return self._engines.config.mode is not Mode.REPLAY

    async def make(self, order: ImageOrder) -> Reply:
        """The answer with the images. Raises Refused where there are none."""
        inputs = await self._inputs(order)
        files = SentFiles(
            tuple([await self._upload(order, part) for part in order.wanted.images]),
            None if order.wanted.mask is None else await self._upload(order, order.wanted.mask),
        )
        most = input_mapping.per_call(order.wanted, inputs)
        good: list[tuple[Any, Reply]] = []
        failed: list[Reply] = []
        wanted, asked, made, rounds = order.wanted.number, 0, 0, 0
        while made < wanted and not failed and rounds < wanted:
            counts = _split(wanted - made, most)
            plans = []
            for count in counts:
                plans.append(input_mapping.mapped(order.wanted, inputs, files, count, asked))
                asked += count
            self._mention(order, plans[0].left_out, told=inputs is not None)
            answers = await self._together([self._run(order, plan.inputs) for plan in plans])
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
            raise self._error(order, failed[0])
        return await self._answer_with(order, good, failed)

    async def _run(self, order: ImageOrder, candidates: Sequence[dict[str, Any]]) -> Reply:
        requests = [order.calls.submit(order.endpoint, given) for given in candidates]
        engine = self._engines.peek(order.request.scope)
        # What is recorded may be plainer than what is asked: size, count and format need not be in it.
        chosen = requests[0]
        if not self._forwards:
            chosen = next((request for request in requests if engine.knows(request)), chosen)
        return await self._ask(order, chosen)

    async def _ask(self, order: ImageOrder, request: Request) -> Reply:
        """What a submit comes to, made with a key that will do."""
        keys = self._engines.config.fal_keys if self._forwards else ()
        tries = len(keys)
        while True:
            key = self._keys.next(keys, order.now)
            reply = await order.calls.ask(request, key)
            if key is None or not (reply.status == 401 or errors.is_out_of_balance(reply)):
                return await JobWaiter(order.calls, self._pause).outcome(reply, order.endpoint, key)
            self._rest(keys, key, reply, order.now)
            tries -= 1
            if not tries:
                return reply

    def _rest(self, keys: Sequence[str], key: str, reply: Reply, now: float) -> None:
        self._keys.rest(key, now)
        why = "was refused" if reply.status == 401 else "is out of balance"
        self._tell(f"fal key {keys.index(key) + 1} of {len(keys)} {why}: it rests for a while")

    async def _upload(self, order: ImageOrder, part: Part) -> str:
        keys = self._engines.config.fal_keys if self._forwards else ()
        return await order.calls.upload(part, self._keys.next(keys, order.now))

    def _error(self, order: ImageOrder, reply: Reply) -> RefusedCall:
        if reply.status < 400:
            message = f"The model {order.endpoint} answered, but with no image"
            kind, again = errors.SERVER_ERROR, (errors.NO_RETRY,)
            return RefusedCall(message, status=500, kind=kind, code="no_image", headers=again, cause=reply)
        index = self._engines.peek(order.request.scope).index
        return errors.of_fal(reply, order.model, known=bool(index.of_endpoint(order.endpoint)))

    async def _answer_with(
        self, order: ImageOrder, good: Sequence[tuple[Any, Reply]], failed: Sequence[Reply]
    ) -> Reply:
        made = [(url, output.get("prompt")) for output, _ in good for url in models.images_in(output)]
        pictures: list[Image] = []
        lost: list[RefusedCall] = []
        for url, prompt in made[: order.wanted.number]:
            try:
                pictures.append(await self._picture(order, url, prompt))
            except RefusedCall as refused:
                lost.append(refused)
        if not pictures:
            raise lost[0]
        first = good[0][1]
        headers = _headers(first)
        missing = order.wanted.number - len(pictures)
        if missing:
            lost += [self._error(order, failed[0])] if failed else []
            why = lost[0].message if lost else "it makes no more"
            self._tell(f"{order.endpoint}: {len(pictures)} of {order.wanted.number} images: {why}")
            headers += ((MISSING_HEADER, str(missing).encode()),)
        outputs = [output for output, _ in good]
        reply = response.reply(order.wanted, pictures, outputs, int(order.now), f"openai: {first.why}")
        return reply._replace(headers=reply.headers + headers, fixture=first.fixture)

    async def _picture(self, order: ImageOrder, url: str, prompt: Any) -> Image:
        prompt = prompt if isinstance(prompt, str) else None
        if order.wanted.base64:
            content = await order.calls.fetch(url)
            return Image(url, prompt, base64.b64encode(content).decode(), content)
        config = self._engines.config
        told = file_urls.outward(url, order.request, config.hosts) if config.mode.answers else url
        return Image(told, prompt)

    # what models take

    async def _inputs(self, order: ImageOrder) -> Inputs | None:
        """The inputs of a model: from its document beside the fixtures or in one of them, else from fal where it may be asked."""
        engine = self._engines.peek(order.request.scope)
        inputs = model_inputs.inputs_of(engine.index.schemas.get(order.endpoint), order.endpoint)
        question = order.calls.schema(order.endpoint)
        if inputs is None and (self._forwards or engine.knows(question)):
            inputs = await self._asked_for(order, question)
        if inputs is None:
            self._tell_once(
                f"nothing tells what {order.endpoint} takes: it gets prompt, image_size and num_images. To have sizes and "
                f"counts fit, put its OpenAPI document at _schemas/{order.endpoint}.json beside the fixtures, or record once"
            )
        return inputs

    async def _asked_for(self, order: ImageOrder, question: Request) -> Inputs | None:
        again, inputs = self._asked.get(order.endpoint, (0.0, None))
        if again is None or order.now < again:
            return inputs
        reply = await order.calls.ask(question)
        if reply.status == 200 and MADE_UP not in reply.headers:
            inputs = model_inputs.inputs_of(_output(reply), order.endpoint)
        if len(self._asked) >= _KEPT:
            self._asked.clear()
        self._asked[order.endpoint] = (None if inputs is not None else order.now + RETRY_SCHEMA_SECONDS, inputs)
        return inputs

    def _mention(self, order: ImageOrder, left_out: Sequence[str], *, told: bool) -> None:
        """Say once in the log what a model of which the inputs are known has nothing for."""
        for name in left_out if told else ():
            self._tell_once(f"{order.endpoint} has no input for {name} as it was asked for: it is left out")

    def _tell_once(self, text: str) -> None:
        if text not in self._told and len(self._told) < _KEPT:
            self._told.add(text)
            self._tell(text)


def _split(wanted: int, most: int) -> list[int]:
    """So many images in calls of at most so many each."""
    whole, rest = divmod(wanted, most)
    return [most] * whole + ([rest] if rest else [])


def _output(reply: Reply) -> Any:
    """What a model made; None where it is no JSON or an error."""
    if reply.status >= 400 or not isinstance(reply.body, bytes):
        return None
    return jsontext.value_of(reply.body)


def _headers(reply: Reply) -> tuple[Header, ...]:
    """The headers of a run that go with the images it made; the request id under OpenAI's name too."""
    told = header_map(reply.headers)
    named = (
        ("x-request-id", told.get("x-fal-request-id")),
        ("x-fal-request-id", told.get("x-fal-request-id")),
        ("x-falmock-fixture", told.get("x-falmock-fixture")),
    )
    return tuple((name.encode(), value.encode()) for name, value in named if value)


REST_SECONDS = 600.0
"""How long a key rests that was refused or is out of balance."""


class FalKeys:
    """Gives the keys in turn.

    One that rests is passed over, unless all do: then the one that has rested for longest goes.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._rests: dict[str, float] = {}

    def next(self, keys: tuple[str, ...], now: float) -> str | None:
        """The key for a call at `now` (seconds since the epoch); None where there is none."""
        if not keys:
            return None
        order = [keys[(self._turn + place) % len(keys)] for place in range(len(keys))]
        chosen = next((key for key in order if self._rests.get(key, 0.0) <= now), None)
        chosen = chosen or min(order, key=lambda key: self._rests[key])
        self._turn = (keys.index(chosen) + 1) % len(keys)
        return chosen

    def rest(self, key: str, now: float) -> None:
        """A key was refused: it is not used for a while."""
        self._rests[key] = now + REST_SECONDS
