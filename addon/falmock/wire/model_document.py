"""Builds the OpenAPI document of a model, in the form of fal.ai's (PROTOCOL.md section 8), from its schemas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_STATUS_FIELDS: dict[str, Any] = {
    "status": {"type": "string", "enum": ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]},
    "request_id": {"type": "string"},
    "response_url": {"type": "string"},
    "status_url": {"type": "string"},
    "cancel_url": {"type": "string"},
    "logs": {"type": "object", "additionalProperties": True},
    "metrics": {"type": "object", "additionalProperties": True},
    "queue_position": {"type": "integer"},
}

_MADE_UP = "x-falmock-synthesized"
_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+")


def model_document(
    name: str,
    category: str,
    input_schema: dict[str, Any],
    output_schema: dict[str, Any],
    note: str,
    components: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The document of the model `name`; `note` is its description, which says what the schemas were made from.

    `components` are the schemas that those of the input and the output refer to.
    """
    title = "".join(word.capitalize() for word in _BETWEEN_WORDS.split(name.partition("/")[2]))
    page = f"https://fal.ai/models/{name}"
    schemas = {
        **components,
        "QueueStatus": {"type": "object", "properties": _STATUS_FIELDS, "required": ["status", "request_id"]},
        f"{title}Input": {"title": f"{title}Input", **input_schema},
        f"{title}Output": {"title": f"{title}Output", **output_schema},
    }
    request_id = {"name": "request_id", "in": "path", "required": True, "schema": {"type": "string"}}
    logs = {"name": "logs", "in": "query", "required": False, "schema": {"type": "number"}}
    stopped = {"type": "object", "properties": {"success": {"type": "boolean"}}}
    status = {"$ref": "#/components/schemas/QueueStatus"}
    job = f"/{name}/requests/{{request_id}}"
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {name}",
            "version": "1.0.0",
            "description": note,
            "x-fal-metadata": {
                "endpointId": name,
                "category": category,
                "thumbnailUrl": "",
                "playgroundUrl": page,
                "documentationUrl": f"{page}/api",
            },
        },
        "components": {
            "securitySchemes": {"apiKeyAuth": {"type": "apiKey", "in": "header", "name": "Authorization"}},
            "schemas": schemas,
        },
        "paths": {
            f"{job}/status": {"get": {"parameters": [request_id, logs], "responses": _ok(status)}},
            f"{job}/cancel": {"put": {"parameters": [request_id], "responses": _ok(stopped)}},
            f"/{name}": {
                "post": {
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{title}Input"}}},
                    },
                    "responses": _ok(status),
                }
            },
            job: {
                "get": {
                    "parameters": [request_id],
                    "responses": _ok({"$ref": f"#/components/schemas/{title}Output"}),
                }
            },
        },
        "servers": [{"url": "https://queue.fal.run"}],
        "security": [{"apiKeyAuth": []}],
    }


def _ok(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}}


def made_up(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with a mark that falmock made it, and not fal."""
    return {**document, "info": {**document["info"], _MADE_UP: True}}


def is_made_up(document: Any) -> bool:
    """Whether a document has the mark that falmock made it."""
    return _at(document, "info", _MADE_UP) is not None


def fields_of(document: Any, name: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the input fields and the output fields in a model's document; empty where it has none."""
    return _fields(document, input_schema(document, name)), _fields(document, output_schema(document, name))


def input_schema(document: Any, name: str) -> Any:
    """The schema of the input in a model's document, as it stands there; None if it has none.

    `name` may go on below the model that the document is of (`/stream`), or end above it.
    """
    paths = _at(document, "paths")
    paths = paths if isinstance(paths, dict) else {}
    posts = [path for path, item in paths.items() if _at(item, "post", "requestBody") is not None]
    above = [path for path in posts if f"/{name}/".startswith(f"{path}/")]
    below = [path for path in posts if path.startswith(f"/{name}/")]
    path = max(above or below[:1], key=len, default="")
    return _at(paths, path, "post", "requestBody", "content", "application/json", "schema")


def output_schema(document: Any, name: str) -> Any:
    """The schema of the output in a model's document, as it stands there; None if it has none."""
    job = _at(document, "paths", f"/{name}/requests/{{request_id}}", "get", "responses", "200", "content")
    return _at(job, "application/json", "schema")


def resolved(document: Any, schema: Any) -> Any:
    """A schema, or what it refers to in its document; None if that is not there."""
    reference = _at(schema, "$ref")
    if isinstance(reference, str):
        steps = (step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))
        return _at(document, *steps) if reference.startswith("#/") else None
    return schema


def _fields(document: Any, schema: Any) -> frozenset[str]:
    properties = _at(resolved(document, schema), "properties")
    return frozenset(properties) if isinstance(properties, dict) else frozenset()


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
