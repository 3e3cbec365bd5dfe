from __future__ import annotations

import zlib
from pathlib import Path

import pytest
import zstandard

from falmock.proxy.record.decoding import MAX_PIECE
from falmock.proxy.record.listeners import Pieces
from falmock.proxy.record.listeners import TimedChunks
from falmock.wire.message import content_of


def pour(tee: TimedChunks | Pieces, *chunks: bytes) -> None:
    for chunk in (*chunks, b""):
        assert tee(chunk) is chunk, "what passes is not changed"


def kept(tee: TimedChunks | Pieces) -> list[bytes]:
    times = [at for at, _ in tee.chunks]
    assert times == sorted(times)
    return [chunk for _, chunk in tee.chunks]


# events


def test_events_are_kept_with_their_times() -> None:
    tee = TimedChunks()
    pour(tee, b"data: 1\n\n", b"data: 2\n\n")
    assert (kept(tee), tee.size, tee.lost) == ([b"data: 1\n\n", b"data: 2\n\n"], 18, "")
    tee.drop()
    assert tee.chunks == []


@pytest.mark.parametrize(("encoding", "bits"), [("gzip", 31), ("x-gzip", 31), ("deflate", 15)])
def test_compressed_events_are_kept_as_they_come(encoding: str, bits: int) -> None:
    squeeze = zlib.compressobj(wbits=bits)
    parts = [squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH) for data in (b"data: 1\n\n", b"data: 2\n\n")]
    tee = TimedChunks(encoding)
    pour(tee, *parts, squeeze.flush())
    assert (kept(tee), tee.lost) == ([b"data: 1\n\n", b"data: 2\n\n"], "")


def test_what_cannot_be_read_is_lost_and_passes_on() -> None:
    other, broken = TimedChunks("compress"), TimedChunks("gzip")
    for tee in (other, broken):
        pour(tee, b"???", b"!!!")
        assert tee.chunks == []
    assert other.lost == "its events are encoded (compress)"
    assert broken.lost == "its events are not encoded as their headers say"


def test_a_stream_beyond_the_limit_is_lost_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimedChunks, "LIMIT", 1 << 20)
    tee = TimedChunks()
    pour(tee, bytes(1 << 20), b"x", b"y")
    assert (tee.chunks, tee.lost) == ([], "it is longer than 1 MiB")


def test_a_bomb_is_lost_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimedChunks, "LIMIT", 1 << 20)
    tee = TimedChunks("zstd")
    pour(tee, zstandard.compress(bytes(1 << 28)))
    assert (tee.chunks, tee.lost) == ([], "it is longer than 1 MiB")
    assert tee.size <= MAX_PIECE


# other pieces


def test_a_short_body_is_kept_in_pieces_too(tmp_path: Path) -> None:
    tee = Pieces(tmp_path)
    pour(tee, b"\0\1", b"\2")
    assert kept(tee) == [b"\0\1", b"\2"]
    content = tee.content()
    assert Path(content.file or "").read_bytes() == b"\0\1\2"
    assert content._replace(file=None, data=b"\0\1\2") == content_of(b"\0\1\2")
    tee.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_long_body_is_a_file_alone(tmp_path: Path) -> None:
    tee = Pieces(tmp_path)
    pour(tee, bytes(Pieces.LIMIT), b"x", b"y")
    assert tee.chunks == []
    assert Path(tee.content().file or "").stat().st_size == Pieces.LIMIT + 2
