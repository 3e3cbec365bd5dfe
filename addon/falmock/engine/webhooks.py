"""The agenda of webhooks: which deliveries are due, what they carry, and what follows from how they were answered.

A delivery waits for its job to be over, however that comes about, and is then tried until it is taken or given up. It is
tried again only after the attempt before has ended.
"""

from __future__ import annotations

import fnmatch
import heapq
from dataclasses import dataclass
from typing import NamedTuple
from typing import Protocol

from falmock.engine import replies
from falmock.engine.answers import Answers
from falmock.engine.effects import FileBody
from falmock.engine.effects import Reply
from falmock.engine.jobs import Job
from falmock.engine.journal import Entry
from falmock.engine.journal import Journal
from falmock.engine.pace import Kind
from falmock.engine.pace import Pace
from falmock.wire import webhook
from falmock.wire.lifecycle import State
from falmock.wire.message import Header
from falmock.wire.webhook import Outcome
from falmock.wire.webhook import Policy
from falmock.wire.webhook import Target

HEAD_START = 0.1
"""Seconds from a submit to the first delivery at least: an app has to know a request id before it is told of it."""
HURRIED = 1000.0
"""How much faster than fal deliveries are tried again at a pace that is not the recorded one, or a multiple of it."""
HURRIED_TIMEOUT, SHORTEST_TIMEOUT = 5.0, 1.0
"""Seconds that an answer may take at such a pace, and at least at any."""


class NoKey(Exception):
    """There is no key to sign with; the text says which file is wrong, and what to do."""


class Edge(Protocol):
    """What the agenda needs of the world."""

    def public_key(self) -> bytes:
        """The 32 bytes of the ED25519 key that `sign` signs by. Raises NoKey."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of a signature. Raises NoKey."""

    def read(self, body: FileBody) -> bytes:
        """A body that is on disk. Raises OSError."""

    def changed(self) -> None:
        """Something may be due earlier than `next` told."""

    def warn(self, text: str) -> None:
        """People should know of this."""


class Plan(NamedTuple):
    """How often a webhook is delivered, and how: once for each of `delays` (seconds after the job's end), never for none.

    `forged` has it signed by a signature that does not hold.
    """

    delays: tuple[float, ...] = (0.0,)
    forged: bool = False


ONCE = Plan()


class Post(NamedTuple):
    """An attempt to be made now. `key` names the delivery; `timeout` is in seconds."""

    key: int
    request_id: str
    attempt: int
    tries: int
    target: Target
    headers: tuple[Header, ...]
    body: bytes
    timeout: float


class Verdict(NamedTuple):
    """What follows from an attempt, and how to say so."""

    outcome: Outcome
    text: str


@dataclass(slots=True)
class _Delivery:
    """One delivery. `due` is when it is to be looked at (seconds since the epoch), None while something else comes first."""

    job: Job
    journal: Journal
    target: Target
    policy: Policy
    delay: float
    forged: bool
    attempt: int = 0
    due: float | None = None


