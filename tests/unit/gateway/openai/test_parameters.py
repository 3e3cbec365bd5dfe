from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import parameters
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.parameters import PARAMETERS
from falmock.gateway.openai.parameters import Kind
from falmock.wire.formats.multipart import Part

RIGHT: dict[Kind, Any] = {Kind.TEXT: "x", Kind.INTEGER: 3, Kind.BOOLEAN: True, Kind.OBJECT: {}}
WRONG = [None, "x", 3, 3.5, True, {}, [], ["x"]]


@pytest.mark.parametrize("name", [name for name in PARAMETERS if PARAMETERS[name].kind is not Kind.FILE])
def test_types(name: str) -> None:
    parameter = PARAMETERS[name]
    right = parameter.choices[0] if parameter.choices else RIGHT[parameter.kind]
    parameters.check({name: right})
    for wrong in WRONG:
        if type(wrong) is type(right):
            continue
        with pytest.raises(RefusedCall) as caught:
            parameters.check({name: wrong})
        assert (caught.value.status, caught.value.code, caught.value.param) == (400, "invalid_type", name)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("n", 1, 10),
        ("partial_images", 0, 3),
        ("output_compression", 0, 100),
        ("frame_count", 2, 16),
        ("seed", 0, 2**64 - 1),
    ],
)
def test_limits(name: str, least: int, most: int) -> None:
    parameters.check({name: least})
    parameters.check({name: most})
    for value, code in ((least - 1, "integer_below_min_value"), (most + 1, "integer_above_max_value")):
        with pytest.raises(RefusedCall) as caught:
            parameters.check({name: value})
        assert (caught.value.code, caught.value.param) == (code, name)


def test_choices() -> None:
    with pytest.raises(RefusedCall, match="Supported values are: 'png', 'jpeg', 'webp', 'gif' and 'svg'"):
        parameters.check({"output_format": "bmp"})


def test_only_an_object_has_parts() -> None:
    parameters.check({"svg[model]": "x", "svg[reasoning][effort]": "low"})
    for name in ("quality[]", "n[0]", "user[x]"):
        with pytest.raises(RefusedCall) as caught:
            parameters.check({name: "x"})
        assert (caught.value.code, caught.value.param) == ("unknown_parameter", name)


def test_what_is_the_models_own() -> None:
    known = [*PARAMETERS, "seed", "svg[model]", "image[]"]
    assert [name for name in [*known, "strength", "loras", "image_url", "seeds"] if not parameters.is_known(name)] == [
        "strength",
        "loras",
        "image_url",
        "seeds",
    ]


def test_options() -> None:
    names = {name for name in PARAMETERS if PARAMETERS[name].is_option}
    assert not names & {"user", "safety_identifier", "prompt", "model", "size", "n", "stream"}
    assert set(parameters.options_in(dict.fromkeys([*PARAMETERS, "other"], "x"))) == names


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "2", 2),
        ("n", "two", "two"),
        ("frame_count", "4", 4),
        ("seed", "5", 5),
        ("prompt", "5", "5"),
        ("quality", "5", "5"),
        ("svg[model]", "5", "5"),
        ("stream", "true", True),
        ("stream", "yes", "yes"),
        ("strength", "0.5", 0.5),
        ("enable_safety_checker", "true", True),
        ("sampler", "euler", "euler"),
        ("loras", "[1]", "[1]"),
    ],
)
def test_fields_of_forms(name: str, text: str, value: Any) -> None:
    found = parameters.of_field(Part(name, text.encode()))
    assert (found, type(found)) == (value, type(value))


@given(st.dictionaries(st.sampled_from([*PARAMETERS, "seed", "other"]), st.sampled_from(WRONG)))
def test_anything_is_right_or_refused_by_name(given: dict[str, Any]) -> None:
    problem: RefusedCall | None = None
    try:
        parameters.check(given)
    except RefusedCall as refused:
        problem = refused
    wrong = []
    for name, value in given.items():
        with suppress(RefusedCall):
            parameters.check({name: value})
            continue
        wrong.append(name)
    assert (problem and problem.param) == (wrong[0] if wrong else None)
    assert "other" not in wrong
