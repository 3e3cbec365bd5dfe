"""Server-sent events, written and read (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MEDIA_TYPE = "text/event-stream"
TYPE = f"{MEDIA_TYPE}; charset=utf-8"
"""The content type that apps send (PROTOCOL.md section 4)."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LINE_END_IN_TEXT = re.compile(r"\r\n|\r|\n")
_RETRY = re.compile(r"[0-9]{1,15}")
"""Digits alone; longer ones are no time."""
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its type (`message` by default), its data, and the last id in the stream so far ("" if none)."""

    type: str
    data: str
    id: str


class Block(NamedTuple):
    """What stands before a blank line: an event, or None if there is no data, and the `retry` that came with it.

    `retry` is the time (milliseconds) after which a client connects again; None if the block has none.
    """

    event: Event | None
    retry: int | None


_NOTHING = Block(None, None)


def event(data: str, kind: str = "", event_id: str | None = None, retry: int | None = None) -> bytes:
    """The bytes of one event; `retry` in milliseconds.

    `kind` and `event_id` have one line each. The reader gets every line end in `data` as a line feed.
    """
    fields = [("event", kind)] if kind else []
    if event_id is not None:
        fields.append(("id", event_id))
    if retry is not None:
        fields.append(("retry", str(retry)))
    return _block(fields + [("data", line) for line in _lines_of(data)])


def retry(milliseconds: int) -> bytes:
    """The bytes that change the time after which a client connects again; no event comes with them."""
    return _block([("retry", str(milliseconds))])


def comment(text: str) -> bytes:
    """The bytes of a comment, which readers ignore."""
    return _block([("", line) for line in _lines_of(text)])


def _lines_of(text: str) -> list[str]:
    return _LINE_END_IN_TEXT.split(text)


def _block(fields: list[tuple[str, str]]) -> bytes:
    text = "".join(f"{name}: {value}\n" for name, value in fields)
    return f"{text}\n".encode("utf-8", "surrogatepass")


class Parser:
    """Reads the events of one stream from pieces of any size.

    What follows the last blank line is dropped, as in browsers.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._after_return = False
        self._is_first = True
        self._type = ""
        self._data: list[str] = []
        self._id = ""
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order. Never raises: invalid lines are ignored."""
        return [block.event for block in self.blocks(data) if block.event is not None]

    def blocks(self, data: bytes) -> list[Block]:
        """As `feed`, with the `retry` of each, and blocks that have a `retry` alone."""
        blocks = []
        for line in self._lines(data):
            if line:
                self._field(line.decode("utf-8", "replace"))
            elif (block := self._dispatched()) != _NOTHING:
                blocks.append(block)
        return blocks

    def _lines(self, data: bytes) -> Iterator[bytes]:
        """The lines that end in these bytes, without line ends."""
        if not data:
            return
        # A carriage return ends its line at once; a line feed may follow in the next piece.
        start = 1 if self._after_return and data[:1] == b"\n" else 0
        self._after_return = data[-1:] == b"\r"
        for end in _LINE_END.finditer(data, start):
            self._pieces.append(data[start : end.start()])
            yield self._whole_line()
            start = end.end()
        self._pieces.append(data[start:])

    def _whole_line(self) -> bytes:
        line = b"".join(self._pieces)
        self._pieces.clear()
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BOM)
        return line

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _RETRY.fullmatch(value):
            self._retry = int(value)

    def _dispatched(self) -> Block:
        """The block that a blank line ends."""
        event = Event(self._type or "message", "\n".join(self._data), self._id) if self._data else None
        block = Block(event, self._retry)
        self._type, self._data, self._retry = "", [], None
        return block
