"""Strings of bits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.media.bits import Bits
from unit.synthesis.media.h264_reader import BitReader


def test_the_codes_of_the_standard():
    """ITU-T H.264, tables 9-2 and 9-3."""
    bits = Bits()
    for value in range(5):
        bits.ue(value)
    for value in (0, 1, -1, 2, -2):
        bits.se(value)
    assert len(bits) == 2 * (1 + 3 + 3 + 5 + 5)
    codes = "10100110010000101"
    assert bits.content() == int((2 * codes).ljust(40, "0"), 2).to_bytes(5)


def test_a_byte_is_filled_with_zeros():
    bits = Bits()
    bits.raw("101")
    bits.align()
    bits.align()
    bits.u(4, 15)
    assert len(bits) == 12
    assert bits.content() == b"\xa0\xf0"
    assert Bits().content() == b""


@given(st.lists(st.tuples(st.sampled_from(["u", "ue", "se"]), st.integers(0, 2**16 - 1)), max_size=30))
def test_what_is_written_is_read(values):
    bits = Bits()
    for kind, value in values:
        bits.u(16, value) if kind == "u" else getattr(bits, kind)(value if kind == "ue" else value - 30000)
    reader = BitReader(b"\1")
    reader.bits = "".join(f"{byte:08b}" for byte in bits.content())
    for kind, value in values:
        assert (reader.u(16) if kind == "u" else getattr(reader, kind)()) == (value - 30000 if kind == "se" else value)
