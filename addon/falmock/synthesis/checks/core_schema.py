"""Translates the input schema of a model's document into a core schema, from which pydantic-core makes a validator.

fal's apps are FastAPI's: pydantic checks their inputs, and the document is what pydantic says of the same classes. The
rules lead back from one to the other; they were found on 763 documents of fal's and are proven by `scripts/schema-parity`.

- Fields are checked in the order of `x-fal-order-properties`; an error in a union names a class by its `title`.
- A field that is not required and has no default is `Optional`: most documents leave the branch for null out. One with a
  default refuses null, unless it has that branch or `nullable`. A default of the wrong type stands, as in pydantic.
- `format: uri` is a URL, with a `maxLength` of 2083 one of http; `binary` is bytes; `uniqueItems` is a set.
- A `$ref` to nothing, an `allOf` of several schemas and anything below MAX_DEPTH may be any value.

Core schemas are plain dictionaries, so pydantic-core is not imported here.
"""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

from falmock.synthesis.checks import keywords
from falmock.synthesis.checks.known_keys import Keys
from falmock.synthesis.checks.known_keys import Known
from falmock.wire.model_document import input_schema
from falmock.wire.model_document import resolved

MAX_DEPTH = 40
"""How many levels of schemas in schemas are read, not counting references; fal's have 4."""
MAX_STEPS = 20
"""How many references to a reference are followed."""
_HTTP_URL = 2083
"""The `maxLength` of pydantic's HttpUrl."""
_FORMATS: dict[str, dict[str, Any]] = {
    "binary": {"type": "bytes"},
    "uuid": {"type": "uuid"},
    "uuid4": {"type": "uuid", "version": 4},
    "date": {"type": "date"},
    "date-time": {"type": "datetime"},
}
_SLOTS = ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")


class Unresolvable(ValueError):
    """The input of a document cannot be found, so nothing can be checked by it. The text says what is missing."""


class Translation(NamedTuple):
    """A core schema; the keys that the input may have; and its fields whose values are not those that JSON has."""

    core: dict[str, Any]
    known: Known
    rough: tuple[str, ...]


class _Node(NamedTuple):
    core: dict[str, Any]
    known: Known = ()
    is_plain: bool = True
    """Whether an accepted value is as JSON has it."""


_ANY = _Node({"type": "any"})


def translation(document: Any, endpoint: str, *, patterns: bool = True) -> Translation:
    """The core schema of an endpoint's input. Without `patterns`, texts may be any.

    Raises Unresolvable.
    """
    schema = input_schema(document, endpoint)
    if not isinstance(schema, dict):
        raise Unresolvable(f"the document of {endpoint} has no POST with a schema of a JSON body")
    return _Translator(document, patterns=patterns).translated(schema, endpoint)


