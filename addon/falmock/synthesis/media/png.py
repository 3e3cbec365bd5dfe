"""Writes PNG files (RFC 2083, W3C PNG) with the standard library."""

from __future__ import annotations

import struct
import zlib
from itertools import islice

from falmock.synthesis.media.picture import Picture
from falmock.synthesis.media.picture import picture
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark

_ROWS_AT_ONCE = 64


def png(recipe: Recipe) -> bytes:
    """The picture of a recipe, in 256 colours."""
    drawn = picture(recipe)
    # 8 bits a pixel, colour type 3 (palette), deflate, adaptive filters, not interlaced
    header = struct.pack(">IIBBBBB", drawn.width, drawn.height, 8, 3, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", drawn.palette),
            _chunk(b"tEXt", b"Comment\0" + mark(recipe).encode("ascii")),
            _chunk(b"IDAT", _compressed(drawn)),
            _chunk(b"IEND", b""),
        )
    )


def _compressed(drawn: Picture) -> bytes:
    deflate = zlib.compressobj(1)
    parts = []
    # Before each row comes the type of its filter: 0, none.
    while rows := b"".join(b"\0" + row for row in islice(drawn.rows, _ROWS_AT_ONCE)):
        parts.append(deflate.compress(rows))
    return b"".join((*parts, deflate.flush()))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
