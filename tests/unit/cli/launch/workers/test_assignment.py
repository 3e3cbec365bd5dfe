"""What a worker is told."""

from __future__ import annotations

import os

import pytest

from falmock.cli.launch.workers import assignment
from falmock.cli.launch.workers.assignment import Assignment
from falmock.serving import starter


@pytest.mark.parametrize(
    "told",
    [
        Assignment(
            2,
            100,
            "unix:///a",
            addresses=(("127.0.0.1", 80), ("::1", 80, 0, 0)),
            is_first=True,
            is_held=True,
            activity=7,
        ),
        Assignment(1, 100, "memory", descriptors=(5, 6)),
    ],
)
def test_it_comes_as_it_was_told(told: Assignment) -> None:
    environment = {starter.WORKER: told.as_text(), "OTHER": "x"}
    assert assignment.taken(environment) == told
    assert environment == {"OTHER": "x"}


def test_who_is_no_worker() -> None:
    assert assignment.taken({}) is None
    assert Assignment(3, 1, "memory").mark == "[3] "


@pytest.mark.parametrize(("sent", "may_begin"), [(assignment.GO, True), (b"", False)])
def test_one_that_is_held(sent: bytes, may_begin: bool) -> None:  # noqa: FBT001
    reading, writing = os.pipe()
    os.write(writing, sent)
    os.close(writing)
    assert Assignment(2, 1, "memory", is_held=True).wait({starter.READY: str(reading)}) is may_begin
    os.close(reading)
    assert not Assignment(2, 1, "memory", is_held=True).wait({starter.READY: str(reading)})
    assert Assignment(2, 1, "memory").wait({})
