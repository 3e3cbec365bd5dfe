"""Maps a size in pixels to a model's inputs: a preset, an object, a ratio, or the nearest choice."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from falmock.gateway.openai.model_inputs import Inputs
from falmock.wire.image_sizes import PRESETS
from falmock.wire.image_sizes import Size
from falmock.wire.image_sizes import size_named

_RATIO = re.compile(r"(\d{1,5}(?:\.\d+)?)\s*[:/_]\s*(\d{1,5}(?:\.\d+)?)")


def inputs_for(size: Size, inputs: Inputs) -> dict[str, Any] | None:
    """The inputs of a model for this size or the nearest; None if it has no input for sizes."""
    width, height = size
    image_size = inputs.get("image_size")
    if image_size is not None:
        text = f"{width}x{height}"
        if text in image_size.choices:
            return {"image_size": text}
        preset = next((name for name, known in PRESETS.items() if known == size and name in image_size.choices), None)
        if preset is not None:
            return {"image_size": preset}
        if "object" in image_size.types or not image_size.choices:
            return {"image_size": {"width": width, "height": height}}
        near = nearest(image_size.choices, size)
        return None if near is None else {"image_size": near}
    if "width" in inputs and "height" in inputs:
        return {"width": width, "height": height}
    ratio = inputs.get("aspect_ratio")
    if ratio is not None:
        if not ratio.choices:
            return {"aspect_ratio": f"{width // math.gcd(width, height)}:{height // math.gcd(width, height)}"}
        near = nearest(ratio.choices, size)
        return None if near is None else {"aspect_ratio": near}
    if "size" in inputs:
        near = nearest(inputs["size"].choices, size) if inputs["size"].choices else f"{width}x{height}"
        return None if near is None else {"size": near}
    return None


def nearest(choices: Iterable[Any], size: Size) -> str | None:
    """The choice that is nearest to a size, first in shape, then in area; None if no choice is a size or ratio.

    Among equally near choices, the first is taken.
    """
    width, height = size
    best: tuple[tuple[float, float], str] | None = None
    for choice in choices:
        named = _sides(choice)
        if named is None:
            continue
        wide, high, is_size = named
        shape = round(abs(math.log(wide / high) - math.log(width / height)), 6)
        area = round(abs(math.log(wide * high) - math.log(width * height)), 6) if is_size else 0.0
        if best is None or (shape, area) < best[0]:
            best = ((shape, area), choice)
    return None if best is None else best[1]


def _sides(choice: Any) -> tuple[float, float, bool] | None:
    """The width and height in a text, and whether they are pixels and not a ratio; None if it has none."""
    if not isinstance(choice, str):
        return None
    size = size_named(choice)
    if size is not None:
        return (*size, True)
    found = _RATIO.fullmatch(choice)
    if found is None or not float(found[1]) or not float(found[2]):
        return None
    return float(found[1]), float(found[2]), False
