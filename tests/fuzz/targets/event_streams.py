"""Server-sent events: any bytes are read without an error, and alike wherever they are cut."""

from __future__ import annotations

from hypothesis import strategies as st

from falmock.wire.formats import sse
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import utf8

_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"])
_NAMES = st.sampled_from([b"data", b"event", b"id", b"retry", b"", b"data ", b"Data", b"\xef\xbb\xbfdata"])
_FIELD = st.tuples(_NAMES, st.sampled_from([b":", b": ", b":  ", b""]), TEXTS.map(utf8) | st.just(b"x" * 70_000))
_LINES = _FIELD.map(b"".join) | st.binary(max_size=8) | st.sampled_from([b"\xef\xbb\xbf", b"retry: 1" + b"0" * 40])
_STREAM = st.lists(st.tuples(_LINES, _ENDS).map(b"".join), max_size=8).map(b"".join)
CASES = st.tuples(_STREAM, CUTS)


def check(case: tuple[bytes, list[int]]) -> None:
    stream, cuts = case
    whole = sse.Parser().blocks(stream)
    parser = sse.Parser()
    assert [block for part in cut(stream, cuts) for block in parser.blocks(part)] == whole
    parser = sse.Parser()
    tail = stream[-2000:]
    single = [block for place in range(len(tail)) for block in parser.blocks(tail[place : place + 1])]
    assert single == sse.Parser().blocks(tail)
    for block in whole:
        if block.event is None:
            continue
        kind, data, event_id = block.event
        assert "\n" not in kind + event_id
        assert "\r" not in kind + event_id + data
        written = sse.event(data, "" if kind == "message" else kind, event_id, block.retry)
        assert sse.Parser().feed(written) == [block.event]
