from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from importlib.util import find_spec

import brotli  # type: ignore[import-untyped, unused-ignore]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats import encodings
from falmock.wire.formats.encodings import MAX_PIECE
from falmock.wire.formats.encodings import BadEncoding
from falmock.wire.formats.encodings import Zstd
from falmock.wire.formats.encodings import by_backport
from falmock.wire.formats.encodings import by_zstandard
from falmock.wire.formats.encodings import decoded
from falmock.wire.formats.encodings import decoder

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
each = pytest.mark.parametrize(("encoding", "squeeze"), ENCODINGS)


def fed(encoding: str, chunks: Iterable[bytes]) -> list[bytes]:
    """What is decoded after each chunk."""
    found = decoder(encoding)
    return [b"".join(found.pieces(chunk)) for chunk in chunks]


@each
@given(parts=st.lists(st.binary(max_size=300), max_size=6), data=st.data())
def test_cut_anywhere_it_is_the_same(encoding: str, squeeze: Squeeze, parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(squeeze(parts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert b"".join(fed(encoding, chunks)) == b"".join(parts)


@each
@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=6))
def test_each_part_is_there_when_it_was_sent(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    came = fed(encoding, squeeze(parts))
    assert came[: len(parts)] == parts
    assert not any(came[len(parts) :])


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", b"".join(by_zlib([bytes(1 << 27)], 31))),
        ("br", brotli.compress(bytes(1 << 29), quality=5, lgwin=24)),
        ("zstd", zstandard.compress(bytes(1 << 29))),
    ],
)
def test_no_piece_is_big(encoding: str, bomb: bytes) -> None:
    sizes = [len(piece) for piece in decoder(encoding).pieces(bomb)]
    assert sum(sizes) >= 1 << 27
    assert max(sizes) <= MAX_PIECE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_encoded_so(encoding: str) -> None:
    with pytest.raises(BadEncoding):
        fed(encoding, [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"])


def with_window(log: int) -> bytes:
    """An event compressed with a window of this size (bytes, as a power of two)."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    squeeze = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return squeeze.compress(b"data: 1\n\n") + squeeze.flush()


def test_a_window_that_no_receiver_must_have() -> None:
    with pytest.raises(BadEncoding):
        fed("zstd", [with_window(24)])


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_what_follows_the_end_is_passed_over(encoding: str) -> None:
    squeeze = dict(ENCODINGS)[encoding]
    assert fed(encoding, [*squeeze([b"data: 1\n\n"]), b"more"])[-1] == b""


@pytest.mark.parametrize("encoding", ["compress", "gzip, compress", "aws-chunked", "utf-8"])
def test_what_is_not_known(encoding: str) -> None:
    name = encoding.rpartition(" ")[2]
    with pytest.raises(BadEncoding, match=f"the content encoding '{name}' is not known here"):
        decoder(encoding)
    with pytest.raises(BadEncoding, match="not known"):
        decoded(b"x", encoding)
    assert decoded(b"", encoding) == b""


# whole bodies


@each
@given(parts=st.lists(st.binary(max_size=300), max_size=3))
def test_a_whole_body(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    assert decoded(b"".join(squeeze(parts)), encoding) == b"".join(parts)


@each
@given(parts=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=3), data=st.data())
def test_a_body_that_is_cut_or_goes_on(
    encoding: str, squeeze: Squeeze, parts: list[bytes], data: st.DataObject
) -> None:
    if encoding in ("", "identity"):
        return  # any bytes are whole
    whole = b"".join(squeeze(parts))
    sizes = [len(piece) for piece in squeeze(parts)] if squeeze in SEVERAL else []
    ends = {sum(sizes[:count]) for count in range(len(sizes) + 1)}
    cut = data.draw(st.integers(1, len(whole) - 1).filter(lambda place: place not in ends))
    for wrong in (whole[:cut], whole + b"more"):
        with pytest.raises(BadEncoding):
            decoded(wrong, encoding)


# the packages that read zstandard

BACKPORT = "compression" if find_spec("compression") else "backports"
PACKAGES = [by_zstandard, *([by_backport] if find_spec(BACKPORT) else [])]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_does_the_same(package: Callable[[], Zstd], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "ZSTD", package())
    for squeeze in (compressed_by_zstandard, by_frames):
        whole = b"".join(squeeze([b"data: 1\n\n", b"data: 2\n\n"]))
        assert b"".join(fed("zstd", [whole[i : i + 1] for i in range(len(whole))])) == b"data: 1\n\ndata: 2\n\n"
    with pytest.raises(BadEncoding):
        fed("zstd", [b"data: 1\n\n"])
    with pytest.raises(BadEncoding):
        fed("zstd", [with_window(24)])
    assert fed("zstd", [with_window(23)]) == [b"data: 1\n\n"]


def test_one_package_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("backports", "compression"):
        monkeypatch.setitem(sys.modules, hidden, None)
    assert encodings.zstd() is not None


def test_without_a_package_zstandard_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("backports", "compression", "zstandard"):
        monkeypatch.setitem(sys.modules, hidden, None)
    assert encodings.zstd() is None
    monkeypatch.setattr(encodings, "ZSTD", None)
    with pytest.raises(BadEncoding, match="'zstd' is not known here"):
        decoder("zstd")
    assert fed("gzip", [gzip.compress(b"x")]) == [b"x"]
