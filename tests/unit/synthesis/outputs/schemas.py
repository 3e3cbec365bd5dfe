"""Documents of models for tests, and the judge of what is made by them."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.made import Made
from falmock.synthesis.outputs.made import OutputMaker
from falmock.wire.model_document import model_document

ID = "fal-ai/thing"
FILE: dict[str, Any] = {
    "title": "File",
    "type": "object",
    "properties": {
        "file_size": {"type": "integer", "examples": [4404019]},
        "file_name": {"type": "string", "examples": ["z9RV14K95DvU.png"]},
        "content_type": {"type": "string", "examples": ["image/png"]},
        "url": {"type": "string"},
        "file_data": {"type": "string", "format": "binary"},
    },
    "required": ["url"],
    "x-fal-order-properties": ["url", "content_type", "file_name", "file_size", "file_data"],
}
IMAGE: dict[str, Any] = {
    "title": "Image",
    "type": "object",
    "properties": {
        "height": {"type": "integer"},
        "content_type": {"type": "string", "default": "image/jpeg"},
        "url": {"type": "string"},
        "width": {"type": "integer"},
    },
    "required": ["url", "width", "height"],
    "x-fal-order-properties": ["url", "width", "height", "content_type"],
}
COMPONENTS = {"File": FILE, "Image": IMAGE}


def ref(name: str, **beside: Any) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", **beside}


def of(properties: dict[str, Any], *, optional: tuple[str, ...] = (), **beside: Any) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, **beside}


def document(
    output: Any, inputs: dict[str, Any] | None = None, category: str = "", **components: Any
) -> dict[str, Any]:
    """A document with this output schema, the properties of an input, and classes beside File and Image."""
    made = model_document(ID, category, {"type": "object", "properties": inputs or {}}, {}, "")
    made["components"]["schemas"].update(COMPONENTS, **components)
    content = made["paths"][f"/{ID}/requests/{{request_id}}"]["get"]["responses"]["200"]["content"]
    content["application/json"]["schema"] = output
    return made


def made(
    output: Any, given: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None, **components: Any
) -> Made:
    """What is made by an output schema for an input."""
    result = OutputMaker(document(output, inputs, **components), ID).make(given or {})
    assert result is not None
    return result


def value(schema: Any, name: str = "x", given: dict[str, Any] | None = None, **components: Any) -> Any:
    """What is made for a required property of this schema."""
    return made(of({name: schema}), given, {"unknown": {}}, **components).payload[name]


def asked(values: dict[str, Any] | None = None, most_files: int = 32) -> Asked:
    return Asked(ID, values or {}, values or {}, most_files)


def problems(whole: dict[str, Any], schema: Any, payload: Any) -> list[str]:
    """How a payload differs from a schema, for which what is optional and has no default takes null, as in fal's classes."""
    validator = Draft202012Validator({**_with_nulls(schema), "components": _with_nulls(whole["components"])})
    return [error.message for error in validator.iter_errors(payload)]


def _with_nulls(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _with_nulls(each) for key, each in schema.items() if key not in ("default", "examples")}
    if isinstance(schema.get("properties"), dict):
        required = schema.get("required", [])
        result["properties"] = {
            name: _with_nulls(each) if name in required else {"anyOf": [_with_nulls(each), {"type": "null"}]}
            for name, each in schema["properties"].items()
        }
    return result
