"""Selects the fault for a call: from its header, from the fixture that answers it, or from the rules of `fal_faults`.

Whether a fault applies depends only on its selection and on how many calls it was checked for, so the same calls in
the same order get the same faults in every run.
"""

from __future__ import annotations

import fnmatch
from functools import lru_cache
from typing import NamedTuple

from falmock.engine import inputs
from falmock.engine.context import Context
from falmock.engine.effects import Reply
from falmock.engine.injected_fault import InjectedFault
from falmock.fixtures.fault import Fault
from falmock.fixtures.fault import Rule
from falmock.fixtures.format.fault import BadFault
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.matching.match import is_glob
from falmock.fixtures.matching.match import value_differences
from falmock.fixtures.model import Fixture
from falmock.wire import calls
from falmock.wire.message import Request

HEADER = "x-falmock-fault"
"""The request header that asks for a fault, and the response header that names the injected fault."""

_MODEL_CALLS = frozenset({"run", "submit", "stream", "socket"})
"""The calls to a model: a rule that names no calls applies to these."""
_WITH_INPUT = (calls.Run, calls.Stream, calls.Submit)


class CallInfo(NamedTuple):
    """A call as fault rules see it: `name` is its kind, `model` its endpoint id or app, "" if it has none."""

    request: Request
    call: calls.Call
    name: str
    model: str


@lru_cache(maxsize=1024)
def _of_header(text: str) -> Fault | str:
    try:
        return read_text(text)
    except BadFault as error:
        return str(error)


class BadHeader(ValueError):
    """The fault header of a request cannot be read; the text says why."""


class FaultSelector:
    """Selects the faults for the calls of one engine."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def has_fixtures(self) -> bool:
        """Whether any fixture has a fault."""
        return bool(self._context.index.with_fault)

    @property
    def is_idle(self) -> bool:
        """Whether only headers can ask for faults."""
        return not self._context.rules and not self._context.index.with_fault

    def called(self, request: Request, call: calls.Call, now: float) -> CallInfo:
        """The facts about a call that select its fault."""
        return CallInfo(request, call, calls.name_of(call), self._model(request, call, now))

    def _model(self, request: Request, call: calls.Call, now: float) -> str:
        job = self._context.scope.jobs.get(call.request_id, now) if isinstance(call, calls.ABOUT_JOB) else None
        return job.endpoint if job else calls.endpoint_of(call, request.path)

    def of_header(self, called: CallInfo) -> InjectedFault | None:
        """The fault that the header of a call asks for, or None. Raises BadHeader."""
        text = called.request.headers.get(HEADER)
        if text is None:
            return None
        fault = _of_header(text)
        if isinstance(fault, str):
            raise BadHeader(fault)
        # The key leaves out ids: a retry counts as the same call.
        key = f"{HEADER}\0{text}\0{called.name}\0{called.model or called.request.path}"
        return self._inject(fault, key, f"header {HEADER}", 0) if _concerns(fault, called) else None

    def header_has_no_effect(self, called: CallInfo) -> bool:
        """Whether the header asks for a fault that does nothing to a call of this kind."""
        fault = _of_header(called.request.headers.get(HEADER, ""))
        return isinstance(fault, Fault) and not _concerns(fault, called)

    def of_rules(self, called: CallInfo) -> InjectedFault | None:
        """The fault of the first rule that applies, or None; every matching rule counts the call."""
        found = None
        for rule in self._context.rules:
            if _concerns(rule.fault, called) and _is_for(rule, called):
                injected = self._inject(rule.fault, rule.source, rule.source, rule.seed)
                found = found or injected
        return found

    def count_struck(self, injected: InjectedFault) -> None:
        """Count a call that got the fault of a rule."""
        self._context.scope.faults.strike(injected.source)

    def of_fixture(self, label: str | None) -> InjectedFault | None:
        """The fault of the fixture with this label, or None."""
        fixture = self._context.index.with_fault.get(label) if label is not None else None
        if fixture is None or fixture.fault is None:
            return None
        return self._inject(fixture.fault, fixture.label, fixture.label, 0)

    def of_socket(self, called: CallInfo) -> InjectedFault | None:
        """The fault for a socket: from any fixture for its endpoint, as the answering fixture is only known per message."""
        for fixture in self._context.index.with_fault.values():
            model, fault = fixture.match.model, fixture.fault
            if fault is None or not (model is None or _is_model(called.model, model)):
                continue
            if fault.socket is not None or (fault.reset is not None and fixture.frames is not None):
                return self._inject(fault, fixture.label, fixture.label, 0)
        return None

    def of_message(self, fixture: Fixture) -> InjectedFault | None:
        """The fault for one message on a socket; None if the fixture has none, or one for the whole socket."""
        fault = fixture.fault
        if fault is None or fault.socket is not None or not (fault.error or fault.latency):
            return None
        injected = self.of_fixture(fixture.label)
        return None if injected is None else injected._replace(fault=injected.fault.only("error", "latency"))

    def _inject(self, fault: Fault, key: str, source: str, seed: int | str) -> InjectedFault | None:
        rng = self._context.scope.faults.draw(fault, key, seed)
        return None if rng is None else InjectedFault(fault, source, rng)


def _concerns(fault: Fault, called: CallInfo) -> bool:
    """Whether a fault does anything to a call of this kind."""
    call = called.call
    if fault.error is not None:
        return True
    if isinstance(call, calls.Socket | calls.RunSocket):
        return fault.concerns_sockets
    if fault.delays_or_breaks and not (isinstance(call, calls.StatusStream) and fault.needs_size):
        return True
    if isinstance(call, calls.Submit):
        return fault.job is not None or (fault.webhook is not None and bool(call.webhook))
    if isinstance(call, calls.Stream | calls.StatusStream | calls.Run):
        return fault.stream is not None
    return False


def _is_for(rule: Rule, called: CallInfo) -> bool:
    match, request = rule.match, called.request
    if match.calls:
        if called.name not in match.calls and not _asks_for_webhook(match.calls, called.call):
            return False
    elif match.host is None and match.path is None and called.name not in _default_calls(rule.fault):
        return False
    return (
        (match.method is None or match.method == request.method)
        and (match.host is None or _named(request.host, match.host))
        and (match.path is None or _named(request.path, match.path))
        and (match.model is None or _is_model(called.model, match.model))
        and (match.input is None or _has_input(rule, called))
    )


def _default_calls(fault: Fault) -> frozenset[str]:
    """The calls that a rule applies to if it names none."""
    return _MODEL_CALLS | {"status-stream"} if fault.stream is not None and fault.error is None else _MODEL_CALLS


def _asks_for_webhook(names: frozenset[str], call: calls.Call) -> bool:
    return "webhook" in names and isinstance(call, calls.Submit) and bool(call.webhook)


def _named(name: str, pattern: str) -> bool:
    return name == pattern or (is_glob(pattern) and fnmatch.fnmatchcase(name, pattern))


def _is_model(called: str, pattern: str) -> bool:
    """Whether the pattern fits an endpoint id, with or without a `/stream` or `/realtime` at its end."""
    bare = called.removesuffix("/stream").removesuffix("/realtime")
    return _named(called, pattern) or (bare != called and _named(bare, pattern))


def _has_input(rule: Rule, called: CallInfo) -> bool:
    if not isinstance(called.call, _WITH_INPUT):
        return False
    query = inputs.read(called.request, called.model, _unknown)
    if isinstance(query, Reply):
        return False
    return next(value_differences(rule.match.input, query.input, "$", exact=False), None) is None


def _unknown(_: str) -> None:
    """Resolves no URL: the input of a rule names files by their content only."""
