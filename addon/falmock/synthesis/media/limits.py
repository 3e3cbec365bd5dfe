"""How large and how long made files may be: what a client asks for does not decide how much memory is used."""

from __future__ import annotations

import math

from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats import media

MAX_IMAGE_SIDE = 14142
"""Pixels; the most that fal's `ImageSize` takes."""
MAX_COMPRESSED_PIXELS = 2**26
"""For images that are not PNG or SVG, which are made without having all pixels in memory."""
MAX_FILM_SIDE = 8192
"""Pixels; the frames of H.264's highest levels are no wider (ITU-T H.264, A.3.1 and table A-1)."""
MAX_FILM_SECONDS = 3600.0
MIN_SOUND_SECONDS, MAX_SOUND_SECONDS = 0.2, 600.0
"""FFmpeg takes an MP3 file of less than six frames (0.144 s) for something else."""
MIN_FPS, MAX_FPS, USUAL_FPS = 0.1, 240.0, 24.0

_ROW_BY_ROW = frozenset({"image/png", "image/svg+xml"})


def within_limits(recipe: Recipe) -> Recipe:
    """The recipe with the size, duration and frame rate that its file has.

    An image has from 1 to 14142 pixels a side; one that is not PNG or SVG is made smaller if it had more than 2 ** 26 in
    all. A film has from 2 to 8192 a side, and an even number: 4:2:0 video is cropped in steps of two, so an odd side loses
    a pixel. A film lasts up to an hour, a sound from 0.2 seconds to ten minutes. A film without a frame rate has 24 frames
    a second.
    """
    kind = media.media_type(recipe.content_type)
    family = kind.partition("/")[0]
    if family == "image":
        width, height = _side(recipe.width, MAX_IMAGE_SIDE), _side(recipe.height, MAX_IMAGE_SIDE)
        if kind not in _ROW_BY_ROW and width * height > MAX_COMPRESSED_PIXELS:
            factor = math.sqrt(MAX_COMPRESSED_PIXELS / (width * height))
            width, height = int(width * factor), int(height * factor)
        return recipe._replace(width=width, height=height)
    if family == "video":
        return recipe._replace(
            width=max(2, _side(recipe.width, MAX_FILM_SIDE) & ~1),
            height=max(2, _side(recipe.height, MAX_FILM_SIDE) & ~1),
            duration=_seconds(recipe.duration, 0.0, MAX_FILM_SECONDS),
            fps=min(max(recipe.fps, MIN_FPS), MAX_FPS) if recipe.fps > 0 else USUAL_FPS,
        )
    if family == "audio":
        return recipe._replace(duration=_seconds(recipe.duration, MIN_SOUND_SECONDS, MAX_SOUND_SECONDS))
    return recipe


def _side(pixels: int, most: int) -> int:
    return min(max(pixels, 1), most)


def _seconds(seconds: float, least: float, most: float) -> float:
    return least if math.isnan(seconds) else float(min(max(seconds, least), most))
