"""Bodies that are sent over time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Delivery
from falmock.engine.effects import End
from falmock.engine.effects import FileBody
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import StreamStep
from falmock.serving import bodies
from falmock.serving.bodies import ChangedFile
from falmock.serving.bodies import ReplySource


def played(body: ReplySource, now: float = 100.0) -> list[tuple[float, StreamStep]]:
    """All steps of a body, each taken at the time that the one before named."""
    steps = []
    while not steps or steps[-1][1].end is End.OPEN:
        steps.append((now, body.step(now)))
        again = steps[-1][1].again
        now = now if again is None else again
        assert len(steps) < 1000
    return steps


def joined(steps: list[tuple[float, StreamStep]]) -> bytes:
    return b"".join(piece for _, step in steps for piece in step.pieces)


def test_a_plain_body_comes_at_once_and_whole() -> None:
    assert ReplySource(b"hello", None).step(0.0) == StreamStep((b"hello",), end=End.WHOLE)
    assert ReplySource(b"", None).step(0.0) == StreamStep(end=End.WHOLE)


def test_a_late_first_byte() -> None:
    body = ReplySource(b"hello", Delivery(first_byte=2.5))
    assert body.step(10.0) == StreamStep(again=12.5)
    assert body.step(11.0) == StreamStep(again=12.5)
    assert body.step(12.5) == StreamStep((b"hello",), end=End.WHOLE)


def test_a_drip() -> None:
    steps = played(ReplySource(b"abcdefg", Delivery(first_byte=1, piece=3, pause=0.5)))
    assert [(at, step.pieces) for at, step in steps] == [
        (100.0, ()),
        (101.0, (b"abc",)),
        (101.5, (b"def",)),
        (102.0, (b"g",)),
    ]
    assert steps[-1][1].end is End.WHOLE


def test_a_drip_that_is_asked_too_early_gives_nothing_more() -> None:
    body = ReplySource(b"abc", Delivery(piece=1, pause=1))
    assert body.step(10.0) == StreamStep((b"a",), again=11.0)
    assert body.step(10.4) == StreamStep(again=11.0)


@pytest.mark.parametrize(("cut", "came"), [(0, b""), (3, b"hel"), (5, b"hello"), (99, b"hello"), (-1, b"")])
def test_a_cut_ends_the_connection_even_where_it_cuts_nothing(cut: int, came: bytes) -> None:
    steps = played(ReplySource(b"hello", Delivery(cut=cut)))
    assert joined(steps) == came
    assert steps[-1][1].end is End.CUT


def test_a_reset_after_the_headers_sends_no_body() -> None:
    assert ReplySource(b"hello", Delivery(reset=ResetPoint.AFTER_HEADERS)).step(0.0) == StreamStep(end=End.RESET)


_TIMES = st.floats(0, 5)


@given(
    st.binary(max_size=300),
    st.builds(Delivery, _TIMES, st.integers(0, 50), _TIMES, st.none() | st.integers(-1, 400), st.none(), st.none()),
)
def test_any_delivery_sends_what_it_promises(data: bytes, delivery: Delivery) -> None:
    body = ReplySource(data, delivery)
    assert body.size == len(data)
    steps = played(body)
    assert joined(steps) == (data if delivery.cut is None else data[: max(delivery.cut, 0)])
    assert all(end is End.OPEN for end in (step.end for _, step in steps[:-1]))
    assert steps[-1][1].end is (End.WHOLE if delivery.cut is None else End.CUT)
    if delivery.piece:
        assert all(len(piece) <= delivery.piece for _, step in steps for piece in step.pieces)


# files


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def test_a_part_of_a_file_is_read_a_block_at_a_time(file: Path) -> None:
    whole = file.read_bytes()
    body = ReplySource(FileBody(str(file), 5, len(whole) - 5), None)
    assert body.size == len(whole) - 10
    steps = played(body)
    assert joined(steps) == whole[5:-5]
    assert len(steps) == 4
    assert max(len(piece) for _, step in steps for piece in step.pieces) == bodies.BLOCK
    assert body._file is None


def test_an_empty_part_of_a_file(file: Path) -> None:
    assert played(ReplySource(FileBody(str(file), 7, 7), None)) == [(100.0, StreamStep(end=End.WHOLE))]


def test_a_file_is_dripped_and_cut_like_any_body(file: Path) -> None:
    steps = played(ReplySource(FileBody(str(file), 0, 256), Delivery(piece=4, pause=1, cut=10)))
    assert [step.pieces for _, step in steps] == [(b"\0\1\2\3",), (b"\4\5\6\7",), (b"\x08\x09",)]
    assert steps[-1][1].end is End.CUT


def test_a_file_that_is_gone_or_shorter_is_known_before_any_header(file: Path) -> None:
    with pytest.raises(ChangedFile, match=r"film\.mp4 is shorter than when it was loaded"):
        ReplySource(FileBody(str(file), 0, 2**20 + 1), None)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        ReplySource(FileBody(str(file), 0, 1), None)


def test_a_file_that_shrinks_on_the_way_is_a_body_that_breaks_off(file: Path) -> None:
    body = ReplySource(FileBody(str(file), 0, 2**20), None)
    first = body.step(0.0)
    file.write_bytes(b"")
    assert first.end is End.OPEN
    assert body.step(0.0) == StreamStep(end=End.CUT)
    assert body._file is None


def test_a_body_may_be_closed_at_any_time_and_twice(file: Path) -> None:
    body = ReplySource(FileBody(str(file), 0, 2**20), None)
    body.step(0.0)
    body.close()
    body.close()
    ReplySource(b"data", None).close()
