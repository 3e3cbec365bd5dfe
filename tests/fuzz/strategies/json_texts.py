"""JSON, as values and as texts: also with numbers, escapes and keys that readers disagree about."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import utf8

NUMBERS = st.integers() | st.integers(2**53 - 2, 2**64 + 2) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.sampled_from(["prompt", "seed", "image_url", "images", "url", "$any", "", "status", "a b", "token"]) | TEXTS


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)


VALUES = st.recursive(SCALARS, _nested, max_leaves=12)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)

_SPELLINGS = (
    *("0", "-0", "0.0", "-0.0", "1e5", "1E+5", "1.10", "1e400", "-1e999", "1e-999", "123456789012345678901234567890"),
    *("0.1", "1.0", "01", "1.", ".5", "+1", "NaN", "Infinity", "-Infinity", "0x1", "1e", "9" * 5000),
    *('"a"', '"\\u00e9"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\x"', '"\\u12"', '"\t"', '"\x00"', "'a'", '"', '""'),
    *("true", "false", "null", "True", "nul", "[]", "{}", "[1,]", '{"a":1,"a":2}', '{"a"}', "{1:2}", "//x", "\ufeff1"),
)
_PIECES = st.sampled_from(_SPELLINGS) | TEXTS.map(json.dumps)


@st.composite
def _written(draw: st.DrawFn, parts: st.SearchStrategy[str]) -> str:
    space = draw(st.sampled_from(["", "", " ", "\n", "\t", "\x0b", "\xa0"]))
    if draw(st.booleans()):
        return "[" + f",{space}".join(draw(st.lists(parts, max_size=4))) + "]"
    pairs = draw(st.lists(st.tuples(TEXTS.map(json.dumps), parts), max_size=4))
    return "{" + f",{space}".join(f"{key}{space}:{part}" for key, part in pairs) + "}"


TEXT = st.recursive(_PIECES, _written, max_leaves=8)
_DEEP = st.tuples(st.sampled_from(["[", '{"a":', "[[],"]), st.sampled_from([99, 101, 500, 30_000])).map(
    lambda each: each[0] * each[1] + "1"
)
_VALID = VALUES.map(json.dumps) | VALUES.map(lambda value: json.dumps(value, ensure_ascii=False))
RAW = (
    _VALID.map(utf8)
    | TEXT.map(utf8)
    | mutated(_VALID.map(utf8), (b"1e999", b"\xed\xa0\x80", b"\\u0000", b",", b"-0"))
    | _DEEP.map(str.encode)
    | st.sampled_from([b"", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"{}{}", b"\x1f\x8b"])
    | st.binary(max_size=20)
)
"""The bytes of a text that may be JSON."""
