"""Reads a capture in any of the formats: which one it is, its content says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from falmock.recording.captures import cassette
from falmock.recording.captures import har
from falmock.recording.captures import yaml_text
from falmock.recording.captures.capture import Attached
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture

EXPECTED = "expected a HAR (JSON) or a cassette of vcrpy (YAML or JSON)"
_NAMED = 5
"""How many keys of an unknown document a message names."""


def read(raw: bytes, attached: Attached) -> Iterator[Entry]:
    """The entries of a capture in their order. Raises NotACapture.

    `attached` reads the files that a HAR names.
    """
    document = _document(raw)
    if isinstance(document, dict) and "log" in document:
        return har.read(document, attached)
    if cassette.claims(document):
        return cassette.read(document)
    raise NotACapture(f"{EXPECTED}, found {_described(document)}")


def _document(raw: bytes) -> Any:
    if not raw.strip():
        raise NotACapture(f"{EXPECTED}, found an empty file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotACapture(f"{EXPECTED}, found bytes at {error.start} that are no text in UTF-8") from None
    if not text.lstrip().startswith(("{", "[")):
        return yaml_text.load(text)
    try:
        return json.loads(text)
    except RecursionError:
        raise NotACapture(f"{EXPECTED}, found JSON that is nested too deep") from None
    except ValueError as error:
        raise NotACapture(f"{EXPECTED}, found JSON that is cut or broken: {error}") from None


def _described(document: Any) -> str:
    if isinstance(document, dict):
        keys = [repr(str(key)[:40]) for key in list(document)[:_NAMED]]
        more = ", ..." if len(document) > _NAMED else ""
        return f"an object with the keys {', '.join(keys)}{more}" if keys else "an empty object"
    return {list: "a list", str: "a text", type(None): "nothing"}.get(type(document), "a single value")
