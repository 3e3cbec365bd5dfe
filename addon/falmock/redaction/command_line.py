"""Hides secrets among the words of a command line: what is assigned or given to a name that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from falmock.redaction.patterns import HIDDEN

_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)


def hidden(words: Iterable[str]) -> list[str]:
    """The words, without the values in `API_KEY=value`, `--token=value` and `--token value`."""
    shown: list[str] = []
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        names_secret = _SECRET.search(name) is not None
        if is_value and not word.startswith("-"):
            shown.append(HIDDEN)
        else:
            shown.append(f"{name}={HIDDEN}" if equals and names_secret else word)
        is_value = names_secret and not equals and word.startswith("-")
    return shown
