from __future__ import annotations

import random
import re
import sys
import warnings
from typing import Any

import pytest

from falmock.wire.formats import regex_syntax

UNEQUAL = [
    ("(?:ab){e<=1}", "ax ab ab{e<=1}"),
    ("[[:alpha:]]", "a:] :] b]"),
    (r"[a&&b]", "a&b"),
    (r"[+--a]", "a-b+,"),
    (r"[a||b~~]", "a|b~"),
    (r"\\L<names>", r"\L<names>"),
    (r"\\p{L}\\h\\X\\R", r"\p{L}\h\X\R"),
    (r"(?i)straße", "STRASSE straße STRAßE STRAẞE"),
    (r"(?i)[k-s]", "K \u212a \u017f S"),
    ("(?i)\u017f", "s S \u017f"),
    (r"(?ai)k|é", "K \u212a É"),
    (r"(?a)\w(?u:\w)\w", "aéa ééa"),
    (r"(?u)\w(?a:\w)\w", "aéa éaé"),
    (r"\w+", "e\u0301a ²x ٣ ⅷ _"),
    (r"[^\w]", "e\u0301a ²x"),
    (r"\d+", "12 ٣٤ ²"),
    (r"\s", "a\x1cb\u2028c\x85d"),
    (r"\b\w", "e\u0301a b"),
    (r"\B", ""),
    (r"\B", "ab"),
    (r"a*", "baac"),
    (r"a*?", "baac"),
    (r"x*|b", "abxb"),
    (r"(?<=a)b|(?<!a)c", "ab ac c"),
    (r"a$", "a\n"),
    (r"(?m)^a$", "a\nb\na"),
    (r".", "\n\r\u2028a"),
    (r"(?s).", "\n\ra"),
    (r"(a)?b(?(1)c|d)", "abc bd abd"),
    (r"(?P<q>['\"]).*?(?P=q)", '\'a"\' "b"'),
    (r"(?>a+)b|a++c", "aab aac"),
    (r"(?x) a  b # c", "ab a b"),
    (r"(a|ab)(c|bcd)(d*)", "abcd"),
    (r"a{2,3}?|a{,2}b|a{2", "aaaa aab a{2"),
    (r"(?-i:a)(?i:b)", "aB AB"),
    (r"[]a-]+|[^]a]", "]a-b"),
    (r"(|a)+x?", "aax"),
    ("\ud800|\U0001f600", "a\ud800\U0001f600"),
    (r"(?!)|a", "a"),
]
"""Patterns with another meaning in the package `regex`, or with a chance of one, and a text that shows it."""
ATOMS = [
    *"abA1_ -\n",
    *"éÉß\u017fskK\u212aςΣ\u03c3İi\u0131\u0301٣²",
    ".",
    "^",
    "$",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    r"\W",
    r"\D",
    r"\b",
    r"\B",
]
ATOMS += [
    "[a-c]",
    "[^a]",
    r"[^\w]",
    r"[\d_a]",
    r"\A",
    r"\Z",
    "[[:alpha:]]",
    "[a&&b]",
    "{e<=1}",
    "[]a]",
    "[^]a]",
    "[é-ß]",
]
ATOMS += ["[A-z]", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?:)", "()", "[à-ÿ]", r"\1", "(?:a|ab)", "(.)"]
GROUPS = [
    "(?:{})",
    "({})",
    "(?i:{})",
    "(?s:{})",
    "(?m:{})",
    "(?-i:{})",
    "(?>{})",
    "(?={})",
    "(?!{})",
    "(?:{}|a)",
    "(?:b|{})",
]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}", "*+", "++", "?+", "{0}", "{,2}"]
LETTERS = "aabbAB1_ -\néÉß\u017fskK\u212aςΣ\u03c3İi\u0131\u0301٣²x"


def _spans(pattern: Any, text: str) -> list[Any]:
    whole = pattern.fullmatch(text)
    return [whole and whole.span(), pattern.sub("\x00", text), *(found.span() for found in pattern.finditer(text))]


def _assert_equal(pattern: str, *texts: str) -> None:
    python = re.compile(pattern)
    tree = regex_syntax.parsed(python)
    for text in texts:
        other = regex_syntax.translated(tree, python.flags, regex_syntax.alphabet_of(text))
        assert _spans(other, text) == _spans(python, text), f"{pattern!r} in {text!r}"


@pytest.mark.filterwarnings("ignore:Possible (nested|set):FutureWarning")
@pytest.mark.parametrize(("pattern", "text"), UNEQUAL)
def test_a_pattern_finds_what_python_finds(pattern: str, text: str) -> None:
    _assert_equal(pattern, text, "", "a", text * 3)


def _pattern(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(ATOMS)
    inner = _pattern(chance, depth - 1)
    kind = chance.random()
    if kind < 0.3:
        return inner + _pattern(chance, depth - 1)
    if kind < 0.7:
        return chance.choice(GROUPS).format(inner)
    return f"(?:{inner}){chance.choice(REPEATS)}"


@pytest.mark.parametrize("seed", range(40))
def test_any_pattern_finds_what_python_finds(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        # Python ignores case as `regex` does not, where a reference compares.
        pattern = chance.choice(["", "(?i)", "(?a)", "(?m)", "(?s)"]) + _pattern(chance, 4)
        if r"\1" in pattern and "?i" in pattern:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                re.compile(pattern)
            except re.error:
                continue
            _assert_equal(pattern, *("".join(chance.choices(LETTERS, k=chance.randrange(9))) for _ in range(3)))


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("^https://v3\\.fal\\.media/x(\\?.*)?$", sys.maxsize),
        ("cat", sys.maxsize),
        (r"\d+ (cats|dogs)", 222),
        ("a.*b.*c", 45),
        ("^a.*b.*c", 315),
        ("(?m)^a", sys.maxsize),
        (r"[a-z]{1,16}", sys.maxsize),
        (r"[a-z]{1,17}", 315),
        (r"(?:aa|b|cc){3}", 3702),
        (r"(?:ab){1,3}", sys.maxsize),
        (r"(?:\d+,){2}", 45),
        (r"(a)\1", 315),
        ("(a)?(?(1)b|c)", sys.maxsize),
        ("(?=a*)(?>b)(?!c)", 315),
        ("^(a+)+$", -1),
        ("(a|a)*b", -1),
        ("(?:a?){30}a{30}", -1),
        ("(aa|b|c)(a|bb|c)" * 10, -1),
    ],
)
def test_how_long_a_text_python_searches(pattern: str, most: int) -> None:
    python = re.compile(pattern)
    assert regex_syntax.longest(regex_syntax.parsed(python), python.flags, 100_000) == most
