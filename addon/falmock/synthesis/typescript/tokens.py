"""Splits TypeScript declarations into tokens, in a time that grows with their length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

_SPACE = re.compile(r"\s+")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_MARKS = frozenset("{}()[]<>|&;:?,=.*")
_SHOWN = 40


class BadTypes(ValueError):
    """A text is not what this reader knows of TypeScript; `line` and `column` (from 1) are where."""

    def __init__(self, message: str, text: str, position: int) -> None:
        self.line = text.count("\n", 0, position) + 1
        self.column = position - (text.rfind("\n", 0, position) + 1) + 1
        super().__init__(f"line {self.line}, column {self.column}: {message}")


class Kind(Enum):
    """What a token is. A comment is one of documentation (`/** */`); others are left out."""

    NAME = "a name"
    TEXT = "a text"
    NUMBER = "a number"
    MARK = "a mark"
    COMMENT = "a comment"
    END = "the end"


class Token(NamedTuple):
    """A token, and the index of its first character. `text` is the value of a text, and the content of a comment."""

    kind: Kind
    text: str
    position: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, the last of which is the END. Raises BadTypes."""
    position, length = 0, len(text)
    while position < length:
        character = text[position]
        if space := _SPACE.match(text, position):
            position = space.end()
        elif character == "/":
            start = position
            position = _end_of_comment(text, position)
            if text.startswith("/**", start) and position - start > 4:
                yield Token(Kind.COMMENT, text[start + 3 : position - 2], start)
        elif found := _NAME.match(text, position):
            yield Token(Kind.NAME, found[0], position)
            position = found.end()
        elif found := _NUMBER.match(text, position):
            yield Token(Kind.NUMBER, found[0], position)
            position = found.end()
        elif character in "\"'":
            found = _STRING.match(text, position)
            if found is None:
                raise BadTypes("expected the end of a text in this line, found none", text, position)
            yield Token(Kind.TEXT, _unquoted(found[0]), position)
            position = found.end()
        elif character in _MARKS:
            yield Token(Kind.MARK, character, position)
            position += 1
        else:
            raise BadTypes(f"expected TypeScript, found {text[position : position + _SHOWN]!r}", text, position)
    yield Token(Kind.END, "", length)


def _end_of_comment(text: str, start: int) -> int:
    if text.startswith("//", start):
        end = text.find("\n", start)
        return len(text) if end < 0 else end
    end = text.find("*/", start + 2) if text.startswith("/*", start) else -1
    if end < 0:
        raise BadTypes("expected a comment with an end, found none", text, start)
    return end + 2


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    if text[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:  # an escape that JSON does not have
        return inner
