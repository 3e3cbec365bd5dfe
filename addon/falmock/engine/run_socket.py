"""Runs over a socket: `ws.fal.run` (fal-protocol.md section 5.4)."""

from __future__ import annotations

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.answers import reason_of
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import Turn
from falmock.engine.outbox import Due
from falmock.engine.outbox import Outbox
from falmock.engine.pace import spread
from falmock.engine.streams import names_of
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Streamed
from falmock.wire import ws_run
from falmock.wire.endpoint import EndpointId
from falmock.wire.frames import Binary
from falmock.wire.frames import Frame
from falmock.wire.frames import Stored
from falmock.wire.frames import Text
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map
from falmock.wire.routes import is_stream_path

_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection"})


class RunSocket:
    """Takes each message as the input of a run of the endpoint. Answers keep the order of the messages."""

    def __init__(self, answers: Answers, handshake: Request, endpoint: EndpointId) -> None:
        self._answers = answers
        self._handshake = handshake
        self._endpoint = endpoint
        self._outbox = Outbox()
        self._free = 0.0

    def opened(self, now: float) -> Turn:  # noqa: ARG002
        """Nothing is said before the first input."""
        return Turn()

    def due(self, now: float) -> Turn:
        """What is to be sent by now."""
        return self._outbox.take(now)

    def received(self, message: str | bytes, now: float) -> Turn:
        """Answer one run."""
        body = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        headers = {**self._handshake.headers, "content-type": "application/json"}
        request = self._handshake._replace(method="POST", headers=headers, body=body)
        names = names_of(self._endpoint) if is_stream_path(self._endpoint) else ()
        found = self._answers.find(request, self._endpoint, names)
        request_id = self._answers.new_id(now)
        if isinstance(found, Reply):
            reply, streamed = found, None
        else:
            reply, streamed = self._reply(*found, request_id)
        frames = self._streamed(streamed, reply, request_id, now) if streamed else self._whole(reply, request_id, now)
        # One answer begins where the one before it ends: the client tells them apart by nothing else.
        frames = [Due(max(at, self._free), frame) for at, frame in frames]
        self._free = frames[-1].at
        self._outbox.put(frames)
        miss = reply.miss
        self._answers.scope.journal.note_message(
            self._handshake, now, reply.fixture, reply.why, miss.text if miss else None, body
        )
        return self._outbox.take(now)._replace(misses=(miss,) if miss else ())

    def _reply(self, fixture: Fixture, deadline: float, request_id: str) -> tuple[Reply, Streamed | None]:
        """The reply to a run and, where its body comes over time, what that is."""
        late, delay = self._answers.timing(fixture, deadline, request_id)
        if late is not None:
            return late, None
        app, label, why = self._endpoint.app, fixture.label, reason_of(fixture)
        if fixture.streamed is None:
            return self._answers.reply(fixture.answer, app, request_id, label, why, delay), None
        streamed = fixture.streamed
        head = Answer(200, streamed.content_type, b"", headers=streamed.headers, units=streamed.units)
        return Reply(200, replies.model_headers(head, app, request_id, label), b"", why, label), streamed

    def _whole(self, reply: Reply, request_id: str, now: float) -> list[Due]:
        at = now + reply.delay
        body = _body_frames(reply.body, is_text=_is_text(reply.headers))
        start = ws_run.start_frame(request_id, reply.status, _told(reply.headers))
        end = ws_run.end_frame(request_id, reply.status, round(reply.delay, 6))
        return [Due(at, frame) for frame in (start, *body, end)]

    def _streamed(self, streamed: Streamed, reply: Reply, request_id: str, now: float) -> list[Due]:
        factor, length = spread(self._answers.config.pace, streamed.ends)
        is_text = _is_text(reply.headers)
        pieces = [
            Due(now + at * factor, frame)
            for at, data in streamed.pieces
            for frame in _body_frames(data, is_text=is_text)
        ]
        first = pieces[0].at if pieces else now + length
        start = ws_run.start_frame(request_id, reply.status, _told(reply.headers))
        end = ws_run.end_frame(request_id, reply.status, round(first - now, 6))
        return [Due(first, start), *pieces, Due(now + length, end)]


def _is_text(headers: tuple[Header, ...]) -> bool:
    """Whether a body is text to its readers."""
    kind = header_map(headers).get("content-type", "")
    return kind.startswith("text/") or "json" in kind


def _told(headers: tuple[Header, ...]) -> dict[str, str]:
    """The headers of an answer that the start tells."""
    return {name: value for name, value in header_map(headers).items() if name not in _FRAMING}


def _body_frames(body: bytes | FileBody, *, is_text: bool) -> list[Frame]:
    """A body in messages: text as one, unless its reader would take that for something else; the rest in chunks."""
    if isinstance(body, FileBody):
        starts = range(body.start, body.stop, ws_run.CHUNK)
        return [Stored(body.file, start, min(start + ws_run.CHUNK, body.stop)) for start in starts]
    if is_text and body:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = None
        if text is not None and ws_run.meta(text) is None:
            return [Text(text)]
    return [Binary(body[start : start + ws_run.CHUNK]) for start in range(0, len(body), ws_run.CHUNK)]
