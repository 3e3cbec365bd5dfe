"""Transcripts: the text of a recipe as it is, or as subtitles that are spread over its duration."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from itertools import pairwise

from falmock.synthesis.media.recipe import Recipe

_CUE_LETTERS = 42
"""Letters of a subtitle: a line of them."""
_SECONDS_PER_LETTER = 0.07
"""How long a subtitle shows if the recipe has no duration: as long as it takes to say."""
_MAX_SECONDS = 359_999.0
"""Just under 100 hours: an SRT file has two digits for them."""


def plain(recipe: Recipe) -> bytes:
    """The text in UTF-8; lone surrogates become "?"."""
    return recipe.text.encode("utf-8", "replace")


def srt(recipe: Recipe) -> bytes:
    """SubRip's subtitles. Without a text there are none, and the file is empty."""
    cues = (
        f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text}\n"
        for number, (start, end, text) in enumerate(_cues(recipe), 1)
    )
    return "\n".join(cues).encode("utf-8", "replace")


def vtt(recipe: Recipe) -> bytes:
    """WebVTT's subtitles."""
    parts = ["WEBVTT\n"]
    for start, end, text in _cues(recipe):
        parts.append(f"{_time(start, '.')} --> {_time(end, '.')}\n{html.escape(text, quote=False)}\n")
    return "\n".join(parts).encode("utf-8", "replace")


def _cues(recipe: Recipe) -> Iterator[tuple[float, float, str]]:
    """The subtitles: from and to in seconds, each as long as its share of the text, and what they say."""
    texts = list(_parts(recipe.text))
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text))
    duration = recipe.duration if math.isfinite(recipe.duration) else 0.0
    seconds = min(duration if duration > 0 else ends[-1] * _SECONDS_PER_LETTER, _MAX_SECONDS)
    for text, (start, end) in zip(texts, pairwise(ends), strict=True):
        yield seconds * start / ends[-1], seconds * end / ends[-1], text


def _parts(text: str) -> Iterator[str]:
    """The words of a text in lines of up to 42 letters; a longer word is a line of its own."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _CUE_LETTERS:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def _time(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"
