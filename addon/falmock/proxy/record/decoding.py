"""Undoes the content encoding of a stream as it comes, in pieces that no compression makes too big for memory.

`brotli` and `zstandard` come with mitmproxy, which reads what is no stream with them and says which versions.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from collections.abc import Iterator

import brotli  # type: ignore[import-untyped, unused-ignore]
import zstandard

Inflate = Callable[[bytes], Iterator[bytes]]
"""From a chunk, cut anywhere, to what is known of the content by then. Raises BadEncoding, while it is iterated."""
MAX_PIECE = 32 * 1024 * 1024
"""What one piece holds at most (bytes)."""
_ANY_HEADER = 47
"""For zlib: a header of gzip or of its own (15 bits of window, 32 to find out which)."""
_ZLIB_SLICE = 16 * 1024
"""Deflate makes a byte into 1032 at most, see https://zlib.net/zlib_tech.html."""
_BROTLI_SLICE = 8
"""A meta-block has up to 16 MiB and takes more than these bytes (RFC 7932, section 9.2), so they end one at most."""
_ZSTD_SLICE = 512
"""Four bytes are a block of 128 KiB (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""What a sender may have its receiver remember (RFC 9659)."""


class BadEncoding(ValueError):
    """Bytes that are not encoded as is said of them."""


def inflate(encoding: str) -> Inflate | None:
    """What undoes this content encoding (lower case, "" for none); None for one that is not known."""
    if encoding in ("", "identity"):
        return lambda chunk: iter((chunk,))
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _sliced(zlib.decompressobj(_ANY_HEADER).decompress, _ZLIB_SLICE)
    if encoding == "br":
        return _sliced(_Brotli(), _BROTLI_SLICE)
    return _sliced(_Zstandard(), _ZSTD_SLICE) if encoding == "zstd" else None


def _sliced(step: Callable[[bytes], bytes], size: int) -> Inflate:
    """What feeds so many bytes at a time."""

    def feed(chunk: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(chunk), size):
                yield step(chunk[start : start + size])
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise BadEncoding(str(error)) from None

    return feed


class _Brotli:
    """Bytes of brotli, what follows its end passed over."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def __call__(self, data: bytes) -> bytes:
        return b"" if self._decompressor.is_finished() else bytes(self._decompressor.process(data))


class _Zstandard:
    """Bytes of zstandard, of one frame or several in a row."""

    def __init__(self) -> None:
        self._frame = self._begun()

    @staticmethod
    def _begun() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def __call__(self, data: bytes) -> bytes:
        made = b""
        while data:
            if self._frame.eof:
                self._frame = self._begun()
            made += self._frame.decompress(data)
            data = self._frame.unused_data if self._frame.eof else b""
        return made
