"""What a call got over time: the events of a stream, the frames of a socket, as far as they are known."""

from __future__ import annotations

from typing import Any

from falmock.engine.engine import Engine
from falmock.engine.jobs.pace import spread
from falmock.engine.journal import JournalEntry
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import TimedFrame
from falmock.gateway.control.operation import closed
from falmock.gateway.journal_view import shown_value
from falmock.wire import calls
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Text
from falmock.wire.message import header_map

MOST = 1000
"""How many pieces are shown at most."""
SCHEMA = closed(
    at={"type": "number", "description": "Seconds since the epoch: when it was due at the pace of now."},
    kind={"type": "string", "enum": ["event", "frame"]},
    direction={"type": "string", "enum": ["sent", "received"], "description": "As falmock sees it."},
    text={"type": "string", "description": "Its text, cut if it is long; of binary data only the size."},
)


def pieces_of(engine: Engine, entry: JournalEntry) -> list[dict[str, Any]]:
    """What was sent for a call of a stream, or received and sent for a message; [] if it is none, or not known.

    Nobody keeps what was sent, so this is what the fixture has. That is not known where a fault changed it, or where it
    is made for each call.
    """
    fixture = engine.fixture(entry.fixture)
    known = fixture if fixture is not None and entry.fault is None and not fixture.per_call else None
    if entry.kind == "message":
        received = [_piece(engine, entry.at, "frame", "received", entry.body.decode("utf-8", "replace"))]
        return [*received, *_frames(engine, entry, known)][:MOST] if entry.body else _frames(engine, entry, known)
    return _events(engine, entry, known)


def _events(engine: Engine, entry: JournalEntry, fixture: Fixture | None) -> list[dict[str, Any]]:
    if fixture is None or fixture.streamed is None or not isinstance(entry.call, calls.Run | calls.Stream):
        return []
    streamed = fixture.streamed
    if header_map(entry.answered).get("content-type") != streamed.content_type:
        return []  # the call asked for no stream, and got the whole answer
    factor, _ = spread(engine.config.pace, streamed.ends)
    return [
        _piece(engine, entry.at + piece.at * factor, "event", "sent", piece.data.decode("utf-8", "replace"))
        for piece in streamed.pieces[:MOST]
    ]


def _frames(engine: Engine, entry: JournalEntry, fixture: Fixture | None) -> list[dict[str, Any]]:
    if fixture is None or fixture.frames is None:
        return []
    factor, _ = spread(engine.config.pace, fixture.frames[-1].at if fixture.frames else 0.0)
    return [
        _piece(engine, entry.at + timed.at * factor, "frame", "sent", _text_of(timed))
        for timed in fixture.frames[: MOST - 1]
    ]


def _text_of(timed: TimedFrame) -> str:
    frame = timed.frame
    if isinstance(frame, Text):
        return frame.text
    return f"({len(frame.data)} bytes)" if isinstance(frame, Binary) else f"({type(frame).__name__.lower()})"


def _piece(engine: Engine, at: float, kind: str, direction: str, text: str) -> dict[str, Any]:
    return {"at": at, "kind": kind, "direction": direction, "text": shown_value(engine.redactor, text)}
