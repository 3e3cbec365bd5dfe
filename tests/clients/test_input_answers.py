"""Answers that use the input: the real Python client through a real mitmdump."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

App = Callable[..., Any]
PROMPT = {"$input": "prompt"}
DRAW = {
    "match": {"model": "acme/draw"},
    "response": {
        "json": {
            "images": {
                "$repeat": {"$input": "num_images", "default": 1},
                "of": {"url": "https://example.com/cat.png", "width": {"$size": "width", "default": 640}},
            },
            "prompt": PROMPT,
            "id": {"$request_id": True},
        }
    },
    "queue": {"started": 0, "completed": 0},
}
TALK = {"match": {"model": "acme/talk"}, "stream": [{"json": {"output": PROMPT}}, {"json": {"output": PROMPT}}]}
CAT = {"prompt": "a cat é", "num_images": 2, "image_size": "square"}
IMAGE = {"url": "https://example.com/cat.png", "width": 512}


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    fixtures = write_fixtures(tmp_path_factory.mktemp("mock") / "fixtures", DRAW, TALK)
    with mitmdump(confdir, fixtures=fixtures) as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(scope="module")
def app(mock: Mitmdump) -> Iterator[App]:
    with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
        yield app


def test_runs_jobs_and_streams(app: App) -> None:
    answer = app("run", app="acme/draw", arguments=CAT)
    assert answer == {"images": [IMAGE, IMAGE], "prompt": "a cat é", "id": answer["id"]}
    result = app("subscribe", app="acme/draw", arguments={"prompt": "a dog"})["result"]
    assert result == {"images": [IMAGE | {"width": 640}], "prompt": "a dog", "id": result["id"]}
    assert app("stream", app="acme/talk", arguments={"prompt": "hi"})["events"] == [{"output": "hi"}] * 2


def test_a_webhook(app: App) -> None:
    with receiver() as server:
        hook = server.hook()
        request_id = app("order", app="acme/draw", arguments=CAT, webhook=hook.url)
        payload = json.loads(hook.wait()[0].body)["payload"]
    assert payload == {"images": [IMAGE, IMAGE], "prompt": "a cat é", "id": request_id}


def test_an_input_that_is_missing(app: App) -> None:
    for act in ("run", "subscribe"):
        answer = app(act, app="acme/draw", arguments={"promt": "a cat"})
        error = answer if act == "run" else answer["result"]
        assert error["status"] == 500
        assert "#0 cannot answer this call: response.json.prompt: " in error["message"]
        assert "did you mean 'promt'?" in error["message"]


def test_the_images_of_openai(mock: Mitmdump) -> None:
    asked = {"model": "acme/draw", "prompt": "a cat", "response_format": "url"}
    answer = httpx.post(f"{mock.proxy}/v1/images/generations", json=asked, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert [image["url"] for image in answer.json()["data"]] == [IMAGE["url"]]
