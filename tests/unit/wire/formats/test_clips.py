"""Durations and sizes of films and sounds."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats.clips import UNKNOWN
from falmock.wire.formats.clips import Clip
from falmock.wire.formats.clips import clip_of


def clip(kind: str, data: bytes) -> Clip:
    return clip_of(kind, lambda start, stop: data[start:stop], len(data))


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def long_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def track(width: int, height: int, version: int = 0) -> bytes:
    rest = bytes(75 if version == 0 else 87)
    return box(b"trak", box(b"tkhd", bytes([version]) + rest + struct.pack(">HHHH", width, 0, height, 0)))


def header(scale: int, length: int, version: int = 0) -> bytes:
    if version:
        return box(b"mvhd", b"\1\0\0\0" + bytes(16) + struct.pack(">IQ", scale, length) + bytes(80))
    return box(b"mvhd", bytes(12) + struct.pack(">II", scale, length) + bytes(80))


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Recipe("video/mp4", 64, 48, 2.5, 24.0), Clip(2.5, (64, 48))),
        (Recipe("audio/wav", duration=1.5), Clip(1.5)),
        (Recipe("audio/mpeg", duration=3.0), Clip(3.0)),
    ],
)
def test_made_files(recipe: Recipe, expected: Clip) -> None:
    found = clip(recipe.content_type, content_of(recipe))
    assert found.size == expected.size
    assert found.seconds == pytest.approx(expected.seconds, abs=0.05)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            box(b"ftyp", b"qt  ") + box(b"mdat", bytes(99)) + box(b"moov", header(600, 900) + track(4, 3)),
            Clip(1.5, (4, 3)),
        ),
        (long_box(b"mdat", bytes(9)) + box(b"moov", header(10, 5, 1) + track(4, 3, 1)), Clip(0.5, (4, 3))),
        (box(b"moov", track(0, 0) + header(10, 50) + track(0, 0) + track(6, 5)), Clip(5.0, (6, 5))),
        (struct.pack(">I4s", 0, b"moov") + header(10, 50), Clip(5.0)),
        (box(b"moov", header(10, 0)), UNKNOWN),
        (box(b"moov", header(10, 2**32 - 1)), UNKNOWN),
        (box(b"moov", header(10, 2**64 - 1, 1)), UNKNOWN),
        (box(b"moov", header(0, 1)), UNKNOWN),
        (box(b"moov", box(b"mvhd", b"")), UNKNOWN),
        (box(b"moov", struct.pack(">I4s", 3, b"mvhd") + bytes(99)), UNKNOWN),
        (struct.pack(">I4s", 7, b"mdat") + box(b"moov", header(10, 50)), UNKNOWN),
        (box(b"free", b"") * 64 + box(b"moov", header(10, 50)), UNKNOWN),
        (box(b"mdat", b"no index"), UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_films(data: bytes, expected: Clip) -> None:
    for kind in ("video/mp4", "video/quicktime", "audio/mp4"):
        assert clip(kind, data) == expected


def wave(length: int, content: bytes = bytes(8000), before: bytes = b"") -> bytes:
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return b"RIFF\0\0\0\0WAVE" + before + form + b"data" + struct.pack("<I", length) + content


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (wave(8000), 0.5),
        (wave(8000, before=b"LIST\3\0\0\0abc\0"), 0.5),
        (wave(0), 0.5),
        (wave(2**32 - 1), 0.5),
        (wave(4000), 0.25),
        (wave(8000)[:30], None),
        (b"RIFF\0\0\0\0WAVEdata\1\0\0\0a", None),
        (b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 64, None),
    ],
)
def test_waves(data: bytes, seconds: float | None) -> None:
    assert clip("audio/wav", data) == Clip(seconds)


def mp3(second: int, third: int, rest: bytes = b"", size: int = 16000) -> bytes:
    head = bytes((0xFF, second, third, 0)) + rest
    return head + bytes(size - len(head))


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (mp3(0xFB, 0x90), 1.0),  # MPEG-1 at 128 kbit/s
        (mp3(0xF3, 0x80), 2.0),  # MPEG-2 at 64 kbit/s
        (b"ID3\4\0\0\0\0\1\2" + bytes(130) + mp3(0xFB, 0x90), 1.0),
        (mp3(0xFB, 0x90, bytes(32) + b"Xing\0\0\0\1" + struct.pack(">I", 441)), 441 * 1152 / 44100),
        (mp3(0xF3, 0x84, bytes(17) + b"Info\0\0\0\1" + struct.pack(">I", 100)), 100 * 576 / 24000),
        (mp3(0xE3, 0x80, bytes(17) + b"Info\0\0\0\1" + struct.pack(">I", 100)), 100 * 576 / 11025),
        (mp3(0xFB, 0x90, bytes(32) + b"Xing\0\0\0\2"), 1.0),
        (mp3(0xFB, 0xF0), None),
        (mp3(0xFB, 0x00), None),
        (mp3(0xFB, 0x9C), None),
        (mp3(0xFD, 0x90), None),
        (mp3(0xEB, 0x90), None),
        (mp3(0x00, 0x90), None),
        (b"\xff\xfb", None),
    ],
)
def test_mp3s(data: bytes, seconds: float | None) -> None:
    assert clip("audio/mpeg", data) == Clip(seconds)


def test_other_types() -> None:
    assert clip("image/png", wave(8000)) is UNKNOWN


_KINDS = st.sampled_from(["video/mp4", "audio/wav", "audio/mpeg"])
_STARTS: Any = st.sampled_from([b"", wave(8000)[:44], mp3(0xFB, 0x90)[:4], box(b"moov", header(600, 900))])


@given(_KINDS, _STARTS, st.binary(max_size=200))
def test_whatever_comes(kind: str, start: bytes, rest: bytes) -> None:
    seconds, size = clip(kind, start + rest)
    assert seconds is None or seconds >= 0
    assert size is None or min(size) > 0
