r"""Writes patterns of Python's `re` for the package `regex`, so that both find the same in a text.

The two read some texts differently (`[[:alpha:]]`, `(?:a){e<=1}`, `\h`), and do not agree on which characters are letters
or equal but for their case. So the pattern is written anew from what `re` understood, and each class of characters as those
that `re` finds in it: of ASCII, and of the text that is searched. One difference is left: a reference to a group in a
pattern that ignores case compares as `regex` does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_ASCII = "".join(map(chr, range(128)))
_REPEATS = {sre.MAX_REPEAT: "", sre.MIN_REPEAT: "?", sre.POSSESSIVE_REPEAT: "+"}
_ONE_CHARACTER = {sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY}
_CASE = re.IGNORECASE | re.ASCII
CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
"""How the classes of `re` are written."""
_FEW = 16
"""A repeat of at most so many characters counts as so many ways to match, a longer one as one for each character."""


def longest(tree: Any, flags: int, steps: int) -> int:
    """The length of the longest text that `re` searches in about so many steps at most; -1 if even "" may take more.

    There is no longest one for a pattern whose steps grow with the length alone.
    """
    ways, degree = _sequence(tree)
    if not (tree and tree[0] in _STARTS and not flags & re.MULTILINE):
        degree += 1
    if ways > steps:
        return -1
    return sys.maxsize if degree <= 1 and ways <= _FEW else int((steps / ways) ** (1 / max(degree, 1))) - 1


def parsed(pattern: re.Pattern[str]) -> Any:
    """What `re` understood."""
    return parser.parse(pattern.pattern, 0)


def alphabet_of(text: str) -> str:
    """The characters that a pattern for this text must know: those of ASCII and of the text, in order."""
    return _ASCII if text.isascii() else _ASCII + "".join(sorted(char for char in set(text) if char > "\x7f"))


def translated(tree: Any, flags: int, alphabet: str) -> Any:
    """The pattern of the package `regex` that finds in texts of this alphabet what `re` finds."""
    import regex  # type: ignore[import-untyped]  # it takes a while, and few need it

    names = {number: name for name, number in tree.state.groupdict.items()}
    return regex.compile(_Writer(alphabet, names).sequence(tree, flags))


# how many ways there are to match


_STARTS = ((sre.AT, sre.AT_BEGINNING), (sre.AT, sre.AT_BEGINNING_STRING))
_Ways = tuple[float, int]
"""A number, times a power of the length of the text."""
_ENDLESS: _Ways = (float("inf"), 0)


def _sequence(tree: Iterable[Any]) -> _Ways:
    ways, degree = 1.0, 0
    for node in tree:
        more, higher = _ways(*node)
        ways, degree = ways * more, degree + higher
    return ways, degree


def _ways(kind: Any, argument: Any) -> _Ways:
    if kind in _REPEATS:
        return _repeat(*argument)
    if kind is sre.SUBPATTERN:
        return _sequence(argument[3])
    if kind in {sre.ASSERT, sre.ASSERT_NOT}:
        return _sequence(argument[1])
    if kind is sre.ATOMIC_GROUP:
        return _sequence(argument)
    if kind is sre.BRANCH:
        each = list(map(_sequence, argument[1]))
        return sum(ways for ways, _ in each), max(degree for _, degree in each)
    if kind is sre.GROUPREF_EXISTS:
        each = [_sequence(part or ()) for part in argument[1:]]
        return sum(ways for ways, _ in each), max(degree for _, degree in each)
    return (1, 1) if kind in {sre.GROUPREF, sre.GROUPREF_IGNORE} else (1, 0)


def _repeat(least: int, most: int, item: Any) -> _Ways:
    ways, degree = _sequence(item)
    if len(item) == 1 and item[0][0] in _ONE_CHARACTER:
        return (1, 1) if most > _FEW else (most - least + 1, 0)
    if most > _FEW:
        return _ENDLESS
    return sum(ways**count for count in range(least, most + 1)), degree * most


# writing


class _Writer:
    """Writes for a text with these characters; `names` are those of the groups by their numbers."""

    def __init__(self, alphabet: str, names: dict[int, str]) -> None:
        self._alphabet = alphabet
        self._names = names

    def sequence(self, tree: Iterable[Any], flags: int) -> str:
        """The pattern for nodes one after the other."""
        return "".join(self._node(kind, argument, flags) for kind, argument in tree)

    def _node(self, kind: Any, argument: Any, flags: int) -> str:
        if kind is sre.LITERAL and not flags & re.IGNORECASE:
            return _char(argument)
        if kind in {sre.LITERAL, sre.NOT_LITERAL, sre.IN}:
            return self._class(_python_class(kind, argument), flags)
        if kind is sre.ANY:
            return "(?s:.)" if flags & re.DOTALL else "[^\\n]"
        if kind is sre.AT:
            return self._place(argument, flags)
        if kind in _REPEATS:
            least, most, item = argument
            upper = "" if most is sre.MAXREPEAT else most
            return f"(?:{self.sequence(item, flags)}){{{least},{upper}}}{_REPEATS[kind]}"
        if kind is sre.SUBPATTERN:
            group, added, removed, item = argument
            start = "?:" if group is None else f"?P<{self._names[group]}>" if group in self._names else ""
            return f"({start}{self.sequence(item, _scoped(flags, added, removed))})"
        if kind is sre.BRANCH:
            return f"(?:{'|'.join(self.sequence(each, flags) for each in argument[1])})"
        if kind in {sre.ASSERT, sre.ASSERT_NOT}:
            direction, item = argument
            start = f"?{'<' if direction < 0 else ''}{'=' if kind is sre.ASSERT else '!'}"
            return f"({start}{self.sequence(item, flags)})"
        if kind is sre.GROUPREF:
            return f"(?{'i' if flags & re.IGNORECASE else ''}:\\g<{argument}>)"
        if kind is sre.GROUPREF_EXISTS:
            group, yes, no = argument
            return f"(?({group}){self.sequence(yes, flags)}|{self.sequence(no or (), flags)})"
        if kind is sre.ATOMIC_GROUP:
            return f"(?>{self.sequence(argument, flags)})"
        if kind is sre.FAILURE:
            return "(?!)"
        raise NotImplementedError(f"regular expressions with {kind}")

    def _class(self, text: str, flags: int) -> str:
        found = re.compile(text, (flags & _CASE) | re.DOTALL).findall(self._alphabet)
        return f"[{''.join(_ranges(found))}]" if found else "(?!)"

    def _place(self, kind: Any, flags: int) -> str:
        if kind in {sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY}:
            word = self._class(r"[\w]", flags)
            if kind is sre.AT_BOUNDARY:
                return f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
            nowhere = "" if _EMPTY_HAS_NON_BOUNDARY else r"(?!\A\Z)"
            return f"(?:{nowhere}(?:(?<={word})(?={word})|(?<!{word})(?!{word})))"
        return {
            sre.AT_BEGINNING: r"(?m:^)" if flags & re.MULTILINE else r"\A",
            sre.AT_BEGINNING_STRING: r"\A",
            sre.AT_END: r"(?=\n|\Z)" if flags & re.MULTILINE else r"(?=\n?\Z)",
            sre.AT_END_STRING: r"\Z",
        }[kind]


_EMPTY_HAS_NON_BOUNDARY = re.search(r"\B", "") is not None
"""Since Python 3.14."""


def _python_class(kind: Any, argument: Any) -> str:
    if kind is not sre.IN:
        return f"[{'^' if kind is sre.NOT_LITERAL else ''}{_char(argument)}]"
    return f"[{''.join(_member(*part) for part in argument)}]"


def _member(kind: Any, argument: Any) -> str:
    if kind is sre.NEGATE:
        return "^"
    if kind is sre.LITERAL:
        return _char(argument)
    return CATEGORIES[argument] if kind is sre.CATEGORY else f"{_char(argument[0])}-{_char(argument[1])}"


def _ranges(chars: Iterable[str]) -> Iterable[str]:
    """The members of a class of these characters, which are in order."""
    start, end = -1, -2
    for code in map(ord, chars):
        if code != end + 1:
            if start >= 0:
                yield f"{_char(start)}-{_char(end)}"
            start = code
        end = code
    yield f"{_char(start)}-{_char(end)}"


def _scoped(flags: int, added: int, removed: int) -> int:
    """The flags within a group that adds and removes some; ASCII and UNICODE exclude each other."""
    return (flags | added) & ~(removed | (re.ASCII if added & re.UNICODE else 0))


def _char(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\U{code:08x}"
