"""Decompresses gzip, deflate, brotli and zstandard as the bytes come, in pieces of limited size.

Every mitmproxy brings brotli. Zstandard differs: mitmproxy before 12.3 brings the package `zstandard`, later ones
`backports.zstd`, and Python 3.14 has its own module.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from typing import NamedTuple
from typing import Protocol

import brotli  # type: ignore[import-untyped, unused-ignore]

MAX_PIECE = 32 * 1024 * 1024
"""The largest size of one piece (bytes)."""
MAX_MEMBERS = 10_000
"""How many members of gzip, or frames of zstandard, one body may have: an empty one takes 9 bytes and 10 microseconds."""
_BLOCK = 64 * 1024
"""Bytes that zlib, or a brotli that limits its output, gets at a time: what it does not take in is copied."""
_MOST_MADE = 1024 * 1024
"""The largest size of a piece that zlib makes, and about that of brotli's (bytes)."""
_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE = 8
"""The compression method in a zlib header (RFC 1950, section 2.2)."""
_BROTLI_SLICE = 24
"""Bytes per step if brotli cannot limit its output (before 1.2).

A step then ends at most two meta-blocks of at most 16 MiB: one that makes so much has 101 bits or more, 77 of them before
its first command (RFC 7932, sections 3.4, 5 and 9.2).
"""
BROTLI_LIMITS = hasattr(brotli.Decompressor, "can_accept_more_data")
_ZSTD_SLICE = 512
"""Bytes per step. Four bytes can be a block of 128 KiB (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window (bytes) that a sender may require (RFC 9659)."""


class BadEncoding(ValueError):
    """Bytes that do not have the content encoding that their headers name, or one that is not known; the text says why."""


class Decompressor(Protocol):
    """Decodes the bytes of one body, split anywhere. Bytes after its end are dropped."""

    @property
    def is_whole(self) -> bool:
        """Whether the body may end here: nothing is missing, and nothing was dropped."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, into pieces of at most MAX_PIECE bytes. Raises BadEncoding during iteration."""


def decompressor(name: str) -> Decompressor:
    """A decompressor for one content encoding (lower case). Raises BadEncoding for one that is not known."""
    if name in ("gzip", "x-gzip"):  # equal, by RFC 9110, section 8.4.1.3
        return _Zlib()
    if name == "deflate":
        return _Zlib(may_be_raw=True)
    if name == "br":
        return _Brotli()
    if name == "zstd" and ZSTD is not None:
        return _Zstandard(ZSTD)
    raise BadEncoding(f"the content encoding {name[:40]!r} is not known here")


class _Zlib:
    """Decodes gzip, one member or several in a row, and deflate; with `may_be_raw`, also deflate without its zlib header."""

    def __init__(self, *, may_be_raw: bool = False) -> None:
        self._may_be_raw = may_be_raw
        self._member: Any = None
        """What decodes the current member; None between two members."""
        self._head = b""
        """The first byte of a member whose second byte is not here yet: both show its format."""
        self._count = 0
        self._dropped = False

    @property
    def is_whole(self) -> bool:
        return self._member is None and not self._head and not self._dropped

    def pieces(self, data: bytes) -> Iterator[bytes]:
        try:
            for start in range(0, len(data), _BLOCK):
                yield from self._block(data[start : start + _BLOCK])
        except zlib.error as bad:
            raise BadEncoding(str(bad)) from None

    def _block(self, data: bytes) -> Iterator[bytes]:
        while data and not self._dropped:
            if self._member is None:
                data = self._begin(data)
            if self._member is not None:
                if piece := self._member.decompress(data, _MOST_MADE):
                    yield piece
                data = self._member.unconsumed_tail or self._member.unused_data
                if not data:
                    yield from self._pending()
                if self._member.eof:
                    self._member = None

    def _pending(self) -> Iterator[bytes]:
        """The content of bytes that were taken in already."""
        while not self._member.eof and (piece := self._member.decompress(b"", _MOST_MADE)):
            yield piece

    def _begin(self, data: bytes) -> bytes:
        """Begin a member as soon as its first two bytes are here; returns the bytes to decode."""
        data, self._head = self._head + data, b""
        if len(data) < len(_GZIP_MAGIC):
            self._head = data
            return b""
        if data.startswith(_GZIP_MAGIC):
            bits = zlib.MAX_WBITS | 16
        elif data[0] & 15 == _DEFLATE and int.from_bytes(data[:2]) % 31 == 0:
            bits = zlib.MAX_WBITS
        elif self._may_be_raw and not self._count:
            bits = -zlib.MAX_WBITS
        elif self._count:
            self._dropped = True
            return b""
        else:
            raise BadEncoding("it has no header of gzip or zlib")
        self._count += 1
        _check_members(self._count)
        self._member = zlib.decompressobj(bits)
        return data


def _check_members(count: int) -> None:
    if count > MAX_MEMBERS:
        raise BadEncoding(f"it has more than {MAX_MEMBERS} compressed parts in a row")


def _sliced(step: Callable[[bytes], bytes], size: int, error: type[Exception], data: bytes) -> Iterator[bytes]:
    """Pass `size` bytes at a time to `step`, and turn its `error` into BadEncoding. Small results make one piece."""
    made = bytearray()
    try:
        for start in range(0, len(data), size):
            piece = step(data[start : start + size])
            if len(made) + len(piece) >= _BLOCK:
                yield bytes(made)
                yield piece
                made.clear()
            elif piece:
                made += piece
            del piece  # or it would still be there while the next one is made
    except error as bad:
        raise BadEncoding(str(bad)) from None
    yield bytes(made)


class _Brotli:
    """Decodes brotli."""

    def __init__(self) -> None:
        self._decompressor: Any = brotli.Decompressor()
        self._began = False

    @property
    def is_whole(self) -> bool:
        return not self._began or self._decompressor.is_finished()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._began |= bool(data)
        return self._limited(data) if BROTLI_LIMITS else _sliced(self._step, _BROTLI_SLICE, brotli.error, data)

    def _step(self, data: bytes) -> bytes:
        self._check_end()
        made: bytes = self._decompressor.process(data)
        return made

    def _check_end(self) -> None:
        """Refuse what follows the end, as brotli does where both come at once."""
        if self._decompressor.is_finished():
            raise BadEncoding("something follows its end")

    def _limited(self, data: bytes) -> Iterator[bytes]:
        """The content of bytes, by a brotli that limits its output."""
        decompressor = self._decompressor
        try:
            for start in range(0, len(data), _BLOCK):
                self._check_end()
                piece = decompressor.process(data[start : start + _BLOCK], output_buffer_limit=_MOST_MADE)
                yield piece
                # It may have taken in all bytes, and hold back what they make.
                while not decompressor.is_finished() and (piece or not decompressor.can_accept_more_data()):
                    piece = decompressor.process(b"", output_buffer_limit=_MOST_MADE)
                    yield piece
        except brotli.error as bad:
            raise BadEncoding(str(bad)) from None


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
        self._package = package
        self._frame = package.begin()
        self._began = False
        self._count = 1

    @property
    def is_whole(self) -> bool:
        return self._frame.eof or not self._began

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._began |= bool(data)
        return _sliced(self._step, _ZSTD_SLICE, self._package.error, data)

    def _step(self, data: bytes) -> bytes:
        made = b""
        while data:
            if self._frame.eof:
                self._count += 1
                _check_members(self._count)
                self._frame = self._package.begin()
            made += self._frame.decompress(data)
            data = self._frame.unused_data if self._frame.eof else b""
        return made
