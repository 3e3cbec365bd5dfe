from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.checks import detail
from falmock.wire.formats import jsontext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)) | st.integers(), inner),
    max_leaves=10,
)


def error(value: Any, *loc: str | int, kind: str = "int_type", **more: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": "Input should be a valid integer", "input": value, **more}


def repeated(value: Any) -> Any:
    return detail.problems_of([error(value)])[0]["input"]


@given(value=VALUES)
def test_whatever_is_repeated_is_json(value: Any) -> None:
    body = jsontext.dump_model(detail.body_of(detail.problems_of([error(value, "a", 0, ctx={"given": value})])))
    body.decode()
    jsontext.loads(body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        ([math.inf, 1.5], [None, 1.5]),
        ("a\ud800", None),
        ({"a": "\ud800", "b": "é"}, {"a": None, "b": "é"}),
        ({"\ud800": 1}, None),
        ({"_sa": 1, "_sa_x": 2, "a_sa": 3}, {"a_sa": 3}),
        (b"bytes", None),
        ({5: True}, {"5": True}),
        (2**64, 2**64),
    ],
)
def test_what_is_repeated(value: Any, expected: Any) -> None:
    assert repeated(value) == expected


def test_a_problem_has_what_fastapi_has_in_its_order() -> None:
    (found,) = detail.problems_of([error("x", "seed", ctx={"le": 4})])
    assert list(found.items()) == [
        ("type", "int_type"),
        ("loc", ["body", "seed"]),
        ("msg", "Input should be a valid integer"),
        ("input", "x"),
        ("ctx", {"le": 4}),
    ]


def test_an_answer_repeats_no_more_than_an_input_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "MAX_REPEATED", 1000)
    problems = detail.problems_of([error("x" * 400) for _ in range(5)])
    assert [problem["input"] is None for problem in problems] == [False, False, True, True, True]
    assert len(jsontext.dump_model(problems)) < 2000
    assert repeated([1] * 2000)[-1] is None


def test_there_are_no_more_problems_than_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail, "MAX_PROBLEMS", 3)
    assert len(detail.problems_of([error(1)] * 9)) == 3


def test_a_summary() -> None:
    problems = detail.problems_of(
        [
            error(6, "num_images", kind="less_than_equal"),
            error({"a": 1}, "prompt", kind="missing"),
            error("1536x1024", "loras", 0, "scale"),
            error(1, "x"),
            error(2, "y"),
        ]
    )
    assert detail.summary(problems) == (
        "num_images is 6: input should be a valid integer; "
        "prompt: input should be a valid integer; "
        'loras[0].scale is "1536x1024": input should be a valid integer; '
        "and 2 more"
    )


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (detail.missing_body(), "the body: field required"),
        (detail.not_an_object([1, 2]), "the body is a list of 2: input should be a valid dictionary"),
        (detail.not_json("Expecting value", 3), "the body is not JSON: Expecting value at character 3"),
        (detail.problems_of([error({}, "a")])[0], "a is {}: "),
        (detail.problems_of([error({"a": 1}, "a")])[0], "a is an object: "),
        (detail.problems_of([error("x" * 10**6, "a")])[0], f'a is "{"x" * 59}...: '),
        (detail.problems_of([error(None, "a" * 100)])[0], f"{'a' * 60}... is null: "),
    ],
)
def test_a_line_of_a_summary(problem: detail.Problem, expected: str) -> None:
    assert detail.summary([problem]).startswith(expected)
