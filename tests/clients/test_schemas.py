"""Where the schemas of models come from: the end of a recording, and fal by `falmock schemas fetch`."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx

from clients import running
from clients import tape
from clients.running import FALMOCK
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import shared

fal, _calm = shared.fal, shared.calm
PLACE = "GET fal.ai/api/openapi/queue/openapi.json"
SECONDS = 60
KEY = "a-key-id:a-secret-that-nobody-sees"


def document(name: str) -> dict[str, Any]:
    """A document as fal has them, as far as falmock looks into it."""
    return {"openapi": "3.0.4", "info": {"title": f"Queue OpenAPI for {name}"}, "paths": {f"/{name}": {}}, "x": 1.0}


def kept(folder: Path) -> dict[str, Any]:
    return {
        path.relative_to(folder / "_schemas").as_posix().removesuffix(".json"): json.loads(path.read_text("utf-8"))
        for path in sorted((folder / "_schemas").rglob("*.json"))
    }


def test_a_recording_ends_with_the_schemas_of_its_endpoints(confdir: Path, fal: Upstream, tmp_path: Path) -> None:
    fal.documents = {name: document(name) for name in ("test/echo", "test/llm")}
    folder = tmp_path / "fixtures"
    with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        for path in ("test/echo", "test/echo", "test/llm/stream", "test/numbers", "test/echo/deeper"):
            app.post(f"https://fal.run/{path}", json={"prompt": "x"}, headers={"authorization": f"Key {KEY}"})
    asked = fal.asked(PLACE)
    assert sorted(each.parameters["endpoint_id"] for each in asked) == [
        *("test/echo", "test/echo/deeper", "test/llm", "test/llm/stream", "test/numbers"),
    ]
    assert not any("authorization" in each.headers or KEY in str(each) for each in asked)
    found = kept(folder)
    assert list(found) == ["test/echo", "test/llm"]
    provenance = found["test/echo"]["info"].pop("x-falmock")
    assert provenance.keys() == {"source", "from", "at"}
    assert (provenance["source"], provenance["from"]) == ("recorded", "https://fal.ai")
    assert found["test/echo"] == document("test/echo")
    assert "kept the schemas of test/echo, test/llm/stream in" in mock.output
    assert "no schema of test/numbers, test/echo/deeper: fal has none. The recording is complete" in mock.output
    assert len([path for path in folder.rglob("*.json") if "_schemas" not in path.parts]) == 4


def falmock(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [*FALMOCK, "schemas", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, env=plain | env, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def test_the_command_fetches_over_tls_through_a_proxy(confdir: Path, fal: Upstream, tmp_path: Path) -> None:
    fal.documents = {"test/echo": document("test/echo")}
    with recording(confdir, fal, tmp_path, mode="passthrough") as mock:
        words = ("fetch", "test/echo", "test/image", "--trusted-ca", mock.ca)
        asked = len(fal.seen)
        done = falmock(*words, cwd=tmp_path, HTTPS_PROXY=mock.proxy, FAL_KEY=KEY)
        seen = fal.seen[asked:]
        untrusted = falmock("fetch", "test/echo", "--again", cwd=tmp_path, HTTPS_PROXY=mock.proxy)
    assert (done.returncode, done.stderr) == (1, "falmock: test/image: fal has no schema of it (404)\n")
    assert done.stdout == "schemas: 1 written to fixtures/_schemas, 1 failed\n"
    assert [each.url for each in seen] == [
        f"https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=test/{name}" for name in ("echo", "image")
    ]
    assert not any(KEY in str(each) for each in seen)
    found = kept(tmp_path / "fixtures")["test/echo"]
    assert found["info"].pop("x-falmock")["source"] == "fetched"
    assert found == document("test/echo")
    assert untrusted.returncode == 1
    assert "test/echo: Certificate verify failed" in untrusted.stderr


def test_what_was_fetched_is_served_and_listed(confdir: Path, tmp_path: Path) -> None:
    given = document("test/echo") | {"info": {"x-falmock": {"source": "fetched", "at": "2026-11-01T10:00:00Z"}}}
    file = tmp_path / "fixtures/_schemas/test/echo.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(given))
    done = falmock("list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "test/echo  fetched 2026-11-01  its input cannot be resolved\n"
    with running.mitmdump(confdir, fixtures=tmp_path / "fixtures") as mock, tape.client(mock) as app:
        served = app.get("https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=test/echo").json()
        listed = httpx.get(f"{mock.proxy}/__falmock/schemas", trust_env=False).json()
    assert served == document("test/echo") | {"info": {}}
    assert [each["source"] for each in listed["schemas"]] == ["fetched"]


def test_none_are_fetched_where_that_is_turned_off(confdir: Path, fal: Upstream, tmp_path: Path) -> None:
    asked = len(fal.seen)
    off = ("--set", "fal_record_schemas=none")
    with recording(confdir, fal, tmp_path, *off) as mock, tape.client(mock) as app:
        app.post("https://fal.run/test/echo", json={})
    assert [each.host for each in fal.seen[asked:]] == ["fal.run"]


def test_fal_that_does_not_answer_for_schemas_does_not_harm_a_recording(
    confdir: Path, fal: Upstream, tmp_path: Path
) -> None:
    fal.trouble(f"{PLACE}*", "reset")
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        for name in ("echo", "numbers"):
            app.post(f"https://fal.run/test/{name}", json={})
    assert len(tape.entries(tmp_path)) == 2
    (line,) = [line for line in mock.output.splitlines() if "no schema of" in line]
    assert "no schema of test/echo, test/numbers: " in line
    assert line.endswith(". The recording is complete without")
    assert "recorded in 2 fixtures" in mock.output
