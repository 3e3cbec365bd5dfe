"""OpenAI's own SDK, with a falmock that has no fixtures and makes the answers."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from clients import running
from clients.openai_apps import ASSETS
from clients.openai_apps import App
from clients.openai_apps import opened
from clients.openai_apps import write_schema

FLUX = "fal-ai/flux/dev"
KNOWN = "test/one"
STEPS = {"type": "integer", "maximum": 50}


@pytest.fixture(scope="module")
def app(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("openai-made")
    write_schema(folder, KNOWN, {"prompt": {"type": "string"}, "num_inference_steps": STEPS})
    with (
        running.mitmdump(confdir, "--set", "fal_miss=synthesize", fixtures=folder) as mock,
        opened("openai_edits.py", mock) as started,
    ):
        yield started


def size_of(content: bytes) -> tuple[int, int]:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture.size


def test_images_in_base64(app: App) -> None:
    made = app("generate", model=FLUX, prompt="a cat", n=3, size="640x480", response_format="b64_json")
    assert [size_of(base64.b64decode(each)) for each in made] == [(640, 480)] * 3
    assert len(set(made)) == 3
    assert app("generate", model=FLUX, prompt="a cat", n=3, size="640x480", response_format="b64_json") == made


def test_images_by_url(app: App) -> None:
    made = app("generate", model=FLUX, prompt="a dog", n=2, size="1536x1024")
    assert [size_of(httpx.get(url).content) for url in made] == [(1536, 1024)] * 2


def test_an_edit(app: App) -> None:
    given: dict[str, Any] = {"prompt": "at night", "size": "512x512", "response_format": "b64_json"}
    made = app("edit", images=[str(ASSETS / "cat-by-day.png")], model=f"{FLUX}/image-to-image", **given)
    assert [size_of(base64.b64decode(each)) for each in made] == [(512, 512)]


def test_what_fal_would_refuse(app: App) -> None:
    refused = app("generate", model=KNOWN, prompt="a cat", extra_body={"num_inference_steps": 99})
    assert (refused["raised"], refused["status"]) == ("BadRequestError", 400)
    assert refused["error"] == {
        "message": "num_inference_steps: Input should be less than or equal to 50",
        "type": "invalid_request_error",
        "param": "num_inference_steps",
        "code": "less_than_equal",
    }
