from __future__ import annotations

import pytest

from falmock.wire.formats.timestamps import utc_text


@pytest.mark.parametrize(
    ("at", "precision", "text"),
    [
        (1_752_619_398, "seconds", "2025-07-15T22:43:18Z"),
        (1_752_619_398.75, "seconds", "2025-07-15T22:43:18Z"),
        (1_752_619_398.75, "milliseconds", "2025-07-15T22:43:18.750Z"),
        (0, "seconds", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_as_text(at: float, precision: str, text: str) -> None:
    assert utc_text(at, precision) == text
