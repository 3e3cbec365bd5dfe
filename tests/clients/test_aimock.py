"""Apps and tests for aimock, with only the address changed: the JS client with rewritten URLs, curl, httpx."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import answers
from clients import running
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.upstream import Pace
from clients.upstream import recording
from clients.upstream import upstream

SAMPLE = [
    {
        "match": {"endpoint": "fal", "model": "fal-ai/flux/dev"},
        "response": {"json": {"images": [{"url": "https://example.com/r.png"}]}, "billableUnits": 2},
    },
    {
        "match": {"endpoint": "fal", "model": "fal-ai/kling-video/v2", "userMessage": "dragon", "sequenceIndex": 0},
        "response": {"error": {"message": "busy", "type": "rate_limit"}, "status": 429, "retryAfter": 3},
    },
    {"match": {"endpoint": "fal-audio", "userMessage": "thunder"}, "response": {"audio": "AAAA", "format": "mp3"}},
]
"""An authored file of aimock's, as it is."""
MORE = [
    {"match": {"model": "test/turns", "sequenceIndex": turn}, "response": {"json": {"turn": turn}}} for turn in range(3)
]
BUSY = {
    "match": {"model": "acme/busy"},
    "response": {"error": {"message": "busy", "type": "rate_limit"}, "status": 429},
}
RESTYLED = {
    "match": {"model": "fal-ai/restyle", "input": {"image_url": {"$file": f"sha256:{answers.sha256(answers.PHOTO)}"}}},
    "response": {"json": {"restyled": True}},
}
FLUX = "fal-ai/flux/dev"
RESULT = {"images": [{"url": "https://example.com/r.png"}]}

App = Callable[..., Any]


def started(confdir: Path, folder: Path, *args: str) -> AbstractContextManager[Mitmdump]:
    fixtures = running.write_fixtures(folder / "fixtures", *SAMPLE, *MORE, BUSY, RESTYLED)
    return running.mitmdump(confdir, *args, fixtures=fixtures)


def user(mock: Mitmdump, test_id: str) -> AbstractContextManager[App]:
    script = CLIENTS / "programs" / "aimock_user.mjs"
    return running.app(script, mock, HTTPS_PROXY="", HTTP_PROXY="", AIMOCK_URL=mock.proxy, TEST_ID=test_id)


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with started(confdir, tmp_path_factory.mktemp("aimock"), "--set", "fal_pace=polls:1,2") as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(scope="module")
def as_aimock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    options = ("--set", "fal_pace=polls:1,2", "--set", "fal_dialect=aimock")
    with started(confdir, tmp_path_factory.mktemp("dialect"), *options) as mock:
        yield mock
        assert "Traceback" not in mock.output


@pytest.fixture(params=["fal", "aimock"])
def either(request: pytest.FixtureRequest, mock: Mitmdump, as_aimock: Mitmdump) -> Mitmdump:
    return mock if request.param == "fal" else as_aimock


def direct(mock: Mitmdump, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=mock.proxy, trust_env=False, headers=headers, timeout=30)


def test_run_and_subscribe(either: Mitmdump) -> None:
    with user(either, "run-and-subscribe") as app:
        assert app("run", app=FLUX, input={"prompt": "x"})["data"] == RESULT
        seen = app("subscribe", app=FLUX, input={"prompt": "x"})
    assert seen["result"]["data"] == RESULT
    assert [update["status"] for update in seen["updates"]] == ["IN_PROGRESS", "COMPLETED"]
    assert seen["result"]["requestId"] == seen["id"]


def test_a_job_that_is_cancelled(mock: Mitmdump) -> None:
    with user(mock, "cancel") as app:
        seen = app("cancel", app=FLUX)
    assert seen["before"]["status"] == "IN_PROGRESS"
    assert (seen["result"]["status"], seen["cancel again"]["body"]) == (499, {"status": "ALREADY_COMPLETED"})


def test_an_error_by_each_dialect(mock: Mitmdump, as_aimock: Mitmdump) -> None:
    asked = {"app": "acme/busy", "input": {}}
    with user(mock, "error") as app:
        told = app("run", **asked)
    assert (told["status"], told["body"]) == (429, {"detail": "busy"})
    with user(as_aimock, "error") as app:
        told = app("run", **asked)
    assert (told["status"], told["body"]["error"]["type"]) == (429, "rate_limit")


def test_a_sequence_is_used_up_by_a_client_that_tries_again(as_aimock: Mitmdump) -> None:
    """As with aimock itself: the client takes a 429 for a reason to try again, and then there is no fixture."""
    with user(as_aimock, "sequence") as app:
        assert app("run", app="fal-ai/kling-video/v2", input={"prompt": "a dragon"})["status"] == 404


def test_an_upload_and_a_file_in_an_input(either: Mitmdump, tmp_path: Path) -> None:
    photo = tmp_path / "a photo.jpg"
    photo.write_bytes(answers.PHOTO)
    with user(either, "upload") as app:
        url = app("upload", path=str(photo), type="image/jpeg")
        assert url.startswith("https://v3b.fal.media/files/b/")
        assert app("restyle", app="fal-ai/restyle", path=str(photo))["data"] == {"restyled": True}
    with direct(either) as client:
        assert client.get("/fal/@" + url.removeprefix("https://")).content == answers.PHOTO


