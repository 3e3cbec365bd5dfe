from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from falmock.engine.effects import Reply
from falmock.gateway.openai import response
from falmock.gateway.openai.request import ImageRequest
from falmock.gateway.openai.response import Image
from falmock.wire.formats.multipart import Part
from falmock.wire.formats.sse import Parser
from falmock.wire.message import header_map

NOW = 1_752_619_398
NO_TOKENS = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}
HEAD = (640).to_bytes(4, "big") + (480).to_bytes(4, "big") + b"\x08\x02\0\0\0"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" + HEAD + zlib.crc32(b"IHDR" + HEAD).to_bytes(4, "big")
INLINE = Image("https://v3.fal.media/a.png", None, base64.b64encode(PNG).decode(), PNG)


def answered(wanted: ImageRequest, *pictures: Image, outputs: list[Any] | None = None) -> Reply:
    return response.reply(wanted, pictures, outputs or [], NOW, "made")


def body(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def test_urls_and_content() -> None:
    url = answered(ImageRequest("a"), Image("https://x/1", "better"), Image("https://x/2"))
    assert body(url) == {
        "created": NOW,
        "data": [{"url": "https://x/1", "revised_prompt": "better"}, {"url": "https://x/2"}],
    }
    assert body(answered(ImageRequest("a", base64=True), INLINE)) == {
        "created": NOW,
        "data": [{"b64_json": INLINE.base64}],
    }


@pytest.mark.parametrize("quality", ["xhigh", "max"])
def test_the_newest_values(quality: str) -> None:
    gif = Image("https://x/1", None, "R0lGOA==", b"GIF89a")
    told = body(answered(ImageRequest("a", "gpt-image-2", base64=True, options={"quality": quality}), gif))
    assert (told["quality"], told["output_format"]) == (quality, "gif")


def test_what_a_client_of_gpt_image_reads() -> None:
    wanted = ImageRequest("a", "gpt-image-1", base64=True, options={"quality": "high", "background": "opaque"})
    assert body(answered(wanted, INLINE)) == {
        "created": NOW,
        "data": [{"b64_json": INLINE.base64}],
        "background": "opaque",
        "output_format": "png",
        "quality": "high",
        "size": "640x480",
        "usage": NO_TOKENS,
    }
    bare = body(answered(ImageRequest("a", "gpt-image-1"), Image("https://x/1")))
    assert set(bare) == {"created", "data", "usage"}  # the rest is unknown


@pytest.mark.parametrize(("images", "kind"), [((), "image_generation"), ((Part("image", b""),), "image_edit")])
def test_a_stream(images: tuple[Part, ...], kind: str) -> None:
    reply = answered(ImageRequest("a", "m", base64=True, stream=True, images=images), INLINE, INLINE)
    assert header_map(reply.headers)["content-type"].startswith("text/event-stream")
    assert isinstance(reply.body, bytes)
    events = Parser().feed(reply.body)
    assert [event.type for event in events] == [f"{kind}.completed"] * 2
    told = {
        "type": f"{kind}.completed",
        "b64_json": INLINE.base64,
        "created_at": NOW,
        "background": "auto",
        "output_format": "png",
        "quality": "auto",
        "size": "640x480",
        "usage": NO_TOKENS,
    }
    assert [json.loads(event.data) for event in events] == [told, told]


def test_tokens_are_told_where_the_model_tells_them() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12, "input_tokens_details": {"text_tokens": 5}}
    outputs = [{"usage": usage}, {"usage": usage}, {"usage": "much"}, {"usage": {"input_tokens": True}}, None]
    expected = {
        "input_tokens": 10,
        "output_tokens": 14,
        "total_tokens": 24,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 10},
    }
    assert body(answered(ImageRequest("a", "gpt-image-1"), Image("u"), outputs=outputs))["usage"] == expected
    reply = answered(ImageRequest("a", stream=True, base64=True), INLINE, INLINE, outputs=outputs)
    assert isinstance(reply.body, bytes)
    told = [json.loads(event.data)["usage"] for event in Parser().feed(reply.body)]
    assert told == [NO_TOKENS, expected]  # their sum is what was used
