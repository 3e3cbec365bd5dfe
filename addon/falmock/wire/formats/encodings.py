"""Decodes content encodings (RFC 9110, section 8.4), whole or as the bytes come, in pieces of limited size.

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
_ZLIB_PIECE = 1024 * 1024
"""The largest size of a piece that zlib makes (bytes)."""
_GZIP_MAGIC = b"\x1f\x8b"
_DEFLATE = 8
"""The compression method in a zlib header (RFC 1950, section 2.2)."""
_BROTLI_SLICE = 8
"""Bytes per step. A meta-block has up to 16 MiB and is longer than this (RFC 7932, section 9.2), so a step ends at most one."""
_ZSTD_SLICE = 512
"""Bytes per step. Four bytes can be a block of 128 KiB (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window (bytes) that a sender may require (RFC 9659)."""


NOT_WHOLE = "it ends in the middle, or something follows its end"
"""What is wrong with a body that ended where its decoder says that it may not."""


class BadEncoding(ValueError):
    """Bytes that do not have the content encoding that their headers name, or one that is not known; the text says why."""


class Decoder(Protocol):
    """Decodes the bytes of one body, split anywhere. Bytes after its end are dropped."""

    @property
    def is_whole(self) -> bool:
        """Whether the body may end here: nothing is missing, and nothing was dropped."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode the next bytes, into pieces of at most MAX_PIECE bytes. Raises BadEncoding during iteration."""


def decoder(header: str) -> Decoder:
    """The decoder for a Content-Encoding header ("" for none): it may list several. Raises BadEncoding for one not known."""
    names = (name.strip().lower() for name in header.split(","))
    applied = [name for name in names if name not in ("", "identity")]
    return _Chain([_stage(name) for name in reversed(applied)])


def decoded(body: bytes, header: str) -> bytes:
    """A whole body without the encodings in its Content-Encoding header; an empty body has none. Raises BadEncoding."""
    if not body or not header:
        return body
    found = decoder(header)
    content = b"".join(found.pieces(body))
    if not found.is_whole:
        raise BadEncoding(NOT_WHOLE)
    return content


def _stage(name: str) -> Decoder:
    if name in ("gzip", "x-gzip"):  # equal, by RFC 9110, section 8.4.1.3
        return _Zlib()
    if name == "deflate":
        return _Zlib(may_be_raw=True)
    if name == "br":
        return _Brotli()
    if name == "zstd" and ZSTD is not None:
        return _Zstandard(ZSTD)
    raise BadEncoding(f"the content encoding {name[:40]!r} is not known here")


class _Chain:
    """Several decoders, each for what the one before it made; without any, the bytes stay as they are."""

    def __init__(self, stages: list[Decoder]) -> None:
        self._stages = stages

    @property
    def is_whole(self) -> bool:
        return all(stage.is_whole for stage in self._stages)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        return self._from(0, data)

    def _from(self, place: int, data: bytes) -> Iterator[bytes]:
        if place == len(self._stages):
            yield data
            return
        for piece in self._stages[place].pieces(data):
            yield from self._from(place + 1, piece)


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
            while data and not self._dropped:
                if self._member is None:
                    data = self._begin(data)
                if self._member is not None:
                    if piece := self._member.decompress(data, _ZLIB_PIECE):
                        yield piece
                    data = self._member.unconsumed_tail or self._member.unused_data
                    if not data:
                        yield from self._pending()
                    if self._member.eof:
                        self._member = None
        except zlib.error as bad:
            raise BadEncoding(str(bad)) from None

    def _pending(self) -> Iterator[bytes]:
        """The content of bytes that were taken in already."""
        while not self._member.eof and (piece := self._member.decompress(b"", _ZLIB_PIECE)):
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
        self._member = zlib.decompressobj(bits)
        return data


def _sliced(step: Callable[[bytes], bytes], size: int, error: type[Exception], data: bytes) -> Iterator[bytes]:
    """Pass `size` bytes at a time to `step`, and turn its `error` into BadEncoding."""
    try:
        for start in range(0, len(data), size):
            yield step(data[start : start + size])
    except error as bad:
        raise BadEncoding(str(bad)) from None


class _Brotli:
    """Decodes brotli."""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self._began = self._dropped = False

    @property
    def is_whole(self) -> bool:
        return not self._dropped and (not self._began or self._decompressor.is_finished())

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._began |= bool(data)
        return _sliced(self._step, _BROTLI_SLICE, brotli.error, data)

    def _step(self, data: bytes) -> bytes:
        if self._decompressor.is_finished():
            self._dropped = True
            return b""
        return bytes(self._decompressor.process(data))


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
                self._frame = self._package.begin()
            made += self._frame.decompress(data)
            data = self._frame.unused_data if self._frame.eof else b""
        return made
