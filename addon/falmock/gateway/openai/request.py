"""Reads calls to the OpenAI images API from JSON (generations, edits) or a form (edits, variations), and checks them as OpenAI does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple

from falmock.gateway.openai import errors
from falmock.gateway.openai import image_files
from falmock.gateway.openai import parameters
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.image_files import ImageFile
from falmock.gateway.openai.image_files import ImageFiles
from falmock.wire.formats import jsontext
from falmock.wire.formats import multipart
from falmock.wire.message import Request

DEFAULT_MODEL = "dall-e-2"
_GPT_IMAGE = ("gpt-image", "chatgpt-image")
"""Prefixes of OpenAI's models that return content, never URLs."""
_CONTENT_ONLY = "ai-sdk/"
"""In the User-Agent of Vercel's AI SDK. Its edits cannot ask for a response format, and it reads no URLs from the answer."""
_SIZE = re.compile(r"([1-9]\d{0,4})\s*[xX]\s*([1-9]\d{0,4})")


class ImageRequest(NamedTuple):
    """A call.

    `number` is the number of images, `model` is "" if none is given, `size` is width and height in pixels, or None for the
    model's default.

    `prompt` is "" for variations, which have none. `options` are OpenAI's parameters that a model may have by the same
    name, `extras` are the model's own parameters. `images` and `mask` are files to upload, or URLs. `base64` requests
    content instead of URLs, `stream` requests events.
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
    images: tuple[ImageFile, ...] = ()
    mask: ImageFile | None = None
    stream: bool = False

    @property
    def is_gpt_image(self) -> bool:
        """Whether the model's name is that of a newer model of OpenAI's, whose form of answers the client expects."""
        return self.model.startswith(_GPT_IMAGE)


def of_generation(request: Request, deployment: str = "") -> ImageRequest:
    """A call to `/v1/images/generations`; `deployment` is the model in the path, if it is there. Raises RefusedCall."""
    given = _json(request)
    for name in ("image", "image[]", "mask", "markup"):
        if name in given:
            raise errors.unknown(name)
    return _image_request(given, deployment)


def of_edit(request: Request, deployment: str = "") -> ImageRequest:
    """A call to `/v1/images/edits`. Raises RefusedCall."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given = _json(request)
        files = image_files.of_json(given)
        given = {name: value for name, value in given.items() if name not in ("images", "mask")}
    else:
        given, files = _form(request, "multipart/form-data or application/json")
    content = _CONTENT_ONLY in request.headers.get("user-agent", "")
    return _image_request(given, deployment, files, form="b64_json" if content else "url")


def of_variation(request: Request, deployment: str = "") -> ImageRequest:
    """A call to `/v1/images/variations`: an edit of one image, without a prompt. Raises RefusedCall."""
    given, files = _form(request, multipart.TYPE)
    for name in ("prompt", "stream", "partial_images"):
        if name in given:
            raise errors.unknown(name)
    if files.mask is not None:
        raise errors.unknown("mask")
    if len(files.images) > 1:
        raise errors.too_many("image", 1, len(files.images))
    return _image_request(given, deployment, files, needs_prompt=False)


def _check_body(request: Request) -> None:
    if request.too_large:
        raise RefusedCall(f"The body of your request has {request.too_large}", status=413)
    if request.undecoded:
        raise RefusedCall(
            f"We could not read the body of your request: it is not encoded as it says ({request.undecoded})"
        )


def _json(request: Request) -> dict[str, Any]:
    """The parameters in a JSON body, without those that are null. Raises RefusedCall."""
    _check_body(request)
    try:
        body = jsontext.loads(request.body)
    except jsontext.BadJSON as error:
        message = f"We could not parse the JSON body of your request: {error}"
        raise RefusedCall(message, status=413 if error.too_large else 400) from None
    if not isinstance(body, dict):
        raise RefusedCall("We could not parse the JSON body of your request: expected an object")
    return {name: value for name, value in body.items() if value is not None}


def _form(request: Request, expected: str) -> tuple[dict[str, Any], ImageFiles]:
    """The fields of a form and its files; `expected` names the content types in errors. Raises RefusedCall."""
    _check_body(request)
    try:
        parts = multipart.read(request.headers.get("content-type", ""), request.body, expected)
    except multipart.BadForm as error:
        raise RefusedCall(f"We could not parse the form data of your request: {error}") from None
    files = image_files.of_form(parts)
    return {part.name: parameters.of_field(part) for part in parts if part.file_name is None}, files


def _image_request(
    given: Mapping[str, Any],
    deployment: str,
    files: ImageFiles | None = None,
    *,
    needs_prompt: bool = True,
    form: str = "url",
) -> ImageRequest:
    """The call with these parameters; `form` is the response format if none is given. Raises RefusedCall."""
    if needs_prompt and "prompt" not in given:
        raise errors.missing("prompt")
    parameters.check(given)
    if needs_prompt and not given["prompt"]:
        expected = "Expected a string with minimum length 1, but got an empty string instead."
        raise RefusedCall(f"Invalid 'prompt': empty string. {expected}", param="prompt", code="empty_string")
    model = deployment or given.get("model", "")
    stream = given.get("stream", False)
    form = given.get("response_format") or ("b64_json" if model.startswith(_GPT_IMAGE) else form)
    return ImageRequest(
        prompt=given.get("prompt", ""),
        model=model,
        number=given.get("n", 1),
        size=_size(given.get("size", "auto")),
        base64=stream or form == "b64_json",
        seed=given.get(parameters.SEED),
        output_format=given.get("output_format"),
        options=parameters.options_in(given),
        extras={name: value for name, value in given.items() if not parameters.is_known(name)},
        images=() if files is None else files.images,
        mask=None if files is None else files.mask,
        stream=stream,
    )


def _size(text: str) -> tuple[int, int] | None:
    if text == "auto":
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise errors.wrong_value("size", text, "'auto' and a width and height in pixels, such as '1024x1024'")
    return int(found[1]), int(found[2])
