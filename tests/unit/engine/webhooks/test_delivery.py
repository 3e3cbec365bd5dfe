from __future__ import annotations

from collections.abc import Sequence

import pytest

from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks.delivery import policy_for

JWKS = "/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("pace", "timeouts", "waits"),
    [
        ("recorded", (15, 120), (15, 300)),
        ("x10", (3, 12), (1.5, 30)),
        ("x1000", (3, 3), (0.015, 0.3)),
        ("x0.5", (30, 240), (30, 600)),
        ("instant", (5, 5), (0.015, 0.3)),
        ("3s", (5, 5), (0.015, 0.3)),
        ("polls:1,2", (5, 5), (0.015, 0.3)),
    ],
)
def test_the_pace_shortens_waits_and_timeouts(pace: str, timeouts: Sequence[float], waits: Sequence[float]) -> None:
    policy = policy_for(parse_pace(pace))
    assert (policy.timeout_of(1), policy.timeout_of(2)) == pytest.approx(timeouts)
    assert (policy.wait_after(1), policy.wait_after(31)) == pytest.approx(waits)
    assert policy.tries == 31
