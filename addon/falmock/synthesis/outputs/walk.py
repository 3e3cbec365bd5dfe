"""Turns a model's output schema into a function that makes outputs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from falmock.synthesis.outputs import measures
from falmock.synthesis.outputs import segments
from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.echo import echoing
from falmock.synthesis.outputs.file_schemas import file_maker
from falmock.synthesis.outputs.file_schemas import is_file
from falmock.synthesis.outputs.file_schemas import is_left_out
from falmock.synthesis.outputs.fits import fits
from falmock.synthesis.outputs.normal import Normal
from falmock.synthesis.outputs.normal import normal
from falmock.synthesis.outputs.simple import COUNTED
from falmock.synthesis.outputs.simple import LANGUAGES
from falmock.synthesis.outputs.simple import SEEDS
from falmock.synthesis.outputs.simple import SPOKEN
from falmock.synthesis.outputs.simple import Maker
from falmock.synthesis.outputs.simple import own_value
from falmock.synthesis.outputs.simple import scalar

MOST_NODES = 2000
"""Of a larger schema the rest is empty: a schema can refer to itself in many places."""
MOST_DEPTH = 20
_MOST_ITEMS = 1000
_LANGUAGE = "en"
_TIMINGS = {"inference": 0.5}
_EMPTY: dict[str, Any] = {"object": {}, "array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
_Path = tuple[str, ...]


def maker_of(document: Any, schema: Any, inputs: frozenset[str] | None) -> Maker:
    """What makes outputs of this schema; `inputs` are the names of the model's inputs, None if they are not known."""
    return _Walk(document, inputs).value(schema, ("",), required=True)


class _Walk:
    """Goes down a schema once. A path is the names of the properties above a value and its own."""

    def __init__(self, document: Any, inputs: frozenset[str] | None) -> None:
        self._document = document
        self._inputs = inputs
        self._nodes = 0
        self._sounds = False
        self._open: list[str] = []

    def value(self, schema: Any, path: _Path, *, required: bool) -> Maker:
        node = normal(self._document, schema)
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > MOST_DEPTH or not set(self._open).isdisjoint(node.references):
            return _constant(None if node.nullable or not required else _EMPTY.get(node.kind))
        self._open.extend(node.references)
        made = self._made(node, path, required=required)
        del self._open[len(self._open) - len(node.references) :]
        return made

    def _made(self, node: Normal, path: _Path, *, required: bool) -> Maker:
        name = next((each for each in reversed(path) if each), "")
        optional = not required and (node.nullable or "default" not in node.schema)
        if is_file(self._document, node, path):
            left_out = optional and is_left_out(self._document, node, path)
            return _constant(None) if left_out else file_maker(self._document, node, path, self.value)
        if node.kind == "array":
            return self._list(node, path, optional=optional)
        if name == "timings" and node.kind == "object" and not node.properties:
            return _constant(_TIMINGS if fits(self._document, node.schema, _TIMINGS) else {})
        spoken = name in SPOKEN and node.kind == "string" and "enum" not in node.schema
        seed = name in SEEDS and node.kind in ("integer", "number")
        own = None if spoken or seed else own_value(self._document, node)
        if name in LANGUAGES and not optional and fits(self._document, node.schema, _LANGUAGE):
            own = (_LANGUAGE,)
        known = self._measured(node, name) if len(path) == 2 else None
        if known is not None:
            return known
        if own is not None:
            return _constant(own[0])
        if optional and not spoken and not seed:
            return _constant(None)
        return self._object(node, path) if node.kind == "object" else scalar(name, node)

    def _object(self, node: Normal, path: _Path) -> Maker:
        if len(path) == 1:
            self._sounds = not {"video", "videos"} & node.properties.keys()
        transcript = segments.is_segment(node.properties)
        makers: list[tuple[str, Maker]] = []
        for name, schema in node.properties.items():
            part = segments.part(name) if transcript else None
            made = self.value(schema, (*path, name), required=name in node.required)
            if part is not None:
                made = self._if_it_fits(schema, part, made, segments.sample(name))
            if len(path) == 1 and (self._inputs is None or name in self._inputs):
                made = echoing(self._document, schema, name, made)
            makers.append((name, made))
        return lambda asked, at: {name: made(asked, at) for name, made in makers}

    def _measured(self, node: Normal, name: str) -> Maker | None:
        """What makes a number that says how long the film or the sound of an output is, and the like."""
        measure = measures.of(name, sound=self._sounds) if node.kind in ("integer", "number") else None
        if measure is None:
            return None
        whole = node.kind == "integer"
        return self._if_it_fits(
            node.schema, lambda asked, _at: round(measure(asked)) if whole else measure(asked), scalar(name, node), 5
        )

    def _if_it_fits(self, schema: Any, made: Maker, otherwise: Maker, sample: Any) -> Maker:
        """What makes a value in the first way, or in the other one where that does not fit; `sample` is like the values."""
        if not normal(self._document, schema).has_limits:
            return made if fits(self._document, schema, sample) else otherwise

        def make(asked: Asked, at: int) -> Any:
            value = made(asked, at)
            return value if fits(self._document, schema, value) else otherwise(asked, at)

        return make

    def _list(self, node: Normal, path: _Path, *, optional: bool) -> Maker:
        items = normal(self._document, node.schema.get("items"))
        least, most = _size(node.schema.get("minItems"), 0), _size(node.schema.get("maxItems"), _MOST_ITEMS)
        top = len(path) == 2
        inner = (*path, "")
        if is_file(self._document, items, inner):
            if optional and is_left_out(self._document, items, path):
                return _constant(None)
            return _several(self.value(node.schema.get("items"), inner, required=True), least, most, counted=top)
        if segments.is_segment(items.properties):
            return _segments(self.value(node.schema.get("items"), inner, required=True), least, most)
        if path[-1] in COUNTED:
            return _several(self.value(node.schema.get("items"), inner, required=True), least, most, counted=True)
        own = own_value(self._document, node)
        if own is not None or optional:
            return _constant(None if own is None else own[0])
        leading = node.schema.get("prefixItems")
        if isinstance(leading, list) and leading:
            return _each([self.value(each, inner, required=True) for each in leading[:_MOST_ITEMS]])
        return _several(self.value(node.schema.get("items"), inner, required=True), least, most, counted=False)


def _several(made: Maker, least: int, most: int, *, counted: bool) -> Maker:
    def make(asked: Asked, _at: int) -> list[Any]:
        return [made(asked, at) for at in range(max(least, min(asked.count if counted else 1, most)))]

    return make


def _segments(made: Maker, least: int, most: int) -> Maker:
    def make(asked: Asked, _at: int) -> list[Any]:
        return [made(asked, at) for at in range(max(least, min(len(asked.said), most)))]

    return make


def _each(makers: list[Maker]) -> Maker:
    return lambda asked, at: [made(asked, at) for made in makers]


def _constant(value: Any) -> Maker:
    if isinstance(value, (dict, list)):
        is_flat = not any(
            isinstance(each, (dict, list)) for each in (value.values() if isinstance(value, dict) else value)
        )
        copied: Callable[[], Any] = value.copy if is_flat else partial(copy.deepcopy, value)  # ten times as long
        return lambda _asked, _at: copied()
    return lambda _asked, _at: value


def _size(value: Any, otherwise: int) -> int:
    return min(max(value, 0), _MOST_ITEMS) if isinstance(value, int) and not isinstance(value, bool) else otherwise
