"""Runs and streams (PROTOCOL.md section 4): which calls get a stream, and its pieces."""

from __future__ import annotations

from collections.abc import Iterable

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.answers import Found
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.effects import StreamStep
from falmock.engine.jobs.pace import spread
from falmock.engine.prepared import reason_of
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Piece
from falmock.fixtures.model import Streamed
from falmock.wire import calls
from falmock.wire.endpoint import EndpointId
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse
from falmock.wire.message import Request

LEGACY_AGENT = "@fal-ai/serverless-client"
LEGACY_GAP = 0.025
"""Seconds between pieces for the deprecated JS client: its iterator reads one event in 16 ms, and drops those that wait
at the end."""
_STREAM = "/stream"


class Playback:
    """A body with pieces that are due at known times (seconds since the epoch), in order; it is complete at `ends`.

    Between two pieces, and between the last piece and the end, there are at least `gap` seconds.
    """

    def __init__(self, pieces: Iterable[Piece], ends: float, gap: float = 0.0) -> None:
        self._pieces = tuple(pieces)
        self._ends = ends
        self._gap = gap
        self._next = 0
        self._free = 0.0

    def step(self, now: float) -> StreamStep:
        """What is due at `now`."""
        due: list[bytes] = []
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            at = max(piece.at, self._free)
            if at > now:
                return StreamStep(tuple(due), at)
            due.append(piece.data)
            self._next += 1
            if self._gap:
                self._free = now + self._gap
        ends = max(self._ends, self._free)
        return StreamStep(tuple(due), ends) if ends > now else StreamStep(tuple(due), end=End.WHOLE)


class Streams:
    """Answers runs, whole or as a stream."""

    def __init__(self, answers: Answers) -> None:
        self._context = answers.context
        self._answers = answers

    def run(self, request: Request, call: calls.Run | calls.Stream, now: float) -> Reply | Stream:
        """Answer a run: with a stream if the call requests one and the fixture has one.

        If the fixture has none, a call for server-sent events gets the answer as the only event, if the answer is JSON
        and was not recorded for a stream call.
        """
        endpoint = call.endpoint
        names = names_of(endpoint) if isinstance(call, calls.Stream) else ()
        request_id = self._context.new_id(now)
        found = self._answers.find(request, endpoint, request_id, now, names)
        if isinstance(found, Reply):
            return found
        return replies.warned(self._answered(request, call, found, request_id, now), found.warning)

    def _answered(
        self, request: Request, call: calls.Run | calls.Stream, found: Found, request_id: str, now: float
    ) -> Reply | Stream:
        endpoint, fixture, deadline = call.endpoint, found.fixture, found.deadline
        late, delay = self._answers.timing(fixture, deadline, request_id)
        if late is not None:
            return late
        gap = LEGACY_GAP if request.headers.get("user-agent", "").startswith(LEGACY_AGENT) else 0.0
        wants_events = isinstance(call, calls.Stream) or _accepts_events(request)
        if fixture.streamed is not None and (wants_events or _requests_stream(request)):
            return self._played(fixture, fixture.streamed, endpoint.app, request_id, now, gap)
        known = self._answers.prepared(fixture)
        reply = self._answers.reply(fixture.answer, endpoint.app, request_id, known.label, known.why, delay)
        if wants_events and _can_be_event(fixture):
            return _as_event(reply, fixture.answer.body.decode(), now, gap)
        return reply

    def _played(
        self, fixture: Fixture, streamed: Streamed, app: str, request_id: str, now: float, gap: float
    ) -> Stream:
        factor, length = spread(self._context.config.pace, streamed.ends)
        pieces = [Piece(now + at * factor, data) for at, data, _ in streamed.pieces]
        size = sum(len(piece.data) for piece in pieces)
        head = Answer(200, streamed.content_type, b"", headers=streamed.headers, units=streamed.units)
        headers = replies.model_headers(head, app, request_id, fixture.label)
        source = Playback(pieces, now + length, gap)
        return Stream(200, headers, source, reason_of(fixture), fixture.label, size=size)


def names_of(endpoint: EndpointId) -> tuple[str, ...]:
    """The endpoint ids that match a stream call: as called, then with one `/stream` less at a time.

    Clients add `/stream` even to an id that has it (PROTOCOL.md section 4).
    """
    name = str(endpoint)
    names = [name]
    while name.endswith(_STREAM) and name != endpoint.app:
        name = name.removesuffix(_STREAM)
        names.append(name)
    return tuple(names)


def _accepts_events(request: Request) -> bool:
    return sse.MEDIA_TYPE in request.headers.get("accept", "")


def _requests_stream(request: Request) -> bool:
    """Whether the input has `"stream": true`, as in OpenAI's API."""
    if request.method == "GET" or b'"stream"' not in request.body:
        return False
    value = jsontext.loads(request.body)  # it was parsed before, so this cannot fail
    return isinstance(value, dict) and value.get("stream") is True


def _can_be_event(fixture: Fixture) -> bool:
    """Whether an answer is for a run, not for a stream call, and can be sent as an event."""
    answer, model = fixture.answer, fixture.match.model or ""
    return (
        answer.status < 400 and answer.asset is None and "json" in answer.content_type and not model.endswith(_STREAM)
    )


def _as_event(reply: Reply, data: str, now: float, gap: float) -> Stream:
    """A reply as a stream with `data` as its only event."""
    headers = tuple(
        replies.EVENTS_TYPE if name.lower() == b"content-type" else (name, value) for name, value in reply.headers
    )
    at = now + reply.delay
    event = sse.event(data)
    source = Playback([Piece(at, event)], at, gap)
    return Stream(reply.status, headers, source, reply.why, reply.fixture, size=len(event))
