"""Clients that cannot run here: what they send, and what they need in the answers (see `contract.py`).

Each test sends the same requests as one client, and reads the answers as strictly as that client.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgpack
import pytest
from websockets.sync.client import connect

from clients import running
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

AUTH = {"Authorization": f"Key {KEY}"}
JSON = {"Content-Type": "application/json"}
QUEUE = "https://queue.fal.run"
ROUTER = "https://router.huggingface.co/fal-ai"
ANSWER = {"images": [{"url": "https://v3b.fal.media/files/b/x/y.png"}], "seed": 1}
DETAIL = [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required", "input": {}}]
MODEL, PACED, REFUSES = "fal-ai/flux/dev", "fal-ai/film", "acme/refuses"
PACE = {
    "positions": [{"at": 0, "position": 1}, {"at": 0.2, "position": 0}],
    "started": 0.4,
    "logs": [{"at": 0.5, "message": "loading"}, {"at": 0.6, "message": "done", "level": "WARN"}],
    "completed": 0.8,
    "inferenceTime": 0.4,
}
FIXTURES: list[dict[str, Any]] = [
    {"match": {"model": MODEL}, "response": {"json": ANSWER}, "queue": {"started": 0, "completed": 0}},
    {"match": {"model": PACED}, "response": {"json": ANSWER}, "queue": PACE},
    {
        "match": {"model": REFUSES},
        "response": {"status": 422, "json": {"detail": DETAIL}},
        "queue": {"started": 0, "completed": 0},
    },
    {"match": {"model": "fal-ai/fast-lcm-diffusion/realtime"}, "realtime": [{"msgpack": {"seed": 7}}]},
]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("contract") / "fixtures", *FIXTURES)
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock:
        yield mock


@pytest.fixture
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    """A client that follows no redirect, has no headers that it was not given, and trusts our CA alone."""
    trust = ssl.create_default_context(cafile=str(mock.ca))
    with httpx.Client(proxy=mock.proxy, verify=trust, timeout=30, trust_env=False) as client:
        client.headers.clear()
        yield client


def submit(client: httpx.Client, model: str, url: str = QUEUE, query: str = "") -> dict[str, Any]:
    answer = client.post(f"{url}/{model}{query}", json={"prompt": "a cat"}, headers=AUTH)
    assert answer.status_code == 200
    assert "application/json" in answer.headers["content-type"]
    return answer.json()


def events(text: str) -> list[dict[str, Any]]:
    """The data of server-sent events, by the rules of the format: fields of other names and comments are nothing."""
    blocks = [block for block in re.split(r"\r?\n\r?\n", text) if block.strip()]
    data = [[line[5:].strip() for line in block.splitlines() if line.startswith("data:")] for block in blocks]
    return [json.loads("\n".join(lines)) for lines in data if lines]


# all clients


def test_py_submit_urls_are_absolute_and_fals_own(client: httpx.Client) -> None:
    job = submit(client, MODEL)
    base = f"{QUEUE}/fal-ai/flux/requests/{job['request_id']}"
    urls = (job["response_url"], job["status_url"], job["cancel_url"])
    assert urls == (base, f"{base}/status", f"{base}/cancel")


def test_py_status_has_the_keys_of_each_state_and_reading_uses_nothing_up(client: httpx.Client) -> None:
    job = submit(client, PACED)
    seen = []
    while not seen or seen[-1]["status"] != "COMPLETED":
        seen.append(client.get(job["status_url"], params={"logs": "true"}, headers=AUTH).json())
        time.sleep(0.05)
    for status in seen:
        assert status["status"] in ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
        assert ("queue_position" in status) == (status["status"] == "IN_QUEUE")
        assert "logs" in status
        assert isinstance(status["metrics"], dict)
    for _ in range(2):
        again = client.get(job["status_url"], params={"logs": "false"}, headers=AUTH).json()
        assert (again["status"], again["logs"]) == ("COMPLETED", None)
        assert client.get(job["response_url"], headers=AUTH).json() == ANSWER


# Java


def test_java_follows_the_status_stream_and_never_polls(client: httpx.Client) -> None:
    job = submit(client, PACED)
    # It adds a header to the one that it has.
    accept = [("accept", "application/json"), ("accept", "text/event-stream")]
    answer = client.get(f"{job['status_url']}/stream?logs=1", headers=[*AUTH.items(), *accept])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    states = [event["status"] for event in told]
    assert states[-1] == "COMPLETED"
    assert states == sorted(states, key=["IN_QUEUE", "IN_PROGRESS", "COMPLETED"].index)
    assert states.count("COMPLETED") == 1
    lines = [line["message"] for event in told for line in event["logs"] or ()]
    assert lines == ["loading", "done"]
    assert client.get(job["response_url"], headers=AUTH).json() == ANSWER


# Swift


def test_swift_decodes_what_it_is_strict_about(client: httpx.Client) -> None:
    job = submit(client, PACED)
    assert isinstance(job["response_url"], str)
    lines: list[dict[str, Any]] = []
    status = ""
    while status != "COMPLETED":
        told = client.get(f"{job['status_url']}?logs=1", headers=AUTH).json()
        status = told["status"]
        assert isinstance(told["response_url"], str)
        assert "logs" in told
        assert status != "IN_QUEUE" or isinstance(told["queue_position"], int)
        lines = told["logs"] or lines
        time.sleep(0.05)
    assert [(line["message"], line["labels"]["level"]) for line in lines] == [("loading", "INFO"), ("done", "WARN")]
    assert all(isinstance(line["timestamp"], str) for line in lines)


def test_swift_talks_in_json_text_and_gets_msgpack(mock: Mitmdump, client: httpx.Client) -> None:
    wish = {"allowed_apps": ["fast-lcm-diffusion"], "token_expiration": 300}
    token = client.post("https://rest.fal.ai/tokens/", json=wish, headers=AUTH).text.strip('"')
    url = f"wss://fal.run/fal-ai/fast-lcm-diffusion/realtime?fal_jwt_token={token}"
    trust = running.trust_for_sockets(mock.ca)
    with connect(url, proxy=mock.proxy, ssl=trust, compression=None, open_timeout=30) as socket:
        socket.send('{"prompt": "a cat"}')
        assert msgpack.unpackb(socket.recv(30)) == {"seed": 7}


@pytest.mark.parametrize("expiration", [300, 180])
def test_swift_and_dart_get_a_token_as_quoted_text(client: httpx.Client, expiration: int) -> None:
    wish = {"allowed_apps": ["fast-lcm-diffusion"], "token_expiration": expiration}
    answer = client.post("https://rest.fal.ai/tokens/", json=wish, headers=AUTH)
    assert 200 <= answer.status_code < 300
    assert "application/json" in answer.headers["content-type"]
    # Swift takes the quotes off by hand.
    assert re.fullmatch(r'"[\w-]+\.[\w-]+\.[\w-]+"', answer.text)


# Dart


def test_dart_finds_the_url_of_the_result_in_every_state(client: httpx.Client) -> None:
    job = submit(client, PACED)
    assert isinstance(job["response_url"], str)
    states = {"IN_QUEUE"}
    while "COMPLETED" not in states:
        told = client.get(f"{job['status_url']}?logs=0", headers=AUTH).json()
        assert isinstance(told["response_url"], str)
        states.add(told["status"])
    assert client.get(job["response_url"], headers=AUTH).json() == ANSWER


def test_dart_reads_of_a_422_what_fal_itself_gives_it(client: httpx.Client) -> None:
    # Its ValidationException wants `status`, `message` and `body` besides, which fal never sends: it fails as with fal.
    answer = client.post(f"https://fal.run/{REFUSES}", json={}, headers=AUTH)
    assert (answer.status_code, answer.json()) == (422, {"detail": DETAIL})


# the fal package


@pytest.mark.parametrize("model", [PACED, REFUSES])
def test_fal_apps_takes_the_status_code_for_the_state(client: httpx.Client, model: str) -> None:
    """`fal.apps` adds a slash, follows no redirect, and reads no body: 200 is done, 202 is not."""
    answer = client.post(f"{QUEUE}/{model}/", json={"prompt": "a cat"}, headers=AUTH)
    assert answer.status_code == 200
    base = f"{QUEUE}/{model}/requests/{answer.json()['request_id']}/"
    pending = 0
    while True:
        status = client.get(f"{base}status/?logs=0", headers=AUTH)
        assert status.status_code in (200, 202)
        assert (status.status_code == 200) == (status.json()["status"] == "COMPLETED")
        if status.status_code == 200:
            break
        pending += 1
        time.sleep(0.05)
    assert (pending > 0) == (model == PACED)
    result = client.get(base, headers=AUTH)
    assert (result.status_code, result.json()) == ((200, ANSWER) if model == PACED else (422, {"detail": DETAIL}))


def test_fal_apps_gives_up_a_job_with_a_slash_too(client: httpx.Client) -> None:
    job = submit(client, PACED)
    answer = client.put(f"{job['cancel_url']}/", headers=AUTH)
    assert (answer.status_code, answer.json()) == (200, {"status": "OK"})


# Hugging Face's clients


def test_huggingface_clients_go_by_their_router(client: httpx.Client) -> None:
    """They submit to the router, and follow the paths of the URLs they get on it."""
    asked = "?_subdomain=queue"
    job = submit(client, MODEL, ROUTER, asked)
    path = job["response_url"].removeprefix(QUEUE)
    assert path == f"/fal-ai/flux/requests/{job['request_id']}"
    status = client.get(f"{ROUTER}{path}/status{asked}", headers=AUTH)
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
    assert client.get(f"{ROUTER}{path}{asked}", headers=AUTH).json() == ANSWER


def test_huggingface_clients_run_by_their_router(client: httpx.Client) -> None:
    assert client.post(f"{ROUTER}/{MODEL}", json={}, headers=AUTH).json() == ANSWER


# apps with @fal-ai/server-proxy


PROXY = {
    "accept": "application/json",
    "content-type": "application/json",
    "user-agent": "@fal-ai/client/1.10.1",
    "x-fal-client-proxy": "@fal-ai/server-proxy/nextjs-app-router",
}


def test_a_server_proxy_goes_on_to_where_its_header_says(client: httpx.Client) -> None:
    """The header of the page's call comes along, and the answer is passed on as it is, so nothing in it may be packed."""

    def call(method: str, url: str, **more: Any) -> httpx.Response:
        headers = AUTH | PROXY | {"x-fal-target-url": url, "accept-encoding": "br, gzip, deflate"}
        answer = client.request(method, url, headers=headers, **more)
        assert "content-encoding" not in answer.headers
        assert "application/json" in answer.headers["content-type"]
        return answer

    job = call("POST", f"{QUEUE}/{MODEL}", json={"prompt": "a cat"}).json()
    assert call("GET", f"{job['status_url']}?logs=1").json()["status"] == "COMPLETED"
    result = call("GET", job["response_url"])
    assert (result.json(), result.headers["x-fal-request-id"]) == (ANSWER, job["request_id"])
    assert call("PUT", job["cancel_url"]).status_code == 400
    where = {"content_type": "image/png", "file_name": "a.png"}
    initiated = call("POST", "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", json=where)
    assert initiated.json().keys() >= {"upload_url", "file_url"}
