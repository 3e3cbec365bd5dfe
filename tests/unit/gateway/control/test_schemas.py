"""The schemas of models in the control API."""

from __future__ import annotations

from typing import Any

from falmock.fixtures.matching.index import Index
from falmock.gateway.control import schemas
from falmock.wire import provenance
from falmock.wire.model_document import model_document
from falmock.wire.provenance import Provenance
from unit.engine.calls import index_of
from unit.gateway.steering import Steered

DOCUMENT = model_document("a/b", "", {"properties": {"prompt": {}, "seed": {}}}, {}, "")
FETCHED = provenance.marked(DOCUMENT, Provenance("fetched", "https://fal.ai", "2026-11-01T10:00:00Z"))
RECORDED: dict[str, Any] = {
    "match": {
        "host": "fal.ai",
        "path": "/api/openapi/queue/openapi.json",
        "method": "GET",
        "input": {"endpoint_id": "a/a"},
    },
    "response": {"json": {"paths": {}}},
}


def steered() -> Steered:
    found = Steered()
    index = Index(index_of(RECORDED).fixtures, schemas={"a/b": FETCHED, "c/d": {"paths": {}}})
    found.engines.use_fixtures(index)
    return found


def test_where_each_came_from() -> None:
    answer = steered().ask("GET", "/schemas")
    assert answer == {
        "schemas": [
            {"id": "a/a", "source": "platform", "at": None, "path": "test.json#0", "inputs": None},
            {"id": "a/b", "source": "fetched", "at": "2026-11-01T10:00:00Z", "path": "_schemas/a/b.json", "inputs": 2},
            {"id": "c/d", "source": "file", "at": None, "path": "_schemas/c/d.json", "inputs": None},
        ],
        "total": 3,
        "limit": 100,
        "offset": 0,
    }
    assert answer["schemas"][0].keys() == schemas.SCHEMA["properties"].keys()


def test_pages() -> None:
    answer = steered().ask("GET", "/schemas", limit=1, offset=1)
    assert [each["id"] for each in answer["schemas"]] == ["a/b"]
