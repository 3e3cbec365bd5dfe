from __future__ import annotations

import pytest

from falmock.proxy import options
from falmock.proxy.options import BadOption


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"fal_max_jobs": 5}, {"fal_max_jobs": ["5"]}),
        ({"fal_mode": True}, {"fal_mode": ["True"]}),
        ({"fal_fixtures": ["a", 1]}, {"fal_fixtures": ["a", "1"]}),
        ({"fal_mode": None}, {"fal_mode": []}),
        ({"fal_mode": {"a": 1}}, {"fal_mode": ["{'a': 1}"]}),
        ({"fal_other": 5, "mode": 5}, {}),
    ],
)
def test_values_of_a_config_file_become_sequences(given: dict[str, object], taken: dict[str, list[str]]) -> None:
    assert options.as_sequences(given) == taken


def test_unknown_names_of_ours_are_told() -> None:
    options.check_names(["mode", "falcon", "fal_mode"])
    with pytest.raises(BadOption, match="fal_pase, did you mean 'fal_pace'"):
        options.check_names(["fal_pase"])
