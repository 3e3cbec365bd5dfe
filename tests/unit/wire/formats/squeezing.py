"""Bodies compressed in each way, in the parts in which a stream sends them, and bombs: little that becomes a lot."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import brotli  # type: ignore[import-untyped, unused-ignore]
import zstandard
from hypothesis import strategies as st

from falmock.wire.formats.compression import Decompressor

Squeeze = Callable[[list[bytes]], Iterator[bytes]]
"""From the parts of a stream to each as it is sent at once, and what ends the stream."""


def by_zlib(parts: list[bytes], bits: int) -> Iterator[bytes]:
    squeeze = zlib.compressobj(wbits=bits)
    for part in parts:
        yield squeeze.compress(part) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    yield squeeze.flush()


def by_members(parts: list[bytes]) -> Iterator[bytes]:
    yield from map(gzip.compress, parts)
    yield b""


def by_brotli(parts: list[bytes]) -> Iterator[bytes]:
    squeeze = brotli.Compressor(quality=4)
    for part in parts:
        yield squeeze.process(part) + squeeze.flush()
    yield squeeze.finish()


def compressed_by_zstandard(parts: list[bytes]) -> Iterator[bytes]:
    squeeze = zstandard.ZstdCompressor().compressobj()
    for part in parts:
        yield squeeze.compress(part) + squeeze.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    yield squeeze.flush()


def by_frames(parts: list[bytes]) -> Iterator[bytes]:
    yield from map(zstandard.compress, parts)
    yield b""


def by_nothing(parts: list[bytes]) -> Iterator[bytes]:
    yield from [*parts, b""]


ENCODINGS: list[tuple[str, Squeeze]] = [
    ("", by_nothing),
    ("identity", by_nothing),
    ("gzip", lambda parts: by_zlib(parts, 31)),
    ("x-gzip", lambda parts: by_zlib(parts, 31)),
    ("gzip", by_members),
    ("deflate", lambda parts: by_zlib(parts, 15)),
    ("deflate", lambda parts: by_zlib(parts, -15)),
    ("br", by_brotli),
    ("zstd", compressed_by_zstandard),
    ("zstd", by_frames),
    ("gzip, br", lambda parts: by_brotli(list(by_zlib(parts, 31)))),
    (" X-GZIP ,identity,", lambda parts: by_zlib(parts, 31)),
    ("zstd,deflate, gzip", lambda parts: by_zlib(list(by_zlib(list(compressed_by_zstandard(parts)), 15)), 31)),
]
SEVERAL = (by_members, by_frames)
"""Those that end the body after each part."""
MEBIBYTE = 1 << 20


def bomb(encoding: str, size: int) -> bytes:
    """This many zero bytes, encoded as a Content-Encoding header says; made in blocks, for tests that measure memory."""
    content: Iterator[bytes] = (bytes(min(MEBIBYTE, size - start)) for start in range(0, size, MEBIBYTE))
    for name in filter(None, map(str.strip, encoding.split(","))):
        content = _squeezed(name, content)
    return b"".join(content)


def fed(decoder: Decompressor, chunks: Iterable[bytes]) -> list[bytes]:
    """What is decoded after each chunk."""
    return [b"".join(decoder.pieces(chunk)) for chunk in chunks]


def check_cuts(decoder: Decompressor, squeeze: Squeeze, parts: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, a body decodes to the same."""
    whole = b"".join(squeeze(parts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert b"".join(fed(decoder, chunks)) == b"".join(parts)


def check_parts(decoder: Decompressor, squeeze: Squeeze, parts: list[bytes]) -> None:
    """Each part is decoded when it was sent."""
    came = fed(decoder, squeeze(parts))
    assert came[: len(parts)] == parts
    assert not any(came[len(parts) :])


def _squeezed(name: str, content: Iterator[bytes]) -> Iterator[bytes]:
    if name == "br":
        by_brotli = brotli.Compressor(quality=5, lgwin=24)
        yield from map(by_brotli.process, content)
        yield by_brotli.finish()
        return
    squeeze = {
        "gzip": lambda: zlib.compressobj(wbits=31),
        "deflate": lambda: zlib.compressobj(wbits=15),
        "raw deflate": lambda: zlib.compressobj(wbits=-15),
        "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
    }[name]()
    yield from map(squeeze.compress, content)
    yield squeeze.flush()
