from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats.compression import MAX_PIECE
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import MAX_STAGES
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.formats.encodings import decoded
from falmock.wire.formats.encodings import decoder
from unit.wire.formats.squeezing import ENCODINGS
from unit.wire.formats.squeezing import MEBIBYTE
from unit.wire.formats.squeezing import SEVERAL
from unit.wire.formats.squeezing import Squeeze
from unit.wire.formats.squeezing import bomb
from unit.wire.formats.squeezing import check_cuts
from unit.wire.formats.squeezing import check_parts

LIMIT = 4 * MEBIBYTE
BOMBS = ["gzip", "deflate", "br", "zstd", "gzip, br", "br, gzip", "zstd, deflate", "gzip, gzip, gzip", "br, br"]
each = pytest.mark.parametrize(("encoding", "squeeze"), ENCODINGS)


@each
@given(parts=st.lists(st.binary(max_size=300), max_size=6), data=st.data())
def test_cut_anywhere_it_is_the_same(encoding: str, squeeze: Squeeze, parts: list[bytes], data: st.DataObject) -> None:
    check_cuts(decoder(encoding, LIMIT), squeeze, parts, data)


@each
@given(parts=st.lists(st.binary(min_size=1, max_size=300), max_size=6))
def test_each_part_is_there_when_it_was_sent(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    check_parts(decoder(encoding, LIMIT), squeeze, parts)


@pytest.mark.parametrize("encoding", ["compress", "gzip, compress", "aws-chunked", "utf-8"])
def test_what_is_not_known(encoding: str) -> None:
    name = encoding.rpartition(" ")[2]
    with pytest.raises(BadEncoding, match=f"the content encoding '{name}' is not known here"):
        decoder(encoding, LIMIT)
    with pytest.raises(BadEncoding, match="not known"):
        decoded(b"x", encoding, LIMIT)
    assert decoded(b"", encoding, LIMIT) == b""


# whole bodies


@each
@given(parts=st.lists(st.binary(max_size=300), max_size=3))
def test_a_whole_body(encoding: str, squeeze: Squeeze, parts: list[bytes]) -> None:
    assert decoded(b"".join(squeeze(parts)), encoding, LIMIT) == b"".join(parts)


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
            decoded(wrong, encoding, LIMIT)


# limits


@each
@given(size=st.integers(0, 3000), limit=st.integers(0, 3000))
def test_the_limit_is_the_same_for_every_encoding(encoding: str, squeeze: Squeeze, size: int, limit: int) -> None:
    content = bytes(place % 251 for place in range(size))
    body = b"".join(squeeze([content]))
    if size <= limit:
        assert decoded(body, encoding, limit) == content
    else:
        with pytest.raises(TooLarge, match=f"bytes.* expected at most {limit}$"):
            decoded(body, encoding, limit)


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_is_never_held(encoding: str) -> None:
    body = bomb(encoding, 64 * MEBIBYTE)
    tracemalloc.start()
    with pytest.raises(
        TooLarge, match=f"more than {LIMIT} bytes in {len(body)} bytes of {encoding}, expected at most {LIMIT}"
    ):
        decoded(body, encoding, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    stages = encoding.count(",") + 1
    assert peak < LIMIT + stages * 2 * MAX_PIECE


def test_a_body_of_the_size_of_the_limit_takes_its_memory_once() -> None:
    body = bomb("gzip", 32 * MEBIBYTE)
    tracemalloc.start()
    assert len(decoded(body, "gzip", 32 * MEBIBYTE)) == 32 * MEBIBYTE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 48 * MEBIBYTE


def test_what_one_stage_makes_for_the_next_is_limited() -> None:
    nothing = gzip.compress(gzip.compress(b"", mtime=0) * 5000)
    assert decoded(nothing, "gzip, gzip", LIMIT) == b""
    with pytest.raises(TooLarge):
        decoded(nothing, "gzip, gzip", 10_000)


def test_so_many_encodings_are_not_read() -> None:
    body = b"x"
    for _ in range(MAX_STAGES):
        body = gzip.compress(body)
    assert decoded(body, ", ".join(["gzip"] * MAX_STAGES), LIMIT) == b"x"
    with pytest.raises(BadEncoding, match=f"it has {MAX_STAGES + 1} content encodings, expected at most {MAX_STAGES}"):
        decoded(body, ", ".join(["gzip"] * (MAX_STAGES + 1)), LIMIT)


def test_a_limit_may_grow_with_what_was_sent() -> None:
    found = decoder("gzip", 1000, ratio=16)
    sent = b"".join(gzip.compress(bytes(range(200)), mtime=0) for _ in range(20))
    assert len(b"".join(found.pieces(sent))) == 4000
    with pytest.raises(TooLarge):
        list(found.pieces(gzip.compress(bytes(MEBIBYTE))))