class Agenda:
    """The webhooks of all scopes, at most `fal_max_jobs` of them undelivered."""

    def __init__(self, answers: Answers) -> None:
        self.edge: Edge | None = None
        """Set by an edge that posts: without one there are no webhooks."""
        self.used = False
        """Whether a webhook was ever registered here."""
        self._answers = answers
        self._open: dict[int, _Delivery] = {}
        self._waiting: dict[str, list[int]] = {}
        self._dates: list[tuple[float, int]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    # what is to be posted

    def check(self, target: Target, now: float) -> Reply | None:
        """Why a submit with this webhook is refused; None when it is not."""
        if self.edge is None or self.undelivered(target) is not None:
            return None
        limit = self._answers.config.max_jobs
        if len(self._open) >= limit:
            self._forget_lost(now)
        if len(self._open) >= limit:
            message = f"falmock holds {limit} webhooks that are not delivered yet: answer some with 2xx, or raise fal_max_jobs"
            return replies.problem(507, message, "too many undelivered webhooks")
        try:
            self.edge.public_key()
        except NoKey as error:
            return replies.problem(500, str(error), "webhooks cannot be signed")
        return None

    def undelivered(self, target: Target) -> str | None:
        """Why nothing is posted to this target, in a few words; None when it is."""
        config = self._answers.config
        if config.hosts.claims(target.host, target.path):
            return f"{target.host} is a host of fal's"
        if config.webhook_hosts and not any(fnmatch.fnmatchcase(target.host, glob) for glob in config.webhook_hosts):
            return f"{target.host} is not among fal_webhook_hosts"
        return None

    def register(self, job: Job, journal: Journal, target: Target, plan: Plan = ONCE) -> str:
        """Follow a new job, and post to `target` when it is over; `journal` is its scope's. What comes of it, in a few words."""
        why = self.undelivered(target)
        if self.edge is None or why is not None:
            text = f"fal_webhook is not delivered: {why or 'nothing here posts'}"
            if self.edge is not None:
                self.edge.warn(f"job {job.request_id}: {text}")
            return text
        self.used = True
        policy = policy_for(self._answers.config.pace)
        for delay in plan.delays:
            self._count += 1
            delivery = self._open[self._count] = _Delivery(job, journal, target, policy, delay, plan.forged)
            if job.ended is None:
                self._waiting.setdefault(job.request_id, []).append(self._count)
            self._schedule(self._count, _first(delivery))
        self.edge.changed()
        return f"fal_webhook goes to {target.host}"

    def ended(self, job: Job) -> None:
        """A job is over, whatever ended it."""
        keys = self._waiting.pop(job.request_id, ())
        for key in keys:
            delivery = self._open[key]
            self._schedule(key, _first(delivery))
        if keys and self.edge is not None:
            self.edge.changed()

    def forget(self, journal: Journal) -> None:
        """Post nothing more of the jobs of the scope that this journal is of, but for what is under way."""
        for key, delivery in list(self._open.items()):
            if delivery.journal is journal and (delivery.due is not None or delivery.attempt == 0):
                self._waiting.pop(delivery.job.request_id, None)
                del self._open[key]

    def next(self) -> float | None:
        """When something is due next (seconds since the epoch); None while nothing is."""
        dates = self._dates
        while dates and not self._stands(*dates[0]):
            heapq.heappop(dates)
        return dates[0][0] if dates else None

    def due(self, now: float, most: int = 1000) -> list[Post]:
        """The attempts to be made at `now`, at most so many; of each `posted` is to be told how it went."""
        posts: list[Post] = []
        while len(posts) < most and (when := self.next()) is not None and when <= now:
            _, key = heapq.heappop(self._dates)
            delivery = self._open[key]
            delivery.due = None
            delivery.job.advance(now)
            if delivery.job.ended is None:
                continue  # `ended` will tell
            first = _first(delivery)
            if first is not None and first > now and delivery.attempt == 0:
                self._schedule(key, first)
                continue
            posts.append(self._post(key, delivery, now))
        return posts

    def _schedule(self, key: int, when: float | None) -> None:
        self._open[key].due = when
        if when is not None:
            heapq.heappush(self._dates, (when, key))

    def _stands(self, when: float, key: int) -> bool:
        delivery = self._open.get(key)
        return delivery is not None and delivery.due == when

    def _forget_lost(self, now: float) -> None:
        """Drop the deliveries of jobs that will never be over: their time in the queue is up, and nobody asks for them."""
        ttl = self._answers.config.job_ttl
        for request_id, keys in list(self._waiting.items()):
            job = self._open[keys[0]].job
            if all(self._open[key].due is None for key in keys) and now - job.touched > ttl:
                del self._waiting[request_id]
                for key in keys:
                    del self._open[key]

    def _post(self, key: int, delivery: _Delivery, now: float) -> Post:
        delivery.attempt += 1
        self._waiting.pop(delivery.job.request_id, None)
        request_id, policy = delivery.job.request_id, delivery.policy
        body = self._body(delivery.job)
        timestamp = int(now)
        message = webhook.signed_message(request_id, timestamp, body)
        signature = self._edge.sign(message)
        if delivery.forged:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        headers = webhook.headers(delivery.target, request_id, timestamp, signature)
        timeout = policy.timeout_of(delivery.attempt)
        return Post(key, request_id, delivery.attempt, policy.tries, delivery.target, headers, body, timeout)

    def _body(self, job: Job) -> bytes:
        reply = self._answers.outcome(job)
        content_type = next((value.decode() for name, value in reply.headers if name.lower() == b"content-type"), "")
        content = reply.body
        if isinstance(content, FileBody):
            try:
                content = self._edge.read(content) if "json" in content_type.lower() else b""
            except OSError as error:
                self._edge.warn(f"the result of job {job.request_id} cannot be read for its webhook: {error}")
                content = b""
        return webhook.body(job.request_id, reply.status, webhook.payload(content_type, content))

    @property
    def _edge(self) -> Edge:
        if self.edge is None:
            raise RuntimeError("webhooks are posted by an edge")
        return self.edge

    # how it went

    def posted(self, key: int, status: int | None, problem: str, now: float) -> Verdict:
        """An attempt has ended, answered with `status` or not at all (None): `problem` says why in a few words."""
        delivery = self._open[key]
        policy, attempt = delivery.policy, delivery.attempt
        outcome = webhook.judge(policy, attempt, status)
        said = f"status {status}" if status is not None else problem
        if outcome is Outcome.AGAIN:
            wait = policy.wait_after(attempt)
            self._schedule(key, now + wait)
            text = f"attempt {attempt} of {policy.tries}: {said}; again in {wait:.3g} s"
        else:
            del self._open[key]
            text = _last_words(outcome, attempt, said, status)
        text = f"webhook of job {delivery.job.request_id}: {text}"
        target = delivery.target
        path = target.path.partition("?")[0]
        entry = Entry(now, "POST", target.host, path, status, delivery.job.fixture, text, None)
        entry = entry._replace(job=delivery.job.request_id, kind="webhook")
        delivery.journal.add(entry)
        return Verdict(outcome, text)

    # the keys

    def keys(self, *, head: bool) -> Reply:
        """The document with the key that signatures are verified by."""
        if self.edge is None:
            return replies.problem(501, "Nothing here signs webhooks", "no webhook keys")
        try:
            document = webhook.key_set(self.edge.public_key())
        except NoKey as error:
            return replies.problem(500, str(error), "no webhook keys")
        # Verifiers are told to keep it for 24 hours at most.
        reply = replies.json_reply(200, document, "webhook keys", (b"Cache-Control", b"public, max-age=86400"))
        return reply._replace(body=b"", length=len(reply.body)) if head and isinstance(reply.body, bytes) else reply


def policy_for(pace: Pace) -> Policy:
    """How deliveries are tried at a pace: as documented at the recorded one, faster at others."""
    documented = Policy()
    if pace.kind is not Kind.SCALED:
        return Policy(
            documented.tries,
            HURRIED_TIMEOUT,
            HURRIED_TIMEOUT,
            documented.first_wait / HURRIED,
            documented.longest_wait / HURRIED,
        )
    return Policy(
        documented.tries,
        max(SHORTEST_TIMEOUT, documented.first_timeout / pace.value),
        max(SHORTEST_TIMEOUT, documented.timeout / pace.value),
        documented.first_wait / pace.value,
        documented.longest_wait / pace.value,
    )


def _first(delivery: _Delivery) -> float | None:
    """When a job is over and its delivery due, as far as the clock tells; None where only polls or a cancel end the job."""
    job = delivery.job
    over = job.ended if job.ended is not None else _ends(job)
    return None if over is None else max(over + delivery.delay, job.submitted + HEAD_START)


def _ends(job: Job) -> float | None:
    """When the clock ends a job that is under way (seconds since the epoch); None when it does not."""
    if job.awaits_cancel or job.held:
        return None
    if job.schedule.by_polls:
        return job.submitted + job.deadline + 1e-6 if job.state is State.QUEUED else None
    return job.moments(job.submitted)[-1]


def _last_words(outcome: Outcome, attempt: int, said: str, status: int | None) -> str:
    if outcome is Outcome.DELIVERED:
        return f"delivered ({said})" if attempt == 1 else f"delivered at attempt {attempt} ({said})"
    if status is not None and status < 400:
        return f"given up: {said}, and fal does not follow redirects"
    return f"given up after {attempt} attempts: {said}"
