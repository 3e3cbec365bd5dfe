"""The schemas of unions, and what comments tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.typescript.schemas import BLOB
from falmock.synthesis.typescript.schemas import PLAIN
from falmock.synthesis.typescript.schemas import UNDEFINED
from falmock.synthesis.typescript.schemas import array_of
from falmock.synthesis.typescript.schemas import may_be_undefined
from falmock.synthesis.typescript.schemas import settled
from falmock.synthesis.typescript.schemas import told_by
from falmock.synthesis.typescript.schemas import union_of

STRING, NUMBER = PLAIN["string"], PLAIN["number"]
FILE = {"$ref": "#/components/schemas/File"}


def text(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


@pytest.mark.parametrize(
    ("members", "schema"),
    [
        ([text("a"), text("b"), text("a")], text("a", "b")),
        ([text("a"), NUMBER, text("b")], {"anyOf": [text("a", "b"), NUMBER]}),
        ([STRING, BLOB, FILE], STRING),
        ([array_of(BLOB), BLOB], {"anyOf": [STRING, array_of(STRING)]}),
        ([NUMBER, NUMBER], NUMBER),
        ([NUMBER, {}], {}),
        ([UNDEFINED, UNDEFINED], {}),
        ([STRING, UNDEFINED], STRING),
        ([STRING, UNDEFINED, NUMBER], {"anyOf": [STRING, NUMBER]}),
    ],
)
def test_unions(members: list[Any], schema: Any) -> None:
    found = union_of(members)
    assert settled(found) == schema
    assert may_be_undefined(found) is any(member is UNDEFINED for member in members)


def test_the_members_of_a_union_stay_as_they_are() -> None:
    one, other = text("a"), text("b")
    union_of([one, other])
    assert (one, other) == (text("a"), text("b"))


def test_what_stands_alone() -> None:
    assert settled(BLOB) == STRING
    assert settled(UNDEFINED) == {}
    assert may_be_undefined(UNDEFINED)
    assert not may_be_undefined({})


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("", {}),
        ("*\n     * One\n     *   two.\n     ", {"description": "One\n  two."}),
        (" A. Default value: `28` ", {"description": "A.", "default": 28}),
        (" Default value: `landscape_4_3` ", {"default": "landscape_4_3"}),
        (' Default value: `"a`b"` ', {"default": "a`b"}),
        (" Default value: `[]` ", {"default": []}),
        (" Default value: `1` and more ", {"description": "Default value: `1` and more"}),
        (" Default value: `[[1]]` ", {"default": [[1]]}),
        (" Default value: `null` ", {"default": None}),
        (" Default value: `NaN` ", {"default": "NaN"}),
        (f" Default value: `{'[' * 30}{']' * 30}` ", {}),
        (f" Default value: `{'[' * 100_000}` ", {}),
    ],
)
def test_comments(comment: str, told: Any) -> None:
    assert told_by(comment, {}) == told


@pytest.mark.parametrize(
    ("schema", "default", "told"),
    [
        (array_of(STRING), "a b,c", {"default": ["a b", "c"]}),
        (array_of(text("a", "b")), "a", {"default": ["a"]}),
        (array_of(STRING), '["a"]', {"default": ["a"]}),
        (array_of(NUMBER), "1,2", {}),
        (array_of(FILE), "[object Object],[object Object]", {}),
        (FILE, "[object Object]", {}),
    ],
)
def test_defaults_as_javascript_writes_them(schema: Any, default: str, told: Any) -> None:
    assert told_by(f" Default value: `{default}` ", schema) == told


@given(st.text())
def test_any_comment_is_read(comment: str) -> None:
    assert told_by(comment, array_of(STRING)).keys() <= {"description", "default"}
