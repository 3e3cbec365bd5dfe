"""Decodes the content encoding of a stream as it comes, in pieces of limited size, however well it is compressed.

Every mitmproxy brings brotli. Zstandard differs: mitmproxy before 12.3 brings the package `zstandard`, later ones
`backports.zstd`, and Python 3.14 has its own module.
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
"""Decodes a chunk, split anywhere, into pieces of content. Raises BadEncoding during iteration."""
MAX_PIECE = 32 * 1024 * 1024
"""The largest size of one piece (bytes)."""
_ANY_HEADER = 47
"""For zlib: accept a gzip or zlib header (15 bits of window, plus 32 to detect which)."""
_ZLIB_SLICE = 16 * 1024
"""Bytes per step. Deflate expands a byte to at most 1032, see https://zlib.net/zlib_tech.html."""
_BROTLI_SLICE = 8
"""Bytes per step. A meta-block has up to 16 MiB and is longer than this (RFC 7932, section 9.2), so a step ends at most one."""
_ZSTD_SLICE = 512
"""Bytes per step. Four bytes can be a block of 128 KiB (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window (bytes) that a sender may require (RFC 9659)."""


class BadEncoding(ValueError):
    """Bytes that do not have the content encoding that their headers name."""


def inflate(encoding: str) -> Inflate | None:
    """The decoder of this content encoding (lower case, "" for none); None if the encoding is not supported."""
    if encoding in ("", "identity"):
        return lambda chunk: iter((chunk,))
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _sliced(zlib.decompressobj(_ANY_HEADER).decompress, _ZLIB_SLICE, zlib.error)
    if encoding == "br":
        return _sliced(_Brotli(), _BROTLI_SLICE, brotli.error)
    return _sliced(_Zstandard(ZSTD), _ZSTD_SLICE, ZSTD.error) if encoding == "zstd" and ZSTD is not None else None


def _sliced(step: Callable[[bytes], bytes], size: int, error: type[Exception]) -> Inflate:
    """A decoder that passes `size` bytes at a time to `step`, and turns its `error` into BadEncoding."""

    def feed(chunk: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(chunk), size):
                yield step(chunk[start : start + size])
        except error as bad:
            raise BadEncoding(str(bad)) from None

    return feed


class _Brotli:
    """Decodes brotli; ignores bytes after its end."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def __call__(self, data: bytes) -> bytes:
        return b"" if self._decompressor.is_finished() else bytes(self._decompressor.process(data))


class _Frame(Protocol):
    """A decoder of one zstandard frame, as each of the packages has it."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class Zstd(NamedTuple):
    """A package that decodes zstandard: a factory of frame decoders, and the error they raise."""

    begin: Callable[[], _Frame]
    error: type[Exception]


def by_backport() -> Zstd:
    """The standard library's module, or its backport for earlier Pythons. Raises ImportError."""
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
    """The installed package for zstandard, the newer one first; None if there is none."""
    for package in (by_backport, by_zstandard):
        with suppress(ImportError):
            return package()
    return None


ZSTD = zstd()


class _Zstandard:
    """Decodes zstandard, one frame or several in a row."""

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
