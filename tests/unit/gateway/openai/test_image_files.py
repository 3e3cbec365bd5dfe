from __future__ import annotations

import base64
from typing import Any

import pytest

from falmock.gateway.openai import image_files
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.image_files import ImageFiles
from falmock.gateway.openai.parameters import PARAMETERS
from falmock.wire.formats.multipart import Part

URL = "https://v3.fal.media/files/a/cat.png"
INLINE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
IMAGE = Part("image", b"1", "a.png", "image/png")


def named(name: str, file_name: str | None = "a.png") -> Part:
    return Part(name, b"1", file_name, "image/png")


# forms


@pytest.mark.parametrize("image", ["image", "image[]", "image[0]"])
@pytest.mark.parametrize("mask", ["mask", "mask[]"])
def test_the_files_of_a_form(image: str, mask: str) -> None:
    assert image_files.of_form([named(image), Part("prompt", b"x")]) == ImageFiles((named(image),))
    files = [named(image), named(mask), named(image)]
    assert image_files.of_form(files) == ImageFiles((files[0], files[2]), files[1])


@pytest.mark.parametrize(
    ("name", "code"),
    [(name, "invalid_type") for name in PARAMETERS if name not in ("image", "mask", "markup")]
    + [(name, "unknown_parameter") for name in ("images", "images[]", "image_2", "control_image", "Mask", "")]
    + [("markup", "unsupported_parameter")],
)
def test_no_other_file_is_dropped(name: str, code: str) -> None:
    for parts in ([IMAGE, named(name)], [named(name), IMAGE]):
        with pytest.raises(RefusedCall) as caught:
            image_files.of_form(parts)
        assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, name)


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ([], "missing_required_parameter", "image"),
        ([named("mask")], "missing_required_parameter", "image"),
        ([IMAGE] * 17, "array_above_max_length", "image"),
        ([IMAGE, named("mask"), named("mask[]")], "array_above_max_length", "mask"),
        ([IMAGE, named("mask", None)], "invalid_type", "mask"),
        ([named("image[]", None)], "invalid_type", "image[]"),
    ],
)
def test_forms_that_are_refused(parts: list[Part], code: str, param: str) -> None:
    with pytest.raises(RefusedCall) as caught:
        image_files.of_form(parts)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


# JSON


def test_references() -> None:
    given = {"images": [{"image_url": URL}, {"image_url": INLINE, "file_id": None}], "mask": {"image_url": INLINE}}
    found = image_files.of_json(given)
    assert found.images == (URL, Part("images[1].image_url", b"\x89PNG", None, "image/png"))
    assert found.mask == Part("mask.image_url", b"\x89PNG", None, "image/png")
    assert image_files.of_json({"images": [{"image_url": "http://here:80/a.png"}]}).mask is None


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({}, "missing_required_parameter", "images"),
        ({"images": "x"}, "invalid_type", "images"),
        ({"images": []}, "empty_array", "images"),
        ({"images": [{"image_url": URL}] * 17}, "array_above_max_length", "images"),
        ({"images": [URL]}, "invalid_type", "images[0]"),
        ({"images": [{"image_url": URL}, {}]}, "missing_required_parameter", "images[1].image_url"),
        ({"images": [{"image_url": 5}]}, "invalid_type", "images[0].image_url"),
        ({"images": [{"image_url": {"url": URL}}]}, "invalid_type", "images[0].image_url"),
        ({"images": [{"image_url": "cat.png"}]}, "invalid_value", "images[0].image_url"),
        ({"images": [{"image_url": "file:///cat.png"}]}, "invalid_value", "images[0].image_url"),
        ({"images": [{"image_url": "https://["}]}, "invalid_value", "images[0].image_url"),
        ({"images": [{"image_url": "data:image/png;base64,?"}]}, "invalid_value", "images[0].image_url"),
        ({"images": [{"image_url": "data:image/png;base64,"}]}, "invalid_value", "images[0].image_url"),
        ({"images": [{"file_id": "file-1"}]}, "unsupported_parameter", "images[0].file_id"),
        ({"images": [{"image_url": URL, "detail": "low"}]}, "unknown_parameter", "images[0].detail"),
        ({"images": [{"image_url": URL}], "mask": INLINE}, "invalid_type", "mask"),
        ({"images": [{"image_url": URL}], "mask": {}}, "missing_required_parameter", "mask.image_url"),
        ({"image": URL}, "unknown_parameter", "image"),
        ({"images": [{"image_url": URL}], "mask[]": URL}, "unknown_parameter", "mask[]"),
        ({"images": [{"image_url": URL}], "markup": {"image_url": URL}}, "unsupported_parameter", "markup"),
    ],
)
def test_references_that_are_refused(given: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RefusedCall) as caught:
        image_files.of_json(given)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


def test_how_images_are_given_in_json_is_told() -> None:
    with pytest.raises(RefusedCall, match=r'"images": \[\{"image_url": URL\}\]'):
        image_files.of_json({"image": URL})
