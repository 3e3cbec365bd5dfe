"""Where the text of made pictures stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.lettering import lines
from falmock.synthesis.media.lettering import wrapped
from falmock.synthesis.media.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "letters", "most", "expected"),
    [
        ("a cat on a mat", 8, 3, ["a cat on", "a mat"]),
        ("a cat on a mat", 8, 1, ["a cat..."]),
        ("a cat on a mat in a hat", 8, 2, ["a cat on", "a mat..."]),
        ("incomprehensible", 8, 3, ["incompre", "hensible"]),
        ("incomprehensible", 8, 1, ["incom..."]),
        ("oh incomprehensible", 8, 3, ["oh", "incompre", "hensible"]),
        ("  \n ", 8, 3, []),
        ("", 8, 3, []),
        ("word", 0, 3, []),
        ("word", 8, 0, []),
        ("word " * 3, 2, 2, ["wo", ".."]),
        ("Café", 8, 3, ["Cafe"]),
    ],
)
def test_text_is_wrapped_and_cut(text, letters, most, expected):
    assert wrapped(text, letters, most) == expected


def test_a_picture_shows_the_first_words_and_its_size():
    found = lines(Recipe("image/png", 1024, 768, text="A cat in a spacesuit, looking at the rings of Saturn"))
    assert [line.text for line in found] == ["A cat in a", "spacesuit, looking", "at the rings of...", "1024 x 768"]


@pytest.mark.parametrize(
    ("width", "height", "texts"),
    [
        (64, 64, ["a cat", "64 x 64"]),
        (64, 20, ["64 x 20"]),
        (30, 40, ["a", "cat"]),
        (8, 200, []),
        (1, 1, []),
        (100, 5, []),
    ],
)
def test_what_does_not_fit_is_left_out(width, height, texts):
    assert [line.text for line in lines(Recipe("image/png", width, height, text="a cat"))] == texts


@given(
    st.integers(1, 4000),
    st.integers(1, 4000),
    st.text(max_size=80) | st.lists(st.text("abc", max_size=20), max_size=9).map(" ".join),
)
@settings(max_examples=200, deadline=None)
def test_text_stays_inside_and_lines_do_not_touch(width, height, text):
    bottom = 0
    for line in lines(Recipe("image/png", width, height, text=text)):
        assert line.x >= 0
        assert line.dot >= 1
        assert line.x + (6 * len(line.text) - 1) * line.dot <= width
        assert bottom <= line.y
        bottom = line.y + 7 * line.dot
        assert bottom <= height
