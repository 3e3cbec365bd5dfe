"""The JSON Schemas of TypeScript's own types, of unions, and of what comments tell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from falmock.wire.formats import jsontext

MAX_IN_DEFAULT = 20
"""How many lists and objects may be in a default; with more it does not count, so that documents are not nested too deep."""
REF = "#/components/schemas/"
Schema = dict[str, Any]
BLOB: Schema = {"$ref": "Blob"}
UNDEFINED: Schema = {"$ref": "undefined"}
PLAIN: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "true": {"type": "boolean"},
    "false": {"type": "boolean"},
    "null": {"type": "null"},
    "object": {"type": "object"},
    "Date": {"type": "string"},
    "Blob": BLOB,
    "undefined": UNDEFINED,
    **{name: {} for name in ("any", "unknown", "void", "never")},
}
_DEFAULT = "Default value: `"
_OBJECT = "[object "
_MARGIN = re.compile(r"^[ \t]*\*?[ \t]?", re.MULTILINE)


def may_be_undefined(schema: Schema) -> bool:
    """Whether `undefined` is a value of a schema, which `settled` does not say any more."""
    return schema is UNDEFINED or schema.get("x-undefined") is True


def settled(schema: Schema) -> Schema:
    """A schema without what only unions look at."""
    if schema is BLOB:
        return {"type": "string"}
    if schema is UNDEFINED:
        return {}
    return {key: value for key, value in schema.items() if key != "x-undefined"} if "x-undefined" in schema else schema


def array_of(item: Schema) -> Schema:
    """The schema of an array."""
    return {"type": "array", "items": settled(item)}


def union_of(members: list[Schema]) -> Schema:
    """The schema of a union: its literals together, and files as their URLs (`string | Blob | File`)."""
    if any(member is BLOB for member in members):
        files = (BLOB, PLAIN["string"], {"$ref": f"{REF}File"})
        members = [PLAIN["string"], *(member for member in members if member not in files)]
    literals: dict[str, dict[Any, None]] = {}
    found: dict[str, Schema] = {}
    for member in members:
        if "enum" in member:
            kind = member["type"]
            values = literals.setdefault(kind, {})
            values |= dict.fromkeys(member["enum"])
            found[kind] = {"type": kind, "enum": values}
        elif member is not UNDEFINED:
            found.setdefault(json.dumps(member), member)
    for kind, values in literals.items():
        found[kind]["enum"] = list(values)
    mark = {"x-undefined": True} if any(member is UNDEFINED for member in members) else {}
    schemas = list(map(settled, found.values()))
    if not schemas or {} in schemas:
        return mark
    return {**schemas[0], **mark} if len(schemas) == 1 else {"anyOf": schemas, **mark}


def told_by(comment: str, schema: Schema) -> Schema:
    """What a comment tells of a property with this schema: its description, and its default.

    JavaScript wrote the defaults: those of lists as `a,b`, those of objects as `[object Object]`, which does not count.
    """
    text = _MARGIN.sub("", comment).strip()
    before, mark, rest = text.rpartition(_DEFAULT)
    if not mark or not rest.endswith("`"):
        return {"description": text} if text else {}
    told: Schema = {"description": before.strip()} if before.strip() else {}
    value = rest[:-1]
    if value.startswith(_OBJECT) or value.count("[") + value.count("{") > MAX_IN_DEFAULT:
        return told
    try:
        told["default"] = jsontext.loads(value.encode("utf-8", "surrogatepass"))
    except jsontext.BadJSON:  # an enum's is written without quotes: square_hd
        if schema.get("type") != "array":
            told["default"] = value
        elif schema["items"].get("type") == "string":
            told["default"] = value.split(",")
    return told
