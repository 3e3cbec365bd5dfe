"""Made outputs, for documents like those of fal's models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.outputs.made import Origin
from falmock.synthesis.outputs.made import OutputMaker
from falmock.synthesis.outputs.made import made_output
from falmock.wire.model_document import output_schema
from unit.synthesis.outputs.schemas import ID
from unit.synthesis.outputs.schemas import document
from unit.synthesis.outputs.schemas import of
from unit.synthesis.outputs.schemas import problems
from unit.synthesis.outputs.schemas import ref

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
IMAGES = {"type": "array", "items": ref("Image")}
FLAGS = {"type": "array", "items": {"type": "boolean"}}
PROMPT = {"prompt": TEXT, "seed": WHOLE}
SIZES = {"enum": ["square_hd", "landscape_4_3"], "type": "string"}
USAGE = of({"prompt_tokens": {"type": "integer", "examples": [40]}, "cost": {"type": "number", "examples": [0.5]}})
DETECTED = of({"x": NUMBER, "y": NUMBER})
WORD = of({"text": TEXT, "start": NUMBER, "end": NUMBER, "type": TEXT})
MESHES = of({name: {"anyOf": [ref("File"), {"type": "null"}]} for name in ("glb", "fbx")}, optional=("glb", "fbx"))

DOCUMENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "images": (
        of(
            {"images": IMAGES, "timings": {"type": "object"}, "seed": WHOLE, "has_nsfw_concepts": FLAGS, "prompt": TEXT}
        ),
        {
            **PROMPT,
            "num_images": {"type": "integer", "maximum": 4, "default": 1},
            "image_size": {"anyOf": [ref("ImageSize"), SIZES], "default": "landscape_4_3"},
        },
    ),
    "one image": (of({"image": ref("File"), "seed": WHOLE}), PROMPT),
    "video": (
        of({"video": {"allOf": [ref("File")], "examples": [{"url": "https://v3.fal.media/gone.mp4"}]}}),
        {**PROMPT, "duration": {"enum": ["5", "10"], "default": "5"}},
    ),
    "video and its measures": (
        of({"video": ref("File"), "duration": NUMBER, "fps": NUMBER, "num_frames": WHOLE}),
        PROMPT,
    ),
    "speech": (of({"audio": ref("File"), "duration_ms": WHOLE}), {"text": TEXT}),
    "transcript": (
        of({"text": TEXT, "words": {"type": "array", "items": WORD}, "language_code": TEXT}),
        {"audio_url": TEXT},
    ),
    "training": (of({"diffusers_lora_file": ref("File"), "config_file": ref("File")}), {"steps": WHOLE}),
    "mesh": (
        of({"model_glb": ref("File"), "model_urls": MESHES, "texture_urls": TEXT}, optional=("texture_urls",)),
        PROMPT,
    ),
    "language model": (
        of({"output": TEXT, "partial": {"type": "boolean"}, "error": TEXT, "usage": USAGE}, optional=("error",)),
        PROMPT,
    ),
    "caption": (of({"results": TEXT}), {"image_url": TEXT}),
    "detection": (of({"objects": {"type": "array", "items": DETECTED}, "image": ref("Image")}), {"image_url": TEXT}),
    "stems": (of({name: ref("File") for name in ("vocals", "drums")}), {"audio_url": TEXT}),
    "a url": (of({"video_url": TEXT, "thumbnail_url": {"anyOf": [TEXT, {"type": "null"}]}}), {"tracks": TEXT}),
    "verdict": (
        of({"verdict": {"enum": ["real", "fake"], "type": "string"}, "confidence": {"type": "number", "maximum": 1}}),
        {},
    ),
    "images of a kind": ({"allOf": [of({"images": {**IMAGES, "minItems": 2}})]}, PROMPT),
    "a list": ({"type": "array", "items": ref("Image")}, PROMPT),
}

HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.sampled_from(
        [10**400, -(10**400), "9" * 5000, "1:0", "0:1", "99999:1", "auto", "4K", "8s", "webp", "MP4", "\ud800"]
    ),
    st.fixed_dictionaries({"width": st.integers() | st.text(), "height": st.integers() | st.none()}),
    st.lists(st.none() | st.integers() | st.dictionaries(st.text(), st.text(), max_size=2), max_size=3),
)
HONOURED = (
    *(
        "prompt",
        "text",
        "messages",
        "seed",
        "num_images",
        "image_size",
        "video_size",
        "size",
        "width",
        "height",
        "aspect_ratio",
    ),
    *(
        "resolution",
        "duration",
        "seconds_total",
        "music_length_ms",
        "fps",
        "num_frames",
        "output_format",
        "audio_setting",
    ),
    *("video_output_type", "steps", "image_url", "audio_url", "tracks"),
)


@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=25)
@given(given_input=st.dictionaries(st.sampled_from(HONOURED), HOSTILE, max_size=8))
def test_whatever_is_given_the_output_fits_its_schema_and_is_bounded(name: str, given_input: dict[str, Any]) -> None:
    whole = document(*DOCUMENTS[name])
    result = made_output(whole, ID, given_input)
    assert result is not None
    assert problems(whole, output_schema(whole, ID), result.payload) == []
    assert result.origin is Origin.SCHEMA
    assert result.why == f"made by the schema of {ID}"
    assert result.events[-1] == result.payload
    assert len(result.files) <= 32
    for recipe in result.files.values():
        assert max(recipe.width, recipe.height) <= 14142
        assert recipe.duration <= 3600
        assert len(recipe.text) < 300


@given(st.dictionaries(st.sampled_from(HONOURED), st.integers() | st.text() | st.booleans()), st.randoms())
def test_the_same_input_has_the_same_output_in_any_order(given_input: dict[str, Any], random: Any) -> None:
    maker = OutputMaker(document(*DOCUMENTS["images"]), ID)
    items = list(given_input.items())
    random.shuffle(items)
    assert json.dumps(maker.make(given_input)._asdict(), default=str) == json.dumps(
        maker.make(dict(items))._asdict(), default=str
    )


def test_another_prompt_has_other_files() -> None:
    maker = OutputMaker(document(*DOCUMENTS["images"]), ID)
    assert maker.make({"prompt": "a"}).files.keys().isdisjoint(maker.make({"prompt": "b"}).files)


def test_defaults_and_limits_of_the_document_count() -> None:
    maker = OutputMaker(document(*DOCUMENTS["images"]), ID)
    (image,) = maker.make({}).payload["images"]
    assert (image["width"], image["height"]) == (1024, 768)
    result = maker.make({"num_images": 100})
    assert len(result.payload["images"]) == 4
    assert result.notes == ("100 files were asked for, and 4 are made",)


def test_what_was_accepted_counts_before_the_documents_defaults() -> None:
    maker = OutputMaker(document(*DOCUMENTS["images"]), ID)
    result = maker.make({"prompt": "x", "seed": "7"}, {"prompt": "x", "seed": 7, "image_size": "square_hd"})
    (image,) = result.payload["images"]
    assert (image["width"], result.payload["seed"]) == (1024, 7)


@pytest.mark.parametrize(
    ("document_of", "endpoint", "category", "why"),
    [
        (None, "fal-ai/flux/dev", None, "guessed from the endpoint id: images"),
        (None, "acme/sorter", "text-to-video", "guessed from the category text-to-video: video"),
        (document({}, category="text-to-speech"), ID, None, "guessed from the category text-to-speech: audio"),
        (
            document({"title": "Empty"}, category="training"),
            ID,
            None,
            "guessed from the category training: trained weights",
        ),
    ],
)
def test_without_a_schema_it_is_a_guess(document_of: Any, endpoint: str, category: str | None, why: str) -> None:
    result = made_output(document_of, endpoint, {"prompt": "a cat"}, category=category)
    assert result is not None
    assert (result.origin, result.why) == (Origin.GUESS, why)


@pytest.mark.parametrize(
    "document_of", [None, 5, {}, {"info": []}, {"info": {"x-fal-metadata": {"category": 5}}}, document({})]
)
def test_what_nobody_knows_is_not_made(document_of: Any) -> None:
    maker = OutputMaker(document_of, ID)
    assert not maker.can_make
    assert maker.make({}) is None


def test_a_stream_is_made_by_the_document_of_its_model() -> None:
    result = made_output(document(*DOCUMENTS["language model"]), f"{ID}/stream", {"prompt": "a cat"})
    assert result is not None
    assert result.why == f"made by the schema of {ID}"
    assert [event["partial"] for event in result.events] == [True, True, True, False]
    assert result.events[-1] == result.payload
    assert '"a cat"' in result.payload["output"]


def test_with_sync_mode_there_are_no_files() -> None:
    result = made_output(None, "fal-ai/flux/dev", {"sync_mode": True, "image_size": "square"})
    assert result is not None
    assert result.files == {}
    assert result.payload["images"][0]["url"].startswith("data:image/png;base64,")
