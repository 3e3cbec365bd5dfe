"""How large and how long made files may be: what a client asks for does not decide how much memory is used."""

from __future__ import annotations

import math

from falmock.synthesis.media.recipe import Recipe

MAX_IMAGE_SIDE = 14142
"""Pixels; the most that fal's `ImageSize` takes."""
MAX_FILM_SIDE = 8192
"""Pixels; the frames of H.264's highest levels are no wider (ITU-T H.264, A.3.1 and table A-1)."""
MAX_FILM_SECONDS = 3600.0
MAX_SOUND_SECONDS = 600.0
MIN_FPS, MAX_FPS, USUAL_FPS = 0.1, 240.0, 24.0


def within_limits(recipe: Recipe) -> Recipe:
    """The recipe with the size, duration and frame rate that its file has.

    An image has from 1 to 14142 pixels a side, a film from 2 to 8192 and an even number, because 4:2:0 video is cropped
    in steps of two: an odd side loses a pixel. A film lasts up to an hour, a sound up to ten minutes. A film without a
    frame rate has 24 frames a second.
    """
    family = recipe.content_type.partition("/")[0].strip().lower()
    if family == "image":
        return recipe._replace(width=_side(recipe.width, MAX_IMAGE_SIDE), height=_side(recipe.height, MAX_IMAGE_SIDE))
    if family == "video":
        return recipe._replace(
            width=max(2, _side(recipe.width, MAX_FILM_SIDE) & ~1),
            height=max(2, _side(recipe.height, MAX_FILM_SIDE) & ~1),
            duration=_seconds(recipe.duration, MAX_FILM_SECONDS),
            fps=min(max(recipe.fps, MIN_FPS), MAX_FPS) if recipe.fps > 0 else USUAL_FPS,
        )
    if family == "audio":
        return recipe._replace(duration=_seconds(recipe.duration, MAX_SOUND_SECONDS))
    return recipe


def _side(pixels: int, most: int) -> int:
    return min(max(pixels, 1), most)


def _seconds(seconds: float, most: float) -> float:
    return 0.0 if math.isnan(seconds) else float(min(max(seconds, 0.0), most))
