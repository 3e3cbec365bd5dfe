"""Reads calls to the OpenAI images API from JSON (generations) or a form (edits, variations), and checks them as OpenAI does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.gateway.openai import errors
from falmock.gateway.openai import multipart
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.multipart import Part
from falmock.wire.formats import jsontext
from falmock.wire.message import Request

MAX_IMAGES = 10
MAX_FILES = 16
MAX_PARTIAL = 3
DEFAULT_MODEL = "dall-e-2"
_GPT_IMAGE = ("gpt-image", "chatgpt-image")
"""Prefixes of OpenAI's models that return content, never URLs."""
_FORMATS = ("url", "b64_json")
_SIZE = re.compile(r"([1-9]\d{0,4})\s*[xX]\s*([1-9]\d{0,4})")
_OPTIONS = ("background", "input_fidelity", "moderation", "output_compression", "quality", "style")
_OWN = frozenset(
    (
        *_OPTIONS,
        "image",
        "image[]",
        "mask",
        "model",
        "n",
        "output_format",
        "partial_images",
        "prompt",
        "response_format",
        "seed",
        "size",
        "stream",
        "user",
    )
)
"""OpenAI's parameters, and `seed`; all others are the model's own."""


class ImageRequest(NamedTuple):
    """A call.

    `number` is the number of images, `model` is "" if none is given, `size` is width and height in pixels, or None for the
    model's default.

    `prompt` is "" for variations, which have none. `options` are OpenAI's parameters that a model may have by the same
    name, `extras` are the model's own parameters. `images` and `mask` are uploaded files. `base64` requests content
    instead of URLs, `stream` requests events.
    """

    prompt: str
    model: str = ""
    number: int = 1
    size: tuple[int, int] | None = None
    base64: bool = False
    seed: int | None = None
    output_format: str | None = None
    options: Mapping[str, Any] = MappingProxyType({})
    extras: Mapping[str, Any] = MappingProxyType({})
    images: tuple[Part, ...] = ()
    mask: Part | None = None
    stream: bool = False

    @property
    def is_gpt_image(self) -> bool:
        """Whether the model's name is that of a newer model of OpenAI's, whose form of answers the client expects."""
        return self.model.startswith(_GPT_IMAGE)


def of_generation(request: Request) -> ImageRequest:
    """A call to `/v1/images/generations`. Raises RefusedCall."""
    _check_encoding(request)
    try:
        body = jsontext.loads(request.body)
    except jsontext.BadJSON as error:
        message = f"We could not parse the JSON body of your request: {error}"
        raise RefusedCall(message, status=413 if error.too_large else 400) from None
    if not isinstance(body, dict):
        raise RefusedCall("We could not parse the JSON body of your request: expected an object")
    given = {name: value for name, value in body.items() if value is not None}
    for name in ("image", "image[]", "mask"):
        if name in given:
            raise errors.unknown(name)
    return _image_request(given, _prompt(given))


def _check_encoding(request: Request) -> None:
    if request.undecoded:
        raise RefusedCall(
            f"We could not read the body of your request: it is not encoded as it says ({request.undecoded})"
        )


def of_edit(request: Request) -> ImageRequest:
    """A call to `/v1/images/edits`. Raises RefusedCall."""
    fields, images, mask = _form(request)
    return _image_request(fields, _prompt(fields))._replace(images=images, mask=mask)


def of_variation(request: Request) -> ImageRequest:
    """A call to `/v1/images/variations`: an edit of one image, without a prompt. Raises RefusedCall."""
    fields, images, mask = _form(request)
    for name in ("prompt", "stream", "partial_images"):
        if name in fields:
            raise errors.unknown(name)
    if mask is not None:
        raise errors.unknown("mask")
    if len(images) > 1:
        raise too_many_images(1, len(images))
    return _image_request(fields, "")._replace(images=images)


