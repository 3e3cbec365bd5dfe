"""Reads TypeScript declarations of types as JSON Schemas: the part of the language that `endpoints.d.ts` uses.

A reference to another type stays one, `{"$ref": "#/components/schemas/NAME"}`; what a type adds to others is `allOf`.
A type that is not known (`unknown`, `Partial<X>`) is any value, `{}`.
"""

from __future__ import annotations

import json

from falmock.synthesis.typescript.schemas import PLAIN
from falmock.synthesis.typescript.schemas import REF
from falmock.synthesis.typescript.schemas import Schema
from falmock.synthesis.typescript.schemas import array_of
from falmock.synthesis.typescript.schemas import may_be_undefined
from falmock.synthesis.typescript.schemas import settled
from falmock.synthesis.typescript.schemas import told_by
from falmock.synthesis.typescript.schemas import union_of
from falmock.synthesis.typescript.tokens import BadTypes
from falmock.synthesis.typescript.tokens import Kind
from falmock.synthesis.typescript.tokens import Token
from falmock.synthesis.typescript.tokens import tokens

MAX_DEPTH = 25
"""How many types may be nested in each other: documents of them are then nested less than `jsontext.MAX_NESTING`."""
MAX_ARRAYS = 3
"""How often `[]` may follow a type."""


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
                found[name] = settled(self._type())
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
            bases.append(settled(self._type()))
            while self._take(","):
                bases.append(settled(self._type()))
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
        return members[0] if len(members) == 1 else union_of(members)

    def _intersection(self) -> Schema:
        self._take("&")
        parts = [self._listed()]
        while self._take("&"):
            parts.append(self._listed())
        return parts[0] if len(parts) == 1 else {"allOf": list(map(settled, parts))}

    def _listed(self) -> Schema:
        item = self._single()
        arrays = 0
        while self._take("["):
            self._expect("]")
            item = array_of(item)
            arrays += 1
            if arrays > MAX_ARRAYS:
                raise BadTypes(f"expected at most {MAX_ARRAYS} times [] behind a type", self._text, self._now.position)
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
            return PLAIN[name] if name in PLAIN else {"$ref": REF + name}
        arguments = [self._type()]
        while self._take(","):
            arguments.append(self._type())
        self._expect(">")
        if name in ("Array", "ReadonlyArray"):
            return array_of(arguments[0])
        if name == "Record" and len(arguments) == 2:
            return {"type": "object", "additionalProperties": settled(arguments[1])}
        return {}

    def _tuple(self) -> Schema:
        items: list[Schema] = []
        while not self._take("]"):
            items.append(settled(self._type()))
            if not self._is("]"):
                self._expect(",")
        same = items[0] if items and all(item == items[0] for item in items) else {}
        return {"type": "array", "items": same, "minItems": len(items), "maxItems": len(items)}

    def _object(self) -> Schema:
        self._expect("{")
        made: Schema = {"type": "object", "properties": {}}
        required: dict[str, None] = {}
        while not self._take("}"):
            self._property(made, required)
            if not self._take(";", ",") and not self._is("}"):
                raise self._unexpected("';' or '}'")
        if required:
            made["required"] = list(required)
        return made

    def _property(self, made: Schema, required: dict[str, None]) -> None:
        comment = self._comment
        if self._take("["):
            self._name()
            self._expect(":")
            self._type()
            self._expect("]")
            self._expect(":")
            made["additionalProperties"] = settled(self._type())
            return
        if self._now.kind not in (Kind.NAME, Kind.TEXT, Kind.NUMBER):
            raise self._unexpected("a property")
        name = self._next().text
        is_optional = self._take("?")
        self._expect(":")
        schema = self._type()
        if not is_optional and not may_be_undefined(schema):
            required[name] = None
        found = {**settled(schema), **told_by(comment, schema)}
        if is_optional and found.get("type") == "boolean":
            # The types do not tell defaults that are false: 588 of 590 such inputs have this one in fal's documents, the other 2 none.
            found.setdefault("default", False)
        made["properties"][name] = found
