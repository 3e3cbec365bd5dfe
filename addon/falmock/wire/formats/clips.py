"""Reads what the heads of films and sounds say of them: MP4, QuickTime, WAV and MP3."""

from __future__ import annotations

import struct
from collections.abc import Callable
from collections.abc import Iterator
from typing import NamedTuple

Read = Callable[[int, int], bytes]
"""Reads the bytes from a start to a stop of a file; fewer at its end."""
_MOST_BOXES = 64
_MOST_BYTES = 1024 * 1024
"""How much of the index of a film is read."""
_RATES = (44100, 48000, 32000)
_KILOBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""The bit rates of layer III by the index in a frame's header: of MPEG-1, and of MPEG-2 and 2.5."""


class Clip(NamedTuple):
    """The duration in seconds, and the size of the picture in pixels; None where that is not known."""

    seconds: float | None = None
    size: tuple[int, int] | None = None


UNKNOWN = Clip()


def clip_of(media_type: str, read: Read, size: int) -> Clip:
    """What a file of `size` bytes says of itself; `media_type` is what its first bytes suggest."""
    reader = _READERS.get(media_type)
    try:
        return UNKNOWN if reader is None else reader(read, size)
    except (struct.error, IndexError, ZeroDivisionError):
        return UNKNOWN


def _movie(read: Read, size: int) -> Clip:
    seconds = picture = None
    for kind, content in _boxes(_index(read, size)):
        if kind == b"mvhd":
            form, at, unknown = (">IQ", 20, 2**64 - 1) if content[0] else (">II", 12, 2**32 - 1)
            scale, length = struct.unpack_from(form, content, at)
            seconds = length / scale if 0 < length < unknown else None
        elif kind == b"trak" and picture is None:
            picture = next((_picture(track) for name, track in _boxes(content) if name == b"tkhd"), None)
    return Clip(seconds, picture)


def _picture(track: bytes) -> tuple[int, int] | None:
    width, height = struct.unpack_from(">HxxHxx", track, 88 if track[0] else 76)
    return (width, height) if width and height else None


def _index(read: Read, size: int) -> bytes:
    """The content of the box `moov`, or its begin; b"" if there is none."""
    at = 0
    for _ in range(_MOST_BOXES):
        head = read(at, at + 16)
        if len(head) < 8:
            break
        (length, kind), start = struct.unpack_from(">I4s", head), at + 8
        if length == 1:
            (length,), start = struct.unpack_from(">Q", head, 8), at + 16
        end = at + length if length else size
        if kind == b"moov":
            return read(start, min(end, start + _MOST_BYTES))
        if end < start:
            break
        at = end
    return b""


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if length < 8:
            return
        yield kind, content[at + 8 : at + length]
        at += length


def _wave(read: Read, size: int) -> Clip:
    at, rate = 12, 0
    for _ in range(_MOST_BOXES):
        kind, length = struct.unpack("<4sI", read(at, at + 8))
        at += 8
        if kind == b"fmt ":
            (rate,) = struct.unpack("<I", read(at + 8, at + 12))
        elif kind == b"data":
            # Programs that write to a pipe do not know the length.
            return Clip(min(length or size, size - at) / rate)
        at += length + length % 2
    return UNKNOWN


def _mp3(read: Read, size: int) -> Clip:
    at, tag = 0, read(0, 10)
    if tag[:3] == b"ID3":
        at = 10 + sum((each & 0x7F) << shift for each, shift in zip(tag[6:10], (21, 14, 7, 0), strict=True))
    frame = read(at, at + 64)
    (header,) = struct.unpack_from(">I", frame)
    version, layer = header >> 19 & 3, header >> 17 & 3
    if header >> 21 != 0x7FF or version == 1 or layer != 1:
        return UNKNOWN
    rate = _RATES[header >> 10 & 3] >> (3 - version if version else 2)
    kilobits = _KILOBITS[version != 3][header >> 12 & 15]
    for mark in (b"Xing", b"Info"):
        place = frame.find(mark)
        if place > 0 and frame[place + 7] & 1:
            (frames,) = struct.unpack_from(">I", frame, place + 8)
            return Clip(frames * (1152 if version == 3 else 576) / rate)
    return Clip((size - at) / (kilobits * 125))


_READERS = {
    "video/mp4": _movie,
    "video/quicktime": _movie,
    "audio/mp4": _movie,
    "audio/wav": _wave,
    "audio/mpeg": _mp3,
}
