"""Makes the answers of a fixture for one call, where they use values of the call."""

from __future__ import annotations

from falmock.engine.synthesis.input_checker import failing
from falmock.fixtures.matching.match import Query
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Piece
from falmock.fixtures.model import TimedFrame
from falmock.fixtures.model import Timeline
from falmock.fixtures.rendering import Call
from falmock.fixtures.rendering import Rendering
from falmock.fixtures.rendering import TemplateProblem
from falmock.wire import realtime
from falmock.wire.formats import sse
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Text


def filled(fixture: Fixture, query: Query, request_id: str, now: float) -> Fixture:
    """The fixture with its answers made for the call with this input, id and time (seconds since the epoch).

    If one of them cannot be made, it is `unanswerable`.
    """
    if not fixture.per_call:
        return fixture
    rendering = Rendering(Call(query.given or {}, query.text, request_id, now))
    streamed, frames = fixture.streamed, fixture.frames
    try:
        return fixture._replace(
            answer=_answer(rendering, fixture.answer),
            streamed=streamed and streamed._replace(pieces=tuple(_piece(rendering, each) for each in streamed.pieces)),
            frames=frames and tuple(_frame(rendering, each) for each in frames),
        )
    except TemplateProblem as problem:
        return unanswerable(fixture, str(problem))


def unanswerable(fixture: Fixture, problem: str) -> Fixture:
    """The fixture that says why this one cannot answer a call: 500, of a job at its result, in place of all its answers, at once."""
    text = f"The fixture {fixture.label} cannot answer this call: {problem}"
    why = "the answer of the fixture cannot be made for this input"
    timeline = Timeline(0.0, 0.0, refused=fixture.timeline.refused, urls=fixture.timeline.urls)
    return failing(fixture, 500, {"detail": text, "message": text}, why)._replace(timeline=timeline)


def _answer(rendering: Rendering, answer: Answer) -> Answer:
    if answer.template is None:
        return answer
    return answer._replace(body=rendering.text(answer.template).encode(), template=None)


def _piece(rendering: Rendering, piece: Piece) -> Piece:
    if piece.template is None:
        return piece
    data, kind, event_id, retry = piece.template
    return Piece(piece.at, sse.event(rendering.text(data), kind, event_id, retry))


def _frame(rendering: Rendering, timed: TimedFrame) -> TimedFrame:
    if timed.template is None:
        return timed
    if isinstance(timed.frame, Text):
        return TimedFrame(timed.at, Text(rendering.text(timed.template)))
    try:
        return TimedFrame(timed.at, Binary(realtime.encode(rendering.value(timed.template))))
    except realtime.BadMessage as error:
        raise TemplateProblem(f"{timed.template.place}: cannot be written as msgpack: {error}") from None
