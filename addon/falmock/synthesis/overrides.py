"""Puts what a fixture says into a made answer."""

from __future__ import annotations

from typing import Any


def merged(value: Any, overrides: Any) -> Any:
    """The value with the overrides in it: objects are merged key by key, everything else is replaced."""
    if not isinstance(value, dict) or not isinstance(overrides, dict):
        return overrides
    both = {key: merged(value[key], each) if key in value else each for key, each in overrides.items()}
    return {**value, **both}
