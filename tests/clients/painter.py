"""A model with a schema, beside fixtures: what its inputs and outputs are, and what is wrong with one input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients.running import write_fixtures

PAINTER = "acme/painter"
CAT = {"prompt": "a cat é", "num_images": 2, "seed": 5}
BAD = {"num_images": 6}
DETAIL = [
    {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required", "input": BAD},
    {
        "type": "less_than_equal",
        "loc": ["body", "num_images"],
        "msg": "Input should be less than or equal to 4",
        "input": 6,
        "ctx": {"le": 4},
    },
]
"""What FastAPI answers to BAD, by the schema below."""
_FILE = {
    "title": "Image",
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {"title": "Url", "type": "string"},
        "width": {"title": "Width", "type": "integer"},
        "height": {"title": "Height", "type": "integer"},
        "content_type": {"title": "Content Type", "type": "string", "default": "image/png"},
    },
}
_INPUT = {
    "title": "PainterInput",
    "type": "object",
    "x-fal-order-properties": ["prompt", "num_images", "seed"],
    "required": ["prompt"],
    "properties": {
        "seed": {"title": "Seed", "anyOf": [{"type": "integer"}, {"type": "null"}]},
        "prompt": {"title": "Prompt", "type": "string", "minLength": 1},
        "num_images": {"title": "Num Images", "type": "integer", "minimum": 1, "maximum": 4, "default": 1},
    },
}
_OUTPUT = {
    "title": "PainterOutput",
    "type": "object",
    "required": ["images", "seed"],
    "properties": {
        "images": {"title": "Images", "type": "array", "items": {"$ref": "#/components/schemas/Image"}},
        "seed": {"title": "Seed", "type": "integer"},
        "mood": {"title": "Mood", "type": "string", "enum": ["calm", "wild"]},
    },
}


def _content(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


DOCUMENT = {
    "openapi": "3.0.4",
    "info": {"title": f"Queue OpenAPI for {PAINTER}", "version": "1.0.0"},
    "components": {"schemas": {"Image": _FILE, "PainterInput": _INPUT, "PainterOutput": _OUTPUT}},
    "paths": {
        f"/{PAINTER}": {"post": {"requestBody": {"required": True, **_content("PainterInput")}, "responses": {}}},
        f"/{PAINTER}/requests/{{request_id}}": {"get": {"responses": {"200": _content("PainterOutput")}}},
    },
}


def with_schema(folder: Path, *fixtures: object) -> Path:
    """A folder of fixtures with the painter's document."""
    write_fixtures(folder, *fixtures)
    path = folder / "_schemas" / f"{PAINTER}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(DOCUMENT), "utf-8")
    return folder
