"""A scope: one isolated set of jobs, sequence counts, uploads, journal and counts of faults."""

from __future__ import annotations

from collections import Counter

from falmock.engine.assets import Assets
from falmock.engine.faults import Tally
from falmock.engine.jobs import Jobs
from falmock.engine.journal import Journal
from falmock.fixtures.redaction import Redactor


class Scope:
    """Everything that a run of an app leaves behind in the mock. `calls` counts the answers of each match."""

    def __init__(self, max_jobs: int, job_ttl: float, redactor: Redactor) -> None:
        self.redactor = redactor
        self.jobs = Jobs(max_jobs, job_ttl)
        self.calls: Counter[str] = Counter()
        self.assets = Assets()
        self.journal = Journal(redactor)
        self.faults = Tally()
