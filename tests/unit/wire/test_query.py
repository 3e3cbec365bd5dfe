from __future__ import annotations

import pytest

from falmock.wire.query import PLATFORM_PARAMETERS
from falmock.wire.query import parameters


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", {}),
        ("prompt=a+cat&seed=7", {"prompt": "a cat", "seed": "7"}),
        ("prompt=%C3%A9&empty=&bare", {"prompt": "é", "empty": "", "bare": ""}),
        ("logs=1&fal_webhook=https%3A%2F%2Fa.test%2Fhook", {"logs": "1"}),
    ],
)
def test_the_input_in_a_query(query: str, value: dict[str, str]) -> None:
    assert parameters(query) == value


@pytest.mark.parametrize("name", sorted(PLATFORM_PARAMETERS))
def test_parameters_for_the_platform_are_no_input(name: str) -> None:
    assert parameters(f"{name}=x&a=b") == {"a": "b"}
