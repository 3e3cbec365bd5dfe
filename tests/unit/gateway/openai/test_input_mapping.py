from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import input_mapping
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.input_mapping import SentFiles
from falmock.gateway.openai.model_inputs import Field
from falmock.gateway.openai.model_inputs import Inputs
from falmock.gateway.openai.request import ImageRequest

TEXT = Field(frozenset({"string"}), is_open=True)
FLUX: Inputs = {
    "prompt": TEXT,
    "image_size": Field(frozenset({"object", "string"}), ("square_hd", "landscape_4_3")),
    "num_images": Field(frozenset({"integer"}), default=1, maximum=4),
    "output_format": Field(frozenset({"string"}), ("jpeg", "png")),
    "seed": Field(frozenset({"integer"})),
    "guidance_scale": Field(frozenset({"number"})),
}
GPT: Inputs = {
    "prompt": TEXT,
    "quality": Field(frozenset({"string"}), ("auto", "low", "medium", "high")),
    "background": Field(frozenset({"string"}), ("auto", "transparent", "opaque")),
    "output_format": Field(frozenset({"string"}), ("jpg", "png")),
}
ONE_IMAGE: Inputs = {"prompt": TEXT, "image_url": TEXT}
SEVERAL: Inputs = {"prompt": TEXT, "image_urls": Field(frozenset({"array"}), most=2), "mask_image_url": TEXT}
NOTHING = SentFiles()


def best(
    wanted: ImageRequest, inputs: Inputs | None, files: SentFiles = NOTHING, count: int = 1, made: int = 0
) -> dict[str, Any]:
    return input_mapping.mapped(wanted, inputs, files, count, made).inputs[0]


def left_out(wanted: ImageRequest, inputs: Inputs) -> tuple[str, ...]:
    return input_mapping.mapped(wanted, inputs, NOTHING, 1, 0).left_out


FULL = ImageRequest("a", size=(640, 480), seed=7, output_format="png", options={"quality": "hd", "style": "vivid"})


def test_a_model_that_nothing_is_known_of() -> None:
    found = input_mapping.mapped(FULL._replace(extras={"x": 1}), None, NOTHING, 3, 0)
    size = {"width": 640, "height": 480}
    asked = {"prompt": "a", "x": 1, "image_size": size, "num_images": 3, "seed": 7, "output_format": "png"}
    assert found.inputs == (asked, {"prompt": "a", "x": 1})
    assert best(ImageRequest("a"), None) == {"prompt": "a"}


def test_a_model_that_is_known() -> None:
    found = input_mapping.mapped(FULL, FLUX, NOTHING, 1, 0)
    size = {"width": 640, "height": 480}
    assert found.inputs[0] == {"prompt": "a", "image_size": size, "seed": 7, "output_format": "png"}
    assert found.inputs[1:] == ({"prompt": "a"},)
    assert found.left_out == ("quality", "style")
    assert best(FULL, FLUX, count=4)["num_images"] == 4


def test_what_some_models_call_otherwise() -> None:
    wanted = ImageRequest("a", output_format="jpeg", options={"quality": "hd", "background": "transparent"})
    assert best(wanted, GPT) == {"prompt": "a", "quality": "high", "background": "transparent", "output_format": "jpg"}
    assert left_out(ImageRequest("a", output_format="webp"), GPT) == ("output_format",)
    assert left_out(ImageRequest("a", options={"moderation": "auto"}), GPT) == ()
    assert left_out(ImageRequest("a", size=(5, 5), seed=1), GPT) == ("size", "seed")
    assert left_out(ImageRequest("a"), {"image_url": TEXT}) == ("prompt",)


def test_a_default_that_is_not_one_is_overruled() -> None:
    inputs = {**FLUX, "num_images": Field(frozenset({"integer"}), default=4)}
    assert best(ImageRequest("a"), inputs) == {"prompt": "a", "num_images": 1}
    assert best(ImageRequest("a"), inputs, count=4) == {"prompt": "a"}


def test_newer_parameters_of_openais_are_for_models_that_have_them() -> None:
    given = {"frame_count": 4, "complexity": "low", "svg": {"model": "x"}}
    wanted = ImageRequest("a", options=given)
    assert best(wanted, None) == {"prompt": "a"}
    assert best(wanted, FLUX) == {"prompt": "a"}
    assert left_out(wanted, FLUX) == tuple(given)
    takes = {**FLUX, "frame_count": Field(frozenset({"integer"})), "svg": Field(frozenset({"string"}))}
    assert best(wanted, takes) == {"prompt": "a", "frame_count": 4}


