"""Hides secrets among the words of a command line: what is assigned or given to a name that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from falmock.redaction.patterns import HIDDEN

_SECRET = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/?#]*(?=@)|(?<=[?&])([^=&#?]*)=[^&#]*")
"""The user and password in a URL, and its parameters."""


def url_without_secrets(text: str) -> str:
    """A URL without its user, password, and the values of parameters named like secrets."""
    return _IN_URL.sub(_shown_in_url, text)


def _shown_in_url(found: re.Match[str]) -> str:
    if found[1] is None:
        return HIDDEN
    return f"{found[1]}={HIDDEN}" if _SECRET.search(found[1]) else found[0]


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
