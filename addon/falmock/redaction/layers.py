"""Decodes what texts are wrapped in: JSON strings, percent-encoding, base64, hexadecimal digits.

A layer is a whole text with one level of escapes decoded. It knows where each of its characters came from, so that a
secret found in it can be hidden in the text itself.
"""

from __future__ import annotations

import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

DEPTH = 8
"""The largest number of layers that are looked through."""
ENCODED_LENGTH = 24
"""The minimum length of base64 or hexadecimal digits (characters) that are decoded."""

_ESCAPES = re.compile(
    r"(?:\\u[0-9A-Fa-f]{4})+|\\x[0-9A-Fa-f]{2}|\\[\"'/\\bfnrt]|(?:%[0-9A-Fa-f]{2})+",
    re.DOTALL,
)
_SIMPLE = {f"\\{char}": char for char in "\"'/\\"} | {
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
}
_LONG_WORD = re.compile(r"(?<!\S)\S{24}")
# Lines as in e-mails and PEM files, or one run.
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/]{60,80}(?:\r?\n[A-Za-z0-9+/]{2,80})+|[A-Za-z0-9+/_-]{24,})={0,2}"
)
_HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_TO_BASE64 = str.maketrans("-_", "+/", "\r\n=")
_SEPARATOR = re.compile("[/_+-]")
_READABLE = bytes({*range(0x20, 0x7F), *b"\t\r\n", *range(0x80, 0x100)})
_SAMPLE = 20
"""How many digits or bytes tell whether base64 stands for a text."""
_WORDS = 128
"""How far from their beginning digits of base64 may have words in front (characters)."""


class Layer(NamedTuple):
    """A decoded text. The three lists have one item for each escape.

    These are where what it stands for begins and ends in `text`, and the start and end of the escape in the source.
    """

    text: str
    starts: list[int]
    ends: list[int]
    sources: list[tuple[int, int]]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the decoded text is in the source; a part of an escape counts as all of it."""
        first = self._escape_at(start)
        last = self._escape_at(end - 1)
        return (
            self._source_of(start) if first is None else first[0],
            self._source_of(end - 1) + 1 if last is None else last[1],
        )

    def _escape_at(self, place: int) -> tuple[int, int] | None:
        index = bisect_right(self.starts, place) - 1
        return self.sources[index] if index >= 0 and place < self.ends[index] else None

    def _source_of(self, place: int) -> int:
        index = bisect_right(self.starts, place) - 1
        return place if index < 0 else self.sources[index][1] + place - self.ends[index]


def unescaped(text: str) -> Layer | None:
    """A text with one level of the escapes of JSON strings and URLs decoded; None if it has none."""
    if "\\" not in text and "%" not in text:
        return None
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    sources: list[tuple[int, int]] = []
    done = size = 0
    for escape in _ESCAPES.finditer(text):
        start, end = escape.span()
        written = escape[0]
        decoded = _SIMPLE.get(written) or _decoded(written)
        size += start - done
        starts.append(size)
        size += len(decoded)
        ends.append(size)
        sources.append((start, end))
        parts += (text[done:start], decoded)
        done = end
    return Layer("".join((*parts, text[done:])), starts, ends, sources) if parts else None


def _decoded(escape: str) -> str:
    if escape[0] == "%":
        return text_of(bytes.fromhex(escape.replace("%", "")))
    if escape[1] == "u":
        return str(json.loads(f'"{escape}"'))
    return bytes.fromhex(escape[2:]).decode("latin-1")


def text_of(data: bytes) -> str:
    """Bytes as a text."""
    try:
        return data.decode()
    except UnicodeDecodeError:  # Latin-1 has a character for every byte
        return data.decode("latin-1")


def deeper(text: str) -> Iterator[tuple[int, int]]:
    """The part of a text from its first to its last escape, other than backslashes before other characters."""
    places = [escape.span() for escape in _ESCAPES.finditer(text) if escape[0][0] == "%" or escape[0][1] in 'ux"']
    if places:
        yield places[0][0], places[-1][1]


class Encoded(NamedTuple):
    """A part of a text that may be base64 or hexadecimal digits: its start, its end, and the digits."""

    start: int
    end: int
    digits: str


def encoded(text: str) -> Iterator[Encoded]:
    """The parts of a text that may be base64 (of either alphabet) or hexadecimal digits."""
    if len(text) >= ENCODED_LENGTH and _LONG_WORD.search(text):
        for found in _ENCODED.finditer(text):
            if not _ESCAPES.match(text, found.end()):  # else it goes on in the next layer
                yield Encoded(*found.span(), found[0])


def contents(digits: str, *, all_bytes: bool) -> Iterator[tuple[int, bytes]]:
    """What base64 or hexadecimal digits may stand for, and where they begin: a text, or with `all_bytes` other bytes too.

    Words may be in front, with a `/`, `-`, `_` or `+` behind each, as in a path or a form.
    """
    starts = [0, *(found.end() for found in _SEPARATOR.finditer(digits, 0, _WORDS))]
    translated = digits.translate(_TO_BASE64)
    for start in starts:
        end = len(digits) - (len(digits) - start) % 2
        if _HEXADECIMAL.fullmatch(digits, start, end):
            yield start, bytes.fromhex(digits[start:end])
        if (all_bytes and not start) or is_text(_base64(translated[start : start + _SAMPLE])):
            yield start, _base64(translated[start:])


def _base64(digits: str) -> bytes:
    if len(digits) % 4 == 1:  # the last digit alone stands for nothing
        digits = digits[:-1]
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))


def is_text(data: bytes) -> bool:
    """Whether bytes begin like a text."""
    return data[:3].isascii() and not data[:_SAMPLE].translate(None, _READABLE)
