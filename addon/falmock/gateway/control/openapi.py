"""Builds the OpenAPI document of the control API from its operations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import falmock
from falmock.engine import scopes
from falmock.gateway.control.operation import FILE
from falmock.gateway.control.operation import NOTHING
from falmock.gateway.control.operation import Operation
from falmock.gateway.control.operation import closed

_IN_BRACES = re.compile(r"\{(\w+)\}")
_OF_ALL = {
    400: "A parameter or the body is not as expected.",
    401: "fal_control_token is set, and the call does not have it.",
    403: "The call comes from another machine or a foreign web page.",
    413: "The body is too long.",
}
_JSON = "application/json"
_ERROR = {
    "type": "object",
    "properties": {
        "message": {"type": "string"},
        "problems": {
            "type": "array",
            "items": closed(path={"type": "string"}, message={"type": "string"}),
        },
    },
    "required": ["message"],
    "additionalProperties": False,
}
SCOPE = {
    "name": "scope",
    "in": "query",
    "schema": {"type": "string", "maxLength": scopes.MAX_NAME},
    "description": "The scope. By default that of the headers x-falmock-scope or X-Test-Id or of the proxy's user, or "
    "else the default scope.",
}


def document(operations: Iterable[Operation], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The document that describes these operations; `schemas` are the schemas that they refer to, by name."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "falmock control API",
            "version": falmock.__version__,
            "description": "Controls falmock from tests in any language. Only for programs on the same machine, unless "
            "fal_control_token is set.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **schemas},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _IN_BRACES.findall(operation.path)
    ]
    if operation.of_scope:
        parameters.append(SCOPE)
    parameters += [
        {"name": parameter.name, "in": "query", "schema": parameter.schema, "description": parameter.about}
        for parameter in operation.query
    ]
    answers = {status: _answer(about, {"$ref": "#/components/schemas/Error"}) for status, about in _OF_ALL.items()}
    answers |= {
        status: _answer(*described, operation.media if status < 300 else _JSON)
        for status, described in operation.answers.items()
    }
    result: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": parameters,
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if operation.body is not None:
        result["requestBody"] = {
            "required": operation.body.required,
            "description": operation.body.about,
            "content": {_JSON: {"schema": operation.body.schema, "example": operation.body.example}},
        }
    return result


def _answer(about: str, schema: Mapping[str, Any], media: str = _JSON) -> dict[str, Any]:
    if schema is NOTHING:
        return {"description": about}
    content_type = "*/*" if schema is FILE else media
    return {"description": about, "content": {content_type: {"schema": schema}}}
