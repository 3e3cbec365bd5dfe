"""Numbers as clients write them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.outputs.numbers import first_number
from falmock.synthesis.outputs.numbers import number_of


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0),
        (2.5, 2.5),
        ("5", 5.0),
        ("8s", 8.0),
        ("10 seconds", 10.0),
        ("2.5", 2.5),
        ("-1", -1.0),
        ("auto", None),
        ("", None),
        ("5:4", None),
        (True, None),
        (None, None),
        ([5], None),
        (math.nan, None),
        (math.inf, 1e15),
        (10**400, 1e15),
        (-(10**400), -1e15),
        ("9" * 100, None),
    ],
)
def test_a_number(value: Any, expected: float | None) -> None:
    assert number_of(value) == expected


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary())
def test_anything_is_a_bounded_number_or_none(value: Any) -> None:
    number = number_of(value)
    assert number is None or -1e15 <= number <= 1e15


def test_the_first_positive_number_counts() -> None:
    assert first_number({"a": None, "b": 0, "c": "auto", "d": "3", "e": 4}, ("a", "b", "c", "d", "e")) == 3
    assert first_number({"a": -1}, ("a", "b")) is None
