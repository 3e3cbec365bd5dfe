"""Undoes the content encoding of a stream as it comes, in pieces that no compression makes too big for memory.

Brotli comes with each mitmproxy. What reads zstandard does not: the package `zstandard` came before mitmproxy 12.3,
`backports.zstd` comes since, and Python 3.14 has its own.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple
from typing import Protocol

import brotli  # type: ignore[import-untyped, unused-ignore]

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
        return _sliced(zlib.decompressobj(_ANY_HEADER).decompress, _ZLIB_SLICE, zlib.error)
    if encoding == "br":
        return _sliced(_Brotli(), _BROTLI_SLICE, brotli.error)
    return _sliced(_Zstandard(ZSTD), _ZSTD_SLICE, ZSTD.error) if encoding == "zstd" and ZSTD is not None else None


def _sliced(step: Callable[[bytes], bytes], size: int, error: type[Exception]) -> Inflate:
    """What feeds so many bytes at a time, to a step that raises this error."""

    def feed(chunk: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(chunk), size):
                yield step(chunk[start : start + size])
        except error as bad:
            raise BadEncoding(str(bad)) from None

    return feed


class _Brotli:
    """Bytes of brotli, what follows its end passed over."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def __call__(self, data: bytes) -> bytes:
        return b"" if self._decompressor.is_finished() else bytes(self._decompressor.process(data))


class _Frame(Protocol):
    """One frame of zstandard, which each of the packages has."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Zstd(NamedTuple):
    """A package that reads zstandard: what begins a frame, and the error it raises."""

    begin: Callable[[], _Frame]
    error: type[Exception]


def by_backport() -> Zstd:
    """The standard library's module, or the same for earlier Pythons. Raises ImportError."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd  # type: ignore[import-not-found, unused-ignore]
    limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW.bit_length() - 1}
    return Zstd(lambda: zstd.ZstdDecompressor(options=limit), zstd.ZstdError)


def by_zstandard() -> Zstd:
    """The package that mitmproxy used before 12.3. Raises ImportError."""
    import zstandard

    return Zstd(lambda: zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(), zstandard.ZstdError)


def zstd() -> Zstd | None:
    """The package for zstandard that is installed, today's first; None when none is."""
    for package in (by_backport, by_zstandard):
        with suppress(ImportError):
            return package()
    return None


ZSTD = zstd()


class _Zstandard:
    """Bytes of zstandard, of one frame or several in a row."""

    def __init__(self, package: Zstd) -> None:
        self._begin = package.begin
        self._frame = self._begin()

    def __call__(self, data: bytes) -> bytes:
        made = b""
        while data:
            if self._frame.eof:
                self._frame = self._begin()
            made += self._frame.decompress(data)
            data = self._frame.unused_data if self._frame.eof else b""
        return made
