"""Calls of tools to the Platform API: models, schemas, prices, deletion of payloads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.upstream import recording
from clients.upstream import upstream

API = "https://api.fal.ai/v1"
SCHEMA = "https://fal.ai/api/openapi/queue/openapi.json"
IMAGE = "https://v3b.fal.media/files/b/0a/cat.png"
FIXTURES = [
    {
        "match": {"model": "fal-ai/flux/dev", "input": {"prompt": "a cat"}},
        "response": {"json": {"images": [{"url": IMAGE}], "seed": 1}, "billableUnits": 1.0},
    },
    {"match": {"model": "fal-ai/veo3", "input": {"prompt": "a dog"}}, "response": {"json": {"video": {"url": IMAGE}}}},
]
PRICES = {"prices": [{"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.025, "unit": "megapixels", "currency": "USD"}]}
DOCUMENT = {"openapi": "3.0.4", "info": {"title": "mine"}, "paths": {}}


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = running.write_fixtures(tmp_path_factory.mktemp("platform") / "fixtures", *FIXTURES)
    (folder / "_prices.json").write_text(json.dumps(PRICES), "utf-8")
    schema = folder / "_schemas" / "fal-ai" / "veo3.json"
    schema.parent.mkdir(parents=True)
    schema.write_text(json.dumps(DOCUMENT), "utf-8")
    return folder


@pytest.fixture(scope="module")
def mock(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with running.mitmdump(confdir, fixtures=fixtures) as started:
        yield started


@pytest.fixture
def app(mock: Mitmdump) -> Iterator[httpx.Client]:
    with tape.client(mock) as client:
        yield client


def test_a_tool_pages_through_the_models(app: httpx.Client) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = app.get(f"{API}/models", params={"limit": 1, **({} if cursor is None else {"cursor": cursor})}).json()
        seen += [model["endpoint_id"] for model in page["models"]]
        cursor = page["next_cursor"]
        assert len(seen) <= 2, "a page that was shown comes again"
        if not page["has_more"]:
            break
    assert (seen, cursor) == (["fal-ai/flux/dev", "fal-ai/veo3"], None)


def test_models_are_found_in_every_way(app: httpx.Client) -> None:
    for params in (
        {"endpoint_id": ["fal-ai/veo3", "nobody/knows"]},
        {"endpoint_id": "fal-ai/veo3,nobody/knows"},
        {"q": "VEO"},
        {"category": "text-to-video"},
    ):
        answer = app.get(f"{API}/models", params=params)
        assert answer.headers["x-falmock-synthesized"] == "1"
        assert [model["endpoint_id"] for model in answer.json()["models"]] == ["fal-ai/veo3"]


def test_schemas_come_from_disk_or_from_fixtures(app: httpx.Client) -> None:
    expanded = app.get(f"{API}/models", params={"expand": "openapi-3.0"}).json()["models"]
    found = {model["endpoint_id"]: model["openapi"] for model in expanded}
    for name in ("fal-ai/flux/dev", "fal-ai/veo3"):
        assert app.get(SCHEMA, params={"endpoint_id": name}).json() == found[name]
    assert found["fal-ai/veo3"] == DOCUMENT
    assert found["fal-ai/flux/dev"]["info"]["x-falmock-synthesized"] is True
    unknown = app.get(SCHEMA, params={"endpoint_id": "nobody/knows"})
    assert (unknown.status_code, unknown.text) == (404, "null")


def test_what_a_run_costs_is_looked_up_first(app: httpx.Client) -> None:
    assert (
        app.get(f"{API}/models/pricing", params={"endpoint_id": "fal-ai/flux/dev"}).json()["prices"] == PRICES["prices"]
    )
    body = {"estimate_type": "historical_api_price", "endpoints": {"fal-ai/flux/dev": {"call_quantity": 4}}}
    assert app.post(f"{API}/models/pricing/estimate", json=body).json()["total_cost"] == 0.1
    unknown = app.get(f"{API}/models/pricing", params={"endpoint_id": "fal-ai/veo3"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found")


def test_payloads_of_a_real_clients_job_are_deleted(mock: Mitmdump, app: httpx.Client) -> None:
    with running.app(CLIENTS / "programs" / "python_sync.py", mock) as program:
        done = program("subscribe", app="fal-ai/flux/dev", arguments={"prompt": "a cat"}, with_logs=True)
    assert IMAGE in str(done)
    job = app.post("https://queue.fal.run/fal-ai/flux/dev", json={"prompt": "a cat"}).json()
    assert app.get(job["response_url"]).status_code == 200
    url = f"{API}/models/requests/{job['request_id']}/payloads"
    first = app.delete(url, headers={"Idempotency-Key": "one"})
    assert first.json() == {"cdn_delete_results": [{"link": IMAGE, "exception": None}]}
    assert app.delete(url, headers={"Idempotency-Key": "one"}).json() == first.json()
    assert app.delete(url).status_code == 404
    assert app.get(job["response_url"]).status_code == 404
    assert app.get(job["status_url"]).json()["status"] == "COMPLETED"


def test_all_else_says_how_to_have_it_answered(app: httpx.Client) -> None:
    answer = app.get(f"{API}/models/usage", params={"timeframe": "day"})
    assert answer.status_code == 501
    for told in ("GET https://api.fal.ai/v1/models/usage", "fal_mode=auto", "method, host and path in match"):
        assert told in answer.json()["detail"]


def test_curl(mock: Mitmdump) -> None:
    query = f"{API}/models/pricing?endpoint_id=fal-ai/flux/dev"
    command = ["curl", "-sS", "--fail-with-body", "--proxy", mock.proxy, "--cacert", str(mock.ca), query]
    assert json.loads(running.run(command, {}))["prices"] == PRICES["prices"]
    refused = subprocess.run([*command[:-1], f"{API}/models/pricing"], capture_output=True, text=True, check=False)
    assert json.loads(refused.stdout)["error"]["type"] == "validation_error"


def test_keys_that_are_not_let_in(confdir: Path, fixtures: Path) -> None:
    with running.mitmdump(confdir, "--set", "fal_auth=required", fixtures=fixtures) as mock, tape.client(mock) as app:
        price = f"{API}/models/pricing?endpoint_id=fal-ai/flux/dev"
        bad = app.get(price, headers={"Authorization": running.KEY})
        assert (bad.status_code, bad.json()["error"]["message"]) == (401, "Invalid API key")
        app.headers.pop("authorization", None)
        refused = app.get(price)
        assert refused.status_code == 401
        assert refused.json()["error"] == {"type": "authorization_error", "message": "Authentication required"}
        assert app.get(f"{API}/models").status_code == 200
        assert app.get(price, headers={"Authorization": f"Key {running.KEY}"}).status_code == 200
        assert running.KEY not in mock.output


def test_what_was_recorded_answers_what_was_not_asked(confdir: Path, tmp_path: Path) -> None:
    """Models and prices that one tool asked for are known to another, which asks for them otherwise."""
    folder = tmp_path / "fixtures"
    with upstream() as fal, recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        models: Any = app.get(f"{API}/models").json()["models"]
        prices: Any = app.get(f"{API}/models/pricing", params={"endpoint_id": "test/image"}).json()["prices"]
    assert models
    assert prices
    with running.mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        assert app.get(f"{API}/models").json()["models"] == models
        one = app.get(f"{API}/models", params={"endpoint_id": models[-1]["endpoint_id"]})
        assert one.json()["models"] == models[-1:]
        body = {"estimate_type": "unit_price", "endpoints": {"test/image": {"unit_quantity": 2}}}
        cost = app.post(f"{API}/models/pricing/estimate", json=body).json()["total_cost"]
        assert cost == 2 * prices[0]["unit_price"]
