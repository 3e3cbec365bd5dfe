"""Takes secrets out of fixtures: of those about to be written, and of those that exist already."""

from __future__ import annotations

from typing import Any

from falmock.redaction.redactor import Redactor

_TOLD = ("queue", "recorded", "stream", "realtime")


def scrubbed(entry: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """An entry of a fixture file without the secrets in it; the entry itself where it holds none.

    What is matched becomes a matcher that tomorrow's value meets, so the fixture still answers the same call.
    """
    new = {key: _part(key, value, redactor) for key, value in entry.items()}
    return entry if all(new[key] is entry[key] for key in entry) else new


def _part(key: str, value: Any, redactor: Redactor) -> Any:
    if key == "match" and isinstance(value, dict) and isinstance(value.get("input"), dict):
        expected = redactor.expected(value["input"])
        return value if expected is value["input"] else {**value, "input": expected}
    if key == "response" or key in _TOLD or key.startswith("_"):
        return redactor.value(value)
    return value
