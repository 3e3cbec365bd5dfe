"""Reads TypeScript declarations of types as JSON Schemas: the part of the language that `endpoints.d.ts` uses.

A reference to another type stays one, `{"$ref": "#/components/schemas/NAME"}`; what a type adds to others is `allOf`.
A type that is not known (`unknown`, `Partial<X>`) is any value, `{}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from falmock.synthesis.typescript.tokens import BadTypes
from falmock.synthesis.typescript.tokens import Kind
from falmock.synthesis.typescript.tokens import Token
from falmock.synthesis.typescript.tokens import tokens

MAX_DEPTH = 40
"""How many types may be nested in each other."""
REF = "#/components/schemas/"
Schema = dict[str, Any]
_BLOB: Schema = {"$ref": "Blob"}
_UNDEFINED: Schema = {"$ref": "undefined"}
_PLAIN: Mapping[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "bigint": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "true": {"type": "boolean"},
    "false": {"type": "boolean"},
    "null": {"type": "null"},
    "object": {"type": "object"},
    "Date": {"type": "string"},
    "Blob": _BLOB,
    "undefined": _UNDEFINED,
    **{name: {} for name in ("any", "unknown", "void", "never")},
}
_DEFAULT = "Default value: `"
_MARGIN = re.compile(r"^[ \t]*\*?[ \t]?", re.MULTILINE)


def declarations(text: str) -> dict[str, Schema]:
    """The schemas of all types and interfaces in a text, by name. Raises BadTypes."""
    return _Reader(text).declarations()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._comment = ""
        self._depth = 0
        self._now = Token(Kind.END, "", 0)
        self._next()

    def _next(self) -> Token:
        """Go on by one token; returns the one that was current. The last comment before it is kept."""
        before, self._comment = self._now, ""
        for token in self._tokens:
            if token.kind is not Kind.COMMENT:
                self._now = token
                return before
            self._comment = token.text
        return before

    def _is(self, *texts: str) -> bool:
        return self._now.kind in (Kind.MARK, Kind.NAME) and self._now.text in texts

    def _take(self, *texts: str) -> bool:
        """Pass this token, if it is one of these."""
        is_there = self._is(*texts)
        if is_there:
            self._next()
        return is_there

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected(repr(text))

    def _unexpected(self, expected: str) -> BadTypes:
        found = repr(self._now.text[:40]) if self._now.text else self._now.kind.value
        return BadTypes(f"expected {expected}, found {found}", self._text, self._now.position)

    def _name(self) -> str:
        if self._now.kind is not Kind.NAME:
            raise self._unexpected("a name")
        return self._next().text

    def declarations(self) -> dict[str, Schema]:
        found: dict[str, Schema] = {}
        while self._now.kind is not Kind.END:
            while self._take("export", "declare"):
                pass
            if self._take("type"):
                name = self._name()
                self._expect("=")
                found[name] = _settled(self._type())
                self._take(";")
            elif self._take("interface"):
                name = self._name()
                found[name] = self._interface()
            else:
                self._skip()
        return found

    def _skip(self) -> None:
        """Pass a statement that declares no type, such as an import."""
        depth = 0
        while self._now.kind is not Kind.END:
            depth += self._is("{", "(", "[") - self._is("}", ")", "]")
            if self._next().text == ";" and depth <= 0:
                return

    def _interface(self) -> Schema:
        bases: list[Schema] = []
        if self._take("extends"):
            bases.append(_settled(self._type()))
            while self._take(","):
                bases.append(_settled(self._type()))
        own = self._object()
        return {"allOf": [*bases, own]} if bases else own

    def _type(self) -> Schema:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadTypes(f"nested more than {MAX_DEPTH} levels deep", self._text, self._now.position)
        self._take("|")
        members = [self._intersection()]
        while self._take("|"):
            members.append(self._intersection())
        self._depth -= 1
        return members[0] if len(members) == 1 else _union(members)

    def _intersection(self) -> Schema:
        self._take("&")
        parts = [self._listed()]
        while self._take("&"):
            parts.append(self._listed())
        return parts[0] if len(parts) == 1 else {"allOf": list(map(_settled, parts))}

    def _listed(self) -> Schema:
        item = self._single()
        while self._take("["):
            self._expect("]")
            item = _array(item)
        return item

    def _single(self) -> Schema:
        now = self._now
        if now.kind is Kind.TEXT:
            return {"type": "string", "enum": [self._next().text]}
        if now.kind is Kind.NUMBER:
            value = json.loads(self._next().text)
            return {"type": "integer" if isinstance(value, int) else "number", "enum": [value]}
        if self._is("{"):
            return self._object()
        if self._take("("):
            inner = self._type()
            self._expect(")")
            return inner
        if self._take("["):
            return self._tuple()
        while self._is("readonly", "keyof"):
            self._next()
        return self._named()

    def _named(self) -> Schema:
        if self._now.kind is not Kind.NAME:
            raise self._unexpected("a type")
        name = self._next().text
        while self._take("."):
            name = self._name()
        if not self._take("<"):
            return _PLAIN[name] if name in _PLAIN else {"$ref": REF + name}
        arguments = [self._type()]
        while self._take(","):
            arguments.append(self._type())
        self._expect(">")
        if name in ("Array", "ReadonlyArray"):
            return _array(arguments[0])
        if name == "Record" and len(arguments) == 2:
            return {"type": "object", "additionalProperties": _settled(arguments[1])}
        return {}

    def _tuple(self) -> Schema:
        items: list[Schema] = []
        while not self._take("]"):
            items.append(_settled(self._type()))
            if not self._is("]"):
                self._expect(",")
        same = items[0] if items and all(item == items[0] for item in items) else {}
        return {"type": "array", "items": same, "minItems": len(items), "maxItems": len(items)}

    def _object(self) -> Schema:
        self._expect("{")
        made: Schema = {"type": "object", "properties": {}}
        required: list[str] = []
        while not self._take("}"):
            self._property(made, required)
            if not self._take(";", ",") and not self._is("}"):
                raise self._unexpected("';' or '}'")
        if required:
            made["required"] = required
        return made

    def _property(self, made: Schema, required: list[str]) -> None:
        comment = self._comment
        if self._take("["):
            self._name()
            self._expect(":")
            self._type()
            self._expect("]")
            self._expect(":")
            made["additionalProperties"] = _settled(self._type())
            return
        if self._now.kind not in (Kind.NAME, Kind.TEXT, Kind.NUMBER):
            raise self._unexpected("a property")
        name = self._next().text
        is_optional = self._take("?")
        self._expect(":")
        schema = self._type()
        if not is_optional and name not in required and not _may_be_undefined(schema):
            required.append(name)
        found = {**_settled(schema), **_told(comment)}
        if is_optional and found.get("type") == "boolean":
            # The types do not tell defaults that are false: 588 of 590 such inputs have this one in fal's documents, the other 2 none.
            found.setdefault("default", False)
        made["properties"][name] = found


def _may_be_undefined(schema: Schema) -> bool:
    return schema is _UNDEFINED or schema.get("x-undefined") is True


def _settled(schema: Schema) -> Schema:
    """A schema without what only unions look at."""
    if schema is _BLOB:
        return {"type": "string"}
    if schema is _UNDEFINED:
        return {}
    return {key: value for key, value in schema.items() if key != "x-undefined"} if "x-undefined" in schema else schema


def _array(item: Schema) -> Schema:
    return {"type": "array", "items": _settled(item)}


def _union(members: list[Schema]) -> Schema:
    """The schema of a union: its literals together, and files as their URLs (`string | Blob | File`)."""
    if any(member is _BLOB for member in members):
        files = (_BLOB, _PLAIN["string"], {"$ref": f"{REF}File"})
        members = [_PLAIN["string"], *(member for member in members if member not in files)]
    literals: dict[str, dict[Any, None]] = {}
    found: dict[str, Schema] = {}
    for member in members:
        if "enum" in member:
            kind = member["type"]
            values = literals.setdefault(kind, {})
            values |= dict.fromkeys(member["enum"])
            found[kind] = {"type": kind, "enum": values}
        elif member is not _UNDEFINED:
            found.setdefault(json.dumps(member), member)
    for kind, values in literals.items():
        found[kind]["enum"] = list(values)
    mark = {"x-undefined": True} if any(member is _UNDEFINED for member in members) else {}
    schemas = list(map(_settled, found.values()))
    if not schemas or {} in schemas:
        return mark
    return {**schemas[0], **mark} if len(schemas) == 1 else {"anyOf": schemas, **mark}


def _told(comment: str) -> Schema:
    """What a comment tells: the description of a property, and its default."""
    text = _MARGIN.sub("", comment).strip()
    before, mark, rest = text.rpartition(_DEFAULT)
    if not mark or not rest.endswith("`"):
        return {"description": text} if text else {}
    told: Schema = {"description": before.strip()} if before.strip() else {}
    value = rest[:-1]
    try:
        told["default"] = json.loads(value)
    except (ValueError, RecursionError):  # an enum's is written without quotes: square_hd
        told["default"] = value
    return told
