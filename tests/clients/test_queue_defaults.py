"""The queue with no option set: cancel buttons, and clients that build wrong URLs."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

App = Callable[..., Any]
QUEUE = "https://queue.fal.run"
AUTH = {"Authorization": f"Key {KEY}"}
MODEL, FLOW, STUBBORN = "fal-ai/flux/dev", "workflows/me/flow", "acme/stubborn"
FIXTURES = [
    {"match": {"model": MODEL}, "response": {"json": {"seed": 7}}},
    {"match": {"model": FLOW}, "response": {"json": {"seed": 8}}},
    {"match": {"model": STUBBORN}, "response": {"json": {"seed": 9}}, "queue": {"cancel": "ignored"}},
]
PROGRAMS = ["python_sync.py", "python_async.py", "client.mjs", "serverless_client.mjs"]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("defaults") / "fixtures", *FIXTURES)
    with mitmdump(confdir, fixtures=folder) as mock:
        yield mock


@pytest.fixture(scope="module", params=PROGRAMS)
def app(mock: Mitmdump, request: pytest.FixtureRequest) -> Iterator[App]:
    with running.app(CLIENTS / "programs" / request.param, mock) as app:
        yield app


@pytest.fixture
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(mock.ca))
    with httpx.Client(proxy=mock.proxy, verify=trust, timeout=30, trust_env=False, headers=AUTH) as client:
        yield client


@pytest.mark.parametrize("endpoint", [MODEL, FLOW])
def test_a_job_is_cancelled_right_after_its_submit(app: App, endpoint: str) -> None:
    seen = app("cancel", app=endpoint, look=False)
    assert seen["cancel"] is None
    assert (seen["after"]["error"], seen["after"]["error_type"]) == (
        "Request was cancelled by the client",
        "client_cancelled",
    )
    assert (seen["result"]["status"], seen["cancel again"]["status"]) == (499, 400)


def test_a_job_that_was_looked_at_is_over(app: App) -> None:
    seen = app("cancel", app=MODEL)
    assert (seen["cancel"]["status"], "raised" in seen["result"]) == (400, False)


def test_an_app_may_ignore_it(app: App) -> None:
    seen = app("cancel", app=STUBBORN, look=False)
    assert (seen["cancel"], "raised" in seen["result"]) == (None, False)


def submit(client: httpx.Client, model: str) -> str:
    return str(client.post(f"{QUEUE}/{model}", json={}).json()["request_id"])


def journal(mock: Mitmdump, request_id: str) -> list[dict[str, Any]]:
    url = f"{mock.proxy}/__falmock/journal?request_id={request_id}"
    entries: list[dict[str, Any]] = httpx.get(url, trust_env=False).json()["entries"]
    return entries


FORMS = (("GET", "/status"), ("GET", "/status/stream"), ("GET", ""), ("PUT", "/cancel"))


@pytest.mark.parametrize(("method", "action"), FORMS)
def test_an_app_whose_urls_are_wrong_does_not_pass(
    client: httpx.Client, mock: Mitmdump, method: str, action: str
) -> None:
    request_id = submit(client, MODEL)
    answer = client.request(method, f"{QUEUE}/{MODEL}/requests/{request_id}{action}")
    warning = answer.headers["x-falmock-warning"]
    assert answer.status_code == 405
    assert warning == answer.json()["detail"]
    assert f"Use /fal-ai/flux/requests/{{request_id}}{action}, as" in warning
    assert [entry["warning"] for entry in journal(mock, request_id)] == [None, warning]
    mock.wait_for(f"falmock: {warning}")


@pytest.mark.parametrize(
    ("model", "app", "part"),
    [
        (FLOW, "me/flow", "another app"),  # Java and Dart drop the namespace
        (FLOW, "workflows/me", "another app"),  # Swift takes it for the owner
        (MODEL, "other/app", "another app"),
    ],
)
def test_what_clients_build_is_served_with_a_warning(
    client: httpx.Client, mock: Mitmdump, model: str, app: str, part: str
) -> None:
    request_id = submit(client, model)
    url = f"{QUEUE}/{app}/requests/{request_id}"
    stream = client.get(f"{url}/status/stream?logs=1")
    assert json.loads(stream.text.removeprefix("data: "))["status"] == "COMPLETED"
    status, result = client.get(f"{url}/status"), client.get(url)
    assert (status.status_code, result.status_code) == (200, 200)
    assert client.put(f"{url}/cancel").status_code == 400
    for answer in (stream, status, result):
        assert part in answer.headers["x-falmock-warning"]
        mock.wait_for(f"falmock: {answer.headers['x-falmock-warning']}")
    assert client.get(f"{url}/response").json() == result.json()


def test_a_result_by_response_and_a_url_without_an_app(client: httpx.Client) -> None:
    request_id = submit(client, MODEL)
    answer = client.get(f"{QUEUE}/fal-ai/flux/requests/{request_id}/response")
    assert (answer.status_code, answer.json()) == (200, {"seed": 7})
    assert "ends in /response" in answer.headers["x-falmock-warning"]
    assert client.get(f"{QUEUE}/requests/{request_id}/status").status_code == 404
