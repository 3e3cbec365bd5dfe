"""Fal's error bodies: model errors, request errors, and the texts of the gateways.

The errors themselves stand in `error_table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from falmock.wire.error_table import OTHERS
from falmock.wire.error_table import REQUEST

REQUEST_ERRORS: Mapping[str, int] = MappingProxyType({name: error.status for name, error in REQUEST.items()})
"""Platform errors: `error_type` and the HTTP status it comes with."""

ERROR_TYPE_HEADER = b"X-Fal-Error-Type"
RETRY_HEADER = b"X-Fal-Needs-Retry"
TIMEOUT_TYPE_HEADER = b"X-Fal-Request-Timeout-Type"

CANCELLED_TEXT = REQUEST["client_cancelled"].message
TIMED_OUT_TEXT = REQUEST["request_timeout"].message
UNFINISHED = {"detail": "Request is still in progress"}
NOT_FOUND = {"status": "NOT_FOUND"}
ALREADY_COMPLETED = {"status": "ALREADY_COMPLETED"}
NO_AUTHORIZATION_REST = "Authorization header is required"
UNKNOWN_KEY = OTHERS["unknown_key"].message
MALFORMED_KEY = OTHERS["malformed_key"].message


def no_authorization(app: str) -> str:
    """The recorded sentence of the run and queue hosts for a call without a key."""
    return OTHERS["missing_authorization"].message.format(app=app)


def request_error(error_type: str, message: str) -> dict[str, Any]:
    """The body of a platform error."""
    return {"detail": message, "error_type": error_type}


def detail_entry(error_type: str, message: str, loc: Sequence[str | int] = ("body",), **more: Any) -> dict[str, Any]:
    """One entry of a model error's `detail` list; `more` may hold `input`, `ctx`, `url`."""
    return {"type": error_type, "loc": list(loc), "msg": message, **more}


def model_error(error_type: str, message: str, loc: Sequence[str | int] = ("body",), **more: Any) -> dict[str, Any]:
    """The body of a model error with one entry, linked to fal's page about its type."""
    url = f"https://docs.fal.ai/errors/#{error_type}"
    return {"detail": [detail_entry(error_type, message, loc, url=url, **more)]}


def summary(status: int, body: Any) -> tuple[str, str]:
    """The `error` and `error_type` that a COMPLETED status shows for a job whose result is this error.

    The wire of failed jobs is documented in shape only, so the texts are taken from the body itself; where it
    has none, the `error` is the wording of fal's webhooks.
    """
    detail = body.get("detail") if isinstance(body, dict) else None
    error_type = body.get("error_type") if isinstance(body, dict) else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        entry = detail[0]
        return str(entry.get("msg") or f"Invalid status code: {status}"), str(error_type or entry.get("type") or "")
    text = detail if isinstance(detail, str) else f"Invalid status code: {status}"
    if not isinstance(error_type, str):
        error_type = {400: "bad_request", 499: "client_cancelled", 504: "request_timeout"}.get(
            status, "runner_server_error" if status >= 500 else "bad_request"
        )
    return text, error_type
