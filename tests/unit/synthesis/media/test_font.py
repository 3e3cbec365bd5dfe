"""The font of made pictures."""

from __future__ import annotations

import pytest

from falmock.synthesis.media import font

ASCII = "".join(map(chr, range(32, 127)))


def drawn(text: str) -> list[str]:
    """Rows of "#" and "."."""
    width = 6 * len(text)
    return ["".join(".#"[any(a <= x < b for a, b in row)] for x in range(width)) for row in font.runs(text)]


def test_a_letter_looks_like_itself():
    assert drawn("E") == ["#####.", "#.....", "#.....", "####..", "#.....", "#.....", "#####."]
    assert drawn("T1") == [
        "#####...#...",
        "..#....##...",
        "..#.....#...",
        "..#.....#...",
        "..#.....#...",
        "..#.....#...",
        "..#....###..",
    ]


def test_each_printable_character_has_a_look_of_its_own():
    looks = {tuple(drawn(letter)) for letter in ASCII}
    assert len(looks) == len(ASCII)
    assert tuple(drawn("東")) not in looks


def test_a_space_is_empty_and_all_others_have_dots():
    assert [letter for letter in ASCII if not any(font.runs(letter))] == [" "]


def test_letters_do_not_touch():
    assert all(row[5::6].strip(".") == "" for row in drawn(ASCII))


def test_a_character_that_the_font_lacks_is_a_box():
    assert drawn("東") == drawn("🙂") == ["#####.", *["#...#."] * 5, "#####."]


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Café Ångström", "Cafe Angstrom"), ("ﬁne", "fine"), ("x²", "x2"), ("東京", "東京"), ("plain ~", "plain ~")],
)
def test_letters_are_folded_to_ascii_where_they_have_an_equivalent(text, folded):
    assert font.folded(text) == folded
