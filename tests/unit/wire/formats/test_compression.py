from __future__ import annotations

import gzip
import sys
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec

import brotli  # type: ignore[import-untyped, unused-ignore]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats import compression
from falmock.wire.formats.compression import MAX_MEMBERS
from falmock.wire.formats.compression import MAX_PIECE
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.compression import Zstd
from falmock.wire.formats.compression import by_backport
from falmock.wire.formats.compression import by_zstandard
from falmock.wire.formats.compression import decompressor
from unit.wire.formats.squeezing import ENCODINGS
from unit.wire.formats.squeezing import MEBIBYTE
from unit.wire.formats.squeezing import Squeeze
from unit.wire.formats.squeezing import bomb
from unit.wire.formats.squeezing import by_frames
from unit.wire.formats.squeezing import check_cuts
from unit.wire.formats.squeezing import check_parts
from unit.wire.formats.squeezing import compressed_by_zstandard
from unit.wire.formats.squeezing import fed

SINGLE = [(name, squeeze) for name, squeeze in ENCODINGS if name in ("gzip", "x-gzip", "deflate", "br", "zstd")]
each = pytest.mark.parametrize(("encoding", "squeeze"), SINGLE)


@each
@given(parts=st.lists(st.binary(max_size=300), max_size=6), data=st.data())
def test_cut_anywhere_it_is_the_same(encoding: str, squeeze: Squeeze, parts: list[bytes], data: st.DataObject) -> None:
    check_cuts(decompressor(encoding), squeeze, parts, data)


@each
@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=6))
def test_each_part_is_there_when_it_was_sent(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    check_parts(decompressor(encoding), squeeze, parts)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_piece_is_big_and_no_more_than_one_is_held(encoding: str) -> None:
    body = bomb(encoding, 128 * MEBIBYTE)
    total = biggest = 0
    tracemalloc.start()
    for piece in decompressor(encoding).pieces(body):
        total += len(piece)
        biggest = max(biggest, len(piece))
        del piece
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 128 * MEBIBYTE
    assert biggest <= MAX_PIECE
    assert peak < 3 * biggest + MEBIBYTE  # one piece, and the blocks that brotli makes it of


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_encoded_so(encoding: str) -> None:
    with pytest.raises(BadEncoding):
        fed(decompressor(encoding), [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"])


def with_window(log: int) -> bytes:
    """An event compressed with a window of this size (bytes, as a power of two)."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    squeeze = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return squeeze.compress(b"data: 1\n\n") + squeeze.flush()


def test_a_window_that_no_receiver_must_have() -> None:
    with pytest.raises(BadEncoding):
        fed(decompressor("zstd"), [with_window(24)])


def test_what_follows_the_end_of_gzip_is_passed_over() -> None:
    squeeze = dict(ENCODINGS)["gzip"]
    assert fed(decompressor("gzip"), [*squeeze([b"data: 1\n\n"]), b"more"])[-1] == b""


def test_what_follows_the_end_of_brotli_is_refused() -> None:
    squeeze = dict(ENCODINGS)["br"]
    with pytest.raises(BadEncoding, match="something follows its end"):
        fed(decompressor("br"), [*squeeze([b"data: 1\n\n"]), b"more"])


@pytest.mark.parametrize(
    ("encoding", "empty"), [("gzip", gzip.compress(b"", mtime=0)), ("zstd", zstandard.compress(b""))]
)
def test_many_empty_parts_in_a_row(encoding: str, empty: bytes) -> None:
    assert b"".join(decompressor(encoding).pieces(empty * MAX_MEMBERS)) == b""
    with pytest.raises(BadEncoding, match=f"more than {MAX_MEMBERS} compressed parts"):
        list(decompressor(encoding).pieces(empty * (MAX_MEMBERS + 1)))


def test_what_is_not_known() -> None:
    with pytest.raises(BadEncoding, match="the content encoding 'compress' is not known here"):
        decompressor("compress")


DECOMPRESSOR = brotli.Decompressor


class Limiting:
    """A decompressor with the interface of brotli 1.2, which may hold back what it has made."""

    def __init__(self) -> None:
        self._decompressor = DECOMPRESSOR()
        self._made = b""

    def process(self, data: bytes, output_buffer_limit: int) -> bytes:
        self._made += self._decompressor.process(data) if data else b""
        made, self._made = self._made[:output_buffer_limit], self._made[output_buffer_limit:]
        return made

    def can_accept_more_data(self) -> bool:
        return len(self._made) < MEBIBYTE

    def is_finished(self) -> bool:
        return self._decompressor.is_finished() and not self._made


@given(parts=st.lists(st.binary(max_size=300), max_size=3), zeros=st.integers(0, 3 * MEBIBYTE))
def test_a_brotli_that_limits_its_output(parts: list[bytes], zeros: int) -> None:
    content = b"".join(parts) + bytes(zeros)
    body = brotli.compress(content, quality=1)
    with pytest.MonkeyPatch.context() as patch:
        if not compression.BROTLI_LIMITS:
            patch.setattr(compression, "BROTLI_LIMITS", True)
            patch.setattr(brotli, "Decompressor", Limiting)
        found = decompressor("br")
        pieces = list(found.pieces(body))
        assert b"".join(pieces) == content
        assert max(map(len, pieces)) <= 4 * MEBIBYTE
        assert found.is_whole
        with pytest.raises(BadEncoding):
            list(found.pieces(b"more"))


# the packages that read zstandard

BACKPORT = "compression" if find_spec("compression") else "backports"
PACKAGES = [by_zstandard, *([by_backport] if find_spec(BACKPORT) else [])]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_does_the_same(package: Callable[[], Zstd], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "ZSTD", package())
    for squeeze in (compressed_by_zstandard, by_frames):
        whole = b"".join(squeeze([b"data: 1\n\n", b"data: 2\n\n"]))
        came = fed(decompressor("zstd"), [whole[i : i + 1] for i in range(len(whole))])
        assert b"".join(came) == b"data: 1\n\ndata: 2\n\n"
    with pytest.raises(BadEncoding):
        fed(decompressor("zstd"), [b"data: 1\n\n"])
    with pytest.raises(BadEncoding):
        fed(decompressor("zstd"), [with_window(24)])
    assert fed(decompressor("zstd"), [with_window(23)]) == [b"data: 1\n\n"]


def test_one_package_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("backports", "compression"):
        monkeypatch.setitem(sys.modules, hidden, None)
    assert compression.zstd() is not None


def test_without_a_package_zstandard_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("backports", "compression", "zstandard"):
        monkeypatch.setitem(sys.modules, hidden, None)
    assert compression.zstd() is None
    monkeypatch.setattr(compression, "ZSTD", None)
    with pytest.raises(BadEncoding, match="'zstd' is not known here"):
        decompressor("zstd")
    assert fed(decompressor("gzip"), [gzip.compress(b"x")]) == [b"x"]
