"""The schemas of models in the control API: which there are, and where they came from."""

from __future__ import annotations

from typing import Any

from falmock.engine.effects import Reply
from falmock.fixtures.format.sidecars import SCHEMAS
from falmock.fixtures.matching.documents import KnownDocument
from falmock.gateway.control.operation import PAGING
from falmock.gateway.control.operation import PREFIX
from falmock.gateway.control.operation import Call
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import answer
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.gateway.control.operation import page_of
from falmock.gateway.control.operation import paged
from falmock.wire.provenance import SOURCES

SCHEMA = closed(
    id={"type": "string", "description": "The endpoint id."},
    source={
        "type": "string",
        "enum": list(SOURCES),
        "description": "fetched by falmock schemas fetch, recorded at the end of a recording, types of @fal-ai/client, platform: a recorded "
        "answer of the Platform API, or a file that somebody put there.",
    },
    at={"type": ["string", "null"], "description": "When, in ISO 8601; null if that is not known."},
    path={"type": "string", "description": "Its path in the fixtures folder, or the id of the fixture that it is in."},
    inputs={**or_null("integer"), "description": "How many inputs it names; null if its input cannot be resolved."},
)


def _shown(known: KnownDocument) -> dict[str, Any]:
    return {
        "id": known.endpoint,
        "source": known.provenance.source,
        "at": known.provenance.at or None,
        "path": known.fixture or f"{SCHEMAS}/{known.endpoint}.json",
        "inputs": known.inputs,
    }


def _list(call: Call) -> Reply:
    found = sorted(call.seen.index.documents, key=lambda known: known.endpoint)
    return answer(200, paged("schemas", found, call.query, _shown), "schemas")


OPERATIONS = (
    Operation(
        "GET",
        f"{PREFIX}/schemas",
        "listSchemas",
        "The OpenAPI documents of models, by which inputs are checked: sorted by endpoint id, with where they came from.",
        _list,
        {200: ("A page of schemas.", page_of("schemas", "ModelSchema"))},
        PAGING,
    ),
)
