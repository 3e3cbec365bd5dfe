"""Where the schemas of models come from: the end of a recording, and fal by `falmock schemas fetch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients import tape
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import shared

fal, _calm = shared.fal, shared.calm
PLACE = "GET fal.ai/api/openapi/queue/openapi.json"
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
