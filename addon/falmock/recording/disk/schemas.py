"""Writes the OpenAPI documents of models below a fixtures folder: `_schemas/<endpoint id>.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falmock.fixtures.format import sidecars
from falmock.fixtures.format.sidecars import SCHEMAS
from falmock.recording.disk import atomic
from falmock.wire.formats import jsontext
from falmock.wire.model_document import is_made_up

MAX_DOCUMENT = 8 * 1024 * 1024
"""The largest document that is accepted (bytes). Those of fal have up to about 100 KB."""


class NotADocument(ValueError):
    """What came is no OpenAPI document; the text says what was expected and what was found."""


def document_of(raw: bytes, name: str) -> dict[str, Any]:
    """The document of an endpoint in a text of JSON, with numbers as they are written there. Raises NotADocument."""
    problems = sidecars.read_schema(raw, "", name).problems
    if problems:
        place = f"{problems[0].path}: " if problems[0].path else ""
        raise NotADocument(f"{place}{problems[0].message}")
    document: dict[str, Any] = jsontext.loads_exact(raw)
    if is_made_up(document):
        raise NotADocument("expected fal's own document, found one that a falmock made of its fixtures")
    return document


class SchemaFolder:
    """The documents below a fixtures folder. `name` is an endpoint id, as `endpoint.parse` writes it."""

    def __init__(self, root: Path) -> None:
        self.path = root / SCHEMAS

    def file(self, name: str) -> Path:
        """The file of an endpoint's document, whether it is there or not."""
        return self.path / f"{name}.json"

    def write(self, name: str, document: Mapping[str, Any]) -> Path:
        """Write a document atomically, in place of one that is there; returns its file. Raises OSError."""
        file = self.file(name)
        atomic.write_whole(file, jsontext.dump_exact(document, indent=2).encode())
        return file
