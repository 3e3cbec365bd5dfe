"""Finds secrets in texts with named fields: JSON, and forms of several parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from falmock.redaction.patterns import SecretSpan
from falmock.redaction.patterns import is_secret_field
from falmock.redaction.patterns import may_name_secret

# A plus is a space in a form.
_NAME = re.compile(r"([\"'])([\w. -]{1,64})\1[\s+]{0,16}:[\s+]{0,16}")
_ITEM = re.compile(r"[\[\s+,]{0,16}(?:\"((?:[^\"\\]|\\.)*)\"?|'((?:[^'\\]|\\.)*)'?|(-?\d[\d.eE+-]*))", re.DOTALL)
_PART = re.compile(r"form-data;[^\r\n]{0,1000}", re.IGNORECASE)
_PART_NAME = re.compile(r"[;\s]name=\"?([^\"\r\n;]{1,64})")
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_HEADERS = 2000
"""The largest size of the headers of a part (characters)."""


def in_json(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    """The secrets in JSON within a text: `"api_key": "..."`, also in a list. Single quotes count too, as in Python."""
    if ":" not in text or ('"' not in text and "'" not in text):
        return
    done = 0
    for name in _NAME.finditer(text):
        if name.start() >= done and may_name_secret(name[2], names):
            done = name.end()
            is_list = text.startswith("[", done)
            while (item := _ITEM.match(text, done)) is not None:
                done = item.end()
                if is_secret_field(name[2], item[item.lastindex or 1], names):
                    # A number without quotes would no longer be JSON if a text took its place.
                    yield _span(item, name[2])
                if not is_list or not text.startswith((",", " ,"), done):
                    break


def _span(item: re.Match[str], name: str) -> SecretSpan:
    if item[3] is not None:
        return SecretSpan(*item.span(3), name, "null")
    return SecretSpan(*item.span(item.lastindex or 1), name)


def in_parts(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    """The secrets in a form of several parts (`multipart/form-data`) by the names of its fields."""
    if "form-data;" not in text.lower():
        return
    done = 0
    for part in _PART.finditer(text):
        name = _PART_NAME.search(part[0])
        if part.start() < done or name is None or not may_name_secret(name[1], names):
            continue
        head = _BLANK_LINE.search(text, part.end(), part.end() + _HEADERS)
        if head is None:
            continue
        end = text.find("\n--", head.end())
        done = len(text) if end < 0 else end - (text[end - 1] == "\r")
        if is_secret_field(name[1], text[head.end() : done], names):
            yield SecretSpan(head.end(), done, name[1])
