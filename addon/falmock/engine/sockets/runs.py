"""Runs over a socket: `ws.fal.run` (PROTOCOL.md section 5.4)."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import NamedTuple

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.effects import SocketStep
from falmock.engine.faults import replies as fault_replies
from falmock.engine.faults.selector import CallInfo
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.jobs.pace import spread
from falmock.engine.prepared import reason_of
from falmock.engine.sockets.deciding import Turn
from falmock.engine.sockets.send_queue import DueFrame
from falmock.engine.sockets.send_queue import SendQueue
from falmock.engine.streams import names_of
from falmock.fixtures.fault import Fault
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import Streamed
from falmock.wire import calls
from falmock.wire import ws_run
from falmock.wire.formats.frames import TRY_AGAIN_LATER
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.message import Header
from falmock.wire.message import Request
from falmock.wire.message import header_map
from falmock.wire.routes import is_stream_path

_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection"})


class _Run(NamedTuple):
    """A run whose answer is not started yet, requested `at` (seconds since the epoch)."""

    reply: Reply
    streamed: Streamed | None
    request_id: str
    at: float


class RunSocket:
    """Takes each message as the input of a run of the endpoint. Answers keep the order of the messages.

    At most `limit` runs wait for earlier answers. One more ends the socket: if a run were dropped, its client would take
    the next answer for it. fal's own limit is unknown.
    """

    def __init__(
        self, answers: Answers, faults: FaultSelector, handshake: Request, call: calls.RunSocket, limit: int
    ) -> None:
        self._context = answers.context
        self._answers = answers
        self._faults = faults
        self._handshake = handshake
        self._call = call
        self._endpoint = call.endpoint
        self._limit = limit
        self._queue = SendQueue()
        self._waiting: deque[_Run] = deque()
        self._free = 0.0

    def opened(self, now: float) -> SocketStep:  # noqa: ARG002
        """Nothing is sent before the first input."""
        return SocketStep()

    def look_up_opening(self, now: float) -> Turn:  # noqa: ARG002
        """See `Deciding`."""
        return SocketStep

    def due(self, now: float) -> SocketStep:
        """The frames to send by now."""
        frames: list[Frame] = []
        while True:
            turn = self._queue.take(now)
            frames += turn.frames
            if turn.again is not None or not self._waiting:
                return SocketStep(tuple(frames), turn.again)
            self._begin(self._waiting.popleft())

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """Answer one run."""
        return self.look_up(message, now)()

    def look_up(self, message: str | bytes, now: float) -> Turn:
        """See `Deciding`."""
        if self._queue.is_over:
            return SocketStep
        if len(self._waiting) >= self._limit:
            reason = f"{self._limit} runs wait on this socket: read some answers before you ask for more"
            self._context.scope.journal.note_message(self._handshake, self._call, now, None, f"closed: {reason}", None)
            return partial(self._overrun, reason)
        body = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        headers = {**self._handshake.headers, "content-type": "application/json"}
        request = self._handshake._replace(method="POST", headers=headers, body=body)
        names = names_of(self._endpoint) if is_stream_path(self._endpoint) else ()
        request_id = self._context.new_id(now)
        found = self._answers.find(request, self._endpoint, request_id, now, names)
        warning = ""
        if isinstance(found, Reply):
            run = _Run(found, None, request_id, now)
        else:
            fixture, deadline, warning = found
            run = self._apply(
                request, fixture.fault, _Run(*self._reply(fixture, deadline, request_id), request_id, now)
            )
        reply = run.reply
        noted = (reply.fixture, reply.why, reply.miss, body, reply.fault, warning)
        self._context.scope.journal.note_message(self._handshake, self._call, now, *noted)
        return partial(self._add, run, warning, now)

    def _add(self, run: _Run, warning: str, now: float) -> SocketStep:
        self._waiting.append(run)
        miss = run.reply.miss
        warnings = (self._context.scope.redactor.text(warning),) if warning else ()
        return self.due(now)._replace(misses=(miss,) if miss else (), warnings=warnings)

    def _apply(self, request: Request, fault: Fault | None, run: _Run) -> _Run:
        """A run with the fault of its fixture applied. Faults of the transfer of bytes do not apply here."""
        if fault is None or not (fault.error or fault.latency or fault.body or fault.content_type):
            return run
        injected = self._faults.of_fixture(run.reply.fixture)
        if injected is None:
            return run
        injected = injected._replace(fault=injected.fault.only("error", "latency", "body", "content_type"))
        if injected.fault.error is None:
            return run._replace(reply=fault_replies.applied(injected, run.reply))
        called = CallInfo(request, calls.Run(self._endpoint), "run", str(self._endpoint))
        error = fault_replies.error_reply(injected, injected.fault.error, called, run.request_id)
        reply = fault_replies.applied(injected, error)._replace(fixture=run.reply.fixture)
        return run._replace(reply=reply, streamed=None)

    def _overrun(self, reason: str) -> SocketStep:
        self._queue.abandon()
        self._waiting.clear()
        return SocketStep((Close(TRY_AGAIN_LATER, reason),))

    def _begin(self, run: _Run) -> None:
        """Render the answer to a run: only now, so that waiting runs take little memory."""
        frames = self._streamed(run, run.streamed) if run.streamed else self._whole(run)
        # An answer starts after the end of the one before: the client has no other way to separate them.
        frames = [DueFrame(max(at, self._free), frame) for at, frame in frames]
        self._free = frames[-1].at
        self._queue.put(frames)

    def _reply(self, fixture: Fixture, deadline: float, request_id: str) -> tuple[Reply, Streamed | None]:
        """The reply to a run, and its streamed body; None if it has none."""
        late, delay = self._answers.timing(fixture, deadline, request_id)
        if late is not None:
            return late, None
        app, label, why = self._endpoint.app, fixture.label, reason_of(fixture)
        if fixture.streamed is None:
            return self._answers.reply(fixture.answer, app, request_id, label, why, delay), None
        streamed = fixture.streamed
        head = Answer(200, streamed.content_type, b"", headers=streamed.headers, units=streamed.units)
        return Reply(200, replies.model_headers(head, app, request_id, label), b"", why, label), streamed

    def _whole(self, run: _Run) -> list[DueFrame]:
        reply, request_id = run.reply, run.request_id
        at = run.at + reply.delay
        body = _body_frames(reply.body, is_text=_is_text(reply.headers))
        start = ws_run.start_frame(request_id, reply.status, _start_headers(reply.headers))
        end = ws_run.end_frame(request_id, reply.status, round(reply.delay, 6))
        return [DueFrame(at, frame) for frame in (start, *body, end)]

    def _streamed(self, run: _Run, streamed: Streamed) -> list[DueFrame]:
        reply, request_id, now = run.reply, run.request_id, run.at + run.reply.delay
        factor, length = spread(self._context.config.pace, streamed.ends)
        is_text = _is_text(reply.headers)
        pieces = [
            DueFrame(now + at * factor, frame)
            for at, data, _ in streamed.pieces
            for frame in _body_frames(data, is_text=is_text)
        ]
        first = pieces[0].at if pieces else now + length
        start = ws_run.start_frame(request_id, reply.status, _start_headers(reply.headers))
        end = ws_run.end_frame(request_id, reply.status, round(first - run.at, 6))
        return [DueFrame(first, start), *pieces, DueFrame(now + length, end)]


def _is_text(headers: tuple[Header, ...]) -> bool:
    """Whether the media type of a body is text or JSON."""
    kind = header_map(headers).get("content-type", "")
    return kind.startswith("text/") or "json" in kind


def _start_headers(headers: tuple[Header, ...]) -> dict[str, str]:
    """The headers of an answer that its start frame lists."""
    return {name: value for name, value in header_map(headers).items() if name not in _FRAMING}


def _body_frames(body: bytes | FileBody, *, is_text: bool) -> list[Frame]:
    """A body as messages: text as one, unless the client would read that as a control message; the rest in chunks."""
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
