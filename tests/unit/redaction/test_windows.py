from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.redaction.windows import FEW
from falmock.redaction.windows import Windows

TEXTS = st.lists(st.text("ab", min_size=6, max_size=40).map(str.encode), min_size=1, max_size=FEW, unique=True)
OTHERS = [f"{number:06}-other".encode() for number in range(FEW)]
"""So many that texts are not searched for one by one."""


def indexed(texts: list[bytes]) -> Windows:
    windows = Windows()
    for text in [*OTHERS, *(b"0" * 20 + text for text in OTHERS), *texts]:
        windows.add(text)
    return windows


@given(TEXTS, st.text("ab", max_size=40).map(str.encode), st.text("ab", max_size=40).map(str.encode), st.randoms())
def test_what_is_there_is_found_wherever_it_begins(
    texts: list[bytes], before: bytes, after: bytes, rolled: random.Random
) -> None:
    windows = indexed(texts)
    text = rolled.choice(texts)
    data = before + text + after
    spans = list(windows.found_in(data))
    assert {data[start:end] for start, end in spans} <= set(texts)
    assert any(start <= len(before) and end >= len(before) + len(text) for start, end in spans)


@pytest.mark.parametrize("length", [*range(6, 40), 300, 4096])
def test_texts_that_differ_little_are_told_apart(length: int) -> None:
    texts = [f"{number:03}".rjust(length, "0").encode() for number in range(200)]
    windows = indexed(texts)
    for place in range(9):
        (span,) = set(windows.found_in(b"x" * place + texts[123] + b"x" * 9))
        assert span == (place, place + length)


def test_a_text_is_searched_for_until_it_is_removed_as_often_as_it_was_added() -> None:
    windows = indexed([b"planted-text", b"planted-text", b"a planted text that is long"])
    windows.remove(b"planted-text")
    assert list(windows.found_in(b"a planted-text")) == [(2, 14)]
    windows.remove(b"planted-text")
    assert list(windows.found_in(b"a planted-text")) == []


def test_what_is_removed_leaves_nothing() -> None:
    windows = Windows()
    texts = [*OTHERS, *(b"0" * number for number in range(6, 90)), *(b"0" * 20 + text for text in OTHERS)]
    for text in texts:
        windows.add(text)
    for text in texts:
        windows.remove(text)
    assert windows._counts == {}
    for index in windows._indexes:
        assert index._texts == {}
        assert index._windows == {}


def test_a_window_that_many_texts_share_costs_little() -> None:
    """Only so many lengths and places are tried where a window is."""
    windows = indexed([b"a" * length for length in range(15, 300)])
    assert max(len(uses) for index in windows._indexes for uses in index._windows.values()) <= 16
    assert list(windows.found_in(b"a" * 400))
