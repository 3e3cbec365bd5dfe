from __future__ import annotations

import logging
from itertools import count

import pytest

from falmock.proxy.record.progress import EVERY
from falmock.proxy.record.progress import Progress


def test_a_line_comes_when_it_is_time_and_not_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    times = iter([100.0, 100.0, 99.9 + EVERY, 100.0 + EVERY, 101.0 + EVERY, 100.0 + 3 * EVERY])
    progress, steps = Progress(lambda: next(times)), count(1)
    for _ in range(5):
        progress.step(lambda: f"line {next(steps)}")
    assert [record.message for record in caplog.records] == ["falmock: line 1", "falmock: line 2"]
    assert next(times, None) is None