def test_every_image_has_its_seed() -> None:
    assert [best(ImageRequest("a", seed=7), FLUX, made=made)["seed"] for made in range(3)] == [7, 8, 9]


def test_parameters_of_the_models_own() -> None:
    assert best(ImageRequest("a", extras={"guidance_scale": 2}), FLUX) == {"prompt": "a", "guidance_scale": 2}
    with pytest.raises(RefusedCall, match="Unknown parameter: 'guidance'"):
        best(ImageRequest("a", extras={"guidance": 2}), FLUX)


@pytest.mark.parametrize(
    ("inputs", "files", "expected"),
    [
        (None, SentFiles(("u",)), {"image_url": "u"}),
        (None, SentFiles(("u", "v"), "m"), {"image_urls": ["u", "v"], "mask_url": "m"}),
        (ONE_IMAGE, SentFiles(("u",)), {"image_url": "u"}),
        (SEVERAL, SentFiles(("u",)), {"image_urls": ["u"]}),
        (SEVERAL, SentFiles(("u", "v"), "m"), {"image_urls": ["u", "v"], "mask_image_url": "m"}),
        ({**ONE_IMAGE, **SEVERAL}, SentFiles(("u",)), {"image_url": "u"}),
        ({**ONE_IMAGE, **SEVERAL}, SentFiles(("u", "v")), {"image_urls": ["u", "v"]}),
    ],
)
def test_files(inputs: Inputs | None, files: SentFiles, expected: dict[str, Any]) -> None:
    assert best(ImageRequest("a"), inputs, files) == {"prompt": "a", **expected}


def test_either_way_to_name_an_image_is_tried() -> None:
    found = input_mapping.mapped(ImageRequest("a", size=(5, 5)), None, SentFiles(("u",)), 1, 0).inputs
    sized = {"prompt": "a", "image_size": {"width": 5, "height": 5}}
    one, several = {"image_url": "u"}, {"image_urls": ["u"]}
    assert found == ({**sized, **one}, {**sized, **several}, {"prompt": "a", **one}, {"prompt": "a", **several})


@pytest.mark.parametrize(
    ("inputs", "files", "param"),
    [
        (FLUX, SentFiles(("u",)), "image"),
        (ONE_IMAGE, SentFiles(("u", "v")), "image"),
        (SEVERAL, SentFiles(("u", "v", "w")), "image"),
        (ONE_IMAGE, SentFiles(("u",), "m"), "mask"),
    ],
)
def test_files_that_a_model_does_not_take(inputs: Inputs, files: SentFiles, param: str) -> None:
    with pytest.raises(RefusedCall) as caught:
        best(ImageRequest("a"), inputs, files)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("inputs", "most"),
    [(None, 10), (FLUX, 4), (GPT, 1), ({"num_images": Field()}, 10), ({"num_images": Field(maximum=0)}, 10)],
)
def test_how_many_images_a_call_may_ask_for(inputs: Inputs | None, most: int) -> None:
    assert input_mapping.per_call(ImageRequest("a", number=10), inputs) == most


FIELDS = st.builds(
    Field,
    st.frozensets(st.sampled_from(["string", "integer", "number", "object"])),
    st.lists(st.sampled_from(["square", "1:1", "high", "png"]), max_size=2).map(tuple),
    default=st.none() | st.integers(1, 4),
    maximum=st.none() | st.integers(1, 4),
    most=st.none(),
    is_open=st.booleans(),
)
NAMES = st.sampled_from(
    ["prompt", "image_size", "width", "height", "aspect_ratio", "num_images", "seed", "quality", "output_format"]
)
WISHES = st.builds(
    ImageRequest,
    st.text(min_size=1),
    model=st.just(""),
    number=st.just(1),
    base64=st.booleans(),
    extras=st.just({}),
    images=st.just(()),
    mask=st.none(),
    size=st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    seed=st.none() | st.integers(0, 9),
    output_format=st.none() | st.sampled_from(["png", "jpeg", "webp"]),
    options=st.dictionaries(st.sampled_from(["quality", "style"]), st.sampled_from(["hd", "auto", "high"])),
)


@given(WISHES, st.dictionaries(NAMES, FIELDS), st.integers(1, 10))
def test_a_known_model_gets_nothing_that_it_does_not_take(wanted: ImageRequest, inputs: Inputs, count: int) -> None:
    found = input_mapping.mapped(wanted, inputs, NOTHING, count, 0)
    assert all(each.keys() <= inputs.keys() for each in found.inputs)
    assert "prompt" in inputs or "prompt" in found.left_out
