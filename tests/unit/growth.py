"""Finds the regular expressions of the package, makes hostile texts for each, and measures how their time grows."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from time import process_time
from typing import Any
from typing import NamedTuple

import falmock
from falmock.wire.formats.regex_syntax import CATEGORIES

ROOT = Path(falmock.__file__).parent
PALETTE = [*map(chr, range(9, 14)), *map(chr, range(32, 127)), "\x00", "é", "\u2028", "٣"]
"""The characters of hostile texts."""
SMALL, FACTOR, LIMIT = 4096, 8, 16
"""Characters of the short text; the long one has `FACTOR` times as many, and may take `LIMIT` times as long."""
FLOOR = 0.004
"""Seconds: less for the long text is noise, and no quadratic pattern needs less for that many characters."""
_TOO_LONG = 0.3
_PUMPS = (8, 12, 16, 20, 24, 28, 34, 42, 54, 72, 100, 150)
"""An exponential pattern is found out at one of these; at the next it may already take hours."""
_SUSPECT = 0.001
_SURE = 0.5
"""Seconds: more than this is no noise, only what is done once."""
_WORST = 16
"""How many texts are measured at full length: those that take the longest at `SMALL` characters."""


class Found(NamedTuple):
    """A pattern, where it is, and how the code uses it (`fullmatch`, `match`, or anything that searches)."""

    place: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


# finding


def modules() -> Iterator[Any]:
    """All modules of the package, imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of packages that mitmproxy imports
        for info in pkgutil.walk_packages(falmock.__path__, "falmock."):
            if not info.name.endswith(".__main__"):  # it runs the command
                yield importlib.import_module(info.name)


def patterns() -> list[Found]:
    """Every compiled pattern that a module of the package holds, in whatever object."""
    uses = _uses()
    found: dict[tuple[str, int], Found] = {}
    for module in modules():
        seen: set[int] = set()
        for name, value in list(vars(module).items()):
            for pattern in _held(value, module.__name__, seen):
                direct = pattern is value or pattern is getattr(value, "__self__", None)
                used = uses.get((module.__name__, name), set()) if direct else {"?"}
                key = (pattern.pattern, pattern.flags)
                before = found.get(key)
                place = before.place if before else f"{module.__name__}.{name}"
                found[key] = Found(place, pattern, frozenset(used | (before.uses if before else set())))
    return list(found.values())


