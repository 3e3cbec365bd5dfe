from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.overrides import merged


@pytest.mark.parametrize(
    ("value", "overrides", "both"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3, "d": 4}}, {"a": {"b": 1, "c": 3, "d": 4}}),
        ({"images": [1, 2]}, {"images": [3]}, {"images": [3]}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ([1], {"a": 1}, {"a": 1}),
    ],
)
def test_a_made_answer_has_what_the_fixture_says(value: Any, overrides: Any, both: Any) -> None:
    assert merged(value, overrides) == both


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda each: st.dictionaries(st.text(max_size=2), each, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=2), _JSON), st.dictionaries(st.text(max_size=2), _JSON))
def test_nothing_else_changes(value: dict[str, Any], overrides: dict[str, Any]) -> None:
    both = merged(value, overrides)
    assert both.keys() == value.keys() | overrides.keys()
    assert all(both[key] == value[key] for key in value.keys() - overrides.keys())
    assert merged(both, overrides) == both
