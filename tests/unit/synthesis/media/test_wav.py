"""Made WAV files, as Python's own reader reads them."""

from __future__ import annotations

import struct
import wave
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark
from falmock.synthesis.media.wav import wav
from falmock.wire.formats import media

TONE = Recipe("audio/wav", duration=1.0, seed=1, text="hello")


def samples(data: bytes) -> tuple[int, ...]:
    with wave.open(BytesIO(data)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)
        return struct.unpack(f"<{file.getnframes()}h", file.readframes(file.getnframes()))


@given(st.floats(0, 5), st.integers())
@settings(max_examples=50, deadline=None)
def test_it_lasts_as_long_as_its_recipe(duration, seed):
    data = wav(Recipe("audio/wav", duration=duration, seed=seed))
    assert len(samples(data)) == max(1, round(duration * 16000))
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert media.sniffed(data) == "audio/wav"


@pytest.mark.parametrize("seed", range(5))
def test_it_is_a_tone(seed):
    heard = samples(wav(TONE._replace(seed=seed)))
    crossings = sum(a < 0 <= b for a, b in pairwise(heard))
    assert 219 <= crossings <= 681
    assert 7900 < max(heard) <= 8000
    assert abs(crossings / 20 - round(crossings / 20)) <= 0.1


def test_it_does_not_click():
    heard = samples(wav(TONE))
    assert heard[0] == heard[-1] == 0
    assert max(map(abs, (*heard[:30], *heard[-30:]))) < 1000
    assert max(abs(b - a) for a, b in pairwise(heard)) < 8000 * 0.3


def test_it_says_where_it_is_from():
    assert mark(TONE).encode() in wav(TONE)


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    assert wav(TONE) == wav(TONE)
    assert len({wav(TONE._replace(seed=seed)) for seed in range(30)}) == 30
    assert len({samples(wav(TONE._replace(seed=seed))) for seed in range(30)}) > 10
