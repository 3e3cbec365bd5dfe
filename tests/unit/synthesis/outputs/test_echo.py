"""Outputs that repeat the input."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.echo import echoing
from unit.synthesis.outputs.schemas import ID


def echo(name: str, schema: Any, given: dict[str, Any], defaults: dict[str, Any] | None = None) -> Any:
    call = Asked(ID, given, {**(defaults or {}), **given}, 1)
    return echoing(None, schema, name, lambda _asked, _at: "made")(call, 0)


@pytest.mark.parametrize(
    ("name", "schema", "given", "expected"),
    [
        ("prompt", {"type": "string"}, {"prompt": " a  cat "}, " a  cat "),
        ("prompt", {"type": "string"}, {"prompt": ""}, ""),
        ("prompt", {"type": "string"}, {"prompt": 5}, "made"),
        ("prompt", {"type": "string"}, {}, "made"),
        ("prompt", {"type": "string"}, {"prompt": None}, "made"),
        ("seed", {"type": "integer"}, {"seed": 2**64}, 2**64),
        ("seed", {"type": "integer"}, {"seed": -1}, "made"),
        ("seed", {"type": "integer"}, {"seed": True}, "made"),
        ("tags", {"type": "array", "items": {"type": "string"}}, {"tags": ["a"]}, ["a"]),
        ("tags", {}, {"tags": [["a"]]}, "made"),
        ("tags", {}, {"tags": [0] * 1001}, "made"),
        ("file", {}, {"file": {"url": "x"}}, "made"),
        ("file", {}, {"file": b"x"}, "made"),
        ("tags", {}, {"tags": {"a"}}, "made"),
    ],
)
def test_what_is_repeated(name: str, schema: Any, given: dict[str, Any], expected: Any) -> None:
    assert echo(name, schema, given) == expected


def test_what_is_not_given_is_the_default() -> None:
    assert echo("steps", {"type": "integer"}, {}, {"steps": 28}) == 28
    assert echo("steps", {"type": "integer"}, {"steps": "x"}, {"steps": 28}) == "made"
