"""Reads `data:` URIs as fal's toolkit does, with `urllib.request.urlopen` (PROTOCOL.md section 6.6).

The rules are urllib's, not those of RFC 2397: base64 may contain line breaks and percent-encoding, `;base64` counts in
lower case only, and a fragment is part of the data.
"""

from __future__ import annotations

import binascii
import email
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

DEFAULT_TYPE = "text/plain;charset=US-ASCII"
_BASE64 = ";base64"
_PLAIN = re.compile("[!-~][ -~]*|")
_START = re.compile(r"\s*(?:<\s*)?(?:URL:\s*)?(?i:data):")


class DataUri(NamedTuple):
    """The content of a `data:` URI, and its media type with parameters as written."""

    content: bytes
    content_type: str


def read(text: str) -> DataUri | None:
    """The content of a `data:` URI; None for any other text, also for a URI that urllib refuses."""
    if _START.match(text) is None:
        return None
    scheme, _, rest = _unwrapped(text).partition(":")
    content_type, comma, data = rest.partition(",")
    if scheme.lower() != "data" or not comma:
        return None
    try:
        content = unquote_to_bytes(data)
        if content_type.endswith(_BASE64):
            content_type = content_type.removesuffix(_BASE64)
            content = binascii.a2b_base64(content)
        return DataUri(content, _shown(content_type or DEFAULT_TYPE))
    except ValueError:  # bad base64, or a lone surrogate
        return None


def _shown(content_type: str) -> str:
    """A type as urllib shows it, which makes it the header of an answer. Raises ValueError for lone surrogates."""
    if _PLAIN.fullmatch(content_type):
        return content_type
    return str(email.message_from_string(f"Content-type: {content_type}\n")["Content-type"])


def _unwrapped(text: str) -> str:
    """The URI without the space and the brackets that may be around it, and without an empty fragment."""
    text = text.strip()
    if text[:1] == "<" and text[-1:] == ">":
        text = text[1:-1].strip()
    return text.removeprefix("URL:").strip().removesuffix("#")
