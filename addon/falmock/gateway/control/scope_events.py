"""The events of one scope: compares what was told with what is, and tells the difference."""

from __future__ import annotations

import copy
import heapq
from typing import Any
from typing import NamedTuple

from falmock.engine.effects import StreamStep
from falmock.engine.engine import Engine
from falmock.engine.engines import Engines
from falmock.gateway.control import job_view
from falmock.gateway.journal_view import JournalView
from falmock.wire.formats import jsontext
from falmock.wire.formats import sse

EVERY = 0.2
"""Seconds between two comparisons."""
MOST = 100
"""How many calls and how many jobs one step tells: what answers other clients must not wait for long."""
RETRY = 1000
"""After how many milliseconds a client connects again."""
_SPARE = 100


class Place(NamedTuple):
    """How far a client has come: the number of the last call it knows, and the name of its journal ("" for any)."""

    number: int
    journal: str


class Told(NamedTuple):
    """What is new, whether there is more, and the events as they go on from there."""

    known: ScopeEvents
    pieces: tuple[bytes, ...]
    has_more: bool


class ScopeEvents:
    """A `Source` of the events of a scope, which may be new, dropped and made again meanwhile.

    `place` is how far the client has come; None if it begins. What a step with nothing new costs depends neither on how
    many calls nor on how many jobs there are.
    """

    def __init__(self, engines: Engines, scope: str, place: Place | None) -> None:
        self._engines = engines
        self._scope = scope
        self._place = place
        self._journal: str | None = None
        self._number = 0
        self._jobs = _Jobs()
        self._counts = _Counts(engines)
        self._pieces: list[bytes] = []

    def step(self, now: float) -> StreamStep:
        """What is new at `now`."""
        _, pieces, has_more = self.told(now)
        return StreamStep(pieces, now if has_more else now + EVERY)

    def look(self, now: float) -> Told:
        """The same for who may have to look again: nothing changes here, but what is told has what is known then."""
        known = copy.copy(self)
        known.go_apart()
        return known.told(now)

    def go_apart(self) -> None:
        """This is a copy, and goes on by itself."""
        self._jobs, self._counts = copy.copy(self._jobs), copy.copy(self._counts)
        self._jobs.go_apart()
        self._pieces = self._pieces.copy()

    def told(self, now: float) -> Told:
        """What is new at `now`; it is known from now on."""
        engine = self._engines.existing(self._scope)
        if engine is not None:
            engine.scope.journal.read_as_it_is()
        self._follow(engine)
        has_more = engine is not None and (self._tell_calls(engine) | self._tell_jobs(engine, now))
        for name, value in self._counts.changed(engine, self._scope):
            self._say(name, value)
        pieces, self._pieces = tuple(self._pieces), []
        return Told(self, pieces, has_more)

    def _say(self, name: str, value: Any, number: int | None = None) -> None:
        text = self._engines.common.redactor.value(jsontext.dump_shown(value))
        event_id = None if number is None else f"{number}.{self._journal}" if self._journal else str(number)
        self._pieces.append(sse.event(text, name, event_id))

    def _follow(self, engine: Engine | None) -> None:
        """Begin, or begin again with another journal."""
        # The last digit is no 0, so that the whole survives being read as a number.
        name = "" if engine is None else f"{self._engines.run:04d}{engine.scope.journal.begun}1"
        first, total = (1, 0) if engine is None else (engine.scope.journal.first, engine.scope.journal.total)
        if name == self._journal and total >= self._number:
            return
        before, self._journal = self._journal, name
        if before is None:
            self._pieces.append(sse.retry(RETRY))
            self._number = first - 1 if self._place is None else self._place.number
            place = self._place
            if place is not None and (place.journal not in ("", name) or place.number > total):
                self._reset()
            self._say("hello", {"scope": self._scope, "calls": total, "first": first}, self._number)
        elif before:  # of a scope that did not exist nothing was told
            self._reset()

    def _reset(self) -> None:
        self._number = 0
        self._jobs = _Jobs()
        self._say("reset", {}, 0)

    def _tell_calls(self, engine: Engine) -> bool:
        """Tell the new calls; whether there are more."""
        journal = engine.scope.journal
        if journal.total == self._number:
            return False
        lost = journal.first - 1 - self._number
        if lost > 0:
            self._number += lost
            self._say("gap", {"lost": lost}, self._number)
        view = JournalView(engine)
        for number, entry in journal.since(self._number, MOST):
            self._number = number
            call = view.brief(view.told(number, entry), self._scope)
            self._say("call", {**call, "miss": call["miss"] is not None}, number)
        return self._number < journal.total

    def _tell_jobs(self, engine: Engine, now: float) -> bool:
        """Tell the jobs that changed; whether there are more."""
        for value in self._jobs.changed(engine, now):
            self._say("job", value)
        if engine.scope.jobs.ended:
            engine.note_ended()
        return bool(self._jobs.waiting)


