"""Where a model's OpenAPI document came from, and when: falmock keeps it in the document's `info`, as `x-falmock`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

KEY = "x-falmock"
FETCHED, RECORDED, TYPES, PLATFORM, FILE = "fetched", "recorded", "types", "platform", "file"
"""Fetched by a command, fetched at the end of a recording, made of the client's types, in a recorded answer of the Platform API,
or put there by somebody."""
SOURCES = (FETCHED, RECORDED, TYPES, PLATFORM, FILE)
_TOLD: Mapping[str, str] = {TYPES: "made of types", PLATFORM: "recorded", FILE: "a file"}


class Provenance(NamedTuple):
    """One of SOURCES; where from (a URL, a package and its version, a fixture) and when (ISO 8601), "" if that is not known."""

    source: str = FILE
    origin: str = ""
    at: str = ""

    def __str__(self) -> str:
        told = _TOLD.get(self.source, self.source)
        if self.source == TYPES and self.origin:
            told = f"made of the types of {self.origin}"
        return f"{told} {self.at[:10]}" if self.at else told


def of(document: Any) -> Provenance:
    """The provenance that a document names; FILE if it names none."""
    info = document.get("info") if isinstance(document, dict) else None
    kept = info.get(KEY) if isinstance(info, dict) else None
    if not isinstance(kept, dict) or kept.get("source") not in SOURCES:
        return Provenance()
    origin, at = kept.get("from"), kept.get("at")
    return Provenance(kept["source"], origin if isinstance(origin, str) else "", at if isinstance(at, str) else "")


def marked(document: Mapping[str, Any], provenance: Provenance) -> dict[str, Any]:
    """The document with this provenance. What is wrong with an `info` stays as it is, and is then without."""
    info = document.get("info", {})
    if not isinstance(info, dict):
        return dict(document)
    kept = {"source": provenance.source, "from": provenance.origin, "at": provenance.at}
    return {**document, "info": {**info, KEY: {name: value for name, value in kept.items() if value}}}


def plain(document: Any) -> Any:
    """The document as its source has it, without provenance; the same object if it has none."""
    info = document.get("info") if isinstance(document, dict) else None
    if not isinstance(info, dict) or KEY not in info:
        return document
    return {**document, "info": {name: value for name, value in info.items() if name != KEY}}


def source_text(document: Any) -> str:
    """Where a document came from, for messages: `fetched 2026-11-01`, `a file`."""
    return str(of(document))
