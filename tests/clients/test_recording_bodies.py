"""Bodies without a JSON content type, and queries, are recorded as what they mean and replayed to any client."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Pace
from clients.upstream import recording
from clients.upstream import upstream

INPUT = json.dumps({"prompt": "a cat é", "seed": 2**64 - 1})
KEY = "Authorization: Key a:b"


def curl(mock: Mitmdump, url: str, *args: str) -> tuple[int, str]:
    """Status and body."""
    command = ["curl", "-sS", "--max-time", "30", "-w", "%{http_code}", "-H", KEY, url, *args]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env=mock.env(CURL_CA_BUNDLE=str(mock.ca))
    ).stdout
    return int(told[-3:]), told[:-3]


def seen(mock: Mitmdump, way: str, url: str, body: str) -> tuple[int, Any]:
    """A POST of a text without a Content-Type of the app's own."""
    if way == "curl":
        status, text = curl(mock, url, "-d", body)
    else:
        with running.app(CLIENTS / "programs" / "fetching.mjs", mock) as app:
            told = app("byFetch", url=url, headers={"authorization": "Key a:b"}, body=body)
        status, text = told["status"], told["text"]
    return status, json.loads(text)


def job(mock: Mitmdump, way: str, body: str) -> Any:
    """What a job comes to that was submitted with a text."""
    status, accepted = seen(mock, way, "https://queue.fal.run/test/echo", body)
    assert status == 200
    with tape.client(mock) as app:
        return app.get(accepted["response_url"]).json()


@pytest.mark.parametrize("way", ["curl", "fetch"])
def test_json_without_its_content_type(confdir: Path, tmp_path: Path, way: str) -> None:
    with upstream() as fal, recording(confdir, fal, tmp_path) as mock:
        fal.pace = Pace()
        recorded = seen(mock, way, "https://fal.run/test/echo", INPUT), job(mock, way, INPUT)
    assert recorded[0][0] == 200
    (entry, *_) = tape.entries(tmp_path)
    assert entry["match"] == {"model": "test/echo", "input": json.loads(INPUT), "exact": True}
    with mitmdump(confdir, fixtures=tmp_path) as mock:
        for again in ("curl", "fetch"):
            assert seen(mock, again, "https://fal.run/test/echo", INPUT) in (recorded[0], (200, recorded[1]))
            assert job(mock, again, INPUT) in (recorded[0][1], recorded[1])
            assert seen(mock, again, "https://fal.run/test/echo", "not JSON")[0] == 422
        with tape.client(mock) as app:
            assert app.post("https://fal.run/test/echo", json=json.loads(INPUT)).status_code == 200


def test_a_form_is_found_again_with_another_boundary(confdir: Path, tmp_path: Path) -> None:
    def form(mock: Mitmdump, prompt: str = "a cat") -> tuple[int, Any]:
        fields = ("-F", f"prompt={prompt}", "-F", "file=@-;filename=a.txt")
        status, text = curl(mock, "https://fal.run/test/text?v=1&v=2", *fields)
        return status, json.loads(text)

    with upstream() as fal, recording(confdir, fal, tmp_path) as mock:
        recorded = form(mock)
    (entry,) = tape.entries(tmp_path)
    assert entry["match"]["query"] == {"v": ["1", "2"]}
    assert [field["name"] for field in entry["match"]["body"]] == ["prompt", "file"]
    with mitmdump(confdir, fixtures=tmp_path) as mock:
        assert form(mock) == recorded
        assert form(mock, "a dog")[0] == 422
        assert form(mock, "a dog") != recorded


@pytest.mark.parametrize("url", ["https://fal.run/test/echo", "https://api.fal.ai/v1/models/pricing"])
def test_every_query_has_its_own_recording(confdir: Path, tmp_path: Path, url: str) -> None:
    queries = ("endpoint_id=a&endpoint_id=b", "endpoint_id=b&endpoint_id=a", "endpoint_id=b")
    with upstream() as fal, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        recorded = {query: app.get(f"{url}?{query}").content for query in queries}
    assert len(tape.entries(tmp_path)) == len(queries)
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        assert {query: app.get(f"{url}?{query}").content for query in queries} == recorded
        assert app.get(f"{url}?endpoint_id=a&endpoint_id=b&endpoint_id=c").status_code in (404, 501)
