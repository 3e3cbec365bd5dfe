"""Azure's clients in OpenAI's SDKs, with falmock as their endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.openai_apps import ASSETS
from clients.openai_apps import SHIPPED
from clients.openai_apps import App
from clients.openai_apps import digest
from clients.openai_apps import inline
from clients.openai_apps import opened
from clients.running import Mitmdump

SCHNELL, TO_IMAGE = "fal-ai/flux/schnell", "fal-ai/flux/dev/image-to-image"
SUNSET = "a black cat on a hill, watching the sun go down"
NIGHT = {"prompt": "the same cat at night", "response_format": "b64_json"}
ACCESS = "an-access-key"
DAY = str(ASSETS / "cat-by-day.png")


@pytest.fixture(scope="module")
def mock(confdir: Path) -> Iterator[Mitmdump]:
    models = f"fal_openai_models=painter:{SCHNELL},restyle:{TO_IMAGE}"
    with (
        pytest.MonkeyPatch.context() as patch,
        running.mitmdump(confdir, "--set", models, fixtures=SHIPPED) as started,
    ):
        patch.delenv("OPENAI_BASE_URL", raising=False)
        yield started


@pytest.fixture(scope="module", params=["sync", "async", "javascript"])
def app(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    program = "openai_images.mjs" if request.param == "javascript" else "openai_images.py"
    with opened(program, mock, azure=True) as app:
        ending = "_async" if request.param == "async" else ""
        yield lambda act, **options: app(act + ending, **options)


@pytest.fixture(scope="module", params=["openai_edits.py", "openai_images.mjs"])
def editor(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    with opened(request.param, mock, azure=True) as app:
        yield app


def test_images_of_a_deployment(app: App) -> None:
    (made,) = app("generate", model="painter", prompt=SUNSET, response_format="b64_json")["images"]
    assert made["content"] == digest("cat-at-sunset.png")
    (event,) = app("stream", model="painter", prompt=SUNSET)
    assert event["b64_json"] == digest("cat-at-sunset.png")
    assert app("models") == ["painter", "restyle"]


def test_edits_of_a_deployment(editor: App) -> None:
    night = [inline("cat-by-night.png").partition(",")[2]]
    assert editor("edit", images=[DAY], model="restyle", **NIGHT) == night
    assert editor("refer", images=[{"image_url": inline("cat-by-day.png")}], model="restyle", **NIGHT) == night


@pytest.mark.parametrize("name", [SCHNELL, "fal-ai/flux/dev"])
def test_a_deployment_may_be_an_endpoint_id(confdir: Path, name: str) -> None:
    prompt = SUNSET if name == SCHNELL else "something forbidden"
    with running.mitmdump(confdir, fixtures=SHIPPED) as mock:
        for program in ("openai_images.py", "openai_images.mjs"):
            with opened(program, mock, azure=True) as app:
                seen = app("generate", model=name, prompt=prompt)
            if name == SCHNELL:
                assert len(seen["images"]) == 1
            else:
                assert (seen["status"], seen["error"]["code"]) == (400, "content_policy_violation")


def test_errors_are_azures(app: App) -> None:
    seen = app("generate", model="nope", prompt="x")
    assert (seen["raised"], seen["status"], seen["error"]["code"]) == ("NotFoundError", 404, "DeploymentNotFound")
    assert "there are painter, restyle" in seen["error"]["message"]
    seen = app("generate", model="painter", prompt=SUNSET, n=99)
    assert (seen["raised"], seen["error"]["code"]) == ("BadRequestError", "integer_above_max_value")
    seen = app("generate", model="painter", prompt="a dog")
    assert (seen["raised"], seen["error"]["code"]) == ("NotFoundError", "no_fixture_match")


def test_the_key_is_in_azures_header(confdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    with running.mitmdump(confdir, fixtures=SHIPPED) as mock:
        for program in ("openai_images.py", "openai_images.mjs"):
            with opened(program, mock, ACCESS, azure=True) as app:
                assert len(app("generate", model=SCHNELL, prompt=SUNSET)["images"]) == 1
            with opened(program, mock, "guessed-key", azure=True) as app:
                seen = app("generate", model=SCHNELL, prompt=SUNSET)
            assert (seen["raised"], seen["status"], seen["error"]["code"]) == ("AuthenticationError", 401, "401")
            assert ACCESS not in json.dumps(seen)
        assert ACCESS not in mock.output


PATHS = [
    "/v1",
    "/v1/chat/completions",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/images/variations",
    "/v1/models/nope",
    "/v1/images/files/v3.fal.media/files/a.png",
    "/openai/deployments/painter/chat/completions",
    "/openai/deployments/painter/images/edits",
    "/openai/v1/images/edits",
    "/openai/models/nope",
]
BODIES = [
    ("", b""),
    ("application/json", b"{"),
    ("application/json", b"[]"),
    ("application/json", b"{}"),
    ("application/json", b"[" + b"[]," * 200_000 + b"[]]"),
    ("multipart/form-data; boundary=x", b"--x"),
    ("text/plain", b"x"),
]


@pytest.mark.parametrize("path", PATHS)
def test_every_error_is_in_openais_form(mock: Mitmdump, path: str) -> None:
    with httpx.Client(base_url=mock.proxy, timeout=30) as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            for content_type, body in BODIES if method == "POST" else BODIES[:1]:
                for encoding in ({}, {"content-encoding": "gzip"}) if body else ({},):
                    headers = {"content-type": content_type, **encoding}
                    answer = client.request(method, f"{path}?api-version=x", content=body, headers=headers)
                    assert 400 <= answer.status_code < 500, (method, content_type, answer.text)
                    assert list(answer.json()) == ["error"], (method, content_type, answer.text)
                    assert list(answer.json()["error"]) == ["message", "type", "param", "code"]
