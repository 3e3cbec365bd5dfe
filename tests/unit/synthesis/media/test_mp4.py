"""MP4 files, as a reader of the tests' own reads them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.mp4 import Track
from falmock.synthesis.media.mp4 import mp4
from unit.synthesis.media import boxes

SETS = (b"\x67\x4d\x40\x1fsequence", b"\x68picture")


@given(
    st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=8),
    st.integers(1, 50),
    st.fractions(Fraction(1, 10), 240, max_denominator=1001),
    st.integers(2, 8192),
    st.integers(2, 8192),
)
@settings(max_examples=200, deadline=None)
def test_the_tables_lead_to_the_frames(series, length, fps, width, height):
    film = boxes.film(mp4(Track(width, height, fps, length, SETS, series), "mark"))
    frames = [len(unit).to_bytes(4) + unit for unit in series]
    assert (film.width, film.height) == (width, height)
    assert film.samples == [frames[place % len(frames)] for place in range(length)]
    assert film.keys == list(range(0, length, len(series)))
    assert film.duration == film.track_duration == pytest.approx(length / fps)
    assert film.times == pytest.approx([place / fps for place in range(length)])
    assert film.parameters == list(SETS)


def test_a_file_begins_as_one_that_plays_before_it_is_read_whole():
    data = mp4(Track(64, 48, Fraction(24), 5, SETS, [b"frame"]), "falmock 1234")
    found = boxes.read(data)
    assert [name for name in found if "/" not in name] == ["ftyp", "free", "moov", "mdat"]
    assert found["ftyp"].content.startswith(b"isom")
    assert found["free"].content == b"falmock 1234"
    assert found["mdat"].content == b"\0\0\0\5frame"


def test_a_long_film_repeats_its_frames_in_the_tables_alone():
    data = mp4(Track(64, 48, Fraction(60), 60 * 3600, SETS, [b"frame"] * 120), "")
    assert len(boxes.read(data)["mdat"].content) == 120 * 9
    assert boxes.film(data).duration == 3600
