"""Measures what checking inputs and making answers cost: each relative to a Run that a fixture answers."""

from __future__ import annotations

import json
import tempfile
from itertools import cycle
from pathlib import Path
from typing import Any

from bench_figures import report
from bench_figures import seconds_of
from bench_samples import ENDPOINT
from bench_samples import flux_fixture
from bench_samples import flux_input
from bench_samples import write_fixtures

from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.config import Validate
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.matching.index import Index
from falmock.wire.formats import jsontext
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from falmock.wire.model_document import model_document

CHECKED = 1.15
"""How much a Run that is checked may cost, in Runs that are not."""
MADE = 3.0
"""How much a made image answer may cost, in answers of a fixture; the same where no input comes twice."""
_INPUTS = 10_000
"""How many inputs come before one comes again: more than made answers are kept."""
_SIZES = ["square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9"]
_INPUT = {
    "type": "object",
    "x-fal-order-properties": ["prompt", "image_size", "num_inference_steps", "seed", "guidance_scale", "num_images"],
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "title": "Prompt"},
        "image_size": {
            "anyOf": [{"$ref": "#/components/schemas/ImageSize"}, {"type": "string", "enum": _SIZES}],
            "default": "landscape_4_3",
        },
        "num_inference_steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 28},
        "seed": {"type": "integer"},
        "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 3.5},
        "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
        "enable_safety_checker": {"type": "boolean", "default": True},
        "output_format": {"type": "string", "enum": ["jpeg", "png"], "default": "png"},
    },
}
_OUTPUT = {
    "type": "object",
    "x-fal-order-properties": ["images", "timings", "seed", "has_nsfw_concepts", "prompt"],
    "required": ["images", "timings", "seed", "has_nsfw_concepts", "prompt"],
    "properties": {
        "images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}},
        "timings": {"type": "object", "additionalProperties": {"type": "number"}},
        "seed": {"type": "integer"},
        "has_nsfw_concepts": {"type": "array", "items": {"type": "boolean"}},
        "prompt": {"type": "string"},
    },
}
_SIZE = {
    "type": "object",
    "title": "ImageSize",
    "properties": {
        "width": {"type": "integer", "exclusiveMinimum": 0, "maximum": 14142, "default": 512},
        "height": {"type": "integer", "exclusiveMinimum": 0, "maximum": 14142, "default": 512},
    },
}
_IMAGE = {
    "type": "object",
    "title": "Image",
    "required": ["url", "width", "height"],
    "properties": {
        "url": {"type": "string"},
        "width": {"type": "integer"},
        "height": {"type": "integer"},
        "content_type": {"type": "string", "default": "image/jpeg"},
    },
}


def document() -> dict[str, Any]:
    """The document of a usual image model."""
    made = model_document(ENDPOINT, "text-to-image", _INPUT, _OUTPUT, "for measuring")
    made["components"]["schemas"] |= {"ImageSize": _SIZE, "Image": _IMAGE}
    return made


def bench_synthesis(rounds: int) -> bool:
    print("checked inputs and made answers (CPU per call)")
    with tempfile.TemporaryDirectory() as name:
        folder = write_fixtures(Path(name), 1)
        every = flux_fixture(0) | {"match": {"model": ENDPOINT}}
        (folder / "every.json").write_text(json.dumps({"fixtures": [every]}))
        target = folder / "_schemas" / f"{ENDPOINT}.json"
        target.parent.mkdir(parents=True)
        target.write_text(jsontext.dump_exact(document(), indent=2))
        index = FixtureLoader([str(folder)]).load().index
    plain = _runs(Config(validate=Validate.OFF), index)
    met = _compared("Run, checked", _runs(Config(), index), plain, rounds, CHECKED)
    making = Config(misses=Misses.SYNTHESIZE)
    met &= _compared("image made", _runs(making, Index(schemas=index.schemas)), plain, rounds, MADE)
    others = _runs(making, Index(schemas=index.schemas), _INPUTS)
    answered = _runs(Config(validate=Validate.OFF), index, _INPUTS)
    return met & _compared("image made, another input each time", others, answered, rounds, MADE)


class _runs:  # noqa: N801 - it is called like a function
    """Calls an engine with so many inputs, one after the other, which differ only where a fixture does not look."""

    def __init__(self, config: Config, index: Index, inputs: int = 1) -> None:
        counter = iter(range(10**9))
        self._engine = Engine(config, index, lambda now: uuid7(now, next(counter)), b"secret")
        headers = {"authorization": "Key kid:ksecret", "content-type": "application/json"}
        first = Request("POST", "fal.run", f"/{ENDPOINT}", "", headers, b"")
        # Written ahead: what a client does is not measured.
        bodies = (json.dumps(flux_input(number)).encode() for number in range(inputs))
        self._requests = cycle([first._replace(body=body) for body in bodies])
        for _ in range(min(inputs, 2)):
            effect = self()
            assert isinstance(effect, Reply), effect
            assert effect.status == 200, effect

    def __call__(self) -> object:
        return self._engine.handle(next(self._requests), 2.0)


def _compared(label: str, measured: _runs, floor: _runs, rounds: int, limit: float) -> bool:
    ratios = [seconds_of(measured, 2000) / seconds_of(floor, 2000) for _ in range(rounds)]
    return report(label, ratios, limit, "a Run of a fixture, not checked")
