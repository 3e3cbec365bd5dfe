"""A small bitmap font: 5 x 7 dots for each printable ASCII character."""

from __future__ import annotations

import unicodedata

WIDTH, HEIGHT = 5, 7
"""Dots of a glyph."""
# Seven rows for each character from " " to "~", from top to bottom: a digit in base 32 is the five dots of a row, and its
# highest bit is the leftmost dot.
_GLYPHS = (
    "00000004444404aa00000aavavaa4fke5u4op248j38kk8lid44000002488842842224804lel40044v4400000448000v000000000411248gg"
    "ehjlphe4c4444eeh168gveh161he26aiv22vgu11heehguhhev124488ehhehheehhf1he00400400040448248g84200v0v008421248eh16404"
    "ehnlnge4ahhvhhuhhuhhuehgggheuhhhhhuvgguggvvggugggehgjhhehhhvhhhe44444e11111hehikokihggggggvhrllhhhhppljjhehhhhhe"
    "uhhugggehhhliduhhukihehge1hev444444hhhhhhehhhhha4hhhhllahha4ahhhha4444v1248gve88888egg84211e22222e4ah0000000000v"
    "840000000e1fhfgguhhhu00ehghe11fhhhf00ehvge698u88800fhf1egguhhhh40c444e20622icggikokic44444e00qllll00uhhhh00ehhhe"
    "00uhugg00fhf1100mpggg00fge1u88u889600hhhjd00hhha400hhlla00ha4ah00hhf1e00v248v244844244444448442448008l200"
)
_BOX = [int(row, 32) for row in "vhhhhhv"]
_ROWS = {
    chr(32 + place): [int(row, 32) for row in _GLYPHS[HEIGHT * place : HEIGHT * place + HEIGHT]]
    for place in range(len(_GLYPHS) // HEIGHT)
}


def folded(text: str) -> str:
    """The text without accents, and in ASCII where a letter has an equivalent there. Other characters stay."""
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def runs(line: str) -> list[list[tuple[int, int]]]:
    """The dots of a line of text: for each of its seven rows the stretches of set dots, from and to (excluded).

    A character is six dots wide with the space behind it. One that the font lacks is a box.
    """
    glyphs = [_ROWS.get(letter, _BOX) for letter in line]
    return [_stretches("".join(f"{glyph[row]:05b}0" for glyph in glyphs)) for row in range(HEIGHT)]


def _stretches(dots: str) -> list[tuple[int, int]]:
    found = []
    start = dots.find("1")
    while start >= 0:
        end = dots.index("0", start)
        found.append((start, end))
        start = dots.find("1", end)
    return found
