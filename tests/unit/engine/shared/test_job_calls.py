"""What the calls in a journal say about jobs."""

from __future__ import annotations

from falmock.engine.jobs.job import LOOKS
from falmock.engine.journal import LIMIT
from falmock.engine.journal import JournalEntry
from falmock.engine.shared.job_calls import JobCalls
from falmock.wire import calls
from falmock.wire import endpoint

ENDPOINT = endpoint.parse("t/e")


def entry(call: calls.Call, at: float = 1.0, fixture: str | None = "a#0", job: str = "") -> JournalEntry:
    return JournalEntry(at, "GET", "queue.fal.run", "/", 200, fixture, "", None, call=call, job=job)


def test_submits_and_looks() -> None:
    found = JobCalls()
    found.add(3, entry(calls.Submit(ENDPOINT, "", ""), job="one"))
    found.add(4, entry(calls.Submit(ENDPOINT, "", "")))  # it was refused
    found.add(5, entry(calls.Status("one", logs=False), 2.0))
    found.add(6, entry(calls.Status("none", logs=False), 2.0, None))  # there is no such job
    found.add(7, entry(calls.Result("one"), 3.0))
    found.add(8, entry(calls.StatusStream("one", logs=False), 4.0))
    found.add(9, entry(calls.Cancel("one"), 5.0))
    found.add(10, entry(calls.Run(ENDPOINT), 6.0))
    assert (found.submits, {name: list(looks) for name, looks in found.looks.items()}) == (
        {"one": 3},
        {"one": [2.0, 3.0, 4.0]},
    )


def test_they_are_bounded() -> None:
    found = JobCalls()
    for number in range(LIMIT + 5):
        found.add(number, entry(calls.Submit(ENDPOINT, "", ""), job=f"{number}"))
    for at in range(LOOKS + 5):
        found.add(1, entry(calls.Result("one"), float(at)))
    assert (len(found.submits), "4" in found.submits, len(found.looks["one"])) == (LIMIT, False, LOOKS)
