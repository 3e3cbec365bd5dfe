"""Finds what is likely a secret in messages, where hiding too much does no harm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from falmock.redaction.patterns import HIDDEN
from falmock.redaction.patterns import SecretSpan
from falmock.redaction.patterns import is_secret_field

_WORD = re.compile(r"[^\s\"'<>]+")
_SPOKEN = ("Key ", "Bearer ", "Basic ")
_SPOKEN_KEY = re.compile(r"\b(?:Key|Bearer|Basic) ([\w.~+/:-]{8,}=*)")
_ASSIGNED = re.compile(r"\b([\w-]{3,64})=(\"[^\"]+\"|'[^']+'|[^\s,;&\"'<>()\[\]{}]+)")


def likely(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    """The queries of URLs, what follows `Key`, `Bearer` or `Basic`, and `password=...`; `names` as in `is_secret_field`."""
    if "://" in text and "?" in text:
        for word in _WORD.finditer(text):
            start = _query_of(word[0])
            if start >= 0 and word[0][start:] != HIDDEN:
                yield SecretSpan(word.start() + start, word.end(), "query")
    if any(word in text for word in _SPOKEN):
        yield from _spoken(text)
    if "=" in text:
        yield from _assigned(text, names)


def _spoken(text: str) -> Iterator[SecretSpan]:
    for found in _SPOKEN_KEY.finditer(text):
        if len(found[1]) >= 16 or any(char.isdigit() or char == ":" for char in found[1]):
            yield SecretSpan(*found.span(1), "authorization")


def _assigned(text: str, names: frozenset[str]) -> Iterator[SecretSpan]:
    for found in _ASSIGNED.finditer(text):
        start, end = found.span(2)
        if text[start] in "\"'":
            start, end = start + 1, end - 1
        if is_secret_field(found[1], text[start:end], names):
            yield SecretSpan(start, end, found[1])


def _query_of(word: str) -> int:
    """Where the query of a URL begins in a text without spaces; -1 if there is none."""
    place = word.find("?")
    start = 0
    while place >= 0:
        host = word.rfind("://", start, place)
        known = host > 0 and (word[host - 1].isalnum() or word[host - 1] == "_")
        if known and place > host + 3 and "#" not in word[host + 3 : place] and place + 1 < len(word):
            return place + 1
        start = place + 1
        place = word.find("?", start)
    return -1
