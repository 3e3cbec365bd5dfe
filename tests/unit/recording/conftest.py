"""What the tests of the recorder share."""

from __future__ import annotations

import pytest

from unit.recording.exchanges import ObservedTraffic


@pytest.fixture
def observed() -> ObservedTraffic:
    """A recorder and the traffic that it observes."""
    return ObservedTraffic()
