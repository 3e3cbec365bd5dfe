"""Reads the size of an image in pixels from the head of its file: PNG, JPEG, GIF and WebP."""

from __future__ import annotations

import struct

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""The JPEG markers of a frame header, which contains the size."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""The JPEG markers without a length."""


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height of an image; None if its format is another one or its head is incomplete."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
            size = struct.unpack_from(">II", data, 16)
        elif data[:6] in (b"GIF87a", b"GIF89a"):
            size = struct.unpack_from("<HH", data, 6)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            size = _webp(data)
        elif data[:2] == b"\xff\xd8":
            size = _jpeg(data)
        else:
            return None
    except (struct.error, IndexError):
        return None
    width, height = size
    return (width, height) if width > 0 and height > 0 else None


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(_bytes(data, 24, 3), "little"), 1 + int.from_bytes(_bytes(data, 27, 3), "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _bytes(data: bytes, start: int, count: int) -> bytes:
    found = data[start : start + count]
    if len(found) < count:
        raise IndexError(start)
    return found


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + length
    return 0, 0
