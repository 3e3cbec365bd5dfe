"""A socket to an endpoint: `/realtime`, or one of the app's own (PROTOCOL.md sections 5.2 and 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from functools import partial

from falmock.engine.answers import NO_DEADLINE
from falmock.engine.answers import Answers
from falmock.engine.effects import SocketStep
from falmock.engine.faults.replies import delay_of
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.jobs.pace import Pace
from falmock.engine.jobs.pace import spread
from falmock.engine.prepared import reason_of
from falmock.engine.sockets import message_input
from falmock.engine.sockets.deciding import Turn
from falmock.engine.sockets.send_queue import DueFrame
from falmock.engine.sockets.send_queue import SendQueue
from falmock.fixtures.format.fault_answer import answer_of
from falmock.fixtures.matching.miss import Miss
from falmock.fixtures.model import Answer
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Fixture
from falmock.fixtures.model import TimedFrame
from falmock.wire import endpoint as endpoint_ids
from falmock.wire import realtime
from falmock.wire.calls import Socket
from falmock.wire.errors import text_of
from falmock.wire.formats import jsontext
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Close
from falmock.wire.formats.frames import Frame
from falmock.wire.formats.frames import Reset
from falmock.wire.formats.frames import Stored
from falmock.wire.formats.frames import Text
from falmock.wire.formats.regex import one_call
from falmock.wire.message import Request


class EndpointSocket:
    """Answers each message with the fixture that matches it.

    `call` is the handshake. `names` are the endpoint ids that match the socket, the one as connected first. A
    `/realtime` session ends after `idle` seconds without a message. `limit` is how many messages may wait (see
    SendQueue). `faults` gives the faults of single messages: those of the whole socket are applied elsewhere.
    """

    def __init__(
        self,
        answers: Answers,
        faults: FaultSelector,
        handshake: Request,
        call: Socket,
        names: Sequence[str],
        *,
        is_realtime: bool,
        idle: float | None,
        limit: int | None,
    ) -> None:
        self._context = answers.context
        self._answers = answers
        self._faults = faults
        self._handshake = handshake
        self._call = call
        self._names = names
        self._is_realtime = is_realtime
        self._idle = idle
        self._queue = SendQueue(limit)

    def opened(self, now: float) -> SocketStep:
        """Send the frames of a fixture for the opening, if there is one."""
        return self.look_up_opening(now)()

    def look_up_opening(self, now: float) -> Turn:
        """See `Deciding`."""
        fixture = self._answers.on_opening(self._names, self._handshake, now)
        if fixture is not None:
            self._note(now, fixture)
        return partial(self._open, fixture, now)

    def _open(self, fixture: Fixture | None, now: float) -> SocketStep:
        self._restart_idle(now)
        if fixture is not None:
            self._answer(fixture, None, now, packs=self._is_realtime)  # with an error if its frames cannot be made
        return self._queue.take(now)

    def due(self, now: float) -> SocketStep:
        """The frames to send by now."""
        return self._queue.take(now)

    def received(self, message: str | bytes, now: float) -> SocketStep:
        """Answer one message, or send the miss report; a message that cannot be read ends the session."""
        return self.look_up(message, now)()

    @one_call()
    def look_up(self, message: str | bytes, now: float) -> Turn:
        """See `Deciding`."""
        if self._queue.is_over:
            return SocketStep
        try:
            value = message_input.input_of(message, is_realtime=self._is_realtime)
            query = message_input.read(value, self._handshake, self._names[0], self._answers.resolve)
        except (realtime.BadMessage, message_input.NoInput) as error:
            return partial(self._refuse, str(error))
        found = self._answers.for_message(query, self._names, now)
        if isinstance(found, Miss):
            self._note(now, None, found, query.text)
            return partial(self._miss, found, now)
        fixture, warning = found
        injected = self._faults.of_message(fixture)
        self._note(now, fixture, text=query.text, injected=injected, warning=warning)
        packs = self._is_realtime or isinstance(message, bytes)
        return partial(self._found, fixture, injected, now, warning, packs=packs)

    def _refuse(self, text: str) -> SocketStep:
        self._queue.abandon()
        return SocketStep((realtime.error_frame(realtime.INTERNAL_ERROR, text), Close()))

    def _miss(self, found: Miss, now: float) -> SocketStep:
        self._restart_idle(now)
        self._queue.put([DueFrame(now, realtime.error_frame(realtime.MISS, found.text))])
        return self._queue.take(now)._replace(misses=(found,))

    def _found(
        self, fixture: Fixture, injected: InjectedFault | None, now: float, warning: str, *, packs: bool
    ) -> SocketStep:
        self._restart_idle(now)
        self._answer(fixture, injected, now, packs=packs)
        warnings = (self._context.scope.redactor.text(warning),) if warning else ()
        return self._queue.take(now)._replace(warnings=warnings)

    def _answer(self, fixture: Fixture, injected: InjectedFault | None, now: float, *, packs: bool) -> None:
        answer, error = fixture.answer, None
        if injected is not None:
            now += delay_of(injected)
            error = injected.fault.error
        if error is not None:
            endpoint = endpoint_ids.parse(self._names[-1])
            answer = answer_of(error, endpoint.app, endpoint.path)
        elif fixture.frames is not None:
            self._play(fixture.frames, now)
            return
        delay = 0.0 if fixture.frames is not None else self._answers.timing(fixture, NO_DEADLINE, "")[1]
        asset = None if answer.asset is None else self._context.index.assets.get(answer.asset)
        frames = frames_of(answer, asset, packs=packs, is_realtime=self._is_realtime)
        self._queue.put([DueFrame(now + delay, frame) for frame in frames])

    def _play(self, frames: Sequence[TimedFrame], now: float) -> None:
        """Queue recorded frames.

        A recorded timeout and the frames after it are sent only if no more messages come.
        """
        timeout_at = next(
            (place for place, timed in enumerate(frames) if realtime.is_timeout(timed.frame)), len(frames)
        )
        self._queue.put(_at_pace(frames[:timeout_at], now, self._context.config.pace))
        if timeout_at < len(frames):
            # The pace does not change how long a client may be silent.
            ending = [DueFrame(now + timed.at, timed.frame) for timed in frames[timeout_at:]]
            if not isinstance(ending[-1].frame, Close | Reset):
                ending.append(DueFrame(ending[-1].at, Close()))
            self._queue.end_with(ending)

    def _restart_idle(self, now: float) -> None:
        """Restart the idle time."""
        if self._idle is None:
            self._queue.end_with(())
        else:
            at = now + self._idle
            self._queue.end_with((DueFrame(at, realtime.timeout_frame()), DueFrame(at, Close())))

    def _note(
        self,
        now: float,
        fixture: Fixture | None,
        miss: Miss | None = None,
        text: str = "",
        injected: InjectedFault | None = None,
        warning: str = "",
    ) -> None:
        self._context.scope.journal.note_message(
            self._handshake,
            self._call,
            now,
            fixture.label if fixture else None,
            reason_of(fixture) if fixture else "no fixture matches",
            miss,
            text.encode("utf-8", "backslashreplace"),
            injected.fault.name if injected else None,
            warning,
        )


class Refusal:
    """A socket that is closed with an authorization error."""

    def opened(self, now: float) -> SocketStep:  # noqa: ARG002
        """Send the error, and close."""
        return SocketStep((realtime.UNAUTHORIZED, Close()))

    def received(self, message: str | bytes, now: float) -> SocketStep:  # noqa: ARG002
        """Send nothing more."""
        return SocketStep()

    def due(self, now: float) -> SocketStep:  # noqa: ARG002
        """Send nothing more."""
        return SocketStep()


def _at_pace(frames: Sequence[TimedFrame], now: float, pace: Pace) -> list[DueFrame]:
    whole = frames[-1].at if frames else 0.0
    factor, length = spread(pace, whole)
    return [DueFrame(now + (timed.at * factor if whole else length), timed.frame) for timed in frames]


@lru_cache(maxsize=16)  # thousands of waiting messages with the same answer share its frames
def frames_of(answer: Answer, asset: Asset | None, *, packs: bool, is_realtime: bool) -> tuple[Frame, ...]:
    """The answer as frames; `asset` is its content if that is a file, `packs` sends JSON as msgpack.

    On a `/realtime` socket an error is sent as the runtime does when an app raises: INTERNAL_ERROR, then a close
    (PROTOCOL.md section 5.3).
    """
    if is_realtime and answer.status >= 400:
        return realtime.error_frame(
            realtime.INTERNAL_ERROR, text_of(answer.status, jsontext.value_of(answer.body))
        ), Close()
    if answer.asset is not None:
        if asset is None:
            gone = "The asset of this answer is no longer in the fixtures"
            return (realtime.error_frame(realtime.INTERNAL_ERROR, gone),)
        return (Stored(asset.file, 0, asset.size) if asset.file is not None else Binary(asset.data or b""),)
    if packs and "json" in answer.content_type:
        try:
            return (Binary(realtime.encode(jsontext.loads(answer.body))),)
        except (jsontext.BadJSON, realtime.BadMessage) as error:
            reason = f"This answer cannot be written as msgpack: {error}"
            return (realtime.error_frame(realtime.INTERNAL_ERROR, reason),)
    return (Text(answer.body.decode("utf-8", "replace")),)