def test_an_upload_in_parts(mock: Mitmdump, tmp_path: Path) -> None:
    big = answers.write_big(tmp_path / "big.bin", 95 * 1024 * 1024)
    with user(mock, "parts") as app:
        url = app("upload", path=str(big), type="application/octet-stream")
        assert url.startswith("https://v3b.fal.media/files/b/")
    with direct(mock) as client:
        got = client.get("/fal/@" + url.removeprefix("https://")).content
    assert answers.sha256(got) == answers.sha256(big.read_bytes())


def test_two_tests_side_by_side(either: Mitmdump) -> None:
    with user(either, "side-1") as one, user(either, "side-2") as two:
        turns = [app("run", app="test/turns", input={})["data"]["turn"] for app in (one, two, one, two, one)]
    assert turns == [0, 0, 1, 1, 2]


def test_curl(either: Mitmdump) -> None:
    url = f"{either.proxy}/fal/{FLUX}"
    headers = ["-H", "X-FAL-TARGET-HOST: Queue.Fal.Run:443", "-H", f"Authorization: Key {KEY}"]
    command = [
        "curl",
        "--noproxy",
        "*",
        "-sS",
        *headers,
        "-H",
        "content-type: application/json",
        "-d",
        '{"prompt": "x"}',
        url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    envelope = json.loads(done.stdout)
    assert envelope["status_url"].endswith(f"/requests/{envelope['request_id']}/status")


def test_the_proxy_sees_the_same_job(mock: Mitmdump) -> None:
    trust = ssl.create_default_context(cafile=str(mock.ca))
    with direct(mock) as client, httpx.Client(proxy=mock.proxy, verify=trust, trust_env=False) as proxied:
        job = client.post(f"/fal/queue/submit/{FLUX}", json={"prompt": "x"}).json()
        words = [
            proxied.get(job["status_url"]).json()["status"],
            client.get(f"/fal/queue/requests/{job['request_id']}/status").json()["status"],
        ]
        assert words == ["IN_PROGRESS", "COMPLETED"]
        assert proxied.get(job["response_url"]).json() == RESULT


def test_chaos_over_the_wire(mock: Mitmdump) -> None:
    at = {"x-fal-target-host": "fal.run"}
    with direct(mock, **at) as client:
        assert client.post(f"/fal/{FLUX}", json={}, headers={"x-aimock-chaos-drop": "1"}).status_code == 500
        limited = client.post(f"/fal/{FLUX}", json={}, headers={"x-aimock-chaos-ratelimit": "1"})
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
        malformed = client.post(f"/fal/{FLUX}", json={}, headers={"x-aimock-chaos-malformed": "1"})
        with pytest.raises(json.JSONDecodeError):
            malformed.json()
        with pytest.raises(httpx.HTTPError):
            client.post(f"/fal/{FLUX}", json={}, headers={"x-aimock-chaos-disconnect": "1"})


def test_a_test_steers_the_mock(mock: Mitmdump) -> None:
    scope = {"X-Test-Id": "steered", "x-fal-target-host": "fal.run"}
    with direct(mock, **scope) as client:
        added = {"match": {"model": "made/up"}, "response": {"json": {"made": "up"}}}
        assert client.post("/__aimock/fixtures", json={"fixtures": [added]}).json() == {"added": 1}
        assert client.post("/__aimock/error", json={"status": 503}).json() == {"queued": True}
        told = [client.post("/fal/made/up", json={"n": number}).status_code for number in range(2)]
        journal = client.get("/__aimock/journal?testId=steered").json()
        assert client.post("/__aimock/reset").json() == {"reset": True}
        assert client.post("/fal/made/up", json={}).status_code == 404
    assert told == [503, 200]
    assert [(entry["body"], entry["response"]["status"]) for entry in journal] == [({"n": 0}, 503), ({"n": 1}, 200)]


def test_nobody_is_led_elsewhere(mock: Mitmdump) -> None:
    with direct(mock, **{"x-fal-target-host": "example.com"}) as client:
        assert client.post(f"/fal/{FLUX}", json={}).status_code == 404
    assert "server connect example.com" not in mock.output


@pytest.mark.parametrize("dialect", ["fal", "aimock"])
def test_what_no_fixture_answers_is_recorded(confdir: Path, tmp_path: Path, dialect: str) -> None:
    """By the header and by the older routes; nothing of aimock's reaches fal."""
    with upstream() as fal:
        fal.pace = Pace()
        with recording(confdir, fal, tmp_path / "fixtures", "--set", f"fal_dialect={dialect}", mode="auto") as mock:
            with user(mock, "recorded") as app:
                ran = [app("subscribe", app="test/echo", input={"prompt": "a"})["result"]["data"] for _ in range(2)]
            with direct(mock, authorization=f"Key {KEY}") as client:
                submitted = client.post("/fal/queue/submit/test/echo", json={"prompt": "b"}).json()
                job = f"/fal/queue/requests/{submitted['request_id']}"
                mock.wait_until(lambda: client.get(f"{job}/status").json()["status"] == "COMPLETED")
                older = client.get(job)
                refused = client.post(
                    f"/fal/{FLUX}", json={}, headers={"x-fal-target-host": "fal.run", "X-AIMock-Strict": "1"}
                )
        asked = [(line.line, line.headers) for line in fal.seen]
    assert ran[0] == ran[1]
    assert older.status_code == 200
    assert refused.status_code == 503
    assert sum(line == "POST queue.fal.run/test/echo" for line, _ in asked) == 2
    assert not [
        name
        for _, headers in asked
        for name in headers
        if name.lower().startswith(("x-aimock", "x-test", "x-fal-target"))
    ]
    assert "Traceback" not in mock.output
