from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import request
from falmock.gateway.openai.errors import RefusedCall
from falmock.gateway.openai.parameters import PARAMETERS
from falmock.gateway.openai.parameters import Kind
from falmock.gateway.openai.request import ImageRequest
from falmock.wire.formats.multipart import Part
from falmock.wire.message import Request

PNG = ("a.png", b"\x89PNG", "image/png")


def generation(**given: Any) -> ImageRequest:
    body = json.dumps(given).encode()
    return request.of_generation(Request("POST", "here", "/", "", {}, body))


def form(files: list[tuple[str, Any]], fields: dict[str, str]) -> Request:
    sent = httpx.Request("POST", "http://here", files=files, data=fields)
    headers = {"content-type": sent.headers.get("content-type", "")}
    return Request("POST", "here", "/", "", headers, sent.read())


def edit(files: list[tuple[str, Any]], **fields: str) -> ImageRequest:
    return request.of_edit(form(files, fields))


def variation(files: list[tuple[str, Any]], **fields: str) -> ImageRequest:
    return request.of_variation(form(files, fields))


def test_little_is_needed() -> None:
    assert generation(prompt="a") == ImageRequest("a")
    assert generation(prompt="a", n=None, size=None, model=None, stream=False) == ImageRequest("a")


def test_all_there_is() -> None:
    wanted = generation(
        prompt="a",
        model="m",
        n=10,
        size="1536x1024",
        response_format="b64_json",
        seed=2**64 - 1,
        output_format="webp",
        quality="hd",
        background="transparent",
        user="me",
        partial_images=0,
        guidance_scale=3.5,
        loras=[{"path": "x"}],
    )
    assert wanted == ImageRequest(
        "a",
        "m",
        10,
        (1536, 1024),
        base64=True,
        seed=2**64 - 1,
        output_format="webp",
        options={"background": "transparent", "quality": "hd"},
        extras={"guidance_scale": 3.5, "loras": [{"path": "x"}]},
    )
    assert generation(prompt="a", size="auto").size is None


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({}, "missing_required_parameter", "prompt"),
        ({"prompt": ""}, "empty_string", "prompt"),
        ({"prompt": 5}, "invalid_type", "prompt"),
        ({"prompt": "a", "model": []}, "invalid_type", "model"),
        ({"prompt": "a", "n": "3"}, "invalid_type", "n"),
        ({"prompt": "a", "n": True}, "invalid_type", "n"),
        ({"prompt": "a", "n": 0}, "integer_below_min_value", "n"),
        ({"prompt": "a", "n": 11}, "integer_above_max_value", "n"),
        ({"prompt": "a", "seed": -1}, "integer_below_min_value", "seed"),
        ({"prompt": "a", "size": "0x5"}, "invalid_value", "size"),
        ({"prompt": "a", "size": "1024"}, "invalid_value", "size"),
        ({"prompt": "a", "response_format": "png"}, "invalid_value", "response_format"),
        ({"prompt": "a", "output_format": "bmp"}, "invalid_value", "output_format"),
        ({"prompt": "a", "stream": "yes"}, "invalid_type", "stream"),
        ({"prompt": "a", "stream": True, "partial_images": 4}, "integer_above_max_value", "partial_images"),
        ({"prompt": "a", "image": "x"}, "unknown_parameter", "image"),
    ],
)
def test_what_is_refused(given: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(RefusedCall) as caught:
        generation(**given)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


@pytest.mark.parametrize("read", [request.of_generation, request.of_edit, request.of_variation])
def test_a_body_that_could_not_be_decoded(read: Callable[[Request], ImageRequest]) -> None:
    with pytest.raises(RefusedCall, match=r"not encoded as it says \(br\)"):
        read(Request("POST", "here", "/", "", {"content-encoding": "br"}, b""))


def test_a_body_of_more_values_than_are_read() -> None:
    body = b'{"prompt": "a", "x": [' + b"0," * 600_000 + b"0]}"
    with pytest.raises(RefusedCall, match="more than 500000 values") as refused:
        request.of_generation(Request("POST", "here", "/", "", {}, body))
    assert refused.value.status == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    with pytest.raises(RefusedCall, match="We could not parse the JSON body of your request"):
        request.of_generation(Request("POST", "here", "/", "", {}, body))


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.integers(), max_size=2)
)
NAMES = st.sampled_from(
    ["prompt", "model", "n", "size", "seed", "response_format", "output_format", "stream", "style", "other"]
)


