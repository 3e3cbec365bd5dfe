"""Applies faults to calls: before the lookup, when an answer is found, and to the answer itself."""

from __future__ import annotations

from collections.abc import Callable

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.effects import Answer
from falmock.engine.effects import Effect
from falmock.engine.effects import Forward
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.engine.faults import replies as fault_replies
from falmock.engine.faults import sockets
from falmock.engine.faults import streams
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import BadHeader
from falmock.engine.faults.selector import CallInfo
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.injected_fault import InjectedFault
from falmock.engine.streams import names_of
from falmock.fixtures.fault import BadBody
from falmock.fixtures.fault import Breaks
from falmock.wire import calls
from falmock.wire.errors import ErrorSpec
from falmock.wire.lifecycle import TERMINAL
from falmock.wire.message import Request

Decide = Callable[[Request, calls.Call, float, InjectedFault | None], Effect]
"""Decides about a call; the fault, if any, is for the job of a submit."""


class FaultInjector:
    """Wraps the function that decides about calls.

    A header wins over the fixture's own fault, and that over the rules. An error from a header or a rule replaces the
    answer: no fixture is looked up, so no sequence advances. This is the only fault for calls that are forwarded to
    fal.
    """

    def __init__(self, faults: FaultSelector, answers: Answers, decide: Decide) -> None:
        self._faults = faults
        self._context = answers.context
        self._answers = answers
        self._decide = decide

    def answer(self, request: Request, call: calls.Call, now: float) -> Effect:
        """Decide about a call, with its fault applied."""
        faults = self._faults
        if faults.is_idle and HEADER not in request.headers:
            return self._decide(request, call, now, None)
        called = faults.called(request, call, now)
        try:
            injected = faults.of_header(called)
        except BadHeader as error:
            return replies.problem(400, f"The header {HEADER} cannot be read: {error}", f"bad {HEADER}")
        by_rule = faults.of_rules(called)
        if injected is None and by_rule is not None and not self._fixture_has_one(called):
            injected = by_rule
        effect = self._with(injected, called, now)
        if injected is not None and injected is by_rule and _has_fault(effect):
            faults.count_struck(injected)
        return effect

    def _with(self, injected: InjectedFault | None, called: CallInfo, now: float) -> Effect:
        """Decide about a call with the fault that its header or a rule asks for, if any."""
        request, call, _, _ = called
        if injected is not None and injected.fault.error is not None and _is_replaced(injected, call):
            return self._error(injected, injected.fault.error, called, now)
        effect = self._decide(request, call, now, injected)
        if isinstance(effect, Forward):
            return effect
        if isinstance(effect, Socket) and self._faults.header_has_no_effect(called):
            # A client may send the header with every call, so this is logged and not refused.
            effect = effect._replace(why=f"{effect.why}; header {HEADER}: this does nothing to a socket")
        if injected is None:
            injected = self._of_answer(called, effect, now)
        return effect if injected is None else self._apply(injected, effect, called, now)

    def _error(self, injected: InjectedFault, spec: ErrorSpec, called: CallInfo, now: float) -> Reply:
        """The error of a fault in place of the answer, with the rest of the fault applied."""
        reply = fault_replies.error_reply(injected, spec, called, self._request_id(called.call, now))
        return fault_replies.applied(injected, reply)

    def _request_id(self, call: calls.Call, now: float) -> str:
        request_id = getattr(call, "request_id", None)
        return self._context.new_id(now) if request_id is None else str(request_id)

    def _fixture_has_one(self, called: CallInfo) -> bool:
        """Whether the fixture that would answer a call has a fault of its own."""
        call = called.call
        if not self._faults.has_fixtures or not isinstance(call, calls.Run | calls.Stream | calls.Submit):
            return False
        names = names_of(call.endpoint) if isinstance(call, calls.Stream) else ()
        fixture = self._answers.ahead(called.request, call.endpoint, names)
        return fixture is not None and fixture.fault is not None

    def _of_answer(self, called: CallInfo, answer: Answer, now: float) -> InjectedFault | None:
        """The fault of the fixture that answered; after a submit, it applies to the job and its result."""
        call = called.call
        if isinstance(answer, Socket):
            return self._faults.of_socket(called)
        if isinstance(call, calls.Submit | calls.Status | calls.StatusStream | calls.Cancel):
            return None
        if isinstance(call, calls.Result):
            job = self._context.scope.jobs.get(call.request_id, now)
            return job.injected if job is not None and job.state in TERMINAL else None
        return self._faults.of_fixture(answer.fixture)

    def _apply(self, injected: InjectedFault, answer: Answer, called: CallInfo, now: float) -> Answer:
        fault = injected.fault
        if fault.error is not None and not isinstance(called.call, calls.Submit | calls.Result):
            return self._error(injected, fault.error, called, now)._replace(fixture=answer.fixture)
        if fault.reset is Breaks.BEFORE_HEADERS:
            return fault_replies.broken_off(injected)._replace(fixture=answer.fixture)
        if isinstance(answer, Socket):
            return sockets.applied(injected, answer)
        if isinstance(answer, Join):
            return answer._replace(injected=injected)
        if isinstance(answer, Reply) and answer.miss is not None:
            return answer
        if isinstance(answer, Stream) and fault.body in (None, BadBody.MALFORMED):
            return streams.applied(injected, answer, called.model)
        if isinstance(answer, Stream):
            answer = Reply(answer.status, answer.headers, b"", answer.why, answer.fixture, answer.delay)
        return fault_replies.applied(injected, answer)


def _is_replaced(injected: InjectedFault, call: calls.Call) -> bool:
    """Whether an error replaces the answer: for a submit only if it then makes no job."""
    return not isinstance(call, calls.Submit) or injected.fault.turns_away


def _has_fault(effect: Effect) -> bool:
    """Whether a fault was injected into the answer, or will be."""
    return isinstance(effect, Join) or (not isinstance(effect, Forward) and effect.fault is not None)
