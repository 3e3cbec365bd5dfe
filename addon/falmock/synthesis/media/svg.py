"""The picture of a recipe as SVG: its hues and its lines of text."""

from __future__ import annotations

import html

from falmock.synthesis.media import font
from falmock.synthesis.media import lettering
from falmock.synthesis.media.picture import shades
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark


def svg(recipe: Recipe) -> bytes:
    """An SVG 1.1 file of the recipe's size."""
    width, height = recipe.width, recipe.height
    colors = shades(recipe)
    stops = "".join(
        f'<stop offset="{place / 4:g}" stop-color="rgb{color}"/>'
        for place, color in enumerate(colors[:: (len(colors) - 1) // 4])
    )
    texts = "".join(
        f'<text x="{line.x}" y="{line.y + font.HEIGHT * line.dot}" font-size="{9 * line.dot}">{_shown(line.text)}</text>'
        for line in lettering.lines(recipe)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<desc>{mark(recipe)}</desc>"
        f'<defs><linearGradient id="hues" x2="1" y2="1">{stops}</linearGradient></defs>'
        f'<rect width="{width}" height="{height}" fill="url(#hues)"/>'
        f'<g fill="white" font-family="monospace">{texts}</g></svg>\n'
    ).encode()


def _shown(text: str) -> str:
    """The text, escaped; what XML cannot have becomes a space."""
    return html.escape("".join(letter if letter.isprintable() else " " for letter in text), quote=False)