@given(st.dictionaries(NAMES, VALUES))
def test_anything_is_read_or_refused(given: dict[str, Any]) -> None:
    status = 400
    try:
        wanted = generation(**given)
    except RefusedCall as refused:
        status = refused.status
    else:
        assert wanted.prompt == given["prompt"]
        assert 1 <= wanted.number <= PARAMETERS["n"].most
    assert status == 400


def test_an_edit() -> None:
    wanted = edit(
        [("image[]", PNG), ("image[]", ("b.png", b"b", "")), ("mask", PNG)],
        prompt="5",
        n="2",
        size="512x512",
        strength="0.5",
        enable_safety_checker="true",
        sampler="euler",
        quality="high",
    )
    assert [(part.file_name, part.data) for part in wanted.images] == [("a.png", b"\x89PNG"), ("b.png", b"b")]
    assert wanted.mask == Part("mask", b"\x89PNG", "a.png", "image/png")
    assert (wanted.prompt, wanted.number, wanted.size) == ("5", 2, (512, 512))
    assert wanted.extras == {"strength": 0.5, "enable_safety_checker": True, "sampler": "euler"}
    assert wanted.options == {"quality": "high"}


@pytest.mark.parametrize(
    ("files", "fields", "code", "param"),
    [
        ([("mask", PNG)], {"prompt": "a"}, "missing_required_parameter", "image"),
        ([("image", PNG)], {}, "missing_required_parameter", "prompt"),
        ([("image", PNG)] * 17, {"prompt": "a"}, "array_above_max_length", "image"),
        ([("image", PNG)], {"prompt": "a", "mask": "x"}, "invalid_type", "mask"),
        ([("image", PNG)], {"prompt": "a", "n": "two"}, "invalid_type", "n"),
        ([("image", PNG)], {"prompt": "a", "stream": "yes"}, "invalid_type", "stream"),
        ([], {"prompt": "a"}, None, None),
    ],
)
def test_edits_that_are_refused(files: list[Any], fields: dict[str, str], code: str | None, param: str | None) -> None:
    with pytest.raises(RefusedCall) as caught:
        edit(files, **fields)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


# what those of OpenAI's models expect that know no URLs


@pytest.mark.parametrize(
    ("given", "base64"),
    [
        ({"model": "gpt-image-1"}, True),
        ({"model": "gpt-image-1-mini"}, True),
        ({"model": "chatgpt-image-latest"}, True),
        ({"model": "dall-e-3"}, False),
        ({"model": "fal-ai/gpt-image-1"}, False),
        ({"model": "gpt-image-1", "response_format": "url"}, False),
        ({"model": "dall-e-3", "stream": True}, True),
        ({"model": "dall-e-3", "stream": True, "response_format": "url"}, True),
        ({}, False),
    ],
)
def test_content_or_urls(given: dict[str, Any], *, base64: bool) -> None:
    assert generation(prompt="a", **given).base64 is base64


def test_a_stream() -> None:
    assert generation(prompt="a", stream=True, partial_images=3).stream
    assert edit([("image", PNG)], prompt="a", stream="true", partial_images="2").stream
    assert not edit([("image", PNG)], prompt="a", stream="false").stream


# variations


def test_a_variation() -> None:
    wanted = variation([("image", PNG)], model="m", n="2", size="512x512", response_format="b64_json", strength="0.5")
    assert wanted == ImageRequest(
        "",
        "m",
        2,
        (512, 512),
        base64=True,
        extras={"strength": 0.5},
        images=(Part("image", b"\x89PNG", "a.png", "image/png"),),
    )


