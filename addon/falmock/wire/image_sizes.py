"""The sizes of images in fal's inputs: the presets of `image_size`, and the size that an input asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Size = tuple[int, int]
"""Width and height, in pixels."""
PRESETS: Mapping[str, Size] = MappingProxyType(
    {
        "square_hd": (1024, 1024),
        "square": (512, 512),
        "portrait_4_3": (768, 1024),
        "portrait_16_9": (576, 1024),
        "landscape_4_3": (1024, 768),
        "landscape_16_9": (1024, 576),
    }
)
"""The values of fal's `image_size`, width and height."""
SIDES = ("width", "height")
_TEXT = re.compile(r"([1-9][0-9]{0,8})\s?[xX*]\s?([1-9][0-9]{0,8})")


def size_named(text: str) -> Size | None:
    """The size that a text names: a preset, or pixels such as `1536x1024` and `1536*1024`; None for any other text."""
    found = _TEXT.fullmatch(text)
    return PRESETS.get(text) if found is None else (int(found[1]), int(found[2]))


def side_asked(given: Any, side: str) -> int | None:
    """The `width` or the `height` (pixels) that an input asks for; None if it does not.

    It is in `image_size`, a preset, an object with both or a text such as `1536x1024`, or beside the other inputs.
    """
    if not isinstance(given, dict):
        return None
    size = given.get("image_size")
    if isinstance(size, str):
        known = size_named(size)
        return None if known is None else known[SIDES.index(side)]
    pixels: Any = (size if isinstance(size, dict) else given).get(side)
    is_whole = type(pixels) is int or (type(pixels) is float and pixels.is_integer())  # not so infinity
    return int(pixels) if is_whole and pixels > 0 else None
