"""Every target: first what once failed, then new cases for a few seconds."""

from __future__ import annotations

import os
from typing import Any

import pytest

from fuzz import corpus
from fuzz import runner

NAMES = runner.names()
SECONDS = float(os.environ.get("FALMOCK_FUZZ_SECONDS", "60")) / len(NAMES)
"""How long new cases are made for each target; all targets together take a minute, or what the variable says."""


def entries() -> list[Any]:
    return [
        pytest.param(
            name,
            entry,
            id=f"{name}-{entry.path.stem}",
            # An entry that passes again fails here, until its mark is removed.
            marks=[pytest.mark.xfail(reason=entry.why_open, strict=True)] if entry.why_open else [],
        )
        for name in NAMES
        for entry in corpus.entries(name)
    ]


@pytest.mark.parametrize(("name", "entry"), entries())
def test_what_once_failed(name: str, entry: corpus.Entry) -> None:
    runner.check(runner.target(name), entry.case)


@pytest.mark.parametrize("name", NAMES)
def test_new_cases(name: str) -> None:
    target = runner.target(name)
    run = runner.Run(target, runner.known(target))
    found = run.go(SECONDS)
    if found is not None:
        path = corpus.write(name, found.case, found.text)
        pytest.fail(f"{found.text}\nThe case is in {path}: mend it, and keep the file.")
    assert run.cases
