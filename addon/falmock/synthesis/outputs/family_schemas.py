"""The outputs of families of models, as schemas: the keys that most live answers of a family have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from falmock.synthesis.outputs.families import Family

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}


def _object(properties: dict[str, Any], *, title: str = "", optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "title": title, "properties": properties, "required": required}


_IMAGE = _object({"url": _TEXT, "width": _WHOLE, "height": _WHOLE, "content_type": _TEXT}, title="Image")
_WHOLE_IMAGE = _object(
    {"url": _TEXT, "content_type": _TEXT, "file_name": _TEXT, "file_size": _WHOLE, "width": _WHOLE, "height": _WHOLE},
    title="Image",
    optional=("file_name", "file_size"),
)
_FILE = _object(
    {"url": _TEXT, "content_type": _TEXT, "file_name": _TEXT, "file_size": _WHOLE},
    title="File",
    optional=("file_size",),
)
_SEGMENT = _object({"timestamp": {"type": "array", "items": {"type": "number"}}, "text": _TEXT})

FAMILY_SCHEMAS: Mapping[Family, dict[str, Any]] = MappingProxyType(
    {
        Family.IMAGES: _object(
            {
                "images": {"type": "array", "items": _IMAGE},
                "timings": {"type": "object"},
                "seed": _WHOLE,
                "has_nsfw_concepts": {"type": "array", "items": {"type": "boolean"}},
                "prompt": _TEXT,
            }
        ),
        Family.IMAGE: _object({"image": _WHOLE_IMAGE}),
        Family.VIDEO: _object({"video": _FILE, "seed": _WHOLE}),
        Family.AUDIO: _object({"audio": _FILE}),
        Family.TRAINING: _object({"diffusers_lora_file": _FILE, "config_file": _FILE}),
        Family.GLB: _object({"model_glb": _FILE, "model_urls": _object({"glb": _FILE}), "seed": _WHOLE}),
        Family.MESH: _object({"model_mesh": _FILE, "seed": _WHOLE}),
        Family.RESULTS: _object({"results": _TEXT}),
        Family.OUTPUT: _object({"output": _TEXT, "partial": {"type": "boolean"}, "error": {"type": "null"}}),
        Family.TEXT: _object(
            {
                "text": _TEXT,
                "chunks": {"type": "array", "items": _SEGMENT},
                "inferred_languages": {"type": "array", "items": _TEXT},
            }
        ),
    }
)
"""The output schema of each family; which keys they have was counted in the types of `@fal-ai/client`."""
