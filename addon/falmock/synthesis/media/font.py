"""A small bitmap font: 5 x 7 dots for each printable ASCII character."""

from __future__ import annotations

import unicodedata

WIDTH, HEIGHT = 5, 7
"""Dots of a glyph."""
# Seven rows for each character from " " to "~", from top to bottom: a digit in base 32 is the five dots of a row, and its
# highest bit is the leftmost dot.
_GLYPHS = (
    "0000000 4444404 aa00000 aavavaa 4fke5u4 op248j3 8kk8lid 4400000 2488842 8422248 04lel40 044v440 0000448 000v000 "
    "0000004 11248gg ehhhhhe 4c4444e eh168gv eh161he 26aiv22 vgu11he ehguhhe v124488 ehhehhe ehhf1he 0040040 0040448 "
    "248g842 00v0v00 8421248 eh16404 ehnlnge 4ahhvhh uhhuhhu ehggghe uhhhhhu vgguggv vgguggg ehgjhhe hhhvhhh e44444e "
    "11111he hikokih ggggggv hrllhhh hppljjh ehhhhhe uhhuggg ehhhlid uhhukih ehge1he v444444 hhhhhhe hhhhha4 hhhhlla "
    "hha4ahh hha4444 v1248gv e88888e gg84211 e22222e 4ah0000 000000v 8400000 00e1fhf gguhhhu 00ehghe 11fhhhf 00ehvge "
    "698u888 00fhf1e gguhhhh 40c444e 20622ic ggikoki c44444e 00qllll 00uhhhh 00ehhhe 00uhugg 00fhf11 00mpggg 00fge1u "
    "88u8896 00hhhjd 00hhha4 00hhlla 00ha4ah 00hhf1e 00v248v 2448442 4444444 8442448 008l200"
).split()
_BOX = [int(row, 32) for row in "vhhhhhv"]
_ROWS = {chr(32 + place): [int(row, 32) for row in rows] for place, rows in enumerate(_GLYPHS)}


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
