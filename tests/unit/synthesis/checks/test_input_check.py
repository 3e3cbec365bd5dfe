from __future__ import annotations

from typing import Any

import pydantic_core
import pytest

from falmock.synthesis.checks import detail
from falmock.synthesis.checks import input_check as module
from falmock.synthesis.checks.core_schema import Unresolvable
from falmock.synthesis.checks.input_check import input_check
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import REF
from unit.synthesis.checks.written_models import WRITTEN
from unit.synthesis.checks.written_models import component
from unit.synthesis.checks.written_models import document

TEXT = {"type": "string"}


def check_of(**properties: Any) -> module.InputCheck:
    return input_check(document(component("Input", **properties), {}), ENDPOINT)


def written(name: str) -> module.InputCheck:
    return input_check(WRITTEN[name].document, ENDPOINT)


# Bodies that apps at fal sent, as they are quoted in public; those quotes leave `ctx` out.
LIVE = [
    (
        {"duration": {"type": "string", "enum": ["5", "10"]}},
        {"duration": "8"},
        {"type": "literal_error", "loc": ["body", "duration"], "msg": "Input should be '5' or '10'", "input": "8"},
    ),
    (
        {"num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1}},
        {"num_images": 6},
        {
            "type": "less_than_equal",
            "loc": ["body", "num_images"],
            "msg": "Input should be less than or equal to 4",
            "input": 6,
        },
    ),
    (
        {
            "image_size": {
                "anyOf": [component("ImageSize", width={"type": "integer"}), {"type": "string", "enum": ["square"]}],
                "default": "square",
            }
        },
        {"image_size": "1536x1024"},
        {
            "type": "model_attributes_type",
            "loc": ["body", "image_size", "ImageSize"],
            "msg": "Input should be a valid dictionary or object to extract fields from",
            "input": "1536x1024",
        },
    ),
]


@pytest.mark.parametrize(("properties", "given", "live"), LIVE)
def test_live_bodies(properties: dict[str, Any], given: dict[str, Any], live: dict[str, Any]) -> None:
    first = check_of(**properties).check(given).problems[0]
    assert list(first)[:4] == list(live)
    assert {key: value for key, value in first.items() if key != "ctx"} == live


def test_an_accepted_input_has_defaults_and_coerced_values() -> None:
    given = {"prompt": "a cat", "num_images": "2", "seed": 5}
    checked = written("defaults, minimum, maximum, and an Optional that does not show").check(given)
    assert checked == (
        [],
        {
            "prompt": "a cat",
            "negative_prompt": "",
            "num_images": 2,
            "guidance_scale": 3.5,
            "sync_mode": False,
            "seed": 5,
        },
        (),
    )
    assert given == {"prompt": "a cat", "num_images": "2", "seed": 5}


def test_accepted_values_are_as_json_has_them() -> None:
    at = {"type": "string", "format": "date-time"}
    uri = {"type": "string", "format": "uri", "maxLength": 2083}
    check = check_of(
        at=at,
        url=uri,
        urls={"type": "array", "items": uri},
        by_name={"type": "object", "additionalProperties": uri},
        data={"type": "string", "format": "binary"},
        names={"type": "array", "items": TEXT, "uniqueItems": True},
        inner=component("Inner", url=uri),
    )
    accepted = check.check(
        {
            "at": "2026-01-02T03:04:05",
            "url": "https://A.B",
            "urls": ["https://a.b/c"],
            "by_name": {"x": "http://a"},
            "data": "abc",
            "names": ["b", "a", "b"],
            "inner": {"url": None},
        }
    )
    assert accepted.problems == []
    assert accepted.value == {
        "at": "2026-01-02T03:04:05",
        "url": "https://a.b/",
        "urls": ["https://a.b/c"],
        "by_name": {"x": "http://a/"},
        "data": "abc",
        "names": ["a", "b"],
        "inner": {"url": None},
    }


def test_a_default_is_a_copy_for_each_input() -> None:
    check = check_of(names={"type": "array", "items": TEXT, "default": []})
    check.check({}).value["names"].append("x")
    assert check.check({}).value == {"names": []}


def test_a_model_takes_further_keys_where_its_document_says_so() -> None:
    inner = {**component("Inner"), "additionalProperties": True}
    assert check_of(inner=inner).check({"inner": {"a": 1}}).value == {"inner": {"a": 1}}
    assert written("any other keys").check({"prompt": "a", "x": 1}) == ([], {"prompt": "a", "x": 1}, ())


def test_no_body_and_bodies_that_are_no_object() -> None:
    check = check_of(prompt=TEXT)
    assert check.check(None).problems == [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]
    assert [problem["type"] for problem in check.check([1]).problems] == ["model_attributes_type"]
    assert check.check("a").problems[0]["loc"] == ["body"]


def test_unknown_keys_are_told_and_accepted() -> None:
    check = written("classes in lists of classes")
    checked = check.check({"elements": [{"lora": []}], "frist": {}})
    assert checked.problems == []
    assert checked.unknown == (
        ("elements[0].lora", ", did you mean 'loras'?"),
        ("frist", ", did you mean 'first'?"),
    )


def test_unknown_keys_are_told_of_a_refused_input_too() -> None:
    checked = check_of(seed={"type": "integer"}).check({"seed": "x", "sed": 1})
    assert (len(checked.problems), checked.value, checked.unknown) == (1, {}, (("sed", ", did you mean 'seed'?"),))


def test_what_json_cannot_express_is_null_in_the_problems() -> None:
    check = check_of(seed={"type": "integer"}, text={"type": "string", "maxLength": 1})
    problems = check.check({"seed": float("nan"), "text": "a\ud800"}).problems
    assert [problem["input"] for problem in problems] == [None, None]


def test_a_pattern_that_pydantic_does_not_take_is_not_checked() -> None:
    check = check_of(a={"type": "string", "pattern": "(?<=x)y"}, b={"type": "integer", "maximum": 1})
    assert check.check({"a": "anything"}).problems == []
    assert len(check.check({"b": 2}).problems) == 1


def test_a_schema_that_pydantic_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise pydantic_core.SchemaError("too \n strange")

    monkeypatch.setattr(pydantic_core, "SchemaValidator", refused)
    with pytest.raises(Unresolvable, match="schema of the input of acme/painter/v2 is not valid: too strange"):
        check_of()


def test_an_input_that_cannot_be_resolved() -> None:
    with pytest.raises(
        Unresolvable, match=r"input of acme/painter/v2 is '#/components/schemas/Lost', which leads to no"
    ):
        input_check(document({"$ref": f"{REF}Lost"}, {}), ENDPOINT)


def test_an_item_of_a_set_without_a_hash() -> None:
    """Releases of pydantic-core before `set_item_not_hashable` end in a TypeError, and FastAPI in a 500."""
    check = check_of(names={"type": "array", "uniqueItems": True, "items": {}})
    assert len(check.check({"names": [[]]}).problems) <= 1


def test_a_type_error_of_pydantic_is_no_problem_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Validator:
        def __init__(self, _: Any) -> None: ...

        def validate_python(self, *_: Any, **__: Any) -> None:
            raise TypeError

    monkeypatch.setattr(pydantic_core, "SchemaValidator", Validator)
    assert check_of().check({"a": 1}) == ([], {"a": 1}, (("a", ""),))


def test_the_problems_of_long_lists_are_those_of_their_first_items(monkeypatch: pytest.MonkeyPatch) -> None:
    check = check_of(names={"type": "array", "items": TEXT})
    monkeypatch.setattr(detail, "MAX_PROBLEMS", 5)
    assert [problem["loc"][-1] for problem in check.check({"names": [1] * 100}).problems] == [0, 1, 2, 3, 4]
    late = check.check({"names": ["a"] * 10 + [1] * 100})
    assert [problem["loc"][-1] for problem in late.problems] == [10, 11, 12, 13, 14]
    assert check.check({"names": [1] * 5}).problems[-1]["loc"] == ["body", "names", 4]


def test_inputs_may_be_as_deep_as_any_json() -> None:
    given: dict[str, Any] = {"name": "a"}
    for _ in range(218):
        given = {"name": "a", "next": given}
    checked = written("recursion").check(given)
    assert checked.problems == []
    assert checked.value["next"]["next"]["children"] == []
