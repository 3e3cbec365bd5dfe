"""What a model says of files that its document limits (`x-fal`): its typed errors, in the words of `wire.error_table`.

Few documents have such limits (24 of 763), which fal's toolkit calls advice: each model checks for itself. Of a picture, bytes,
pixels and the ratio of its sides are checked; of a film or a sound, bytes and seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from falmock.synthesis.checks.keywords import reference_in
from falmock.wire.error_table import MODEL
from falmock.wire.errors import model_error
from falmock.wire.model_document import input_schema
from falmock.wire.model_document import resolved

KEY = '"x-fal":'
"""What the text of a document with such limits has."""
MAX_STEPS = 2000
"""How many values are looked at by their schemas."""
_KINDS = ("video", "audio")


class LimitedFile(NamedTuple):
    """A URL in an input that a document limits.

    `loc` begins with "body". `kind` is "image", "video" or "audio", by the field's name.
    """

    loc: tuple[str | int, ...]
    url: str
    limits: Mapping[str, Any]
    kind: str


class Measured(NamedTuple):
    """What is known of a file: bytes, pixels, seconds. 0 is what is not known, and no limit is held against it."""

    size: int = 0
    width: int = 0
    height: int = 0
    duration: float = 0.0


def limited_files(document: Any, endpoint: str, value: Any) -> Iterator[LimitedFile]:
    """The URLs in an endpoint's input that its document limits."""
    rest: list[tuple[Any, Any, tuple[str | int, ...], str]] = [(input_schema(document, endpoint), value, ("body",), "")]
    for _ in range(MAX_STEPS):
        if not rest:
            return
        schema, item, loc, name = rest.pop()
        if not isinstance(schema, dict):
            continue
        limits = schema.get("x-fal")
        if isinstance(item, str):
            if isinstance(limits, dict):
                yield LimitedFile(loc, item, limits, next((kind for kind in _KINDS if kind in name), "image"))
                continue
        elif not isinstance(item, dict | list):
            continue
        reference = reference_in(schema)
        if reference is not None:
            rest.append((resolved(document, {"$ref": reference}), item, loc, name))
        branches = schema.get("anyOf")
        rest += [(branch, item, loc, name) for branch in branches] if isinstance(branches, list) else []
        properties = schema.get("properties")
        if isinstance(item, dict) and isinstance(properties, dict):
            rest += [(properties[key], item[key], (*loc, key), key) for key in reversed(item) if key in properties]
        if isinstance(item, list):
            places = reversed(range(min(len(item), MAX_STEPS)))
            rest += [(schema.get("items"), item[place], (*loc, place), name) for place in places]


def refusal(file: LimitedFile, measured: Measured) -> dict[str, Any] | None:
    """The body of the model's 422 for a file that is beyond its limits; None if it is within them."""
    found = _too_large(file.limits, measured)
    if found is None:
        found = _of_picture(file.limits, measured) if file.kind == "image" else _of_length(file, measured)
    if found is None:
        return None
    name, message, ctx = found
    return model_error(name, message or MODEL[name].message, file.loc, ctx=ctx, input=file.url)


_Found = tuple[str, str, dict[str, Any]]


def _too_large(limits: Mapping[str, Any], measured: Measured) -> _Found | None:
    most = _number(limits, "max_file_size")
    return ("file_too_large", "", {"max_size": most}) if most is not None and measured.size > most else None


def _of_picture(limits: Mapping[str, Any], measured: Measured) -> _Found | None:
    _, width, height, _ = measured
    if not width or not height:
        return None
    least = {f"min_{side}": _number(limits, f"min_{side}") or 0 for side in ("height", "width")}
    if height < least["min_height"] or width < least["min_width"]:
        size = f"{least['min_width']}x{least['min_height']}"
        return "image_too_small", f"Image dimensions are too small. Minimum dimensions are {size} pixels.", least
    most = {f"max_{side}": _number(limits, f"max_{side}") for side in ("height", "width")}
    if any(limit is not None and side > limit for side, limit in zip((height, width), most.values(), strict=True)):
        return "image_too_large", "", {name: limit for name, limit in most.items() if limit is not None}
    ratios = {name: _number(limits, name) for name in ("min_aspect_ratio", "max_aspect_ratio")}
    low, high = ratios.values()
    if low is not None and high is not None and not low <= width / height <= high:
        message = f"The aspect ratio of the image should be between {low} and {high}."
        return "image_aspect_ratio_error", message, ratios
    return None


def _of_length(file: LimitedFile, measured: Measured) -> _Found | None:
    duration = measured.duration
    if not duration:
        return None
    most, least = _number(file.limits, "max_duration"), _number(file.limits, "min_duration")
    what, is_audio = file.kind.capitalize(), file.kind == "audio"
    if most is not None and duration > most:
        provided = f", provided is {duration:g} seconds" if is_audio else ""  # as in the texts of both
        message = f"{what} duration exceeds the maximum allowed. Maximum is {most} seconds{provided}."
        return f"{file.kind}_duration_too_long", message, {"max_duration": most, "provided_duration": duration}
    if least is not None and duration < least:
        message = f"{what} duration is too short. Minimum is {least} seconds, provided is {duration:g} seconds."
        return f"{file.kind}_duration_too_short", message, {"min_duration": least, "provided_duration": duration}
    return None


def _number(limits: Mapping[str, Any], name: str) -> float | None:
    limit = limits.get(name)
    return limit if isinstance(limit, int | float) and not isinstance(limit, bool) else None
