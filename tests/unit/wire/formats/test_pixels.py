"""Sizes of images in files as real programs write them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats.pixels import size_of

SIDES = st.integers(1, 0x3FFF)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height)


def jpeg(width: int, height: int) -> bytes:
    app = b"\xff\xe0\0\x04ab"
    tables = b"\xff\xdb" + struct.pack(">H", 67) + bytes(65)
    return b"\xff\xd8" + app + b"\xff" + tables + b"\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width)


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + rest


def lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


KINDS = [png, gif, jpeg, lossy, lossless, extended]


@given(st.sampled_from(KINDS), SIDES, SIDES)
def test_each_kind_tells_its_size(kind: object, width: int, height: int) -> None:
    assert callable(kind)
    assert size_of(kind(width, height)) == (width, height)


@given(st.sampled_from(KINDS), SIDES, SIDES, st.integers(0, 80))
def test_a_head_that_is_cut_off_tells_none(kind: object, width: int, height: int, cut: int) -> None:
    assert callable(kind)
    whole = kind(width, height)
    assert size_of(whole[: max(0, len(whole) - 1 - cut)]) is None


@given(
    st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF0000WEBPVP8 ", b"\x89PNG\r\n\x1a\n"]),
    st.binary(),
)
def test_what_is_no_image_does_no_harm(start: bytes, rest: bytes) -> None:
    size = size_of(start + rest)
    assert size is None or min(size) > 0


def test_a_picture_of_a_program() -> None:
    picture = Path(__file__).parents[4] / "fixtures" / "_assets" / "cat-by-day.png"
    size = size_of(picture.read_bytes())
    assert size is not None
    assert min(size) >= 16


@pytest.mark.parametrize("data", [gif(0, 5), png(0, 0), b"\xff\xd8\xff\xc4\0\0"])
def test_a_size_of_nothing_is_none(data: bytes) -> None:
    assert size_of(data) is None
