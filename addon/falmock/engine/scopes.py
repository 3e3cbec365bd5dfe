"""Scopes: the state of one test or worker in the mock, isolated from others."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping

from falmock.engine.files.registry import Assets
from falmock.engine.injected_fault import FaultCounts
from falmock.engine.jobs.job import Job
from falmock.engine.jobs.job import WebhookAttempt
from falmock.engine.jobs.table import Jobs
from falmock.engine.journal import Journal
from falmock.engine.journal import JournalEntry
from falmock.engine.totals import Totals
from falmock.fixtures.format.fault_answer import answer_of
from falmock.fixtures.model import Answer
from falmock.redaction.redactor import Redactor

HEADER = "x-falmock-scope"
"""The request header that names a scope."""
HEADERS = (HEADER, "x-test-id")
"""The headers that name a scope: falmock's and aimock's."""
MAX_NAME = 200
_DIGITS = 16
_SPARE_ANSWERS = 100


def shortened(name: str) -> str:
    """A scope name of at most MAX_NAME characters: a longer one is cut and ends in a digest, since names may differ only at the end."""
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{name[: MAX_NAME - _DIGITS - 1]}~{digest}"


def named(headers: Mapping[str, str], user: str = "") -> str:
    """The scope of a request, "" for the shared one; `user` is the user name that it sent to the proxy.

    `headers` has lower-case names.
    """
    for header in HEADERS:
        name = headers.get(header, "").strip()
        if name:
            return shortened(name)
    return shortened(user)


class Scope:
    """One isolated set of jobs, sequence counts, journal and fault counts.

    `calls` counts the calls of each match. `answers` are the results of its jobs, by digest.

    `assets` are the uploaded files, which all scopes share: a URL names its content, so it is the same for all.
    """

    def __init__(
        self,
        max_jobs: int,
        job_ttl: float,
        redactor: Redactor,
        assets: Assets | None = None,
        name: str = "",
        totals: Totals | None = None,
    ) -> None:
        self.name = name
        self.redactor = redactor
        self.jobs = Jobs(max_jobs, job_ttl)
        self.answers: dict[str, Answer] = {}
        self.calls: Counter[str] = Counter()
        if assets is None:
            assets = Assets()
            assets.made.hide = redactor.text
        self.assets = assets
        self.journal = Journal(redactor, totals=totals, scope=name)
        self.faults = FaultCounts()

    def answer_of(self, job: Job) -> Answer:
        """The result of a job that ends by itself."""
        return self.answers[job.answer] if job.failure is None else answer_of(job.failure, job.app, job.path)

    def load_answers(self, jobs: Iterable[Job]) -> None:
        """Have the results of these jobs at hand: they are looked at next."""

    def note_webhook(self, entry: JournalEntry) -> None:
        """Note an attempt to post the webhook of a job; `entry` is that of the journal."""
        job = self.jobs.peek(entry.job)
        if job is not None and job.webhook is not None:
            job.webhook.attempts.append(WebhookAttempt(entry.at, entry.status, entry.why))
            self.jobs.note(job)

    def note_submit(self, request_id: str) -> None:
        """Note that the last call in the journal made a job."""
        job = self.jobs.peek(request_id)
        if job is not None:
            job.journal, job.number = self.journal.begun, self.journal.total

    def keep_answer(self, digest: str, answer: Answer) -> None:
        """Keep the result of a job that is about to be added; each of its own may differ, so now and then others go."""
        if len(self.answers) > 2 * len(self.jobs) + _SPARE_ANSWERS:
            self.forget_answers()
        self.answers[digest] = answer

    def forget_answers(self) -> None:
        """Drop the answers that no job of the scope uses."""
        used = {job.answer for job in (*self.jobs, *self.jobs.ended)}
        self.answers = {digest: answer for digest, answer in self.answers.items() if digest in used}

    def restart_counts(self, names: Iterable[str]) -> None:
        """Count the calls of these matches anew."""
        for name in names:
            self.calls.pop(name, None)

    def clear(self) -> None:
        """Forget the state of this scope; shared files stay."""
        self.jobs.clear()
        self.answers.clear()
        self.calls.clear()
        self.journal.clear()
        self.faults.clear()
