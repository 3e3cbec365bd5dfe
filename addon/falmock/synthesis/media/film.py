"""Films: coloured bars whose hues go round, with the size, duration and frame rate that were asked for."""

from __future__ import annotations

import math
from fractions import Fraction

from falmock.synthesis.media import h264
from falmock.synthesis.media import mp4
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark

_BARS = 6
_ROUND_SECONDS = 3.5
"""How long the hues take to go round, so that whole seconds differ. Then comes a key frame, which a player can go to."""
_MAX_DENOMINATOR = 1001
"""30000/1001 and the like are exact."""


def film(recipe: Recipe) -> bytes:
    """An MP4 file. It has at least one frame, and lasts as long as its frames."""
    size = h264.Size(recipe.width, recipe.height)
    fps = Fraction(recipe.fps).limit_denominator(_MAX_DENOMINATOR)
    count = max(1, round(recipe.duration * fps))
    in_round = max(2, round(_ROUND_SECONDS * fps))
    hue = math.tau * fraction(recipe, 0)
    series = [h264.key_frame(size, _bars(hue, min(_BARS, size.columns)))]
    for number in range(1, min(in_round, count)):
        before, after = (_moved(hue, place / in_round) for place in (number - 1, number))
        series.append(h264.changed_frame(size, number, _difference(before, after)))
    parameters = h264.sequence_parameters(size, recipe.fps), h264.picture_parameters()
    return mp4.mp4(mp4.Track(*size, fps, count, parameters, series), mark(recipe))


def _moved(hue: float, part: float) -> h264.YCbCr:
    """The colour that all bars have in common at a part of the round: the sum with a bar's own is from 40 to 215."""
    angle = hue + math.tau * part
    return round(110 + 20 * math.sin(angle)), round(128 + 45 * math.cos(angle)), round(128 + 45 * math.sin(angle))


def _bars(hue: float, count: int) -> list[h264.YCbCr]:
    """The bars at the beginning."""
    luma, blue, red = _moved(hue, 0)
    found = []
    for bar in range(count):
        angle = hue + math.tau * bar / count
        found.append((luma + (20, -20)[bar % 2], blue + round(40 * math.cos(angle)), red + round(40 * math.sin(angle))))
    return found


def _difference(before: h264.YCbCr, after: h264.YCbCr) -> h264.YCbCr:
    luma, blue, red = (b - a for a, b in zip(before, after, strict=True))
    return luma, blue, red
