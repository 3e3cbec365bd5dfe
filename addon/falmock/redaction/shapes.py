"""Finds secrets by their shapes: those of fal, and the well-known public ones (`known_shapes`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping

from falmock.redaction.known_shapes import BY_END
from falmock.redaction.known_shapes import LENGTH
from falmock.redaction.known_shapes import OTHERS
from falmock.redaction.known_shapes import Left
from falmock.redaction.known_shapes import Shape
from falmock.redaction.patterns import SecretSpan

_SHORTEST = 14
"""The minimum length (characters) of a text with a shape, for a quick check."""
_LONGEST_WORD = 64
"""How much may stand in front of a shape that is glued to a word (characters): more is base64 or the like."""
_LONGEST_GLUED = 256
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_BESIDE = {Left.STRICT: _WORD | frozenset("_-"), Left.WORD: _WORD, Left.GLUED: _WORD}
_GLUE = re.compile(r"[A-Za-z0-9+/_-]*", re.ASCII)
_WEB_TOKEN = re.compile(r"eyJ[\w.-]{17,}", re.ASCII)
_KEY_BEGINS = re.compile(r"-----BEGIN[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----")


def by_shape(text: str) -> Iterator[SecretSpan]:
    """The secrets with a known shape."""
    if len(text) < _SHORTEST:
        return
    for shape in OTHERS:
        if shape.needle in text:
            yield from _of_shape(shape, text)
    for end, shapes in BY_END.items():
        if end in text:
            for shape in _possible(text, end, shapes):
                if shape.needle in text:
                    yield from _of_shape(shape, text)
    if "eyJ" in text and "." in text:
        yield from _web_tokens(text)
    if "-----BEGIN" in text:
        yield from _private_keys(text)


def _possible(text: str, end: str, shapes: Mapping[str, tuple[Shape, ...]]) -> Iterator[Shape]:
    """The shapes that may be in a text: those of a group (by their last characters) whose end is in it."""
    for key in {part[1 - LENGTH :] + end for part in text.split(end)} & shapes.keys():
        yield from shapes[key]


def _of_shape(shape: Shape, text: str) -> Iterator[SecretSpan]:
    for found in shape.pattern.finditer(text):
        begin = found.start() - shape.before
        if _is_free(shape.left, text, begin, found.end()) and (
            shape.check is None or shape.check(text[found.start() + len(shape.needle) : found.end()])
        ):
            start, end = found.span(shape.pattern.groups)
            yield SecretSpan(begin if shape.before else start, end, shape.name)


def _is_free(left: Left | None, text: str, begin: int, end: int) -> bool:
    """Whether what is in front allows a secret to begin there."""
    if left is None or begin == 0 or text[begin - 1] not in _BESIDE[left]:
        return True
    return left is Left.GLUED and end - begin <= _LONGEST_GLUED and _is_word(text, begin)


def _is_word(text: str, end: int) -> bool:
    """Whether what is in front is a word, and not a long run of base64."""
    start = max(0, end - _LONGEST_WORD)
    return start == 0 or _GLUE.fullmatch(text, start, end) is None


def _web_tokens(text: str) -> Iterator[SecretSpan]:
    """JSON Web Tokens: three parts or more with dots between, of which the first is a JSON object in base64."""
    for run in _WEB_TOKEN.finditer(text):
        parts = run[0].split(".")
        place = run.start()
        number = 0
        while number < len(parts) - 2:
            head = _head_of(text, place, place + len(parts[number]))
            if head >= 0 and len(parts[number + 1]) >= 6 and len(parts[number + 2]) >= 3:
                size = 5 if all(len(part) >= 16 for part in parts[number + 3 : number + 5]) else 3
                end = place + len(".".join(parts[number : number + size]))
                yield SecretSpan(head, end, "JSON Web Token")
            else:
                size = 1
            place += len(".".join(parts[number : number + size])) + 1
            number += size


def _head_of(text: str, start: int, end: int) -> int:
    """Where the first part of a token begins in this part of a text; -1 if there is none."""
    place = text.find("eyJ", start, end)
    glued = place
    while place >= 0:
        if place == 0 or text[place - 1] not in _WORD:
            break
        place = text.find("eyJ", place + 1, end)
    if place < 0 <= glued and _is_word(text, glued):
        place = glued
    return place if 0 <= place <= end - 9 else -1


def _private_keys(text: str) -> Iterator[SecretSpan]:
    """Private keys in PEM; one that is cut off goes to the end of the text."""
    done = 0
    while (begin := _KEY_BEGINS.search(text, done)) is not None:
        end = _KEY_ENDS.search(text, begin.end())
        done = len(text) if end is None else end.end()
        yield SecretSpan(begin.start(), done, "private key")
