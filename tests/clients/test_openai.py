"""OpenAI's own SDKs, Python (sync and async) and JavaScript, with falmock as their base URL."""

from __future__ import annotations

import base64
import hashlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.openai_apps import ASSETS
from clients.openai_apps import SHIPPED
from clients.openai_apps import App
from clients.openai_apps import digest
from clients.openai_apps import inline
from clients.openai_apps import opened
from clients.openai_apps import write_schema
from clients.running import Mitmdump

SUNSET = "a black cat on a hill, watching the sun go down"
SCHNELL = "fal-ai/flux/schnell"
TO_IMAGE = "fal-ai/flux/dev/image-to-image"
UPSCALER = "fal-ai/clarity-upscaler"
BUSY = {"status": 429, "json": {"detail": "Reached concurrent requests limit of 20"}}


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("openai") / "fixtures"
    shutil.copytree(SHIPPED, folder)
    running.write_fixtures(
        folder / "test",
        {"match": {"model": "test/one", "input": {"prompt": "seeds", "seed": 5}}, "response": image("5.png")},
        {"match": {"model": "test/one", "input": {"prompt": "seeds", "seed": 6}}, "response": image("6.png")},
        {"match": {"model": "test/sized", "input": {"prompt": "w", "image_size": "square_hd"}, "exact": True}}
        | {"response": image("w.png")},
        {"match": {"model": "test/busy"}, "response": BUSY},
    )
    properties = {
        "prompt": {"type": "string"},
        "image_size": {"anyOf": [{"enum": ["square_hd"]}]},
        "seed": {"type": "integer"},
    }
    for endpoint in ("test/one", "test/sized"):
        write_schema(folder, endpoint, properties)
    with running.mitmdump(confdir, fixtures=folder) as started:
        yield started


def image(name: str) -> dict[str, Any]:
    return {"json": {"images": [{"url": f"https://v3.fal.media/files/a/{name}"}]}}


@pytest.fixture(scope="module")
def python(mock: Mitmdump) -> Iterator[App]:
    with opened("openai_images.py", mock) as app:
        yield app


@pytest.fixture(scope="module")
def javascript(mock: Mitmdump) -> Iterator[App]:
    with opened("openai_images.mjs", mock) as app:
        yield app


@pytest.fixture(scope="module", params=["sync", "async", "javascript"])
def app(request: pytest.FixtureRequest, python: App, javascript: App) -> App:
    if request.param == "javascript":
        return javascript
    ending = "" if request.param == "sync" else "_async"
    return lambda act, **options: python(act if act == "show" else act + ending, **options)


def test_an_image_by_its_url(app: App) -> None:
    seen = app("generate", model=SCHNELL, prompt=SUNSET, size="1024x1024", quality="high", user="me")
    (made,) = seen["images"]
    assert (made["content"], made["prompt"]) == (None, SUNSET)
    assert seen["id"]
    assert seen["created"] > 1_700_000_000
    assert app("show", url=made["url"]) == {"status": 200, "type": "image/png", "content": digest("cat-at-sunset.png")}


def test_an_image_in_base64(app: App) -> None:
    (made,) = app("generate", model=SCHNELL, prompt=SUNSET, response_format="b64_json")["images"]
    assert (made["url"], made["content"]) == (None, digest("cat-at-sunset.png"))


def test_three_images_of_a_model_that_makes_one(app: App) -> None:
    seen = app("generate", model=SCHNELL, prompt=SUNSET, n=3, response_format="b64_json")
    assert [made["content"] for made in seen["images"]] == [digest("cat-at-sunset.png")] * 3


def test_what_the_model_takes_is_read_beside_the_fixtures(app: App) -> None:
    (made,) = app("generate", model="test/sized", prompt="w", size="1024x1024", n=1)["images"]
    assert made["url"].endswith("/v3.fal.media/files/a/w.png")


@pytest.mark.parametrize(
    ("given", "raised", "status", "code", "param"),
    [
        (
            {"model": "fal-ai/flux/dev", "prompt": "something forbidden"},
            "BadRequestError",
            400,
            "content_policy_violation",
            "prompt",
        ),
        ({"model": "no/such-model", "prompt": "x"}, "NotFoundError", 404, "model_not_found", "model"),
        ({"model": "dall-e-3", "prompt": "x"}, "NotFoundError", 404, "model_not_found", "model"),
        ({"model": SCHNELL, "prompt": "a dog"}, "NotFoundError", 404, "no_fixture_match", None),
        ({"model": SCHNELL, "prompt": SUNSET, "n": 0}, "BadRequestError", 400, "integer_below_min_value", "n"),
        ({"model": SCHNELL, "prompt": ""}, "BadRequestError", 400, "empty_string", "prompt"),
        ({"model": SCHNELL, "prompt": SUNSET, "size": "big"}, "BadRequestError", 400, "invalid_value", "size"),
    ],
)
def test_errors_are_openais(
    app: App, given: dict[str, Any], raised: str, status: int, code: str, param: str | None
) -> None:
    seen = app("generate", **given)
    assert (seen["raised"], seen["status"]) == (raised, status)
    assert (seen["error"]["code"], seen["error"]["param"]) == (code, param)
    assert seen["error"]["message"]


