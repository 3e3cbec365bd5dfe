from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats import sse
from falmock.wire.formats.sse import Block
from falmock.wire.formats.sse import Event
from falmock.wire.formats.sse import Parser

X = Block(Event("message", "x", ""), None)
LINES = st.sampled_from(
    [
        "data: a",
        "data:b",
        "data:  two spaces",
        "data",
        "data:",
        ": a comment",
        "event: status",
        "event",
        "id: 7",
        "id: a\0b",
        "id",
        "retry: 10",
        "other: x",
        " data: no field",
        'data: {"status": "IN_QUEUE", "é": "😀"}',
        "",
        "",
        "",
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(["\r", "\n", "\r\n"])), max_size=20).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


def parsed(*pieces: bytes) -> list[Event]:
    parser = Parser()
    return [event for piece in pieces for event in parser.feed(piece)]


def reference(raw: bytes) -> list[Event]:
    """The same rules, written for a whole stream at once."""
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events = []
    last_id = kind = ""
    data: str | None = None
    for line in text.split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data is not None:
                events.append(Event(kind or "message", data, last_id))
            kind, data = "", None
        elif name == "data":
            data = value if data is None else f"{data}\n{value}"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


@given(st.data(), STREAMS | st.binary(max_size=40), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_cutting_anywhere_gives_the_same_events(data: st.DataObject, stream: bytes, mark: bytes) -> None:
    raw = mark + stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    pieces = [raw[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert parsed(*pieces) == parsed(raw) == parsed(*(bytes([byte]) for byte in raw)) == reference(raw)


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: x\n\n", [Event("message", "x", "")]),
        (b"\xef\xbb\xbfdata: x\n\n", [Event("message", "x", "")]),
        (b"data: \xef\xbb\xbfx\n\n", [Event("message", "\ufeffx", "")]),
        (b"data: x\r\r", [Event("message", "x", "")]),
        (b"data: a\ndata: b\n\n", [Event("message", "a\nb", "")]),
        (b"data\n\n", [Event("message", "", "")]),
        (b"event: status\nid: 1\ndata: x\n\ndata: y\n\n", [Event("status", "x", "1"), Event("message", "y", "1")]),
        (b"event: lost\n\ndata: y\n\n", [Event("message", "y", "")]),
        (b": ping\n\n", []),
        (b"data: cut off\n", []),
        (b"data: \xff\n\n", [Event("message", "\ufffd", "")]),
    ],
)
def test_the_rules(raw: bytes, events: list[Event]) -> None:
    assert parsed(raw) == events


@pytest.mark.parametrize(
    ("raw", "blocks"),
    [
        (b"retry: 10\n\n", [Block(None, 10)]),
        (
            b"retry:10\nretry: 20\ndata: x\n\ndata: y\n\n",
            [X._replace(retry=20), Block(Event("message", "y", ""), None)],
        ),
        (b"event: lost\n\n: ping\n\n\n\ndata: x\n\n", [X]),
        (b"retry: -1\ndata: x\n\nretry: 1.5\n\nretry\n\nretry: \xd9\xa1\n\nretry:  5\n\n", [X]),
        (b"retry: " + b"9" * 5000 + b"\ndata: x\n\n", [X]),
        (b"retry: 10\n", []),
    ],
)
def test_blocks_have_the_time_to_the_next_connection(raw: bytes, blocks: list[Block]) -> None:
    assert Parser().blocks(raw) == blocks


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    parser = Parser()
    assert parser.feed(b"data: x\r\n\r") == [Event("message", "x", "")]
    assert parser.feed(b"\ndata: y\r\r") == [Event("message", "y", "")]


# writing

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["", "\n", "\r\n", " a", ":", "data: x\n\n"]
)
WRITTEN = st.lists(st.tuples(TEXT, LINE, st.none() | LINE) | TEXT, max_size=6)


@given(WRITTEN)
def test_what_is_written_is_read_again(written: list[tuple[str, str, str | None] | str]) -> None:
    last_id, expected, pieces = "", [], []
    for item in written:
        if isinstance(item, str):
            pieces.append(sse.comment(item))
            continue
        data, kind, event_id = item
        last_id = last_id if event_id is None else event_id
        expected.append(Event(kind or "message", re.sub("\r\n?", "\n", data), last_id))
        pieces.append(sse.event(data, kind, event_id))
    assert parsed(*pieces) == expected


@given(STREAMS)
def test_what_is_read_can_be_written_and_read_again(stream: bytes) -> None:
    events = parsed(stream)
    assert parsed(*(sse.event(event.data, event.type, event.id) for event in events)) == events


@pytest.mark.parametrize(
    ("written", "raw"),
    [
        (sse.event('{"a":"é"}'), 'data: {"a":"é"}\n\n'.encode()),
        (sse.event("a\nb", "status", "7"), b"event: status\nid: 7\ndata: a\ndata: b\n\n"),
        (sse.event(""), b"data: \n\n"),
        (sse.event("x", event_id=""), b"id: \ndata: x\n\n"),
        (sse.event("x", "", "7", 30), b"id: 7\nretry: 30\ndata: x\n\n"),
        (sse.retry(30), b"retry: 30\n\n"),
        (sse.comment("ping"), b": ping\n\n"),
        (sse.comment("a\r\nb"), b": a\n: b\n\n"),
    ],
)
def test_how_it_looks(written: bytes, raw: bytes) -> None:
    assert written == raw