def _form(request: Request) -> tuple[dict[str, Any], tuple[Part, ...], Part | None]:
    """The fields of a form, its images (at least one), and its mask or None. Raises RefusedCall."""
    _check_encoding(request)
    try:
        parts = multipart.read(request.headers.get("content-type", ""), request.body)
    except multipart.BadForm as error:
        raise RefusedCall(f"We could not parse the form data of your request: {error}") from None
    images = tuple(part for part in parts if part.name.partition("[")[0] == "image")
    masks = [part for part in parts if part.name == "mask"]
    for part in (*images, *masks):
        if part.file_name is None:
            raise errors.wrong_type(part.name, "a file", "")
    if not images:
        raise errors.missing("image")
    if len(images) > MAX_FILES:
        raise too_many_images(MAX_FILES, len(images))
    fields = {part.name: _value(part) for part in parts if part.file_name is None}
    return fields, images, masks[0] if masks else None


def too_many_images(most: int, found: int) -> RefusedCall:
    """More images than a model accepts."""
    lengths = f"Expected an array with maximum length {most}, but got an array with length {found} instead."
    return RefusedCall(f"Invalid 'image': array too long. {lengths}", param="image", code="array_above_max_length")


def _value(part: Part) -> Any:
    """A field of a form. All are text, so numbers and booleans are recognized by their form."""
    text = part.data.decode("utf-8", "replace")
    if part.name in ("n", "partial_images", "seed", "output_compression") or part.name not in _OWN:
        value = jsontext.value_of(part.data)
        return value if isinstance(value, int | float) else text
    return {"true": True, "false": False}.get(text, text) if part.name == "stream" else text


def _image_request(given: Mapping[str, Any], prompt: str) -> ImageRequest:
    model = _text(given, "model") or ""
    stream = given.get("stream", False)
    if not isinstance(stream, bool):
        raise errors.wrong_type("stream", "a boolean", stream)
    _integer(given, "partial_images", 0, MAX_PARTIAL)
    form = _one_of(given, "response_format", _FORMATS) or ("b64_json" if model.startswith(_GPT_IMAGE) else "url")
    return ImageRequest(
        prompt=prompt,
        model=model,
        number=_integer(given, "n", 1, MAX_IMAGES) or 1,
        size=_size(_text(given, "size")),
        base64=stream or form == "b64_json",
        seed=_integer(given, "seed", 0, 2**64 - 1),
        output_format=_one_of(given, "output_format", ("png", "jpeg", "webp")),
        options={name: given[name] for name in _OPTIONS if name in given},
        extras={name: value for name, value in given.items() if name not in _OWN},
        stream=stream,
    )


def _prompt(given: Mapping[str, Any]) -> str:
    if "prompt" not in given:
        raise errors.missing("prompt")
    prompt = _text(given, "prompt")
    if not prompt:
        expected = "Expected a string with minimum length 1, but got an empty string instead."
        raise RefusedCall(f"Invalid 'prompt': empty string. {expected}", param="prompt", code="empty_string")
    return prompt


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise errors.wrong_type(name, "a string", value)
    return value


def _one_of(given: Mapping[str, Any], name: str, values: Iterable[str]) -> str | None:
    value = _text(given, name)
    if value is not None and value not in values:
        *first, last = (f"'{value}'" for value in values)
        raise errors.wrong_value(name, value, f"{', '.join(first)} and {last}")
    return value


def _integer(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if type(value) is not int:
        raise errors.wrong_type(name, "an integer", value)
    for bound, sign, word in ((least, ">=", "below minimum"), (most, "<=", "above maximum")):
        if value < bound if sign == ">=" else value > bound:
            expected = f"Expected a value {sign} {bound}, but got {str(value)[:40]} instead."
            code = f"integer_{'below_min' if sign == '>=' else 'above_max'}_value"
            raise RefusedCall(f"Invalid '{name}': integer {word} value. {expected}", param=name, code=code)
    return value


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None or text == "auto":
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise errors.wrong_value("size", text, "'auto' and a width and height in pixels, such as '1024x1024'")
    return int(found[1]), int(found[2])