def test_a_limit_of_fals_is_tried_again_as_openais(mock: Mitmdump, app: App) -> None:
    before = mock.output.count("POST")
    seen = app("generate", model="test/busy", prompt="x")
    assert (seen["raised"], seen["status"], seen["error"]["code"]) == ("RateLimitError", 429, "rate_limit_exceeded")
    mock.wait_until(lambda: mock.output.count("POST") >= before + 3)


def test_the_models(app: App) -> None:
    models = app("models")
    assert {SCHNELL, TO_IMAGE, UPSCALER, "fal-ai/flux/dev", "test/one"} <= set(models)
    assert not {"fal-ai/whisper", "fal-ai/any-llm", "fal-ai/kokoro/american-english", "fal-ai/ltx-video"} & set(models)
    assert app("model", wanted=SCHNELL) == {"id": SCHNELL, "object": "model", "created": 0, "owned_by": "fal-ai"}
    assert app("model", wanted="no/such")["error"]["code"] == "model_not_found"


SHIPPED_IMAGES = [
    (SCHNELL, SUNSET, {}, "cat-at-sunset.png"),
    (TO_IMAGE, "the same cat at night", {"image_url": "cat-by-day.png"}, "cat-by-night.png"),
    (UPSCALER, "sharper", {"image_url": "cat-at-sunset.png"}, "cat-at-sunset-2x.png"),
]


def test_each_shipped_image_fixture_is_reached(python: App) -> None:
    """By its prompt, and by its image where it is of one."""
    for model, prompt, files, made in SHIPPED_IMAGES:
        more = {name: inline(file) for name, file in files.items()}
        seen = python("generate", model=model, prompt=prompt, response_format="b64_json", extra_body=more)
        assert [image["content"] for image in seen["images"]] == [digest(made)], (model, seen)
    refused = python("generate", model="fal-ai/flux/dev", prompt="something forbidden")
    assert refused["error"]["code"] == "content_policy_violation"
    shown = {name for name in python("models") if name.startswith("fal-ai/")}
    assert shown == {model for model, *_ in SHIPPED_IMAGES} | {"fal-ai/flux/dev"}


def test_an_image_is_given_on_by_its_url(python: App) -> None:
    (first,) = python("generate", model=SCHNELL, prompt=SUNSET)["images"]
    seen = python(
        "generate", model=UPSCALER, prompt="x", response_format="b64_json", extra_body={"image_url": first["url"]}
    )
    assert seen["images"][0]["content"] == digest("cat-at-sunset-2x.png")


def test_every_image_has_a_seed_of_its_own(python: App) -> None:
    seen = python("generate", model="test/one", prompt="seeds", n=2, extra_body={"seed": 5})
    assert [made["url"].rpartition("/")[2] for made in seen["images"]] == ["5.png", "6.png"]


def test_a_stream_of_events(app: App) -> None:
    (done,) = app("stream", model=SCHNELL, prompt=SUNSET, partial_images=2, quality="high", size="1024x1024")
    assert done["type"] == "image_generation.completed"
    assert done["b64_json"] == digest("cat-at-sunset.png")
    assert (done["output_format"], done["quality"], done["background"]) == ("png", "high", "auto")
    assert done["usage"]["total_tokens"] == 0
    three = app("stream", model=SCHNELL, prompt=SUNSET, n=3)
    assert [event["b64_json"] for event in three] == [digest("cat-at-sunset.png")] * 3
    missed = app("stream", model=SCHNELL, prompt="a dog")
    assert (missed["raised"], missed["error"]["code"]) == ("NotFoundError", "no_fixture_match")


def test_a_variation(app: App) -> None:
    upscaled = app("vary", image=str(ASSETS / "cat-at-sunset.png"), model=UPSCALER, response_format="b64_json")
    assert [image["content"] for image in upscaled["images"]] == [digest("cat-at-sunset-2x.png")]


def test_a_client_of_gpt_image_reads_the_content(confdir: Path) -> None:
    models = f"fal_openai_models=gpt-image-1:{SCHNELL}"
    with (
        running.mitmdump(confdir, "--set", models, fixtures=SHIPPED) as mock,
        opened("openai_images.py", mock) as app,
    ):
        (made,) = app("generate", model="gpt-image-1", prompt=SUNSET)["images"]
        assert (made["url"], made["content"]) == (None, digest("cat-at-sunset.png"))
        seen = app("whole", model="gpt-image-1", prompt=SUNSET, background="opaque", quality="low")
    size = seen.pop("size")
    assert [int(side) > 0 for side in size.split("x")] == [True, True]
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert seen.pop("usage") == usage | {"input_tokens_details": {"image_tokens": 0, "text_tokens": 0}}
    assert seen == {"created": 0, "data": 1, "background": "opaque", "output_format": "png", "quality": "low"}


