"""What a falmock wrote of a job, or read, it need not read again: it is what the bytes say."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.jobs.job import Job
from falmock.engine.shared import forms
from falmock.engine.shared import known_jobs
from falmock.engine.shared.known_jobs import KnownJobs
from unit.engine.shared.test_forms import TEXT
from unit.engine.shared.test_forms import jobs
from unit.engine.some_job import job


@given(jobs(), st.none() | st.builds(forms.Drawn, TEXT, TEXT))
def test_what_is_known_of_bytes_is_what_they_say(made: Job, drawn: forms.Drawn | None) -> None:
    known = KnownJobs()
    data = known.write(made, drawn)
    assert known.read(data) == KnownJobs().read(data) == (made, drawn)
    first, second = known.read(data)[0], known.read(data)[0]
    first.polls += 1
    first.looks = deque([1.0])
    assert second == made


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    reads: list[bytes] = []
    read = forms.job_values

    def counted(data: bytes) -> Any:
        reads.append(data)
        return read(data)

    monkeypatch.setattr(forms, "job_values", counted)
    return reads


def test_bytes_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    here, there = KnownJobs(), KnownJobs()
    data = here.write(job(), None)
    assert here.read(data) == there.read(data) == there.read(data)
    assert len(reads) == 1, "who wrote it did not read it"


def test_a_job_is_not_changed_with_one_of_the_same_bytes() -> None:
    known = KnownJobs()
    written = job()
    data = known.write(written, None)
    written.polls = 9
    written.moves += ((written.state, 1.0),)
    assert known.read(data)[0] == KnownJobs().read(data)[0] != written


def test_only_so_many_and_short_ones_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_jobs, "_JOBS", 2)
    reads = count_reads(monkeypatch)
    known = KnownJobs()
    first, *_ = [known.write(job(name=name), None) for name in "abc"]
    long = known.write(job(name="x" * 5000), None)
    for data in (first, long, long):
        known.read(data)
    assert reads == [first, long, long]
