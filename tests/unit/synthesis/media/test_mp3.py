"""Made MP3 files. That they sound is tested with FFmpeg, in tests/clients/test_media.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.mp3 import mp3
from falmock.synthesis.media.mp3 import pitch
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark
from falmock.wire.formats import media

TONE = Recipe("audio/mpeg", duration=1.0, seed=1, text="hello")


def frames(data: bytes) -> tuple[bytes, list[bytes]]:
    """The content of the tag, and the frames."""
    assert data[:6] == b"ID3\x03\0\0"
    length = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    rest = data[10 + length :]
    assert len(rest) % 96 == 0
    return data[10 : 10 + length], [rest[at : at + 96] for at in range(0, len(rest), 96)]


@given(st.floats(0, 60), st.integers())
@settings(max_examples=50, deadline=None)
def test_it_lasts_as_long_as_its_recipe_within_a_frame(duration, seed):
    data = mp3(Recipe("audio/mpeg", duration=duration, seed=seed))
    _, (information, *sound) = frames(data)
    # 32 kbit/s and 48 kHz: 144 * 32000 / 48000 bytes (ISO/IEC 11172-3, 2.4.3.1)
    assert {frame[:4].hex() for frame in (information, *sound)} == {"fffb14c0"}
    assert -1e-4 <= len(sound) * 1152 / 48000 - duration < 0.0241 or len(sound) == 1
    assert information[21:33] == b"Info\0\0\0\3" + len(sound).to_bytes(4)
    assert int.from_bytes(information[33:37]) == 96 * (1 + len(sound))
    assert media.sniffed(data) == "audio/mpeg"


@pytest.mark.parametrize("seed", range(8))
def test_every_frame_is_the_same_and_has_one_line(seed):
    _, (_, first, *others) = frames(mp3(TONE._replace(seed=seed)))
    bits = "".join(f"{byte:08b}" for byte in first[4:])
    granules = [bits[at : at + 59] for at in (18, 77)]
    lengths = [int(granule[:12], 2) for granule in granules]
    pairs = [int(granule[12:21], 2) for granule in granules]
    spectra = [bits[136 : 136 + lengths[0]], bits[136 + lengths[0] : 136 + sum(lengths)]]
    assert set(others) == {first}
    assert [spectrum[:-1] for spectrum in spectra] == ["1" * (count - 1) + "01" for count in pairs]
    assert "1" not in bits[136 + sum(lengths) :]
    signs = {spectrum[-1] for spectrum in spectra}
    line = 2 * (pairs[0] - 1)
    assert pitch(TONE._replace(seed=seed)) == pytest.approx((line + len(signs) - 1) * 48000 / 1152)


def test_it_says_where_it_is_from():
    tag, _ = frames(mp3(TONE))
    assert tag.endswith(mark(TONE).encode())


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    assert mp3(TONE) == mp3(TONE)
    assert len({mp3(TONE._replace(seed=seed)) for seed in range(30)}) == 30
    assert len({pitch(TONE._replace(seed=seed)) for seed in range(60)}) == 10
