"""The keys that a model's schema knows, and those of an input that it does not: fal ignores them without a word.

Hidden fields are accepted and in no document, so an unknown key is worth a hint, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from falmock.fixtures.suggest import did_you_mean

MAX_TOLD = 10
"""How many unknown keys are told."""
_NESTED = (dict, list)
_LONGEST_NAME = 60
"""Longer keys get no suggestion and are told in part: comparing texts takes time by the square of their length."""


class Keys:
    """What may be in an object or a list. It is filled later than it is made, because schemas can be recursive.

    `names` has the keys of a model, each with what its value may be; None for anything else than a model. `items` is what
    the items of a list or the values of a map may be.
    """

    __slots__ = ("is_open", "items", "names")

    def __init__(
        self, names: dict[str, Known] | None = None, items: Known | None = None, *, is_open: bool = False
    ) -> None:
        self.names = names
        self.items = () if items is None else items
        self.is_open = is_open
        """Whether an object may have any other key."""


Known = tuple[Keys, ...]
"""The alternatives for a value; () for one without keys of its own."""


def may_have_unknown(value: Any, known: Known) -> bool:
    """Whether `unknown` can find anything. It takes a fraction of the time, since each input is looked at."""
    kind = value.__class__
    if kind is dict:
        if len(known) != 1:
            return len(known) > 1
        names = known[0].names
        if names is None or known[0].is_open:
            return True
        if not value.keys() <= names.keys():
            return True
        for name, item in value.items():
            if item.__class__ in _NESTED and (inner := names[name]) and may_have_unknown(item, inner):
                return True
    elif kind is list:
        inner = known[0].items if len(known) == 1 else _once(each for keys in known for each in keys.items)
        if inner:
            for item in value:
                if item.__class__ in _NESTED and may_have_unknown(item, inner):
                    return True
    return False


def unknown(value: Any, known: Known) -> tuple[tuple[str, str], ...]:
    """The path of each key that no alternative knows, and a hint at the key that was meant ("" if none is close).

    They are at most MAX_TOLD.
    """
    found: list[tuple[str, str]] = []
    for path, name, names in _unknown(value, known, ""):
        hint = _hint(name, names) if len(name) <= _LONGEST_NAME else ""
        found.append((_joined(path, name), hint))
        if len(found) == MAX_TOLD:
            break
    return tuple(found)


@lru_cache(maxsize=1024)
def _hint(name: str, names: frozenset[str]) -> str:
    return did_you_mean(name, names)


def _joined(path: str, name: str) -> str:
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    return f"{path}.{shown}" if path else shown


def _unknown(value: Any, known: Known, path: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    if isinstance(value, dict):
        objects = [keys for keys in known if keys.names is not None]
        maps = _once(each for keys in known if keys.is_open for each in keys.items)
        is_open = any(keys.is_open for keys in known)
        names = frozenset(name for keys in objects for name in keys.names or ())
        for name, item in value.items():
            if name in names:
                inner = _once(each for keys in objects for each in (keys.names or {}).get(name, ()))
            elif objects and not is_open and isinstance(name, str):
                yield path, name, names
                continue
            else:
                inner = maps
            if inner and isinstance(item, _NESTED):
                yield from _unknown(item, inner, _joined(path, name))
    elif isinstance(value, list):
        inner = _once(each for keys in known for each in keys.items)
        if inner:
            for place, item in enumerate(value):
                if isinstance(item, _NESTED):
                    yield from _unknown(item, inner, f"{path}[{place}]")


def _once(keys: Iterator[Keys]) -> Known:
    return tuple(dict.fromkeys(keys))
