"""The header `x-app-fal-upload-policy`: a presigned POST of S3 to which an app uploads its outputs.

The runtime checks it before the model runs, and answers 422 to a bad one (PROTOCOL.md section 2.2).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from falmock.wire.formats import jsontext

HEADER = "x-app-fal-upload-policy"
_PLACEHOLDER = "${filename}"
_S3_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9][a-z0-9.-]*\.)?s3(?:[.-][a-z0-9-]+(?:\.[a-z0-9-]+)*)?\.amazonaws\.com(?:\.cn)?"
)
_LONGEST_URL = 2048


def problem(text: str) -> str | None:
    """What fal's runtime says of a bad policy; None if it is good."""
    try:
        policy = jsontext.loads(text.encode("utf-8", "surrogatepass"))
    except jsontext.BadJSON as error:
        return f"Invalid {HEADER} header: not valid JSON ({error})"
    if not isinstance(policy, dict):
        return f"Invalid {HEADER} header: expected a JSON object"
    url, fields = policy.get("url"), policy.get("fields")
    if not isinstance(url, str):
        return f"Invalid {HEADER} header: must contain string 'url'"
    if not isinstance(fields, dict):
        return f"Invalid {HEADER} header: must contain object 'fields'"
    return _problem_of_url(url) or _problem_of_fields(fields)


def _problem_of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        return f"Invalid {HEADER} 'url': could not be parsed ({error})"
    if parts.scheme != "https" or not _S3_HOST.fullmatch(host) or port not in (None, 443) or len(url) > _LONGEST_URL:
        return f"Invalid {HEADER} 'url': must be an HTTPS S3 upload URL"
    return None


def _problem_of_fields(fields: dict[str, Any]) -> str | None:
    for name, value in fields.items():
        if isinstance(value, dict) or (name.lower() in ("key", "content-type") and not isinstance(value, str)):
            return f"Invalid {HEADER} header: fields.{name!r} must be a string"
        if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            return f"Invalid {HEADER} header: fields.{name!r} must not contain nested values"
    key = fields.get("key")
    if not isinstance(key, str) or _PLACEHOLDER not in key:
        return f"Invalid {HEADER} header: fields.key must contain {_PLACEHOLDER!r}"
    if key.startswith("/") or not {".", ".."}.isdisjoint(key.split("/")):
        return f"Invalid {HEADER} header: fields.key must not start with '/' or contain '.' or '..' path segments"
    return None
