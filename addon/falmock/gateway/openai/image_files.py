"""Reads the images and the mask of an edit: files of a form, or references in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

from falmock.gateway.openai import errors
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.parameters import PARAMETERS
from falmock.gateway.openai.parameters import Kind
from falmock.wire.formats import data_uri
from falmock.wire.formats import media
from falmock.wire.formats.multipart import Part
from falmock.wire.hosts import checked

MAX_FILES = 16
ImageFile = Part | str
"""An image: a file to upload, or the URL of one that is already somewhere."""


class ImageFiles(NamedTuple):
    """The images of an edit, at least one, and its mask or None."""

    images: tuple[ImageFile, ...]
    mask: ImageFile | None = None


def of_form(parts: Sequence[Part]) -> ImageFiles:
    """The files of a form: `image` or `image[]`, and `mask` or `mask[]`. Raises RefusedCall for any other file."""
    found: dict[str, list[Part]] = {"image": [], "mask": []}
    for part in parts:
        base = part.name.partition("[")[0]
        if base in found:
            if part.file_name is None:
                raise errors.wrong_type(part.name, "a file", "")
            found[base].append(part)
        elif part.file_name is not None:
            raise _unexpected_file(part.name, base)
    if not found["image"]:
        raise errors.missing("image")
    for name, most in (("image", MAX_FILES), ("mask", 1)):
        if len(found[name]) > most:
            raise errors.too_many(name, most, len(found[name]))
    return ImageFiles(tuple(found["image"]), *found["mask"])


def _unexpected_file(name: str, base: str) -> RefusedCall:
    parameter = PARAMETERS.get(base)
    if parameter is None:
        return errors.unknown(name)
    return no_markup() if parameter.kind is Kind.FILE else errors.wrong_type(name, parameter.kind.value, b"")


def no_markup() -> RefusedCall:
    """No model of fal's has an input for OpenAI's `markup`: without it the result would be that of another edit."""
    return RefusedCall("This model does not take a markup.", param="markup", code="unsupported_parameter")


def of_json(given: Mapping[str, Any]) -> ImageFiles:
    """The references in JSON: `images` and `mask`. Raises RefusedCall."""
    for name in ("image", "image[]", "mask[]"):
        if name in given:
            raise errors.unknown(
                name, 'In JSON, images are "images": [{"image_url": URL}] and a mask is one such object.'
            )
    if "markup" in given:
        raise no_markup()
    references = given.get("images")
    if references is None:
        raise errors.missing("images")
    if not isinstance(references, list):
        raise errors.wrong_type("images", "an array of objects", references)
    if not references:
        expected = "Expected an array with minimum length 1, but got an empty array instead."
        raise RefusedCall(f"Invalid 'images': empty array. {expected}", param="images", code="empty_array")
    if len(references) > MAX_FILES:
        raise errors.too_many("images", MAX_FILES, len(references))
    images = tuple(_referenced(f"images[{place}]", each) for place, each in enumerate(references))
    return ImageFiles(images, _referenced("mask", given["mask"]) if "mask" in given else None)


def _referenced(name: str, reference: Any) -> ImageFile:
    if not isinstance(reference, dict):
        raise errors.wrong_type(name, "an object", reference)
    if reference.get("file_id") is not None:
        text = f"falmock has no files API: give '{name}' as an 'image_url', a URL or a data URL."
        raise RefusedCall(text, param=f"{name}.file_id", code="unsupported_parameter")
    for other in reference:
        if other not in ("image_url", "file_id"):
            raise errors.unknown(f"{name}.{other}")
    name, url = f"{name}.image_url", reference.get("image_url")
    if url is None:
        raise errors.missing(name)
    if not isinstance(url, str):
        raise errors.wrong_type(name, "a string", url)
    return _inline(name, url) if url[:5].lower() == "data:" else _checked(name, url)


def _inline(name: str, url: str) -> Part:
    found = data_uri.read(url)
    if found is None or not found.content:
        expected = "a base64-encoded data URL, such as 'data:image/png;base64,aW1hZ2U='"
        raise errors.wrong_url(name, expected)
    return Part(name, found.content, None, media.media_type(found.content_type))


def _checked(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        checked(parts.hostname or "")
    except ValueError:
        raise errors.wrong_url(name, "a valid URL") from None
    if parts.scheme not in ("http", "https"):
        raise errors.wrong_url(name, "a valid URL")
    return url
