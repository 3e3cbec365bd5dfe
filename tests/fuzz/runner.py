"""Runs targets for a time. A target is a module in `targets/` with `CASES`, a strategy, and `check`, which takes one case.

A case is a Python literal, so that the corpus can hold it. `check` raises whatever it likes for a case that fails.
"""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import NamedTuple

import hypothesis
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import strategies as st

import falmock
from fuzz import corpus
from fuzz.harness import bounded
from fuzz.harness import logged

CHUNK = 200
"""How many cases hypothesis makes in a row, before it starts afresh."""
SHRINKING = 20.0
"""How long (seconds) a case that fails may be made smaller."""
_HERE = Path(__file__).parent
_FALMOCK = Path(falmock.__file__).parent
_OWN = (_HERE / "harness.py", _HERE / "runner.py")
Check = Callable[[Any], None]


class Target(NamedTuple):
    """What is fuzzed: how its cases are made, and what must hold for each."""

    name: str
    cases: st.SearchStrategy[Any]
    check: Check


class Failure(NamedTuple):
    """A case that failed, and how."""

    case: Any
    error: BaseException

    @property
    def origin(self) -> str:
        return origin(self.error)

    @property
    def text(self) -> str:
        return f"{type(self.error).__name__} at {self.origin}: {str(self.error)[:500]}"


class _Over(BaseException):
    """The time is over. Hypothesis passes on what is not an Exception."""


def names() -> list[str]:
    """The names of all targets."""
    folder = Path(__file__).parent / "targets"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def target(name: str) -> Target:
    """The target with this name."""
    module = importlib.import_module(f"fuzz.targets.{name}")
    return Target(name, module.CASES, module.check)


def origin(error: BaseException) -> str:
    """Where an error comes from. Errors with equal origins are one fault.

    It is the innermost line of falmock's, else of the check, with what the message says before its first colon.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    for folder in _FALMOCK, _HERE:
        for frame in reversed(frames):
            path = Path(frame.filename)
            if path.is_relative_to(folder) and path not in _OWN:
                what = str(error).partition(":")[0][:60] if folder is _HERE else ""
                return f"{path.relative_to(folder.parent)}:{frame.lineno} {what}".rstrip()
    return "?"


def check(target: Target, case: Any) -> None:
    """Check one case within the bounds. Raises whatever is wrong."""
    with bounded(), logged():
        target.check(case)


def known(target: Target) -> set[str]:
    """The origins of the faults that the corpus lists as open."""
    return {
        found.origin
        for entry in corpus.entries(target.name)
        if entry.why_open and (found := failure(target, entry.case)) is not None
    }


def failure(target: Target, case: Any) -> Failure | None:
    """How a case fails; None if it passes."""
    try:
        check(target, case)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return Failure(case, error)
    return None


class Run:
    """One target, fuzzed for a time. Faults with an origin in `known` do not count."""

    def __init__(self, target: Target, known: set[str]) -> None:
        self.target = target
        self.known = known
        self.cases = 0

    def go(self, seconds: float) -> Failure | None:
        """Make cases until the time is over (None) or one fails: the smallest that was found."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self._chunk(end)
            if found is not None:
                return found
        return None

    def _chunk(self, end: float) -> Failure | None:
        smallest: Failure | None = None

        @hypothesis.settings(
            max_examples=CHUNK,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        @hypothesis.given(self.target.cases)
        def examine(case: Any) -> None:
            nonlocal smallest, end
            if time.monotonic() > end:
                raise _Over
            self.cases += 1
            found = failure(self.target, case)
            if found is None or found.origin in self.known:
                return
            if smallest is None:
                end = time.monotonic() + SHRINKING
            elif found.origin != smallest.origin:
                return
            if smallest is None or len(repr(case)) <= len(repr(smallest.case)):
                smallest = found
            raise found.error

        try:
            examine()
        except _Over:
            pass
        except Exception:
            if smallest is None:
                raise
        return smallest
