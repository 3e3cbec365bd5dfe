"""Pictures in H.264. That they decode to the right colours is tested with FFmpeg, in tests/clients/test_media.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.h264 import Size
from falmock.synthesis.media.h264 import changed_frame
from falmock.synthesis.media.h264 import key_frame
from falmock.synthesis.media.h264 import level
from falmock.synthesis.media.h264 import picture_parameters
from falmock.synthesis.media.h264 import sequence_parameters
from unit.synthesis.media.h264_reader import BitReader
from unit.synthesis.media.h264_reader import macroblocks
from unit.synthesis.media.h264_reader import sequence

SIZES = st.builds(
    Size, st.integers(1, 2048).map(lambda half: 2 * half), st.integers(1, 1024).map(lambda half: 2 * half)
)


@given(SIZES, st.floats(0.1, 240))
@settings(max_examples=100, deadline=None)
def test_the_parameters_tell_the_size(size, fps):
    found = sequence(sequence_parameters(size, fps))
    assert found[:4] == (77, level(size, fps), *size)


@pytest.mark.parametrize(
    ("size", "fps", "expected"),
    [
        ((176, 144), 15, 10),
        ((352, 288), 30, 20),
        ((640, 480), 25, 30),
        ((1280, 720), 30, 31),
        ((1920, 1080), 24, 40),
        ((1920, 1080), 60, 42),
        ((3840, 2160), 30, 51),
        ((3840, 2160), 60, 52),
        ((7680, 4320), 30, 60),
        ((7680, 4320), 60, 61),
        ((8192, 8192), 24, 62),
        ((4096, 16), 1, 40),  # few macroblocks, but more in a row than a lower level has
        ((16, 4096), 1, 40),
    ],
)
def test_the_level_is_the_lowest_that_has_such_pictures(size, fps, expected):
    assert level(Size(*size), fps) == expected


def test_the_other_parameters_ask_for_weighted_prediction():
    reader = BitReader(picture_parameters())
    assert [reader.ue() for _ in range(2)] == [0, 0]
    assert reader.u(2) == 0
    assert [reader.ue() for _ in range(3)] == [0, 0, 0]
    assert reader.u(1) == 1
    assert reader.u(2) == 0
    assert [reader.se() for _ in range(3)] == [0, 0, 0]
    assert [reader.u(1) for _ in range(3)] == [1, 0, 0]
    assert reader.rest().rstrip("0") == "1"


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (2, 2), (160, 48), (640, 16), (16, 640), (100, 100), (1000, 700)])
@pytest.mark.parametrize("bars", [1, 2, 6])
def test_a_key_frame_has_the_samples_of_each_bar_and_predicts_the_rest(size, bars):
    there = Size(*size)
    colors = [(40 + 30 * bar, 100 + bar, 200 - bar) for bar in range(min(bars, there.columns))]
    first, *others = macroblocks(key_frame(there, colors), there)
    assert [each for each in first if each != "left"] == [",".join(map(str, color)) for color in colors]
    assert len(first) == there.columns
    assert others == [["above"] * there.columns] * (there.rows - 1)


def test_a_bar_fades_into_the_next():
    unit = key_frame(Size(64, 16), [(40, 128, 128), (200, 128, 128)])
    assert bytes([50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200]) * 16 in unit


@pytest.mark.parametrize("change", [(0, 0, 0), (1, -1, 127), (-128, 5, -5)])
@pytest.mark.parametrize("number", [1, 300, 65535])
def test_another_frame_says_what_is_added(number, change):
    unit = changed_frame(Size(1920, 1080), number, change)
    reader = BitReader(unit)
    assert unit[0] == 0x61
    assert [reader.ue(), reader.ue(), reader.ue(), reader.u(16), reader.u(2)] == [0, 5, 0, number, 0]
    assert [reader.ue(), reader.ue(), reader.u(1)] == [0, 0, 1]
    assert [reader.se(), reader.se(), reader.u(1)] == [1, change[0], 1]
    assert [reader.se() for _ in range(4)] == [1, change[1], 1, change[2]]
    assert [reader.u(1), reader.se(), reader.ue()] == [0, 0, 1]
    assert reader.ue() == 120 * 68
    assert reader.rest().rstrip("0") == "1"
    assert len(unit) < 20
