"""When workers that end are started again."""

from __future__ import annotations

import pytest

from falmock.cli.launch.workers import restarts
from falmock.cli.launch.workers.restarts import PAUSES
from falmock.cli.launch.workers.restarts import STABLE
from falmock.cli.launch.workers.restarts import Restarts


def test_pauses_grow_until_it_is_given_up() -> None:
    record = Restarts()
    assert [record.ended(0.1) for _ in PAUSES] == list(PAUSES)
    assert record.ended(0.1) is None
    assert sorted(PAUSES) == list(PAUSES)


def test_one_that_ran_for_a_while_begins_anew() -> None:
    record = Restarts()
    for _ in PAUSES:
        record.ended(0.1)
    assert record.ended(STABLE) == PAUSES[0]
    assert record.ended(0.1) == PAUSES[1]


@pytest.mark.parametrize(
    ("code", "text"),
    [(1, "with exit code 1"), (0, "with exit code 0"), (-9, "by SIGKILL"), (-15, "by SIGTERM"), (-99, "by signal 99")],
)
def test_how_one_ended(code: int, text: str) -> None:
    assert restarts.how(code) == text


def test_what_is_told() -> None:
    assert restarts.restarted("worker 2", -9, 0.0) == "worker 2 ended by SIGKILL: it is started again"
    assert restarts.restarted("worker 2", 1, 0.5) == "worker 2 ended with exit code 1: it is started again in 0.5 s"
    assert restarts.given_up("worker 2", 1).startswith("worker 2 ended with exit code 1, 6 times in a row")
