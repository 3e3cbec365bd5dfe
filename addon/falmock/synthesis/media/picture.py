"""The picture of a recipe, as pixels: waves between two hues, with the prompt's first words and the size on them."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from falmock.synthesis.media import font
from falmock.synthesis.media import lettering
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction

_SHADES = 255
"""Colours of the waves in the palette; the last colour is that of the text."""
_TEXT = _SHADES
_WHITE = (255, 255, 255)
_MAX_LUMINANCE = 0.18
"""White on anything darker has a contrast of 4.5 to 1 or more (WCAG 2.2, 1.4.3)."""

Color = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""


class Picture(NamedTuple):
    """A picture in up to 256 colours.

    Attributes:
        width: Pixels.
        height: Pixels.
        palette: Red, green and blue of each colour, one byte each.
        rows: From top to bottom, a byte for each pixel: its place in the palette. They can be read once.
    """

    width: int
    height: int
    palette: bytes
    rows: Iterator[bytes]


def picture(recipe: Recipe) -> Picture:
    """The picture. Its rows are made one after the other, so that a large one takes no more memory than a small one."""
    palette = b"".join(bytes(color) for color in (*shades(recipe), _WHITE))
    return Picture(recipe.width, recipe.height, palette, _rows(recipe))


def shades(recipe: Recipe) -> list[Color]:
    """The colours of the waves: from one hue to another, and those between them on the way round the circle of hues."""
    first, way = fraction(recipe, 0), 0.15 + 0.25 * fraction(recipe, 1)
    return [dark(first + way * place / (_SHADES - 1)) for place in range(_SHADES)]


def dark(hue: float) -> Color:
    """A colour of a hue (1 is a full turn) that white text can be read on."""
    color = colorsys.hls_to_rgb(hue % 1, 0.5, 0.75)
    # The curve of sRGB is steeper than a square but where it is dark: this is dark enough.
    factor = min(1.0, (_MAX_LUMINANCE / luminance(color)) ** 0.5)
    red, green, blue = (int(255 * factor * part) for part in color)
    return red, green, blue


def luminance(color: tuple[float, float, float]) -> float:
    """The relative luminance of an sRGB colour whose parts are from 0 to 1 (WCAG 2.2)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rows(recipe: Recipe) -> Iterator[bytes]:
    """Each row is a stretch of the same ramp from one hue to the other; where it starts makes the waves."""
    width, height = recipe.width, recipe.height
    wave, slant = height / (6 + 10 * fraction(recipe, 2)), 0.4 + 0.8 * fraction(recipe, 3)
    turn, phase = math.tau / height * (1 + fraction(recipe, 4)), math.tau * fraction(recipe, 5)
    starts = [int(wave * (1 + math.sin(turn * y + phase)) + slant * y) for y in range(height)]
    length = width + max(starts)
    ramp = b"".join(bytes([shade]) * (to - at) for shade, (at, to) in enumerate(pairwise(_steps(length))))
    if fraction(recipe, 6) < 0.5:
        starts.reverse()
    written = _written(recipe)
    for y, start in enumerate(starts):
        row = ramp[start : start + width]
        if y in written:
            row = _with_text(row, written[y])
        yield row


def _steps(length: int) -> list[int]:
    return [shade * length // _SHADES for shade in range(_SHADES + 1)]


def _written(recipe: Recipe) -> dict[int, list[tuple[int, int]]]:
    """The rows with text: the stretches of it in each, from and to (excluded)."""
    found: dict[int, list[tuple[int, int]]] = {}
    for x, y, dot, text in lettering.lines(recipe):
        for place, stretches in enumerate(font.runs(text)):
            pixels = [(x + start * dot, x + end * dot) for start, end in stretches]
            for row in range(y + place * dot, y + (place + 1) * dot):
                found[row] = pixels
    return found


def _with_text(row: bytes, stretches: list[tuple[int, int]]) -> bytes:
    marked = bytearray(row)
    for start, end in stretches:
        marked[start:end] = bytes([_TEXT]) * (end - start)
    return bytes(marked)
