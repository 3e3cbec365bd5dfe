"""Outputs by schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.outputs.walk import MOST_DEPTH
from falmock.synthesis.outputs.walk import MOST_NODES
from falmock.synthesis.outputs.walk import maker_of
from unit.synthesis.outputs.schemas import asked
from unit.synthesis.outputs.schemas import document
from unit.synthesis.outputs.schemas import made
from unit.synthesis.outputs.schemas import of
from unit.synthesis.outputs.schemas import problems
from unit.synthesis.outputs.schemas import ref
from unit.synthesis.outputs.schemas import value

IMAGES = {"type": "array", "items": ref("Image")}
FLUX = of(
    {
        "images": IMAGES,
        "timings": {"type": "object", "additionalProperties": {"type": "number"}},
        "seed": {"type": "integer"},
        "has_nsfw_concepts": {"type": "array", "items": {"type": "boolean"}},
        "prompt": {"type": "string"},
    }
)
INPUTS = {"prompt": {"type": "string"}, "seed": {"type": "integer"}}


def test_an_image_models_output() -> None:
    result = made(FLUX, {"prompt": "a cat", "seed": 5, "num_images": 2}, INPUTS)
    images = result.payload.pop("images")
    assert result.payload == {
        "timings": {"inference": 0.5},
        "seed": 5,
        "has_nsfw_concepts": [False, False],
        "prompt": "a cat",
    }
    assert [each["content_type"] for each in images] == ["image/jpeg", "image/jpeg"]
    assert images[0]["url"] != images[1]["url"]
    assert len(result.files) == 2


def test_only_inputs_of_the_model_are_repeated() -> None:
    schema = of({"label": {"type": "string"}})
    assert made(schema, {"label": "x"}, INPUTS).payload == {"label": "falmock"}
    assert made(schema, {"label": "x"}).payload == {"label": "x"}


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("x", {"type": "string", "examples": ["e"], "default": "d"}, "e"),
        ("x", {"type": "object", "examples": [{"a": 1}]}, {"a": 1}),
        ("x", {"type": "object"}, {}),
        ("x", {"type": "array", "items": {"type": "integer"}}, [0]),
        ("x", {"type": "array", "items": {"type": "integer"}, "examples": [[1, 2]]}, [1, 2]),
        ("x", {"type": "array", "items": {"type": "integer"}, "minItems": 3}, [0, 0, 0]),
        ("x", {"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ("x", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, [0, "falmock"]),
        ("x", {}, None),
        ("language_code", {"type": "string", "examples": ["fr"]}, "en"),
        ("languages", {"type": "array", "items": {"enum": ["af", "en"], "type": "string"}}, ["en"]),
        ("languages", {"type": "array", "items": {"enum": ["af"], "type": "string"}}, ["af"]),
        ("timings", {"type": "object", "additionalProperties": {"type": "string"}}, {}),
        ("duration", {"type": "number", "examples": [81.9]}, 5.0),
        ("duration", {"type": "integer", "maximum": 3}, 0),
        ("x", of({"duration": {"type": "number"}}), {"duration": 0.0}),
        (
            "x",
            of({"text": {"type": "string"}}),
            {"text": "This text was made by falmock, not by fal-ai/thing, for an input without a prompt."},
        ),
        ("finish", {"const": "stop", "type": "string"}, "stop"),
    ],
)
def test_a_required_value(name: str, schema: Any, expected: Any) -> None:
    assert value(schema, name) == expected


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("x", {"type": "string"}, None),
        ("x", {"type": "string", "default": "d"}, "d"),
        ("x", {"type": "string", "examples": ["e"]}, "e"),
        ("x", {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, None),
        ("x", {"type": "array", "items": {"type": "string"}}, None),
        ("x", of({"a": {"type": "string"}}), None),
        ("x", {"type": "integer", "default": "broken"}, 0),
        ("timings", {"type": "object"}, {"inference": 0.5}),
        ("has_nsfw_concepts", {"type": "array", "items": {"type": "boolean"}}, [False]),
    ],
)
def test_an_optional_value(name: str, schema: Any, expected: Any) -> None:
    assert made(of({name: schema}, optional=(name,)), {}, INPUTS).payload == {name: expected}


def test_a_seed_is_made_even_if_the_schema_has_an_example() -> None:
    schema = of({"seed": {"type": "integer", "examples": [42]}}, optional=("seed",))
    seeds = [made(schema, {"prompt": prompt}, INPUTS).payload["seed"] for prompt in "ab"]
    assert seeds[0] != seeds[1]


def test_a_transcript_has_the_words_of_its_text() -> None:
    chunk = of({"timestamp": {"type": "array", "items": {"type": "number"}}, "text": {"type": "string"}})
    schema = of({"text": {"type": "string"}, "chunks": {"type": "array", "items": chunk}}, optional=("chunks",))
    payload = made(schema).payload
    assert " ".join(each["text"] for each in payload["chunks"]) == payload["text"]
    assert [each["timestamp"] for each in payload["chunks"][:2]] == [[0.0, 0.4], [0.4, 0.8]]


def test_a_sound_is_as_long_as_its_output_says() -> None:
    result = made(of({"audio": ref("File"), "duration": {"type": "number"}}), {"text": "x" * 90}, {"text": {}})
    (recipe,) = result.files.values()
    assert result.payload["duration"] == recipe.duration == 6.0


def test_what_an_output_is_made_of_is_not_shared() -> None:
    maker = maker_of(None, of({"x": {"examples": [{"a": [1]}]}}), None)
    maker(asked(), 0)["x"]["a"].append(2)
    assert maker(asked(), 0) == {"x": {"a": [1]}}


def test_a_class_that_contains_itself_ends() -> None:
    node = of(
        {"children": {"type": "array", "items": ref("Node")}, "next": ref("Node"), "other": ref("Node")},
        optional=("other",),
    )
    payload = value(ref("Node"), Node=node)
    assert payload == {"children": [{}], "next": {}, "other": None}


def test_a_schema_that_doubles_at_each_level_is_cut() -> None:
    levels = {f"L{at}": of({name: ref(f"L{at + 1}") for name in "abcdefgh"}) for at in range(30)}
    payload = value(ref("L0"), **levels)
    assert json.dumps(payload).count("{") <= 8 * MOST_NODES


def test_a_deep_schema_is_cut() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = of({"a": schema})
    depth, payload = 0, made(schema, {}, INPUTS).payload
    while payload:
        depth, payload = depth + 1, payload["a"]
    assert depth == MOST_DEPTH


SCALARS = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["integer", "number"])}, optional={"minimum": st.integers(-5, 5)}),
    st.fixed_dictionaries(
        {"type": st.just("string")}, optional={"minLength": st.integers(0, 30), "maxLength": st.integers(30, 40)}
    ),
    st.sampled_from(
        [
            {"type": "boolean"},
            {},
            {"enum": ["png", "jpeg"]},
            {"const": 3},
            {"type": "integer", "exclusiveMinimum": 0, "maximum": 8},
            {"type": "string", "examples": [5, "x"], "default": "y"},
            {"type": "integer", "default": "wrong"},
        ]
    ),
    st.sampled_from([ref("File"), ref("Image"), {"allOf": [ref("File")], "description": "x"}]),
)
NAMES = st.sampled_from(
    [
        "images",
        "video",
        "audio",
        "seed",
        "seeds",
        "prompt",
        "actual_prompt",
        "text",
        "output",
        "timings",
        "has_nsfw_concepts",
        "duration",
        "num_frames",
        "chunks",
        "timestamp",
        "start",
        "width",
        "url",
        "video_url",
        "model_glb",
        "glb",
        "language_code",
        "task_id",
    ]
)


def _compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={"minItems": st.integers(0, 2), "maxItems": st.integers(2, 3)},
        ),
        st.builds(
            lambda properties, optional: of(properties, optional=tuple(optional)),
            st.dictionaries(NAMES, inner, max_size=4),
            st.lists(NAMES, max_size=3),
        ),
        st.builds(lambda schema: {"anyOf": [schema, {"type": "null"}]}, inner),
    )


OUTPUTS = st.builds(
    lambda properties, optional: of(properties, optional=tuple(optional)),
    st.dictionaries(NAMES, st.recursive(SCALARS, _compound, max_leaves=6), max_size=5),
    st.lists(NAMES, max_size=3),
)
GIVEN = st.dictionaries(
    NAMES | st.sampled_from(["num_images", "image_size", "aspect_ratio", "fps", "output_format"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.just("16:9")
    | st.lists(st.text(), max_size=2),
)


@given(OUTPUTS, GIVEN)
def test_what_is_made_fits_its_schema(schema: dict[str, Any], given_input: dict[str, Any]) -> None:
    whole = document(schema)
    result = maker_of(whole, schema, None)(asked(given_input), 0)
    assert problems(whole, schema, result) == []