class _Jobs:
    """What was told of the jobs of a scope, and when the clock changes those that are not over."""

    def __init__(self) -> None:
        self.waiting: dict[str, None] = {}
        """The request ids of jobs to look at."""
        self._change = 0
        self._looks_at = 0.0
        self._told: dict[str, int] = {}
        self._next: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []
        self._most = _SPARE

    def go_apart(self) -> None:
        """This is a copy, and goes on by itself."""
        self.waiting, self._told, self._next = self.waiting.copy(), self._told.copy(), self._next.copy()
        self._due = self._due.copy()

    def changed(self, engine: Engine, now: float) -> list[dict[str, Any]]:
        """The jobs of which anything shown has changed since they were told, at most MOST."""
        jobs = engine.scope.jobs
        if now >= self._looks_at:
            self._looks_at = now + EVERY
            if jobs.changes != self._change:
                self.waiting.update((job.request_id, None) for job in jobs.changed_since(self._change))
                self._change = jobs.changes
            while self._due and self._due[0][0] <= now:
                self.waiting[heapq.heappop(self._due)[1]] = None
        if not self.waiting:
            return []
        looked_at = list(self.waiting)[:MOST]
        jobs.load_together(looked_at)
        engine.scope.load_answers(job for each in looked_at if (job := jobs.advanced(each, now)) is not None)
        found = [value for request_id in looked_at if (value := self._look(engine, request_id, now)) is not None]
        for request_id in looked_at:
            del self.waiting[request_id]
        if len(self._told) > self._most:
            there = {job.request_id for job in jobs}
            self._told = {each: told for each, told in self._told.items() if each in there}
            self._most = 2 * len(self._told) + _SPARE
        return found

    def _look(self, engine: Engine, request_id: str, now: float) -> dict[str, Any] | None:
        """The job, if anything shown of it has changed."""
        job = engine.scope.jobs.advanced(request_id, now)
        moment = None if job is None else job.next_change(now)
        if moment is None:
            self._next.pop(request_id, None)
        elif moment != self._next.get(request_id):
            self._next[request_id] = moment
            heapq.heappush(self._due, (moment, request_id))
        if job is None:
            self._told.pop(request_id, None)
            return None
        value = job_view.shown(engine, job, now)
        told = hash(jsontext.dump_shown(value))
        if self._told.get(request_id) == told:
            return None
        self._told[request_id] = told
        return value


class _Counts:
    """What else may have changed about a scope: fixtures, faults, assets, scopes and settings."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._told: dict[str, dict[str, Any]] = {}
        self._new: Engine | None = None
        self._made_of: tuple[object, ...] = ()

    def changed(self, engine: Engine | None, scope: str) -> list[tuple[str, dict[str, Any]]]:
        """What was not told before, by the names of the events."""
        seen = self._as_if_new(scope) if engine is None else engine
        config = seen.config
        now: dict[str, dict[str, Any]] = {
            "fixtures": {"count": len(seen.fixtures)},
            "faults": {"count": len(seen.faults)},
            "assets": {"count": len(seen.assets) + seen.scope.assets.count},
            "scopes": {"count": len(self._engines)},
            "settings": {"mode": config.mode.value, "pace": config.pace_text},
        }
        found = [(name, value) for name, value in now.items() if value != self._told.get(name)]
        self._told = now
        return found

    def _as_if_new(self, scope: str) -> Engine:
        """What a scope that does not exist would be."""
        engines = self._engines
        made_of = (engines.files, engines.config, engines.common.fixtures)
        if self._new is None or any(was is not now for was, now in zip(self._made_of, made_of, strict=True)):
            self._new, self._made_of = engines.peek(scope), made_of
        return self._new
