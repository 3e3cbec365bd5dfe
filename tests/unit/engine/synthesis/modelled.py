"""A client of an engine that has the document of one model."""

from __future__ import annotations

from typing import Any

from falmock.engine.config import Misses
from falmock.engine.effects import Reply
from falmock.fixtures.matching.index import Index
from falmock.wire.model_document import model_document
from unit.engine.calls import Client
from unit.engine.calls import index_of
from unit.engine.calls import read

MODEL = "acme/painter"
_INPUT = {
    "type": "object",
    "x-fal-order-properties": ["prompt", "num_images", "seed"],
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "seed": {"type": "integer"},
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["images", "seed", "prompt"],
    "properties": {
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "title": "Image",
                "required": ["url"],
                "properties": {
                    "url": {"type": "string"},
                    "width": {"type": "integer"},
                    "height": {"type": "integer"},
                    "content_type": {"type": "string", "default": "image/png"},
                },
            },
        },
        "seed": {"type": "integer"},
        "prompt": {"type": "string"},
    },
}
DOCUMENT = model_document(MODEL, "text-to-image", _INPUT, _OUTPUT, "")
RECORDED = {
    "match": {"model": MODEL, "input": {"prompt": 5}, "exact": True},
    "response": {"json": {"recorded": True}},
    "recorded": {"at": "2026-11-20T10:11:12+00:00"},
}
WRITTEN = {"match": {"model": MODEL}, "response": {"json": {"written": True}}}


class Modelled(Client):
    """A client of an engine that has the model's document."""

    def __init__(self, *fixtures: dict[str, Any], document: Any = DOCUMENT, **config: Any) -> None:
        super().__init__(*fixtures, **config)
        found = index_of(*fixtures)
        self.engines.use_fixtures(Index(found.fixtures, found.assets, schemas={MODEL: document}))


def synthesizing(*fixtures: dict[str, Any], **more: Any) -> Modelled:
    return Modelled(*fixtures, misses=Misses.SYNTHESIZE, **more)


def warning(reply: Reply) -> str:
    return reply.warning


def refusals(reply: Reply) -> list[tuple[str, list[Any]]]:
    assert reply.status == 422
    return [(problem["type"], problem["loc"]) for problem in read(reply)["detail"]]


BAD = {"num_images": 6, "promt": "a cat"}
BOTH = [("missing", ["body", "prompt"]), ("less_than_equal", ["body", "num_images"])]