class _Translator:
    def __init__(self, document: Any, *, patterns: bool) -> None:
        self._document = document
        self._patterns = patterns
        self._definitions: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, Keys] = {}
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._rough: dict[str, tuple[str, ...]] = {}

    def translated(self, schema: dict[str, Any], endpoint: str) -> Translation:
        name, found = self._followed(schema)
        if found is None:
            raise Unresolvable(f"the input of {endpoint} is {name[:200]!r}, which leads to no schema in its document")
        root = self._reference(name or "input", found)
        while self._waiting:  # not by recursion: a chain of references can be as long as the document
            name, found = self._waiting.pop()
            self._define(name, found)
        core = {"type": "definitions", "schema": root.core, "definitions": list(self._definitions.values())}
        reference = root.core["schema_ref"]
        return Translation(core, root.known, self._rough.get(reference, ()))

    def _followed(self, schema: Any) -> tuple[str, dict[str, Any] | None]:
        """The reference that a schema is ("" if it is none), and what that leads to; None if that is nothing."""
        name = ""
        for _ in range(MAX_STEPS):
            reference = keywords.reference_in(schema)
            if reference is None:
                return name, schema if isinstance(schema, dict) else None
            name = reference
            schema = resolved(self._document, {"$ref": reference})
        return name, None

    def _reference(self, name: str, schema: dict[str, Any]) -> _Node:
        if name not in self._keys:
            self._keys[name] = Keys()
            self._waiting.append((name, schema))
        return _Node({"type": "definition-ref", "schema_ref": name}, (self._keys[name],), is_plain=False)

    def _define(self, name: str, schema: dict[str, Any]) -> None:
        node = self._model(schema, name, 0) if keywords.is_model(schema) else self._node(schema, 0)
        self._definitions[name] = {**node.core, "ref": name}
        keys = self._keys[name]
        for each in node.known:
            keys.names = each.names if keys.names is None else {**(each.names or {}), **keys.names}
            keys.items += each.items
            keys.is_open |= each.is_open

    def _node(self, schema: Any, depth: int) -> _Node:
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return _ANY
        node = self._not_null(schema, depth)
        return _nullable(node) if schema.get("nullable") is True else node

    def _not_null(self, schema: dict[str, Any], depth: int) -> _Node:
        if keywords.reference_in(schema) is not None:
            name, found = self._followed(schema)
            return _ANY if found is None else self._reference(name, found)
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                return self._union(schema[key], depth)
        if "enum" in schema or "const" in schema:
            values = schema.get("enum", [schema.get("const")])
            return _Node({"type": "literal", "expected": values}) if keywords.are_constants(values) else _ANY
        kind = schema.get("type")
        if kind == "string":
            return self._text(schema)
        if kind == "integer":
            return _Node({"type": "int", **keywords.limits(schema, int)})
        if kind == "number":
            return _Node({"type": "float", **keywords.limits(schema, float)})
        if kind == "boolean":
            return _Node({"type": "bool"})
        if kind == "array":
            return self._list(schema, depth)
        if keywords.is_model(schema):
            return self._model(schema, "Object", depth)
        return self._map(schema, depth) if kind == "object" else _ANY

    def _union(self, branches: list[Any], depth: int) -> _Node:
        kept = [branch for branch in branches if not (isinstance(branch, dict) and branch.get("type") == "null")]
        nodes = [self._node(branch, depth + 1) for branch in kept]
        if not nodes:
            return _Node({"type": "none"}) if branches else _ANY
        node = nodes[0]
        if len(nodes) > 1:
            core = {"type": "union", "choices": [each.core for each in nodes]}
            known = tuple(dict.fromkeys(keys for each in nodes for keys in each.known))
            node = _Node(core, known, all(each.is_plain for each in nodes))
        return node if len(kept) == len(branches) else _nullable(node)

    def _text(self, schema: dict[str, Any]) -> _Node:
        form = schema.get("format")
        if form == "uri":
            longest = keywords.count(schema, "maxLength")
            http = {"allowed_schemes": ["http", "https"]} if longest == _HTTP_URL else {}
            return _Node(_without_none({"type": "url", "max_length": longest, **http}), is_plain=False)
        if isinstance(form, str) and form in _FORMATS:
            return _Node(dict(_FORMATS[form]), is_plain=False)
        pattern = schema.get("pattern") if self._patterns else None
        core = {
            "type": "str",
            "min_length": keywords.count(schema, "minLength"),
            "max_length": keywords.count(schema, "maxLength"),
            "pattern": pattern if isinstance(pattern, str) else None,
        }
        return _Node(_without_none(core))

    def _list(self, schema: dict[str, Any], depth: int) -> _Node:
        item = self._node(schema.get("items"), depth + 1)
        is_set = schema.get("uniqueItems") is True
        core = {
            "type": "set" if is_set else "list",
            "items_schema": item.core,
            "min_length": keywords.count(schema, "minItems"),
            "max_length": keywords.count(schema, "maxItems"),
        }
        known = (Keys(items=item.known),) if item.known else ()
        return _Node(_without_none(core), known, item.is_plain and not is_set)

    def _map(self, schema: dict[str, Any], depth: int) -> _Node:
        value = self._node(schema.get("additionalProperties"), depth + 1)
        core = {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": value.core}
        return _Node(core, (Keys(items=value.known, is_open=True),), value.is_plain)

    def _model(self, schema: dict[str, Any], name: str, depth: int) -> _Node:
        properties, others = schema["properties"], schema.get("additionalProperties")
        needed = schema.get("required")
        needed = {each for each in needed if isinstance(each, str)} if isinstance(needed, list) else set()
        fields: dict[str, Any] = {}
        names: dict[str, Known] = {}
        rough: list[str] = []
        for key in keywords.ordered(properties, schema.get("x-fal-order-properties")):
            node = self._node(properties[key], depth + 1)
            core = node.core if key in needed else _optional(node.core, properties[key])
            fields[key] = {"type": "model-field", "schema": core}
            names[key] = node.known
            if not node.is_plain:
                rough.append(key)
        self._rough[name] = tuple(rough)
        title = keywords.class_name(schema.get("title")) or keywords.class_name(name.rpartition("/")[2]) or "Model"
        extra = "forbid" if others is False else "allow" if others else "ignore"
        core = {
            "type": "model",
            "cls": type(title, (), {"__slots__": _SLOTS, "__hash__": None}),
            "schema": {"type": "model-fields", "fields": fields, "model_name": title, "extra_behavior": extra},
            "config": {"title": title},
        }
        return _Node(core, (Keys(names, is_open=extra == "allow"),), is_plain=False)


def _optional(core: dict[str, Any], schema: Any) -> dict[str, Any]:
    default = schema.get("default") if isinstance(schema, dict) else None
    if default is None:
        core = core if core["type"] == "nullable" else {"type": "nullable", "schema": core}
    return {"type": "default", "schema": core, "default": default}


def _nullable(node: _Node) -> _Node:
    return node if node.core["type"] == "nullable" else node._replace(core={"type": "nullable", "schema": node.core})


def _without_none(core: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in core.items() if value is not None}
