"""The images that were made as OpenAI's clients are told of them: in one body, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.gateway.openai.request import ImageRequest
from falmock.wire.formats import jsontext
from falmock.wire.formats import media
from falmock.wire.formats import pixels
from falmock.wire.formats import sse
from falmock.wire.message import Header

_FORMATS = ("png", "jpeg", "webp")
_STREAM_HEADERS: tuple[Header, ...] = (replies.EVENTS_TYPE, (b"Cache-Control", b"no-cache"))
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")
_DETAILS = ("image_tokens", "text_tokens")


class Image(NamedTuple):
    """One image: its URL, what it holds in base64 and as bytes where that was asked for, and the prompt that made it."""

    url: str
    prompt: str | None = None
    base64: str | None = None
    content: bytes = b""


def reply(wanted: ImageRequest, pictures: Sequence[Image], outputs: Sequence[Any], created: int, why: str) -> Reply:
    """The answer to a call. `outputs` are what the models answered, in which they may tell the tokens they took."""
    usage = usage_of(outputs)
    if wanted.stream:
        return Reply(200, _STREAM_HEADERS, _events(wanted, pictures, created, usage), why)
    data: list[dict[str, Any]] = []
    for picture in pictures:
        told = {"url": picture.url} if picture.base64 is None else {"b64_json": picture.base64}
        data.append(told | ({"revised_prompt": picture.prompt} if picture.prompt else {}))
    body: dict[str, Any] = {"created": created, "data": data}
    if wanted.is_gpt_image:
        body |= {name: value for name, value in _traits(wanted, pictures[0]).items() if value != "auto"}
        body["usage"] = usage
    return replies.json_reply(200, body, why)


def _events(wanted: ImageRequest, pictures: Sequence[Image], created: int, usage: dict[str, Any]) -> bytes:
    """One event for each image, whole: fal has none before it is done, and OpenAI's clients take fewer than they ask for."""
    kind = "image_edit.completed" if wanted.images else "image_generation.completed"
    events = []
    for number, picture in enumerate(pictures, 1):
        told = {"type": kind, "b64_json": picture.base64, "created_at": created, **_traits(wanted, picture)}
        told["usage"] = usage if number == len(pictures) else usage_of(())
        events.append(sse.event(jsontext.dump_model(told).decode(), kind))
    return b"".join(events)


def _traits(wanted: ImageRequest, picture: Image) -> dict[str, Any]:
    """What an image is like; `auto` where nothing tells."""
    kind = media.sniffed(picture.content).removeprefix("image/")
    size = pixels.size_of(picture.content)
    quality, background = wanted.options.get("quality"), wanted.options.get("background")
    return {
        "background": background if background in ("transparent", "opaque") else "auto",
        "output_format": kind if kind in _FORMATS else wanted.output_format or "auto",
        "quality": quality if quality in ("low", "medium", "high") else "auto",
        "size": f"{size[0]}x{size[1]}" if size else "auto",
    }


def usage_of(outputs: Sequence[Any]) -> dict[str, Any]:
    """The tokens that models tell they took, in all; 0 where they tell none: fal does not count by tokens."""
    told = [output.get("usage") for output in outputs if isinstance(output, Mapping)]
    details = [usage.get("input_tokens_details") for usage in told if isinstance(usage, Mapping)]
    usage: dict[str, Any] = {name: _sum(told, name) for name in _COUNTS}
    return {**usage, "input_tokens_details": {name: _sum(details, name) for name in _DETAILS}}


def _sum(told: Sequence[Any], name: str) -> int:
    counts = (usage.get(name) for usage in told if isinstance(usage, Mapping))
    return sum(count for count in counts if type(count) is int and count >= 0)
