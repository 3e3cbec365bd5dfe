"""Reads the cassettes of vcrpy: version 1, in YAML or JSON.

Cassettes of most versions have no times. What is known then is the order, and from the `date` of an answer the second.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import Unusable
from falmock.recording.exchange import Exchange
from falmock.wire.formats import encodings
from falmock.wire.formats.compression import BadEncoding
from falmock.wire.formats.encodings import FILE_LIMIT
from falmock.wire.formats.encodings import FILE_RATIO
from falmock.wire.formats.encodings import TooLarge
from falmock.wire.hosts import normalize
from falmock.wire.message import Request
from falmock.wire.message import header_map

VERSION = "1"
_EXPECTED = f"expected a cassette of vcrpy, version {VERSION}"


def claims(document: Any) -> bool:
    """Whether a document is a cassette, of this version or another."""
    if isinstance(document, list):  # before version 1
        return bool(document) and isinstance(document[0], dict) and "request" in document[0]
    return isinstance(document, dict) and ("interactions" in document or "http_interactions" in document)


def read(document: Any) -> Iterator[Entry]:
    """The interactions of a cassette, in their order; each is read when it is asked for. Raises NotACapture."""
    if isinstance(document, list):
        raise NotACapture(f"{_EXPECTED}, found one from before version 1: `python -m vcr.migration` converts it")
    if "interactions" not in document:
        raise NotACapture(f"{_EXPECTED}, found `http_interactions`, as VCR for Ruby and betamax write them")
    version = str(document.get("version", VERSION))[:40]
    if version != VERSION:
        raise NotACapture(f"{_EXPECTED}, found version {version}")
    interactions = document["interactions"]
    if not isinstance(interactions, list):
        raise NotACapture(f"{_EXPECTED}, found `interactions` that are no list")
    return _in_order(interactions)


def _in_order(interactions: list[Any]) -> Iterator[Entry]:
    last = 0.0
    for place, interaction in enumerate(interactions):
        entry = _interaction(interaction, place, last)
        if isinstance(entry, Exchange):
            last = entry.started
        yield entry


def _interaction(interaction: Any, place: int, last: float) -> Exchange | Unusable:
    """The exchange of one interaction, which is not earlier than `last` (seconds since the epoch)."""
    what = f"interaction {place}"
    try:
        request, response = interaction["request"], interaction["response"]
        what = f"interaction {place}, {request['method']} {str(request['uri']).partition('?')[0]},"
        return _exchange(interaction, request, response, last)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Unusable(what, f"it is not as vcrpy writes it: {type(error).__name__} {error}")


def _exchange(interaction: dict[str, Any], request: dict[str, Any], response: dict[str, Any], last: float) -> Exchange:
    url = urlsplit(request["uri"])
    asked_with, headers = _headers(request.get("headers")), _headers(response.get("headers"))
    sent, lost_there = _decoded(_bytes(request.get("body")), asked_with)
    # Before version 6, vcrpy wrote `status_code` and `content` for httpx.
    stored = _bytes(response["body"] if "body" in response else response.get("content"))
    received, lost_here = _decoded(stored, headers)
    status = response["status"]["code"] if "status" in response else response["status_code"]
    if "content-encoding" not in headers or received != stored:  # else its length is that of the compressed body
        lost_here = lost_here or _missing(stored, headers, str(request["method"]).upper(), int(status))
    at = max(last, _time(interaction.get("recorded_at"), headers.get("date", "")))
    asked = Request(
        str(request["method"]).upper(), normalize(url.hostname or ""), url.path or "/", url.query, asked_with, sent
    )
    return Exchange(asked, at, int(status), headers, received, at, lost=lost_there or lost_here)


def _headers(fields: Any) -> dict[str, str]:
    """Headers, each with one value or a list of them."""
    pairs = (
        (name, value)
        for name, values in (fields or {}).items()
        for value in (values if isinstance(values, list | tuple) else [values])
    )
    return header_map((_bytes(name), _bytes(value)) for name, value in pairs)


def _bytes(stored: Any) -> bytes:
    """A body or a header: text, bytes, nothing, or an object that has one of these. Raises TypeError for any other."""
    if isinstance(stored, dict):
        if "base64_string" in stored:
            return base64.b64decode(stored["base64_string"], validate=True)
        stored = stored.get("string")
    if stored is None:
        return b""
    if isinstance(stored, int | float):
        stored = str(stored)
    if isinstance(stored, str):
        return stored.encode("utf-8", "surrogatepass")
    if not isinstance(stored, bytes):
        raise TypeError(f"expected a text or bytes, found a {type(stored).__name__}")
    return stored


def _decoded(body: bytes, headers: dict[str, str]) -> tuple[bytes, str]:
    """A body without its content encoding, and what is wrong with it ("" if nothing is).

    Text that is not compressed was decoded before it was stored: vcrpy and some clients do so, and keep the header.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if not encoding or not body:
        return body, ""
    try:
        return encodings.decoded(body, encoding, FILE_LIMIT, FILE_RATIO), ""
    except TooLarge as error:
        return b"", f"its body is too large: {error}"
    except BadEncoding:
        pass
    try:
        body.decode()
    except UnicodeDecodeError:
        return b"", "its body is not encoded as its headers say"
    return body, ""


def _missing(body: bytes, headers: dict[str, str], method: str, status: int) -> str:
    """What is missing of the body of an answer; "" if nothing is."""
    length = headers.get("content-length", "")
    if method == "HEAD" or status in (204, 304) or not length.isdecimal():
        return ""
    if int(length) <= len(body):
        return ""
    return f"the cassette has {len(body)} of the {length} bytes of the answer"


def _time(recorded_at: Any, date: str) -> float:
    """When an interaction was recorded, in seconds since the epoch, by itself or by its answer; 0 if neither says."""
    for read_time in (float, _iso_time):
        with suppress(TypeError, ValueError, OverflowError):
            return read_time(recorded_at)
    with suppress(TypeError, ValueError, OverflowError):
        return parsedate_to_datetime(date).timestamp()
    return 0.0


def _iso_time(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
