"""The jobs of one scope in a store: the same table as `engine.jobs.table`, of which a call sees what it needs.

A job that a clock moves is a function of the time: it is written when it is submitted, and read after. Only what moves it
otherwise is written: its first look, a cancel, polls at a pace by polls, the control API.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial

from falmock.engine.injected_fault import InjectedFault
from falmock.engine.injected_fault import SeededRandom
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.table import Jobs
from falmock.engine.jobs.table import TooManyJobs
from falmock.engine.shared import forms
from falmock.engine.shared.behind import DAY
from falmock.engine.shared.behind import Item
from falmock.engine.shared.needs import Bounds
from falmock.engine.shared.needs import Entries
from falmock.engine.shared.needs import Ranged
from falmock.engine.shared.place import Place
from falmock.fixtures.fault import Fault
from falmock.wire.lifecycle import State

FaultOf = Callable[[str], Fault | None]
"""The fault of the fixture with a label; None if it has none, or is not known here."""
KeepAnswer = Callable[[Job, float], None]
"""Keeps the answer of a new job for so many seconds."""
_NEVER = float("inf")
_CHANGES = 2000
"""How many changes of jobs are kept for those who listen."""
_DROPPED = 200
"""The part of all jobs that is dropped at once when there are too many is one in so many."""
_LONGER = 1.0
"""How much longer (seconds) a job is kept than it is shown: whether it is past is decided here, not by the store."""


class SharedJobs(Jobs):
    """See Jobs. `fault_of` resolves the faults of jobs, which are kept by the label of their fixture.

    `keep_answer` is told of each new job.
    """

    def __init__(self, place: Place, limit: int, ttl: float, fault_of: FaultOf, keep_answer: KeepAnswer) -> None:
        self._place = place
        self._fault_of = fault_of
        self._keep_answer = keep_answer
        self._note = f"ended {place.scope}"
        super().__init__(limit, ttl)

    @property
    def ended(self) -> list[Job]:
        """The jobs that ended in this transaction otherwise than by the clock, or that the clock ends at another time now."""
        if not self._place.is_deciding:
            return []
        ended: list[Job] = self._place.transaction.notes.setdefault(self._note, [])
        return ended

    @ended.setter
    def ended(self, _: list[Job]) -> None:
        """Begin anew."""
        if self._place.is_deciding:
            self._place.transaction.notes.pop(self._note, None)

    # what is kept

    @property
    def _index(self) -> str:
        """The sorted set of all jobs: their ids by the time at which each may be forgotten."""
        return self._place.key("jobs")

    def _key(self, request_id: str) -> str:
        places = self._place.transaction.places
        start = places.get(self)
        if start is None:
            start = places[self] = self._place.start("job")
        return f"{start}{request_id}"

    def _read(self, data: bytes) -> Job:
        job, drawn = self._place.known_jobs.read(data)
        fault = None if drawn is None else self._fault_of(drawn.fixture)
        if drawn is not None and fault is not None:
            job.injected = InjectedFault(fault, drawn.fixture, SeededRandom.of_key(drawn.key))
        return job

    def _changed_now(self, job: Job) -> None:
        """Note that a job is to be written at the end of the transaction."""
        key, transaction = self._key(job.request_id), self._place.transaction
        is_new = f"new {key}" in transaction.notes
        transaction.at_the_end(key, partial(self._write, job, is_new=is_new))

    def _write(self, job: Job, *, is_new: bool) -> None:
        transaction, key = self._place.transaction, self._key(job.request_id)
        drawn = None if job.injected is None else forms.Drawn(job.injected.source, job.injected.rng.key)
        data, until = self._place.known_jobs.write(job, drawn), self._kept_until(job)
        ttl = until - transaction.now + _LONGER
        if is_new:
            transaction.create(key, data, ttl)
            if job.unseen:
                transaction.awaited[key] = data  # the first look writes it
            self._keep_answer(job, ttl)
        else:
            transaction.put(key, data, ttl)
        transaction.score(self._index, job.request_id.encode(), until)
        transaction.keep(key, job)
        self._tell_change(job.request_id)

    def _tell_change(self, request_id: str) -> None:
        """Note for those who listen, at whichever falmock, that a job has changed."""
        transaction = self._place.transaction
        item = Item(self._changes, request_id.encode(), transaction.now, _CHANGES, max(self._place.ttl, DAY))
        transaction.later(partial(self._place.behind.put, item))

    # what has changed

    @property
    def _changes(self) -> str:
        """The log of the ids of jobs that were written."""
        return self._place.key("changes")

    @property
    def changes(self) -> int:
        """See Jobs. Raises NotLoaded."""
        return self._bounds_of_changes()[1]

    @changes.setter
    def changes(self, _: int) -> None:
        """Nothing: the store counts them."""

    def _bounds_of_changes(self) -> tuple[int, int]:
        bounds: tuple[int, int] = self._place.transaction.need(Bounds(self._changes))
        return bounds

    def changed_since(self, change: int) -> list[Job]:
        """See Jobs. Raises NotLoaded."""
        first, last = self._bounds_of_changes()
        if not first - 1 <= change <= last or not change:
            return list(self)
        found = self._place.transaction.need(Entries(self._changes, change, last - change)) if last > change else ()
        return self._of_ids(dict.fromkeys(item.decode() for _, item in found))

    def load_together(self, request_ids: Iterable[str]) -> None:
        """See Jobs. Raises NotLoaded."""
        self._place.transaction.load_together(map(self._key, request_ids))

    def _of_ids(self, ids: Collection[str]) -> list[Job]:
        self.load_together(ids)
        return [job for job in map(self._found, ids) if job is not None]

    def _kept_until(self, job: Job) -> float:
        """When a job may be forgotten (seconds since the epoch), unless it changes before."""
        if job.ended is not None:
            return job.ended + self.ttl
        if job.ends_by_itself:
            return job.moments(job.submitted)[-1] + self.ttl
        if job.unseen:
            return job.submitted + self.ttl
        return max(job.touched, job.submitted) + self.ttl

    def _found(self, request_id: str) -> Job | None:
        return self._place.transaction.value(self._key(request_id), self._read)

    # the table

    def __iter__(self) -> Iterator[Job]:
        now = self._place.transaction.now
        needed = Ranged(self._index, now, _NEVER, self.limit)
        ids = [item.decode() for item, _ in self._place.transaction.need(needed)]
        return iter(self._of_ids(ids))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def note(self, job: Job) -> None:
        """See Jobs."""
        self._changed_now(job)

    def add(self, job: Job, now: float) -> None:
        """See Jobs. That there is room is checked with the commit."""
        job.touched = now
        job.advance(now)
        transaction = self._place.transaction
        if transaction.is_full(self._index, self.limit):
            self._make_shared_room(now)
        else:
            transaction.limit(self._index, self.limit)
        key = self._key(job.request_id)
        transaction.keep(key, job)
        transaction.notes[f"new {key}"] = True
        self._changed_now(job)

    def _make_shared_room(self, now: float) -> None:
        """Drop the jobs that ended first. Raises TooManyJobs, NotLoaded.

        Of many jobs some are dropped at once, so that few submits pay for it.
        """
        most = max(1, self.limit // _DROPPED)
        past = self._past_ones(now, most)
        if not past:
            raise TooManyJobs
        for request_id, job in past[:most]:
            if job is not None and job.ended is None:
                job.look(max(now, job.submitted))
                self.settle(job)
            self._drop(request_id)

    def _past_ones(self, now: float, most: int) -> list[tuple[str, Job | None]]:
        """The jobs that ended first, and what the store has lost of others: of `most` and more, if there are any."""
        place, looked_at = self._place, 2 * most
        while True:
            items = place.transaction.need(Ranged(self._index, now, _NEVER, looked_at))
            ids = [item.decode() for item, _ in items]
            self.load_together(ids)
            jobs = [(request_id, self._found(request_id)) for request_id in ids]
            for _, job in jobs:
                if job is not None:
                    job.advance(now)
            past = [(request_id, job) for request_id, job in jobs if job is None or job.ended is not None or job.unseen]
            if past or len(items) < looked_at:
                return past  # the index has those first that ended first
            looked_at *= 16

    def _drop(self, request_id: str) -> None:
        transaction = self._place.transaction
        transaction.put(self._key(request_id), None, self.ttl, checked=False)
        transaction.forget_end(self._key(request_id))
        transaction.score(self._index, request_id.encode(), None)
        self._tell_change(request_id)

    def note_look(self, job: Job, now: float) -> None:
        """See Jobs. Looks are not kept: the journal has them."""
        self.look(job, now)

    def release(self, job: Job, now: float) -> None:
        """See Jobs."""
        job.held = False
        job.advance(now)
        self.settle(job)
        if job.ended is None:
            self.ended.append(job)  # its webhook is due at another time now

    def all(self, now: float) -> list[Job]:
        """See Jobs."""
        jobs = [job for job in self if not self._is_past(job, now)]
        for job in jobs:
            job.advance(now)
        return sorted(jobs, key=lambda job: (job.submitted, job.request_id))

    def clear(self) -> None:
        """Nothing: a reset begins a new generation."""

    def get(self, request_id: str, now: float) -> Job | None:
        """See Jobs. Raises NotLoaded."""
        job = self._found(request_id)
        if job is None:
            return None
        job.advance(now)
        if self._is_past(job, now):
            return None
        if job.ended is None and not job.ends_by_itself and now - job.touched > self.ttl / 4:
            job.touched = now  # or it would be forgotten while a client polls it
            self._changed_now(job)
        return job

    def peek(self, request_id: str) -> Job | None:
        """See Jobs. Raises NotLoaded."""
        return self._found(request_id)

    def advanced(self, request_id: str, now: float) -> Job | None:
        """See Jobs. Raises NotLoaded."""
        job = self._found(request_id)
        if job is not None:
            job.advance(now)
        return job

    def settle(self, job: Job) -> None:
        """See Jobs."""
        if job.ended is not None and all(job is not ended for ended in self.ended):
            self.ended.append(job)
        self._changed_now(job)

    def queued(self, app: str, now: float) -> int:
        """See Jobs. Raises NotLoaded."""
        return sum(1 for job in self.all(now) if job.app == app and job.state is State.QUEUED and not job.unseen)

    def expire(self, now: float) -> None:
        """Nothing: what is past ends with its time to live."""
