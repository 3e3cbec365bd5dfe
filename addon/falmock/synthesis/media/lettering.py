"""What is written on a made picture, and where: the first words of a prompt, and the size."""

from __future__ import annotations

from typing import NamedTuple

from falmock.synthesis.media import font
from falmock.synthesis.media.recipe import Recipe

_CELL = font.WIDTH + 1
"""Dots from a letter to the next."""
_LINE = font.HEIGHT + 3
"""Dots from a line to the next."""
_LETTERS = 18
"""How many letters a line of a large picture has."""
_MAX_LINES = 3
_MAX_TEXT = 400
"""How many characters of a prompt are looked at: more than three lines show."""


class Line(NamedTuple):
    """A line of text: its upper left corner in pixels, and how many pixels a dot has."""

    x: int
    y: int
    dot: int
    text: str


def lines(recipe: Recipe) -> list[Line]:
    """The lines for a picture; those that do not fit are left out."""
    width, height = recipe.width, recipe.height
    dot = max(1, min(width // (_CELL * (_LETTERS + 1)), height // (_LINE * (_MAX_LINES + 2))))
    margin = 3 * dot
    label = f"{width} x {height}"
    small = max(1, dot * 2 // 3)
    has_label = len(label) * _CELL * small <= width and small * font.HEIGHT <= height
    foot = margin + font.HEIGHT * small if has_label else 0
    most = min(_MAX_LINES, (height - margin - foot) // (_LINE * dot))
    words = wrapped(recipe.text, (width - 2 * margin + dot) // (_CELL * dot), most)
    top = (height - foot - len(words) * _LINE * dot) // 2
    found = [Line(margin, top + place * _LINE * dot, dot, text) for place, text in enumerate(words)]
    if has_label:
        left = min(margin, (width - len(label) * _CELL * small) // 2)
        found.append(Line(left, max(0, height - foot), small, label))
    return found


def wrapped(text: str, letters: int, most: int) -> list[str]:
    """The beginning of a text in at most `most` lines of at most `letters` letters; "..." says that it goes on."""
    if letters < 1 or most < 1:
        return []
    found = [""]
    for word in font.folded(text[:_MAX_TEXT]).split():
        rest = word
        if found[-1] and len(found[-1]) + 1 + len(rest) <= letters:
            found[-1] += f" {rest}"
            continue
        while rest:
            part, rest = rest[:letters], rest[letters:]
            found.append(part)
        if len(found) > most + 1:
            break
    found = found[1:]
    if len(found) > most:
        last = found[most - 1]
        found = [*found[: most - 1], f"{last[: max(0, letters - 3)].rstrip()}..."[:letters]]
    return found
