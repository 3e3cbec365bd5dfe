from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import models as openai_models
from falmock.gateway.openai.models import BadModels
from unit.engine.calls import index_of


def test_a_list_of_models() -> None:
    texts = ["flux-dev:fal-ai/flux/dev, sdxl : fal-ai/sdxl ,", "fal-ai/flux/schnell"]
    assert openai_models.parse(texts) == (
        ("flux-dev", "fal-ai/flux/dev"),
        ("sdxl", "fal-ai/sdxl"),
        ("fal-ai/flux/schnell", "fal-ai/flux/schnell"),
    )
    assert openai_models.parse(["", " , "]) == ()
    assert openai_models.parse(["a:b/c", "a:b/c"]) == (("a", "b/c"),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("flux", "expected alias:endpoint id, .* found 'flux': .* is not an endpoint id"),
        ("flux:", "found 'flux:'"),
        (":a/b", "which has no alias"),
        ("a:b/c,a:b/d", "'a' stands for both b/c and b/d"),
        ("a:b/../c", "cannot be a part of one"),
    ],
)
def test_what_is_no_list_of_models(text: str, complaint: str) -> None:
    with pytest.raises(BadModels, match=complaint):
        openai_models.parse([text])


@given(st.lists(st.text()))
def test_any_text_is_a_list_or_refused(texts: list[str]) -> None:
    try:
        models = openai_models.parse(texts)
    except BadModels:
        models = ()
    assert all(alias and "/" in endpoint for alias, endpoint in models)


def answering(model: str, **output: Any) -> dict[str, Any]:
    return {"match": {"model": model}, "response": {"json": output}}


def test_the_models_of_fixtures() -> None:
    index = index_of(
        answering("a/images", images=[{"url": "u"}]),
        answering("a/image", image={"url": "u"}),
        answering("a/texts", images=["u"]),
        answering("a/video", video={"url": "u"}),
        answering("a/glob*", images=[{"url": "u"}]),
        {"match": {"model": "a/failing"}, "response": {"error": {"type": "missing", "message": "No."}}},
        {"match": {"model": "a/video"}, "response": {"error": {"type": "missing", "message": "No."}}},
        {"match": {"model": "a/text"}, "response": {"text": "hello"}},
        {"match": {"model": "a/socket"}, "realtime": [{"json": {"images": ["u"]}}]},
        {"match": {"userMessage": "hi"}, "response": {"json": {"images": ["u"]}}},
    )
    names = [name for name, _ in openai_models.of_index(index)]
    assert names == ["a/failing", "a/image", "a/images", "a/texts"]


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ({"images": [{"url": "u"}, "v", {"url": None}, 5]}, ["u", "v"]),
        ({"images": [], "image": {"url": "u"}}, ["u"]),
        ({"image": "u"}, ["u"]),
        ({"images": None}, []),
        ([], []),
        (None, []),
    ],
)
def test_the_images_in_an_output(output: Any, urls: list[str]) -> None:
    assert openai_models.images_in(output) == urls


def test_as_openai_shows_it() -> None:
    shown = {"id": "x", "object": "model", "created": 0, "owned_by": "fal-ai"}
    assert openai_models.described("x", "fal-ai/flux/dev") == shown
