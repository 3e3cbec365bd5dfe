"""Accepts WebSockets (PROTOCOL.md section 5), and selects the conversation for each."""

from __future__ import annotations

from falmock.engine.answers import Answers
from falmock.engine.effects import Conversation
from falmock.engine.effects import Socket
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.shared.sockets import SharedSocket
from falmock.engine.sockets.deciding import Deciding
from falmock.engine.sockets.endpoint import EndpointSocket
from falmock.engine.sockets.endpoint import Refusal
from falmock.engine.sockets.runs import RunSocket
from falmock.wire import calls
from falmock.wire import realtime
from falmock.wire import routes
from falmock.wire.endpoint import EndpointId
from falmock.wire.message import Request

IDLE = 60.0
"""Seconds without a message before a `/realtime` session ends."""
MAX_WAITING = 10_000
"""How many messages may wait if the client sets no limit; one more drops the oldest."""
_REALTIME = "/realtime"


class Sockets:
    """Opens sockets that fixtures answer; `idle` is in seconds."""

    def __init__(self, answers: Answers, faults: FaultSelector, idle: float = IDLE) -> None:
        self._context = answers.context
        self._answers = answers
        self._faults = faults
        self._idle = idle

    def open(self, request: Request, call: calls.Socket, _now: float) -> Socket:
        """Accept a socket to an endpoint."""
        is_realtime = routes.is_realtime_path(call.endpoint)
        conversation = EndpointSocket(
            self._answers,
            self._faults,
            request,
            call,
            names_of(call.endpoint),
            is_realtime=is_realtime,
            idle=self._idle if is_realtime else None,
            limit=realtime.max_buffering(request.query) or MAX_WAITING,
        )
        return Socket(self._placed(conversation), "realtime" if is_realtime else "a socket of the app's own")

    def open_runs(self, request: Request, call: calls.RunSocket, _now: float) -> Socket:
        """Accept a socket for runs."""
        conversation = RunSocket(self._answers, self._faults, request, call, MAX_WAITING)
        return Socket(self._placed(conversation), "runs over a socket")

    def _placed(self, conversation: Deciding) -> Conversation:
        """The conversation, where its state is."""
        background = self._context.background
        return conversation if background is None else SharedSocket(conversation, background)

    def knows(self, call: calls.Socket | calls.RunSocket) -> bool:
        """Whether any fixture is for sockets to this endpoint."""
        index = self._context.index
        if isinstance(call, calls.RunSocket):
            return bool(index.of_endpoint(str(call.endpoint)))
        names = names_of(call.endpoint)
        return any(index.sockets.of_endpoint(name) or index.openings.of_endpoint(name) for name in names)


def refused() -> Socket:
    """A socket with a bad token or key: accepted, then closed with an error (PROTOCOL.md section 1.4)."""
    return Socket(Refusal(), "not authorized")


def names_of(endpoint: EndpointId) -> tuple[str, ...]:
    """The endpoint ids that match a socket: as connected, then without the `/realtime` that clients add."""
    name = str(endpoint)
    return (name, name.removesuffix(_REALTIME)) if routes.is_realtime_path(endpoint) else (name,)