@pytest.mark.parametrize(
    ("files", "fields", "code", "param"),
    [
        ([("mask", PNG)], {}, "missing_required_parameter", "image"),
        ([("image", PNG), ("mask", PNG)], {}, "unknown_parameter", "mask"),
        ([("image", PNG)] * 2, {}, "array_above_max_length", "image"),
        ([("image", PNG)], {"prompt": "a"}, "unknown_parameter", "prompt"),
        ([("image", PNG)], {"stream": "true"}, "unknown_parameter", "stream"),
    ],
)
def test_variations_that_are_refused(files: list[Any], fields: dict[str, str], code: str, param: str) -> None:
    with pytest.raises(RefusedCall) as caught:
        variation(files, **fields)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


# edits in JSON

URL = "https://v3.fal.media/files/a/cat.png"


def json_edit(content_type: str = "application/json", **given: Any) -> ImageRequest:
    headers = {"content-type": content_type}
    return request.of_edit(Request("POST", "here", "/", "", headers, json.dumps(given).encode()))


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_an_edit_in_json(content_type: str) -> None:
    wanted = json_edit(
        content_type,
        prompt="a",
        model="m",
        images=[{"image_url": URL}, {"image_url": "data:image/png;base64,iVBORw=="}],
        mask={"image_url": URL},
        n=2,
        strength=0.5,
        quality="high",
        user=None,
    )
    assert wanted == ImageRequest(
        "a",
        "m",
        2,
        options={"quality": "high"},
        extras={"strength": 0.5},
        images=(URL, Part("images[1].image_url", b"\x89PNG", None, "image/png")),
        mask=URL,
    )


@pytest.mark.parametrize(
    ("content_type", "given", "param"),
    [
        ("application/json", {"prompt": "a"}, "images"),
        ("application/json", {"images": [{"image_url": URL}]}, "prompt"),
        ("text/plain", {"prompt": "a", "images": [{"image_url": URL}]}, None),
    ],
)
def test_edits_in_json_that_are_refused(content_type: str, given: dict[str, Any], param: str | None) -> None:
    with pytest.raises(RefusedCall) as caught:
        json_edit(content_type, **given)
    assert (caught.value.status, caught.value.param) == (400, param)
    if param is None:
        assert "expected the content type multipart/form-data or application/json" in caught.value.message


# OpenAI's parameters are not the model's

OPENAIS: dict[str, Any] = {
    name: {Kind.TEXT: "low", Kind.INTEGER: 2, Kind.BOOLEAN: False, Kind.OBJECT: {"model": "x"}}[parameter.kind]
    for name, parameter in PARAMETERS.items()
    if parameter.kind is not Kind.FILE
} | {"response_format": "url", "output_format": "png", "size": "auto"}


def test_no_parameter_of_openais_is_the_models_own() -> None:
    assert set(generation(**OPENAIS, strength=1).extras) == {"strength"}
    assert set(json_edit(**OPENAIS, strength=1, images=[{"image_url": URL}]).extras) == {"strength"}
    fields = {name: json.dumps(value).strip('"') for name, value in OPENAIS.items() if name != "svg"}
    assert edit([("image", PNG)], **fields, **{"svg[model]": "x", "strength": "1"}).extras == {"strength": 1}


def test_a_deployment_is_the_model() -> None:
    body = json.dumps({"prompt": "a", "model": "other"}).encode()
    assert request.of_generation(Request("POST", "here", "/", "", {}, body), "gpt-image-2").base64
    assert request.of_generation(Request("POST", "here", "/", "", {}, body), "m").model == "m"
    assert request.of_edit(form([("image", PNG)], {"prompt": "a"}), "m").model == "m"
    assert request.of_variation(form([("image", PNG)], {}), "m").model == "m"


@pytest.mark.parametrize(
    ("agent", "given", "base64"),
    [
        ("ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/20", {}, True),
        ("ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/20", {"response_format": "url"}, False),
        ("OpenAI/JS 7.59.0", {}, False),
    ],
)
def test_who_cannot_ask_for_content_gets_it(agent: str, given: dict[str, str], *, base64: bool) -> None:
    sent = form([("image", PNG)], {"prompt": "a", "model": "a/b", **given})
    sent = sent._replace(headers={**sent.headers, "user-agent": agent})
    assert request.of_edit(sent).base64 is base64
