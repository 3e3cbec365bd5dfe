from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
import zstandard

from falmock.proxy.record import listeners
from falmock.proxy.record.listeners import Pieces
from falmock.proxy.record.listeners import TimedChunks
from falmock.wire.formats.compression import MAX_PIECE
from falmock.wire.message import content_of


def pour(listener: TimedChunks | Pieces, *chunks: bytes) -> None:
    for chunk in (*chunks, b""):
        assert listener(chunk) is chunk, "what passes is not changed"


def kept(listener: TimedChunks | Pieces) -> list[bytes]:
    times = [at for at, _ in listener.chunks]
    assert times == sorted(times)
    return [chunk for _, chunk in listener.chunks]


# events


def test_events_are_kept_with_their_times() -> None:
    listener = TimedChunks()
    pour(listener, b"data: 1\n\n", b"data: 2\n\n")
    assert (kept(listener), listener.size, listener.lost) == ([b"data: 1\n\n", b"data: 2\n\n"], 18, "")
    listener.drop()
    assert listener.chunks == []


@pytest.mark.parametrize(("encoding", "bits"), [("gzip", 31), ("x-gzip", 31), ("deflate", 15)])
def test_compressed_events_are_kept_as_they_come(encoding: str, bits: int) -> None:
    squeeze = zlib.compressobj(wbits=bits)
    parts = [squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH) for data in (b"data: 1\n\n", b"data: 2\n\n")]
    listener = TimedChunks(encoding)
    pour(listener, *parts, squeeze.flush())
    assert (kept(listener), listener.lost) == ([b"data: 1\n\n", b"data: 2\n\n"], "")


def test_what_cannot_be_read_is_lost_and_passes_on() -> None:
    other, broken = TimedChunks("compress"), TimedChunks("gzip")
    for listener in (other, broken):
        pour(listener, b"???", b"!!!")
        assert listener.chunks == []
    assert other.lost == "the content encoding 'compress' is not known here"
    assert broken.lost == "its events are not encoded as their headers say"


def test_a_stream_beyond_the_limit_is_lost_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LIMIT", 1 << 20)
    listener = TimedChunks()
    pour(listener, bytes(1 << 20), b"x", b"y")
    assert (listener.chunks, listener.lost) == ([], "it is too long: 1048577 bytes, expected at most 1048576")


def test_a_bomb_is_lost_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LIMIT", 1 << 20)
    listener = TimedChunks("zstd")
    pour(listener, zstandard.compress(bytes(1 << 28)))
    assert listener.chunks == []
    assert re.fullmatch(
        r"it is too long: more than 1048576 bytes in \d+ bytes of zstd, expected at most 1048576", listener.lost
    )
    assert listener.size <= MAX_PIECE


# other pieces


def test_a_short_body_is_kept_in_pieces_too(tmp_path: Path) -> None:
    listener = Pieces(tmp_path)
    pour(listener, b"\0\1", b"\2")
    assert kept(listener) == [b"\0\1", b"\2"]
    content = listener.content()
    assert Path(content.file or "").read_bytes() == b"\0\1\2"
    assert content._replace(file=None, data=b"\0\1\2") == content_of(b"\0\1\2")
    listener.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_long_body_is_a_file_alone(tmp_path: Path) -> None:
    listener = Pieces(tmp_path)
    pour(listener, bytes(Pieces.LIMIT), b"x", b"y")
    assert listener.chunks == []
    assert Path(listener.content().file or "").stat().st_size == Pieces.LIMIT + 2
