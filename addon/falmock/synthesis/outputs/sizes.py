"""The size in pixels that an input asks for, in the forms of fal's models."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from falmock.synthesis.outputs.numbers import number_of
from falmock.wire.image_sizes import Size
from falmock.wire.image_sizes import size_named

PICTURE: Size = (1024, 1024)
FILM: Size = (1280, 720)
"""The sizes of what is not asked for in a size."""
_RATIOS = {
    "square": 1.0,
    "landscape": 16 / 9,
    "horizontal": 16 / 9,
    "widescreen": 16 / 9,
    "portrait": 9 / 16,
    "vertical": 9 / 16,
}
_SIDES = {0.5: 360, 1.0: 1080, 2.0: 1440, 4.0: 2160, 8.0: 4320}
"""The short side of a film by its K."""
_RESOLUTIONS = ("resolution", "target_resolution")
_MOST_K = 64
_RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)\s?[:/]\s?(\d{1,5}(?:\.\d{1,3})?)")
_RESOLUTION = re.compile(r"(?:auto_)?(\d{1,5}(?:\.\d)?)(p|k|)")
_MOST_TEXT = 40
"""No size takes more characters."""


def picture_size(values: Mapping[str, Any]) -> Size:
    """The size of the pictures that these values of an input ask for; 1024x1024 if they say nothing. It has no limit."""
    asked = _direct(values, ("image_size", "size", *_RESOLUTIONS))
    if asked is None:
        resolution = _resolution(values, (*_RESOLUTIONS, "image_size"))
        side = PICTURE[0] if resolution is None else (resolution if resolution > _MOST_K else resolution * 1024)
        asked = _by_area(side, _ratio(values) or 1.0)
    return max(round(asked[0]), 1), max(round(asked[1]), 1)


def film_size(values: Mapping[str, Any]) -> Size:
    """The size of the film that these values ask for, in even numbers; 1280x720 if they say nothing. It has no limit."""
    asked = _direct(values, ("video_size", "image_size", "size", *_RESOLUTIONS))
    if asked is None:
        resolution = _resolution(values, _RESOLUTIONS)
        short = (
            FILM[1] if resolution is None else (resolution if resolution > _MOST_K else _SIDES.get(resolution, 1080))
        )
        wide = _ratio(values) or FILM[0] / FILM[1]
        asked = (short * wide, short) if wide >= 1 else (short, short / wide)
    return _even(asked[0]), _even(asked[1])


def _direct(values: Mapping[str, Any], names: tuple[str, ...]) -> tuple[float, float] | None:
    """A preset, an object with width and height, a text such as `1024x1536`, or the inputs `width` and `height`."""
    for name in names:
        size = values.get(name)
        if isinstance(size, str):
            named = size_named(size)
            if named is not None:
                return named
        elif isinstance(size, Mapping):
            width, height = number_of(size.get("width")), number_of(size.get("height"))
            if width and height:
                return width, height
    width, height = number_of(values.get("width")), number_of(values.get("height"))
    return (width, height) if width and height else None


def _ratio(values: Mapping[str, Any]) -> float | None:
    """Width by height; None for `auto` and the like."""
    for name in ("aspect_ratio", "ratio", "resolution_mode"):
        text = values.get(name)
        if isinstance(text, str):
            found = _RATIO.fullmatch(text[:_MOST_TEXT])
            if found and float(found[2]):
                return min(max(float(found[1]) / float(found[2]), 0.01), 100.0)
            ratio = _RATIOS.get(text.lower())
            if ratio is not None:
                return ratio
    return None


def _resolution(values: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """A side in pixels, or a number of K up to 64; None for `auto` and the like."""
    for name in names:
        value = values.get(name)
        if isinstance(value, str):
            found = _RESOLUTION.fullmatch(value[:_MOST_TEXT].lower())
            if found and float(found[1]) and (found[2] == "k") == (float(found[1]) <= _MOST_K):
                return float(found[1])
        else:
            number = number_of(value)
            if number is not None and number > _MOST_K:
                return number
    return None


def _by_area(side: float, ratio: float) -> tuple[float, float]:
    """A picture with the area of a square of this side, its sides multiples of 16 as models make them."""
    if ratio == 1.0:
        return side, side
    wide = math.sqrt(ratio)
    return max(round(side * wide / 16), 1) * 16, max(round(side / wide / 16), 1) * 16


def _even(side: float) -> int:
    return max(2, 2 * math.ceil(side / 2 - 0.5))
