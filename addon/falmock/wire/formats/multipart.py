"""Reads `multipart/form-data` (RFC 7578), the format in which clients send files."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

TYPE = "multipart/form-data"
MAX_PARTS = 1000
MAX_HEAD = 64 * 1024
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')

_ESCAPED = re.compile(r'\\(["\\])')


class BadForm(ValueError):
    """A body that is not a valid form; the text says why."""


class Part(NamedTuple):
    """One field of a form: its name, its content, and for a file its name (else None) and type."""

    name: str
    data: bytes
    file_name: str | None = None
    content_type: str = ""


def read(content_type: str, body: bytes, expected: str = TYPE) -> list[Part]:
    """The fields of a form, in order; `expected` names the content types in errors. Raises BadForm."""
    kind, parameters = _header(content_type)
    if kind != TYPE:
        raise BadForm(f"expected the content type {expected}, found {kind[:80] or 'none'!r}")
    boundary = parameters.get("boundary", "")
    if not boundary:
        raise BadForm("expected a boundary in the content type")
    # Bytes before the first boundary and after the last are not part of the form.
    mark = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    pieces = (b"\r\n" + body).split(mark, MAX_PARTS + 1)  # a body can be nothing but boundaries
    if len(pieces) < 2:
        raise BadForm("expected the boundary of the content type in the body")
    parts: list[Part] = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return parts
        if len(parts) == MAX_PARTS:
            raise BadForm(f"more than {MAX_PARTS} fields")
        parts.append(_part(piece))
    raise BadForm("it breaks off before its last boundary")


def _part(piece: bytes) -> Part:
    start = piece.find(b"\r\n")
    if start < 0 or piece[:start].strip(b" \t"):
        raise BadForm("expected the end of the line behind a boundary")
    head, blank, data = piece[start:].partition(b"\r\n\r\n")
    if not blank:
        raise BadForm("expected an empty line behind the headers of a field")
    if len(head) > MAX_HEAD:
        raise BadForm(f"a field with more than {MAX_HEAD} bytes of headers")
    headers: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    kind, parameters = _header(headers.get("content-disposition", ""))
    if kind != "form-data" or "name" not in parameters:
        raise BadForm("expected a field to tell its name")
    file_name = parameters.get("filename")
    if "filename*" in parameters:  # RFC 5987: charset'language'text
        file_name = unquote(parameters["filename*"].rpartition("'")[2])
    return Part(parameters["name"], data, file_name, headers.get("content-type", ""))


def _header(text: str) -> tuple[str, dict[str, str]]:
    """The value of a header in lower case, and its parameters."""
    value, _, _ = text.partition(";")
    found = _PARAMETER.findall(text[len(value) :])
    return value.strip().lower(), {
        name.lower(): _ESCAPED.sub(r"\1", quoted).replace("%22", '"') if quoted else plain.strip()
        for name, quoted, plain in found
    }
