"""What the runner and the harness find, and that the corpus keeps it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from fuzz import corpus
from fuzz import harness
from fuzz import runner
from fuzz.runner import Run
from fuzz.runner import Target

NUMBERS = st.integers(0, 10_000)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "ROOT", tmp_path)


def target(check: Any, cases: st.SearchStrategy[Any] = NUMBERS) -> Target:
    return Target("test", cases, check)


def small(number: int) -> None:
    assert number < 500, f"too large: {number}"


def test_the_smallest_case_is_found_and_kept() -> None:
    found = Run(target(small), set()).go(60)
    assert found is not None
    assert found.case == 500
    path = corpus.write("test", found.case, found.text)
    assert path.read_text().splitlines()[1:] == ["500"]
    (entry,) = corpus.entries("test")
    assert (entry.path, entry.case, entry.why_open) == (path, 500, "")


def test_a_fault_that_is_known_does_not_count() -> None:
    def check(number: int) -> None:
        small(number)
        assert number != 7, "seven"

    path = corpus.write("test", 501, "too large")
    few = target(check, st.integers(0, 600))
    assert runner.known(few) == set()
    path.write_text(f"# open: numbers may be larger\n{path.read_text()}")
    found = Run(few, runner.known(few)).go(60)
    assert found is not None
    assert found.case == 7


def test_nothing_is_made_when_the_time_is_over() -> None:
    run = Run(target(lambda _: None), set())
    assert run.go(3) is None
    count = run.cases
    assert count > 1
    assert run.go(0) is None
    assert run.cases == count


def test_endless_work_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "CPU_SECONDS", 0.05)

    def loop(_: int) -> None:
        while True:
            pass

    def loop_that_hides_it(_: int) -> None:
        with suppress(Exception):
            loop(0)

    for check in (loop, loop_that_hides_it):
        found = runner.failure(target(check), 0)
        assert found is not None
        assert isinstance(found.error, harness.Unbounded)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "MEMORY", 64 * 1024 * 1024)
    found = runner.failure(target(bytes), 256 * 1024 * 1024)
    assert (found is not None and isinstance(found.error, MemoryError)) is Path("/proc/self/statm").exists()
    assert runner.failure(target(bytes), 1024) is None


def test_an_error_that_is_logged_with_its_traceback_is_a_failure() -> None:
    def check(_: int) -> None:
        try:
            {}["x"]
        except KeyError:
            logging.getLogger("falmock.test").exception("it failed")

    found = runner.failure(target(check), 0)
    assert found is not None
    assert isinstance(found.error, harness.TracebackLogged)


def test_a_conversation_waits_for_nothing_and_ends() -> None:
    async def hours() -> float:
        await asyncio.sleep(10_000)
        return harness.clock()

    async def never() -> None:
        await asyncio.get_running_loop().create_future()

    async def always() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(1000)

    assert harness.run(hours()) == harness.run(hours())
    for endless in (never, always):
        with pytest.raises(harness.Unbounded):
            harness.run(endless())


@pytest.mark.parametrize("case", [b"\x00\xff", "\ud800\n", {"a": [("b", 1.5, None)]}, "x" * 500, [True, 2**70]])
def test_cases_are_kept_as_they_are(case: Any) -> None:
    corpus.write("test", case, "it failed\nin two lines")
    assert [entry.case for entry in corpus.entries("test")] == [case]


def test_what_is_no_literal_is_not_kept() -> None:
    with pytest.raises(ValueError, match="malformed"):
        corpus.write("test", {"a": float("inf")}, "it failed")
    assert corpus.entries("test") == []
