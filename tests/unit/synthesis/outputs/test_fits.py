"""Whether values fit schemas; jsonschema is the judge."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from falmock.synthesis.outputs.fits import MOST_STEPS
from falmock.synthesis.outputs.fits import fits
from falmock.synthesis.outputs.fits import taker

SCALARS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={name: st.integers(-3, 3) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")},
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 2), "maxLength": st.integers(0, 2)}
    ),
    st.sampled_from([{}, {"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}]),
    st.builds(
        lambda values: {"enum": values}, st.lists(st.integers(0, 2) | st.booleans() | st.text(max_size=1), min_size=1)
    ),
    st.builds(lambda value: {"const": value}, st.integers(0, 2) | st.booleans()),
)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={
                "items": inner,
                "minItems": st.integers(0, 2),
                "maxItems": st.integers(0, 2),
                "prefixItems": st.lists(inner, min_size=1, max_size=2),
            },
        ),
        st.fixed_dictionaries(
            {"type": st.just("object")},
            optional={
                "properties": st.dictionaries(st.sampled_from("ab"), inner),
                "required": st.lists(st.sampled_from("ab"), max_size=1),
                "additionalProperties": st.booleans() | inner,
            },
        ),
        st.builds(
            lambda key, options: {key: options},
            st.sampled_from(["anyOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=2),
        ),
    )


SCHEMAS = st.recursive(SCALARS, _compound, max_leaves=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-4, 4) | st.floats(-4, 4) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


@given(SCHEMAS, VALUES)
def test_it_says_what_jsonschema_says(schema: dict[str, Any], value: Any) -> None:
    assert fits(None, schema, value) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"$ref": "#/a"}, 1, True),
        ({"$ref": "#/a"}, "x", False),
        ({"$ref": "#/b", "type": "string"}, "x", True),
        ({"type": "string", "nullable": True}, None, True),
        ({"type": "number"}, math.nan, False),
        ({"type": "number"}, 10**400, True),
        ({"type": "integer"}, 2.0, True),
        ({"minimum": "x", "type": "integer"}, 1, True),
        ({"type": "date"}, 1, True),
        (True, 1, True),
    ],
)
def test_fals_own_ways(schema: Any, value: Any, *, expected: bool) -> None:
    assert fits({"a": {"type": "integer"}}, schema, value) is expected


@pytest.mark.parametrize("value", ["a", "", 1, 1.0, 1.5, True, None, [], {}])
@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "array", ["string", "null"], None])
@pytest.mark.parametrize("more", [{}, {"title": "A"}, {"minimum": 1}, {"nullable": True}, {"enum": ["a", 1]}])
def test_a_taker_says_the_same(value: Any, kind: Any, more: dict[str, Any]) -> None:
    schema = {**({} if kind is None else {"type": kind}), **more}
    assert taker({}, schema)(value) is fits({}, schema, value)


def test_what_takes_too_long_does_not_fit() -> None:
    assert not fits(None, {"items": {}}, [1] * (MOST_STEPS + 1))
    loop: dict[str, Any] = {"anyOf": [{"$ref": "#/a"}, {"$ref": "#/a"}]}
    assert not fits({"a": loop}, loop, 5)
