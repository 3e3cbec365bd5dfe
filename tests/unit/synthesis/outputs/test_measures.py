"""Numbers that say how long what was made is."""

from __future__ import annotations

import pytest

from falmock.synthesis.outputs import measures
from unit.synthesis.outputs.schemas import asked


@pytest.mark.parametrize(
    ("name", "sound", "expected"),
    [
        ("duration", False, 8),
        ("duration", True, 8),
        ("duration_ms", True, 8000),
        ("duration_ms", False, 8000),
        ("fps", False, 16),
        ("num_frames", False, 128),
    ],
)
def test_a_measure(name: str, *, sound: bool, expected: float) -> None:
    measure = measures.of(name, sound=sound)
    assert measure is not None
    assert measure(asked({"duration": "8s", "fps": 16})) == expected


def test_what_is_no_measure() -> None:
    assert measures.of("fps", sound=True) is None
    assert measures.of("seed", sound=False) is None
