"""Decodes content encodings (RFC 9110, section 8.4), whole or as the bytes come, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.compression import Decompressor
from falmock.wire.formats.compression import decompressor

MAX_STAGES = 5
"""How many encodings one body may have, as in curl."""
FILE_LIMIT = 64 * 1024 * 1024
FILE_RATIO = 32
"""A compressed file may have FILE_LIMIT bytes, or FILE_RATIO times the bytes that it was sent with, if that is more."""
NOT_WHOLE = "it ends in the middle, or something follows its end"
"""What is wrong with a body that ended where its decoder says that it may not."""


class TooLarge(ValueError):
    """A body with more bytes than are accepted where it came; the text says how many there are, and how many may be there."""


def decoder(header: str, limit: int, ratio: int = 0) -> Decompressor:
    """The decoder for a Content-Encoding header ("" for none): it may list several.

    The content may have `limit` bytes, or if that is more, `ratio` times the bytes that came; if there is more, the decoder
    raises TooLarge as soon as so much is decoded. Raises BadEncoding for an encoding that is not known, and for more than MAX_STAGES.
    """
    names = (name.strip().lower() for name in header.split(","))
    applied = [name for name in names if name not in ("", "identity")]
    if len(applied) > MAX_STAGES:
        raise BadEncoding(f"it has {len(applied)} content encodings, expected at most {MAX_STAGES}")
    return _Chain([decompressor(name) for name in reversed(applied)], ", ".join(applied), limit, ratio)


def decoded(body: bytes, header: str, limit: int, ratio: int = 0) -> bytes:
    """A whole body without the encodings in its Content-Encoding header; an empty body has none.

    Raises BadEncoding, and TooLarge for content that is too large: see `decoder`. Without an encoding, `ratio` does not count.
    """
    if not body or not header:
        if found := excess(len(body), limit):
            raise TooLarge(found)
        return body
    stages = decoder(header, limit, ratio)
    content = BytesIO()  # unlike a list of pieces, it does not need the memory twice to join them
    for piece in stages.pieces(body):
        content.write(piece)
        del piece  # or it would still be there while the next one is made
    if not stages.is_whole:
        raise BadEncoding(NOT_WHOLE)
    return content.getvalue()


def excess(size: int, limit: int) -> str:
    """What is said of so many bytes where at most `limit` are accepted; "" if there are no more."""
    return f"{size} bytes, expected at most {limit}" if size > limit else ""


class _Chain:
    """Several decoders, each for what the one before it made; without any, the bytes stay as they are."""

    def __init__(self, stages: list[Decompressor], names: str, limit: int, ratio: int) -> None:
        self._stages = stages
        self._names = names
        self._limit = limit
        self._ratio = ratio
        self._came = [0] * (len(stages) + 1)
        """How many bytes each decoder got, and at the end how many the content has."""

    @property
    def is_whole(self) -> bool:
        return all(stage.is_whole for stage in self._stages)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        return self._from(0, data)

    def _from(self, place: int, data: bytes) -> Iterator[bytes]:
        self._count(place, len(data))
        if place == len(self._stages):
            yield data
            return
        for piece in self._stages[place].pieces(data):
            yield from self._from(place + 1, piece)
            del piece

    def _count(self, place: int, size: int) -> None:
        """Count what comes to a decoder, or leaves the last. Raises TooLarge.

        What is compressed may be a little longer than its content. Without a limit, one decoder could make a lot for the
        next, of which nothing becomes content.
        """
        self._came[place] += size
        limit = max(self._limit, self._ratio * self._came[0])
        spare = 0 if place == len(self._stages) else limit // 8 + 1024
        if self._came[place] <= limit + spare:
            return
        if not self._stages:
            raise TooLarge(excess(self._came[place], limit))
        raise TooLarge(f"more than {limit} bytes in {self._came[0]} bytes of {self._names}, expected at most {limit}")
