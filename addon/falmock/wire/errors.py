"""Fal's error bodies: model errors, request errors, and the texts of the gateways.

Tables from fal-protocol.md sections 1.4, 2.5, 7.1 and 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

REQUEST_ERRORS: Mapping[str, int] = MappingProxyType(
    {
        "request_timeout": 504,
        "startup_timeout": 504,
        "runner_scheduling_failure": 503,
        "runner_connection_timeout": 503,
        "runner_disconnected": 503,
        "runner_connection_refused": 503,
        "runner_connection_error": 503,
        "runner_incomplete_response": 502,
        "runner_server_error": 500,
        "client_disconnected": 499,
        "client_cancelled": 499,
        "bad_request": 400,
        "internal_error": 500,
    }
)
"""Platform errors: `error_type` and the HTTP status it comes with."""

MODEL_ERRORS: Mapping[str, int] = MappingProxyType(
    {
        "internal_server_error": 500,
        "generation_timeout": 504,
        "downstream_service_error": 500,  # sources disagree (400 or 500): a public test shows 500
        "downstream_service_unavailable": 500,
        **dict.fromkeys(
            (
                "content_policy_violation",
                "no_media_generated",
                "image_too_small",
                "image_too_large",
                "image_load_error",
                "file_download_error",
                "face_detection_error",
                "file_too_large",
                "greater_than",
                "greater_than_equal",
                "less_than",
                "less_than_equal",
                "multiple_of",
                "sequence_too_short",
                "sequence_too_long",
                "one_of",
                "feature_not_supported",
                "invalid_archive",
                "archive_file_count_below_minimum",
                "archive_file_count_exceeds_maximum",
                "audio_duration_too_long",
                "audio_duration_too_short",
                "video_duration_too_long",
                "video_duration_too_short",
                "unsupported_audio_format",
                "unsupported_image_format",
                "unsupported_video_format",
                "missing",
            ),
            422,
        ),
    }
)
"""Errors of the models themselves: `type` of a detail entry and the HTTP status."""

ERROR_TYPE_HEADER = b"X-Fal-Error-Type"
TIMEOUT_TYPE_HEADER = b"X-Fal-Request-Timeout-Type"

CANCELLED_TEXT = "Request was cancelled by the client"
TIMED_OUT_TEXT = "Request timed out"
UNFINISHED = {"detail": "Request is still in progress"}
NOT_FOUND = {"status": "NOT_FOUND"}
ALREADY_COMPLETED = {"status": "ALREADY_COMPLETED"}
NO_AUTHORIZATION_REST = "Authorization header is required"
UNKNOWN_KEY = "No user found for Key ID and Secret"
MALFORMED_KEY = "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."


def no_authorization(app: str) -> str:
    """The recorded sentence of the run and queue hosts for a call without a key."""
    return f"Cannot access application '{app}'. Authentication is required to access this application."


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
