from __future__ import annotations

import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import brotli  # type: ignore[import-untyped, unused-ignore]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from falmock.proxy.record.decoding import MAX_PIECE
from falmock.proxy.record.decoding import BadEncoding
from falmock.proxy.record.decoding import inflate

Squeeze = Callable[[list[bytes]], Iterator[bytes]]
"""From the parts of a stream to each as it is sent at once, and what ends the stream."""


def by_zlib(parts: list[bytes], bits: int) -> Iterator[bytes]:
    squeeze = zlib.compressobj(wbits=bits)
    for part in parts:
        yield squeeze.compress(part) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    yield squeeze.flush()


def by_brotli(parts: list[bytes]) -> Iterator[bytes]:
    squeeze = brotli.Compressor(quality=4)
    for part in parts:
        yield squeeze.process(part) + squeeze.flush()
    yield squeeze.finish()


def by_zstandard(parts: list[bytes]) -> Iterator[bytes]:
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
    ("deflate", lambda parts: by_zlib(parts, 15)),
    ("br", by_brotli),
    ("zstd", by_zstandard),
    ("zstd", by_frames),
]
encodings = pytest.mark.parametrize(("encoding", "squeeze"), ENCODINGS)


def fed(encoding: str, chunks: Iterable[bytes]) -> list[bytes]:
    """What is known after each chunk."""
    feed = inflate(encoding)
    assert feed is not None
    return [b"".join(feed(chunk)) for chunk in chunks]


@encodings
@given(parts=st.lists(st.binary(max_size=300), max_size=6), data=st.data())
def test_cut_anywhere_it_is_the_same(encoding: str, squeeze: Squeeze, parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(squeeze(parts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert b"".join(fed(encoding, chunks)) == b"".join(parts)


@encodings
@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=6))
def test_each_part_is_there_when_it_was_sent(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    assert fed(encoding, squeeze(parts)) == [*parts, b""]


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", b"".join(by_zlib([bytes(1 << 27)], 31))),
        ("br", brotli.compress(bytes(1 << 29), quality=5, lgwin=24)),
        ("zstd", zstandard.compress(bytes(1 << 29))),
    ],
)
def test_no_piece_is_big(encoding: str, bomb: bytes) -> None:
    feed = inflate(encoding)
    assert feed is not None
    sizes = [len(piece) for piece in feed(bomb)]
    assert sum(sizes) >= 1 << 27
    assert max(sizes) <= MAX_PIECE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_encoded_so(encoding: str) -> None:
    with pytest.raises(BadEncoding):
        fed(encoding, [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"])


def test_a_window_that_no_receiver_must_have() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=24)
    squeeze = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BadEncoding):
        fed("zstd", [squeeze.compress(b"data: 1\n\n") + squeeze.flush()])


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_what_follows_the_end_is_passed_over(encoding: str) -> None:
    squeeze = dict(ENCODINGS)[encoding]
    assert fed(encoding, [*squeeze([b"data: 1\n\n"]), b"more"])[-1] == b""


@pytest.mark.parametrize("encoding", ["compress", "gzip, br", "GZIP"])
def test_what_is_not_known(encoding: str) -> None:
    assert inflate(encoding) is None
