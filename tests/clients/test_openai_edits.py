"""Edits by OpenAI's SDKs and Vercel's AI SDK: references in JSON, files, masks, and parameters that no model has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.openai_apps import ASSETS
from clients.openai_apps import OPENAIS
from clients.openai_apps import SHIPPED
from clients.openai_apps import App
from clients.openai_apps import digest
from clients.openai_apps import inline
from clients.openai_apps import opened
from clients.running import Mitmdump

TO_IMAGE = "fal-ai/flux/dev/image-to-image"
NIGHT: dict[str, Any] = {"model": TO_IMAGE, "prompt": "the same cat at night", "response_format": "b64_json"}
DAY = str(ASSETS / "cat-by-day.png")
URL = "https://v3.fal.media/files/x/elsewhere.png"


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("openai-edits") / "fixtures"
    shutil.copytree(SHIPPED, folder)
    file = {name: {"$file": f"sha256:{digest(f'cat-{name}.png')}"} for name in ("by-day", "by-night", "at-sunset")}
    by_url = {"prompt": "by its URL", "image_url": URL}
    masked = {"prompt": "masked", "image_urls": [file["by-day"], file["at-sunset"]], "mask_url": file["by-night"]}
    answer = {"json": {"images": [{"url": {"$file": "cat-by-night.png"}}]}}
    lost = {"json": {"images": [{"url": "https://v3.fal.media/files/a/lost.png"}]}}
    running.write_fixtures(
        folder / "test",
        {"match": {"model": "test/edit", "input": by_url, "exact": True}, "response": answer},
        {"match": {"model": "test/edit", "input": masked, "exact": True}, "response": answer},
        {"match": {"model": "test/lost"}, "response": lost},
    )
    with running.mitmdump(confdir, fixtures=folder) as started:
        yield started


@pytest.fixture(scope="module", params=["openai_edits.py", "openai_images.mjs"])
def editor(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    with opened(request.param, mock) as app:
        yield app


@pytest.fixture(scope="module")
def vercel(mock: Mitmdump) -> Iterator[App]:
    with opened("ai_sdk.mjs", mock) as app:
        yield app


def made(contents: list[str]) -> list[str]:
    assert isinstance(contents, list), contents
    return [content[:40] for content in contents]


def night() -> list[str]:
    return [inline("cat-by-night.png").partition(",")[2][:40]]


def test_an_edit_in_json(editor: App) -> None:
    """The same fixture answers a data URL, and a file of a form; a URL is what a fixture says it is."""
    assert made(editor("refer", **NIGHT, images=[{"image_url": inline("cat-by-day.png")}])) == night()
    assert made(editor("edit", **NIGHT, images=[DAY])) == night()
    asked = {"model": "test/edit", "prompt": "by its URL", "response_format": "b64_json"}
    assert made(editor("refer", **asked, images=[{"image_url": URL}])) == night()
    missed = editor("refer", **NIGHT, images=[{"image_url": inline("cat-at-sunset.png")}])
    assert (missed["status"], missed["error"]["code"]) == (404, "no_fixture_match")


def test_an_edit_with_a_mask(editor: App) -> None:
    asked = {"model": "test/edit", "prompt": "masked", "response_format": "b64_json"}
    files = [DAY, str(ASSETS / "cat-at-sunset.png")]
    assert made(editor("edit", **asked, images=files, mask=str(ASSETS / "cat-by-night.png"))) == night()
    images = [{"image_url": inline(name)} for name in ("cat-by-day.png", "cat-at-sunset.png")]
    assert made(editor("refer", **asked, images=images, mask={"image_url": inline("cat-by-night.png")})) == night()
    unmasked = editor("edit", **asked, images=files)
    assert (unmasked["status"], "mask_url" in unmasked["error"]["message"]) == (404, True)


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ({"images": [{"file_id": "file-1"}]}, "unsupported_parameter", "images[0].file_id"),
        ({"images": [{"image_url": "cat.png"}]}, "invalid_value", "images[0].image_url"),
        ({"image": "cat.png"}, "unknown_parameter", "image"),
        ({"images": [{"image_url": URL}], "frame_count": 99}, "integer_above_max_value", "frame_count"),
    ],
)
def test_edits_in_json_that_are_refused(editor: App, given: dict[str, Any], code: str, param: str) -> None:
    seen = editor("refer", model=TO_IMAGE, prompt="x", **given)
    assert (seen["status"], seen["error"]["code"], seen["error"]["param"]) == (400, code, param)


@pytest.mark.parametrize("mask", ["mask", "mask[]"])
@pytest.mark.parametrize("image", ["image", "image[]"])
def test_forms(mock: Mitmdump, image: str, mask: str) -> None:
    names = ((image, "cat-by-day.png"), (image, "cat-at-sunset.png"), (mask, "cat-by-night.png"))
    files = [(name, (file, (ASSETS / file).read_bytes())) for name, file in names]
    answer = httpx.post(
        f"{mock.proxy}/v1/images/edits", data={"model": "test/edit", "prompt": "masked"}, files=files, timeout=30
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("markup", "unsupported_parameter"),
        ("masks", "unknown_parameter"),
        ("control_image", "unknown_parameter"),
        ("images[]", "unknown_parameter"),
        ("quality", "invalid_type"),
    ],
)
def test_no_file_is_dropped(mock: Mitmdump, name: str, code: str) -> None:
    data = (ASSETS / "cat-by-day.png").read_bytes()
    files = [("image", ("a.png", data)), (name, ("b.png", data))]
    fields = {"model": TO_IMAGE, "prompt": "the same cat at night"}
    answer = httpx.post(f"{mock.proxy}/v1/images/edits", data=fields, files=files, timeout=30)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, name)


def test_openais_parameters_are_not_the_models(editor: App) -> None:
    images = [{"image_url": URL}]
    asked = {"model": "test/edit", "prompt": "by its URL", "response_format": "b64_json", "input_fidelity": "high"}
    # The fixture is for prompt and image, and nothing else.
    assert made(editor("refer", **asked, **OPENAIS, images=images)) == night()


# Vercel's AI SDK


@pytest.mark.parametrize("provider", ["openai", "compatible"])
def test_the_ai_sdk_changes_images_by_an_endpoint_id(vercel: App, provider: str) -> None:
    asked = {"provider": provider, "model": TO_IMAGE, "text": "the same cat at night"}
    assert vercel("image", **asked, images=[DAY]) == [digest("cat-by-night.png")]
    assert vercel("image", provider=provider, model="test/edit", text="masked", mask=str(ASSETS / "cat-by-night.png"),
                  images=[DAY, str(ASSETS / "cat-at-sunset.png")]) == [digest("cat-by-night.png")]  # fmt: skip
    missed = vercel("image", **asked, images=[str(ASSETS / "cat-at-sunset.png")])
    assert (missed["status"], "no fixture answers" in missed["message"]) == (404, True)


@pytest.mark.parametrize("provider", ["openai", "compatible"])
def test_the_ai_sdk_makes_images_by_an_endpoint_id(vercel: App, provider: str) -> None:
    prompt = "a black cat on a hill, watching the sun go down"
    seen = vercel("image", provider=provider, model="fal-ai/flux/schnell", text=prompt, size="1024x1024", n=2)
    assert seen == [digest("cat-at-sunset.png")] * 2


def test_the_ai_sdk_is_told_what_to_do_where_there_is_no_content(vercel: App) -> None:
    seen = vercel("image", provider="openai", model="test/lost", text="x", images=[DAY])
    assert (seen["raised"], seen["status"]) == ("APICallError", 502)
    assert "is not recorded: refer to a file in the fixture" in seen["message"]
