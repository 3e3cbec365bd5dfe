"""Made answers by a model's schema: real clients get an output, or fal's own 422 for an input that it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients import tape
from clients.painter import BAD
from clients.painter import CAT
from clients.painter import DETAIL
from clients.painter import PAINTER
from clients.painter import with_schema
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.test_sockets import asked_and_heard

App = Callable[..., Any]
PROGRAMS = CLIENTS / "programs"


def refused(detail: object) -> dict[str, object]:
    return {"raised": "FalClientHTTPError", "status": 422, "message": detail, "error_type": None}


# made answers


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = with_schema(tmp_path_factory.mktemp("schema") / "fixtures")
    with running.mitmdump(confdir, "--set", "fal_miss=synthesize", fixtures=folder) as mock:
        yield mock
        for bad in ("Traceback", "500 Internal Server Error"):
            assert bad not in mock.output


@pytest.fixture(scope="module", params=["python_sync", "python_async"])
def app(mock: Mitmdump, request: pytest.FixtureRequest) -> Iterator[App]:
    with running.app(PROGRAMS / f"{request.param}.py", mock) as app:
        yield app


@pytest.fixture(scope="module")
def js(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "client.mjs", mock) as app:
        yield app


@pytest.fixture(scope="module")
def sockets(mock: Mitmdump) -> Iterator[App]:
    with running.app(PROGRAMS / "sockets.py", mock) as app:
        yield app


def test_a_call_that_the_schema_takes(app: App) -> None:
    output = app("run", app=PAINTER, arguments=CAT)
    assert len(output["images"]) == 2
    assert (output["seed"], output["mood"]) == (5, "calm")
    assert all(app("download", url=image["url"], headers={})["type"] == "image/png" for image in output["images"])
    assert app("subscribe", app=PAINTER, arguments=CAT)["result"] == output


def test_a_call_that_it_refuses(app: App) -> None:
    assert app("run", app=PAINTER, arguments=BAD) == refused(DETAIL)
    job = app("subscribe", app=PAINTER, arguments=BAD)
    assert [update["kind"] for update in job["updates"]][-1] == "Completed"
    assert job["result"] == refused(DETAIL)


def test_a_webhook_of_a_job_that_it_refuses(app: App) -> None:
    with receiver() as server:
        hook = server.hook()
        app("order", app=PAINTER, arguments=BAD, webhook=hook.url)
        told = json.loads(hook.wait()[0].body)
    assert (told["status"], told["error"]) == ("ERROR", "Invalid status code: 422")
    assert told["payload"] == {"detail": DETAIL}


def test_as_bytes(mock: Mitmdump) -> None:
    with tape.client(mock) as client:
        run = client.post(f"https://fal.run/{PAINTER}", json=BAD)
        stream = client.post(f"https://fal.run/{PAINTER}/stream", json=BAD)
        job = client.post(f"https://queue.fal.run/{PAINTER}", json=BAD)
        status = client.get(job.json()["status_url"])
        result = client.get(job.json()["response_url"])
        empty = client.post(f"https://fal.run/{PAINTER}")
        broken = client.post(f"https://fal.run/{PAINTER}", content=b'{"prompt": ')
        listed = client.post(f"https://fal.run/{PAINTER}", json=[1])
    assert (job.status_code, status.status_code, status.json()["status"]) == (200, 200, "COMPLETED")
    for answer in (run, stream, result):
        assert (answer.status_code, answer.json()) == (422, {"detail": DETAIL})
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-fal-billable-units"] == "0"
        assert answer.headers["x-fal-request-id"]
        assert answer.headers["x-falmock-synthesized"] == "schema"
    told = [answer.json()["detail"][0] for answer in (empty, broken, listed)]
    assert [(each["type"], each["loc"]) for each in told] == [
        ("missing", ["body"]),
        ("json_invalid", ["body", 11]),
        ("model_attributes_type", ["body"]),
    ]


def test_sockets(sockets: App) -> None:
    good, bad = sockets("runs", app=PAINTER, inputs=[CAT, BAD])
    assert (good["status"], json.loads(good["parts"][0])["seed"]) == (200, 5)
    assert (bad["status"], json.loads(bad["parts"][0])) == (422, {"detail": DETAIL})
    # The runtime ends a realtime session in which the app raises.
    for act in ("realtime", "realtime_async"):
        output, error, end = sockets(act, app=PAINTER, steps=asked_and_heard(CAT, 1) + asked_and_heard(BAD, 2))
        assert (output["seed"], len(output["images"])) == (5, 2)
        assert error == {"raised": "RealtimeError", "message": "INTERNAL_ERROR: Field required"}
        assert end is None


def test_js(js: App, app: App) -> None:
    told = [js("run", app=PAINTER, input=BAD), js("subscribe", app=PAINTER, input=BAD)["result"]]
    stream = js("stream", app=PAINTER, input=BAD)
    assert stream["taken"] == []
    for seen in (*told, stream["done"]):
        assert (seen["raised"], seen["status"], seen["fieldErrors"]) == ("ValidationError", 422, DETAIL)
    output = js("subscribe", app=PAINTER, input=CAT)["result"]["data"]
    assert output == app("run", app=PAINTER, arguments=CAT)
    assert js("stream", app=PAINTER, input=CAT)["taken"][-1] == output