def _held(value: Any, module: str, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
        return
    if id(value) in seen or isinstance(value, str | bytes | int | float):
        return
    seen.add(id(value))
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(value)
    elif isinstance(value, type):
        parts = list(vars(value).values()) if value.__module__ == module else ()
    elif isinstance(getattr(value, "__self__", None), re.Pattern):
        parts = [value.__self__]
    elif callable(value) and getattr(value, "__module__", None) == module:
        cells = getattr(value, "__closure__", None) or ()
        parts = [*(getattr(value, "__defaults__", None) or ()), *(cell.cell_contents for cell in cells)]
        parts += [getattr(value, "__wrapped__", None), *(getattr(value, "args", None) or ())]
    elif type(value).__module__.startswith("falmock"):
        parts = [*getattr(value, "__dict__", {}).values()]
        parts += [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    for part in parts:
        yield from _held(part, module, seen)


def _uses() -> dict[tuple[str, str], set[str]]:
    """By module and name: the methods by which constants are used; "?" where a constant is handed on."""
    uses: dict[tuple[str, str], set[str]] = {}
    for name, tree in sources():
        home = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                home.update({alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names})
        methods = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                uses.setdefault(home.get(node.id, (name, node.id)), set()).add(methods.get(id(node), "?"))
    return uses


def sources() -> Iterator[tuple[str, ast.Module]]:
    """The name and the syntax tree of each module."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("falmock", *path.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text("utf-8"))


def made_in_functions() -> set[str]:
    """`module.function` of each function that makes a pattern or has `re` make one."""
    made = set()
    for name, tree in sources():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                for node in ast.walk(function):
                    makes = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                    if makes and node.value.id == "re" and node.attr in _MAKERS:
                        made.add(f"{name}.{getattr(function, 'name', 'lambda')}")
    return made


_MAKERS = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}


# hostile texts


class Hostile(NamedTuple):
    """A text that repeats `pump` after `head` and before `tail`."""

    pump: str
    head: str = ""
    tail: str = ""

    def __str__(self) -> str:
        return f"{self.head!r} + {self.pump!r} * n + {self.tail!r}"

    def times(self, count: int) -> str:
        """The text with so many pumps."""
        return self.head + self.pump * count + self.tail

    def of(self, length: int) -> str:
        """The text of about so many characters."""
        return self.times(length // len(self.pump) + 1)


def hostile(pattern: re.Pattern[Any]) -> Iterator[Hostile]:
    """Hostile texts for a pattern, from the pattern's parts."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = sre_parser.parse(source, pattern.flags & ~re.UNICODE if pattern.flags & re.ASCII else pattern.flags)
    letters = _representatives(tree, pattern.flags)
    samples = list(dict.fromkeys(filter(None, _samples(tree, letters))))
    runs = sorted(_runs(tree), key=len, reverse=True)[:4]
    heads = ["", *(sample for sample in samples if len(sample) <= 40)][:12]
    tails = list(dict.fromkeys(["", *_outsiders(tree, pattern.flags)]))[:5]
    for pump, head, tail in product([*samples, *letters], heads, tails):
        yield Hostile(pump, head, tail)
    pairs = [f"{left}{right}" for left, right in product((*letters[:10], *runs), repeat=2)]
    for pump, tail in product(pairs, tails):
        yield Hostile(pump, "", tail)


def _outsiders(tree: Any, flags: int) -> Iterator[str]:
    """A character outside each class, which ends a text that matched so far."""
    yield "\x00"
    for node in _characters(tree):
        if node[0] is not sre.LITERAL:
            test = re.compile(_class(node), flags & (re.IGNORECASE | re.ASCII))
            yield next((letter for letter in reversed(PALETTE) if not test.fullmatch(letter)), "")


def _representatives(tree: Any, flags: int) -> list[str]:
    """One character for each set of the pattern's classes and letters that it is in, those in most sets first."""
    tests = [re.compile(_class(node), flags & (re.IGNORECASE | re.ASCII)) for node in _characters(tree)]
    found: dict[tuple[bool, ...], str] = {}
    for letter in PALETTE:
        found.setdefault(tuple(test.fullmatch(letter) is not None for test in tests), letter)
    return [letter for _, letter in sorted(found.items(), key=lambda each: -sum(each[0]))][:24]


def _characters(tree: Any) -> Iterator[tuple[Any, Any]]:
    for node in _nodes(tree):
        if node[0] in {sre.LITERAL, sre.NOT_LITERAL, sre.IN}:
            yield node


def _nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    for node in tree:
        yield node
        for part in _parts(node):
            yield from _nodes(part)


def _parts(node: tuple[Any, Any]) -> list[Any]:
    kind, argument = node
    if kind in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        return [argument[2]]
    if kind is sre.SUBPATTERN:
        return [argument[3]]
    if kind in {sre.ASSERT, sre.ASSERT_NOT}:
        return [argument[1]]
    if kind is sre.BRANCH:
        return list(argument[1])
    if kind is sre.GROUPREF_EXISTS:
        return [part for part in argument[1:] if part is not None]
    return [argument] if kind is sre.ATOMIC_GROUP else []


def _class(node: tuple[Any, Any]) -> str:
    kind, argument = node
    if kind is not sre.IN:
        return f"[{'^' if kind is sre.NOT_LITERAL else ''}\\U{argument:08x}]"
    text = ""
    for part, value in argument:
        if part is sre.NEGATE:
            text += "^"
        elif part is sre.LITERAL:
            text += f"\\U{value:08x}"
        elif part is sre.RANGE:
            text += f"\\U{value[0]:08x}-\\U{value[1]:08x}"
        else:
            text += CATEGORIES[value]
    return f"[{text}]"


def _samples(tree: Any, letters: list[str]) -> Iterator[str]:
    """Texts that parts of the pattern match: of the whole, of what it begins with, and of each part."""
    whole = [_sample(node, letters) for node in tree]
    yield "".join(whole)
    for end in range(1, len(whole)):
        yield "".join(whole[:end])
    for start in range(len(whole)):
        yield whole[start]
        yield "".join(whole[start:])
    for node in tree:
        for part in _parts(node):
            yield from _samples(part, letters)


def _sample(node: tuple[Any, Any], letters: list[str]) -> str:
    kind, argument = node
    if kind is sre.LITERAL:
        return chr(argument)
    if kind is sre.ANY:
        return letters[0]
    if kind in {sre.NOT_LITERAL, sre.IN}:
        test = re.compile(_class(node))
        return next((letter for letter in (*letters, *PALETTE) if test.fullmatch(letter)), "")
    if kind in {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}:
        return "".join(_sample(part, letters) for part in argument[2]) * max(1, min(argument[0], 64))
    if kind in {sre.ASSERT_NOT, sre.AT, sre.GROUPREF} or (kind is sre.ASSERT and argument[0] < 0):
        return ""
    return "".join(_sample(part, letters) for part in (_parts(node) or [[]])[0])


def _runs(tree: Any) -> set[str]:
    """The literal texts in a pattern."""
    found, run = set(), ""
    for kind, argument in [*tree, (None, None)]:
        if kind is sre.LITERAL:
            run += chr(argument)
        elif run:
            found.add(run)
            run = ""
    for node in tree:
        for part in _parts(node):
            found |= _runs(part)
    return found


# measuring


def grows(run: Callable[[str], Any], texts: Iterable[Hostile]) -> str | None:
    """What is wrong with the growth of `run` over the worst of these texts; None if it is linear in all."""
    worst = []
    for place, text in enumerate(texts):
        quarter, taken, length = _lengthening(run, text)
        if taken > _TOO_LONG:
            return f"{length} characters take {taken:.2f} s: {text}"
        if taken > _SUSPECT and taken > 8 * quarter and (problem := _grows(run, text)):
            return problem
        worst.append((taken, -place, text))
    return next((problem for *_, text in sorted(worst, reverse=True)[:_WORST] if (problem := _grows(run, text))), None)


def _grows(run: Callable[[str], Any], text: Hostile) -> str | None:
    times = 1
    for _ in range(2):  # what looks bad once is measured again
        short, long = (seconds(run, text.of(length), times) for length in (SMALL, SMALL * FACTOR))
        if long < FLOOR or long < short * LIMIT:
            return None
        times = 1 if long > _SURE else 5
    return f"{FACTOR} times the text takes {long / short:.0f} times as long ({long:.3f} s): {text}"


def _lengthening(run: Callable[[str], Any], text: Hostile) -> tuple[float, float, int]:
    """Seconds for a quarter of the text, for the text up to where it takes too long, and its length there."""
    quarter = taken = 0.0
    for tried in (*map(text.times, _PUMPS), text.of(SMALL // 4), text.of(SMALL)):
        quarter, taken = taken, seconds(run, tried, 1)
        if taken > _TOO_LONG:  # a busy machine, or an exponential pattern
            taken = min(taken, seconds(run, tried, 1 if taken > 4 * _TOO_LONG else 3))
            if taken > _TOO_LONG:
                break
    return quarter, taken, len(tried)


def seconds(run: Callable[[Any], Any], text: Any, times: int) -> float:
    """The least CPU time of several runs."""
    best = float("inf")
    for _ in range(times):
        start = process_time()
        run(text)
        best = min(best, process_time() - start)
    return best


def pattern_grows(pattern: re.Pattern[Any], uses: Iterable[str] = ("search",)) -> str | None:
    """What is wrong with a pattern that the code uses by these methods; None if it is linear in all."""
    used = set(uses)
    encoded = (lambda text: text.encode("latin-1", "replace")) if isinstance(pattern.pattern, bytes) else str
    runs: list[Callable[[str], Any]] = []
    if "fullmatch" in used:
        runs.append(lambda text: pattern.fullmatch(encoded(text)))
    if "match" in used:
        runs.append(lambda text: pattern.match(encoded(text)))
    if used - {"fullmatch", "match", "pattern"} or not runs:
        runs.append(lambda text: pattern.sub(encoded(""), encoded(text)))
    texts = list(hostile(pattern))
    return next((problem for run in runs if (problem := grows(run, texts))), None)