# the queue behind it

FILM = {"match": {"model": "test/film"}, "response": image("f.png"), "queue": {"started": 1, "completed": 2}}


def control(mock: Mitmdump, method: str, path: str, **more: Any) -> Any:
    return httpx.request(method, f"{mock.proxy}/__falmock{path}", trust_env=False, timeout=30, **more).json()


def the_job(mock: Mitmdump, state: str) -> str:
    """The request id of the one job, once it is in this state."""
    mock.wait_until(lambda: control(mock, "GET", f"/jobs?state={state}")["total"] == 1, 60)
    return str(control(mock, "GET", "/jobs")["jobs"][0]["request_id"])


def calls(mock: Mitmdump) -> list[str]:
    """What was asked of fal, polls but once."""
    named = [entry["call"] for entry in control(mock, "GET", "/journal?limit=1000")["entries"]]
    return [name for place, name in enumerate(named) if name != "status" or named[place - 1] != name]


@pytest.fixture(scope="module")
def steered(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = running.write_fixtures(tmp_path_factory.mktemp("film") / "fixtures", FILM)
    with running.mitmdump(confdir, "--set", "fal_pace=manual", fixtures=folder) as started:
        yield started


@pytest.mark.parametrize("program", ["openai_images.py", "openai_images.mjs"])
def test_a_job_that_waits_for_the_test(steered: Mitmdump, program: str) -> None:
    with opened(program, steered) as app, ThreadPoolExecutor(1) as pool:
        for end, body in (("complete", None), ("fail", {"error": "content_policy_violation"})):
            control(steered, "POST", "/reset")
            asked = pool.submit(app, "generate", model="test/film", prompt="x")
            job = the_job(steered, "queued")
            control(steered, "POST", f"/jobs/{job}/advance")
            assert the_job(steered, "running") == job
            assert not asked.done()
            control(steered, "POST", f"/jobs/{job}/{end}", json=body)
            seen = asked.result(60)
            if end == "complete":
                assert (len(seen["images"]), seen["id"]) == (1, job)
            else:
                assert (seen["status"], seen["error"]["code"]) == (400, "content_policy_violation")
            assert calls(steered) == ["submit", "status", "result"]


def test_who_leaves_has_the_job_cancelled(steered: Mitmdump) -> None:
    control(steered, "POST", "/reset")
    with opened("openai_images.py", steered) as app:
        seen = app("impatient", seconds=1.5, model="test/film", prompt="x")
    assert seen == {"raised": "APITimeoutError"}
    the_job(steered, "cancelled")
    assert calls(steered)[:3] == ["submit", "status", "cancel"]


def test_a_fault_of_a_result(mock: Mitmdump, python: App) -> None:
    rule = {"match": {"call": "result"}, "fault": {"error": "runner_disconnected", "nth": 1}}
    assert "faults" in control(mock, "PUT", "/faults?scope=faulty", json={"faults": [rule]})
    seen = python("generate", model=SCHNELL, prompt=SUNSET, extra_headers={"x-falmock-scope": "faulty"})
    assert len(seen["images"]) == 1  # at the client's second try
    entries = control(mock, "GET", "/journal?scope=faulty")["entries"]
    assert [entry["call"] for entry in entries] == ["submit", "status", "result"] * 2
    assert [entry["status"] for entry in entries if entry["call"] == "result"] == [503, 200]


def test_what_the_door_refuses_is_in_the_journal(mock: Mitmdump, python: App) -> None:
    in_scope = {"extra_headers": {"x-falmock-scope": "refused"}}
    assert python("generate", model="no-such-model", prompt=SUNSET, **in_scope)["error"]["code"] == "model_not_found"
    assert python("generate", model=SCHNELL, prompt=SUNSET, size="big", **in_scope)["error"]["code"] == "invalid_value"
    entries = control(mock, "GET", "/journal?scope=refused&door=openai")["entries"]
    assert [(entry["call"], entry["status"], entry["miss"] is None) for entry in entries] == [
        ("images", 404, False),
        ("images", 400, True),
    ]
    found = control(mock, "POST", "/verify?scope=refused", json={"nothing_unmatched": True})
    assert (found["ok"], "found none for 1: images /v1/images/generations" in found["text"]) == (False, True)
    mock.wait_for("The model 'no-such-model' does not exist")


@pytest.mark.parametrize("pace", ["polls:2,3", "1s"])
def test_a_pace(confdir: Path, tmp_path: Path, pace: str) -> None:
    folder = running.write_fixtures(tmp_path, FILM)
    with (
        running.mitmdump(confdir, "--set", f"fal_pace={pace}", fixtures=folder) as mock,
        opened("openai_images.py", mock) as app,
    ):
        began = time.monotonic()
        assert len(app("generate", model="test/film", prompt="x")["images"]) == 1
        (job,) = control(mock, "GET", "/jobs")["jobs"]
        assert (job["polls"] == 3) if pace.startswith("polls") else (time.monotonic() - began > 1)


def test_a_fault(python: App) -> None:
    struck = python("generate", model=SCHNELL, prompt=SUNSET, extra_headers={"x-falmock-fault": "internal_error"})
    assert (struck["raised"], struck["status"]) == ("InternalServerError", 500)


def test_a_deadline(confdir: Path, tmp_path: Path) -> None:
    slow = {"match": {"model": "test/slow"}, "response": image("s.png"), "queue": {"started": 3600, "completed": 3601}}
    folder = running.write_fixtures(tmp_path, slow)
    with (
        running.mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock,
        opened("openai_images.py", mock) as app,
    ):
        late = app("generate", model="test/slow", prompt="x", extra_headers={"X-Fal-Request-Timeout": "0.2"})
    assert (late["status"], late["error"]["code"], late["error"]["type"]) == (504, "request_timeout", "server_error")
    assert mock.output.count("POST") == 1  # it was not tried again


@pytest.fixture(params=["openai_edits.py", "openai_images.mjs"])
def editor(request: pytest.FixtureRequest, mock: Mitmdump) -> Iterator[App]:
    with opened(request.param, mock) as app:
        yield app


def test_edits(editor: App) -> None:
    day = str(ASSETS / "cat-by-day.png")
    (url,) = editor("edit", images=[day], model=TO_IMAGE, prompt="by night", size="512x512", n=1)
    assert hashlib.sha256(httpx.get(url).content).hexdigest() == digest("cat-by-night.png")
    (data,) = editor("edit", images=[day], model=TO_IMAGE, prompt="by night", response_format="b64_json")
    assert hashlib.sha256(base64.b64decode(data)).hexdigest() == digest("cat-by-night.png")
    other = editor("edit", images=[str(ASSETS / "cat-at-sunset.png")], model=TO_IMAGE, prompt="by night")
    assert (other["status"], other["error"]["code"]) == (404, "no_fixture_match")
    assert "image_url" in other["error"]["message"]


def test_edits_of_several_images_and_a_mask(confdir: Path, tmp_path: Path) -> None:
    files = [str(ASSETS / name) for name in ("cat-by-day.png", "cat-at-sunset.png", "cat-by-night.png")]
    day, sunset, night = ({"$file": f"sha256:{hashlib.sha256(Path(file).read_bytes()).hexdigest()}"} for file in files)
    selecting = {"prompt": "both", "image_urls": [day, sunset], "mask_url": night, "strength": 0.5}
    fixture = {"match": {"model": "test/both", "input": selecting, "exact": True}, "response": image("b.png")}
    folder = running.write_fixtures(tmp_path, fixture)
    shutil.copytree(ASSETS, folder / "_assets")
    with running.mitmdump(confdir, fixtures=folder) as mock, opened("openai_edits.py", mock) as app:
        seen = app(
            "edit", images=files[:2], mask=files[2], model="test/both", prompt="both", extra_body={"strength": 0.5}
        )
    assert [url.rpartition("/")[2] for url in seen] == ["b.png"]


def test_a_page_may_ask(mock: Mitmdump) -> None:
    origin = {"origin": "http://localhost:3000"}
    url = f"{mock.proxy}/v1/images/generations"
    wish = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    allowed = httpx.options(url, headers=origin | wish)
    assert allowed.headers["access-control-allow-headers"] == "authorization,content-type"
    assert "POST" in allowed.headers["access-control-allow-methods"]
    for body in ({"model": SCHNELL, "prompt": SUNSET}, {}):
        assert httpx.post(url, json=body, headers=origin).headers["access-control-allow-origin"] == "*"


def test_scopes_are_kept_apart(confdir: Path, tmp_path: Path) -> None:
    turns = ({"match": {"model": "test/turns"}, "response": image(f"{turn}.png")} for turn in (1, 2, 3))
    with running.mitmdump(confdir, fixtures=running.write_fixtures(tmp_path, *turns)) as mock:

        def made(scope: str) -> str:
            body = {"model": "test/turns", "prompt": "x"}
            answer = httpx.post(f"{mock.proxy}/v1/images/generations", json=body, headers={"x-falmock-scope": scope})
            return str(answer.json()["data"][0]["url"]).rpartition("/")[2]

        assert [made(scope) for scope in ("a", "b", "a", "b")] == ["1.png", "1.png", "2.png", "2.png"]
