"""Makes OpenAPI documents of the endpoints whose types a text declares, as `@fal-ai/client` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from falmock.synthesis.typescript.declarations import declarations
from falmock.synthesis.typescript.schemas import REF
from falmock.synthesis.typescript.schemas import Schema
from falmock.wire.model_document import made_up
from falmock.wire.model_document import model_document

MAP = "EndpointTypeMap"
"""The type whose properties are the endpoint ids, each with the types of its `input` and `output`."""
_MAX_PARTS = 100
"""Of how many types one may be made up, by `extends` and `&`."""


class EndpointTypes:
    """The endpoints of a text; `note` says in their documents what they are made from. Raises BadTypes."""

    def __init__(self, text: str, note: str) -> None:
        self._declared = declarations(text)
        self._note = note
        self._endpoints: dict[str, Any] = self._declared.get(MAP, {}).get("properties", {})

    @property
    def ids(self) -> tuple[str, ...]:
        """The endpoint ids, in the order of the text."""
        return tuple(self._endpoints)

    def document(self, endpoint: str) -> dict[str, Any] | None:
        """The document of an endpoint, without category and limits; None if the text says nothing about it."""
        types = self._endpoints.get(endpoint, {}).get("properties", {})
        if not {"input", "output"} <= types.keys():
            return None
        used: dict[str, None] = {}
        input_schema, output_schema = (self._top(types[name], used) for name in ("input", "output"))
        if not any("properties" in schema for schema in (input_schema, output_schema)):
            return None
        components: dict[str, Schema] = {}
        waiting = list(used)
        while waiting:
            name = waiting.pop()
            if name not in components:
                more: dict[str, None] = {}
                components[name] = {"title": name, **self._complete(self._declared[name], more)}
                waiting += more
        return made_up(model_document(endpoint, "", input_schema, output_schema, self._note, components))

    def _top(self, schema: Schema, used: dict[str, None]) -> Schema:
        """The schema of an input or an output in full, where it is a reference."""
        name = self._target(schema)
        if name is None:
            complete: Schema = self._complete(schema, used)
            return complete
        return {"title": name, **self._complete(self._declared[name], used)}

    def _target(self, schema: Schema) -> str | None:
        """The name of the type that a schema refers to, past other names for it; None if it is no reference to one."""
        seen: set[str] = set()
        name = None
        while "$ref" in schema:
            name = str(schema["$ref"]).removeprefix(REF)
            if name in seen or name not in self._declared:
                return None
            seen.add(name)
            schema = self._declared[name]
        return name

    def _complete(self, schema: Any, used: dict[str, None]) -> Any:
        """A schema whose references are to declared types, which are added to `used`; those to others are any value."""
        if isinstance(schema, list):
            return [self._complete(item, used) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = self._target(schema)
            told = {key: value for key, value in schema.items() if key != "$ref"}
            if name is None:
                return told
            used[name] = None
            return {"$ref": REF + name, **told}
        if "allOf" in schema:
            told = {key: value for key, value in schema.items() if key != "allOf"}
            return {**self._complete(self._merged(schema), used), **told}
        return {
            key: {name: self._complete(each, used) for name, each in value.items()}
            if key == "properties"
            else value
            if key in ("default", "enum", "description", "required")
            else self._complete(value, used)
            for key, value in schema.items()
        }

    def _merged(self, schema: Schema) -> Schema:
        """One object with the properties of all parts of a type; any value if a part is no object."""
        properties: dict[str, Any] = {}
        required: dict[str, None] = {}
        for count, part in enumerate(self._parts(schema)):
            if part.get("type") != "object" or count >= _MAX_PARTS:
                return {}
            properties |= part.get("properties", {})
            required |= dict.fromkeys(part.get("required", ()))
        return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}

    def _parts(self, schema: Schema) -> Iterator[Schema]:
        waiting, seen = [schema], set()
        while waiting:
            part = waiting.pop()
            if "allOf" in part:
                waiting += reversed(part["allOf"])
            elif "$ref" in part:
                name = self._target(part)
                if name is None:
                    yield {}
                elif name not in seen:
                    seen.add(name)
                    waiting.append(self._declared[name])
            else:
                yield part
