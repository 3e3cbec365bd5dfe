"""Builds OpenAI's answer with the generated images: one body, or the events of a stream."""

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

_FORMATS = ("png", "jpeg", "webp", "gif")
_QUALITIES = ("low", "medium", "high", "xhigh", "max")
_STREAM_HEADERS: tuple[Header, ...] = (replies.EVENTS_TYPE, (b"Cache-Control", b"no-cache"))
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")
_DETAILS = ("image_tokens", "text_tokens")


class Image(NamedTuple):
    """One image: its URL, the prompt that the model used, and its content in base64 and as bytes if requested."""

    url: str
    prompt: str | None = None
    base64: str | None = None
    content: bytes = b""


def reply(spec: ImageRequest, pictures: Sequence[Image], outputs: Sequence[Any], created: int, why: str) -> Reply:
    """The answer to a call. `outputs` are the models' outputs, which may contain their token usage."""
    usage = usage_of(outputs)
    if spec.stream:
        return Reply(200, _STREAM_HEADERS, _events(spec, pictures, created, usage), why)
    data: list[dict[str, Any]] = []
    for picture in pictures:
        item = {"url": picture.url} if picture.base64 is None else {"b64_json": picture.base64}
        data.append(item | ({"revised_prompt": picture.prompt} if picture.prompt else {}))
    body: dict[str, Any] = {"created": created, "data": data}
    if spec.is_gpt_image:
        body |= {name: value for name, value in _properties(spec, pictures[0]).items() if value != "auto"}
        body["usage"] = usage
    return replies.json_reply(200, body, why)


def _events(spec: ImageRequest, pictures: Sequence[Image], created: int, usage: dict[str, Any]) -> bytes:
    """One event with each complete image: fal sends no partial images, and OpenAI's clients accept fewer than requested."""
    kind = "image_edit.completed" if spec.images else "image_generation.completed"
    events = []
    for number, picture in enumerate(pictures, 1):
        event = {"type": kind, "b64_json": picture.base64, "created_at": created, **_properties(spec, picture)}
        event["usage"] = usage if number == len(pictures) else usage_of(())
        events.append(sse.event(jsontext.dump_model(event).decode(), kind))
    return b"".join(events)


def _properties(spec: ImageRequest, picture: Image) -> dict[str, Any]:
    """The properties of an image; `auto` if they are unknown."""
    kind = media.sniffed(picture.content).removeprefix("image/")
    size = pixels.size_of(picture.content)
    quality, background = spec.options.get("quality"), spec.options.get("background")
    return {
        "background": background if background in ("transparent", "opaque") else "auto",
        "output_format": kind if kind in _FORMATS else spec.output_format or "auto",
        "quality": quality if quality in _QUALITIES else "auto",
        "size": f"{size[0]}x{size[1]}" if size else "auto",
    }


def usage_of(outputs: Sequence[Any]) -> dict[str, Any]:
    """The sum of the token usage that models report; 0 if they report none, because fal does not count tokens."""
    reported = [output.get("usage") for output in outputs if isinstance(output, Mapping)]
    details = [usage.get("input_tokens_details") for usage in reported if isinstance(usage, Mapping)]
    usage: dict[str, Any] = {name: _sum(reported, name) for name in _COUNTS}
    return {**usage, "input_tokens_details": {name: _sum(details, name) for name in _DETAILS}}


def _sum(reported: Sequence[Any], name: str) -> int:
    counts = (usage.get(name) for usage in reported if isinstance(usage, Mapping))
    return sum(count for count in counts if type(count) is int and count >= 0)
