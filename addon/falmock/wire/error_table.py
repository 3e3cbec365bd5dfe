"""All of fal's errors by name: status, form, text and sample values (PROTOCOL.md sections 1.4, 2.5, 7.1 to 7.3).

The texts and values of model errors are those of recorded answers, else from fal's page of errors; those of `value_error`
and `input_value_error` are falmock's own. The pages document only one text of a platform error, "Request timed out";
the others are falmock's own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from typing import NamedTuple


class ErrorKind(enum.Enum):
    """Who answers with an error. This decides its form."""

    MODEL = "model"
    """The model: a list of details."""
    APP = "app"
    """The app's runtime: `{"detail": text}`, with the headers of a model's answer."""
    REQUEST = "request"
    """The platform, about one request: `detail` and `error_type`, the latter also as a header."""
    GATEWAY = "gateway"
    """A gateway in front of the queue and the runners: it rejects the request, which gets no id."""
    PAGE = "page"
    """The load balancer: an HTML page."""
    PLATFORM = "platform"
    """The Platform API: `{"error": {"type", "message"}}`."""

    @property
    def turns_away(self) -> bool:
        """Whether the request is rejected before it gets a request id."""
        return self in (ErrorKind.GATEWAY, ErrorKind.PAGE, ErrorKind.PLATFORM)


class NamedError(NamedTuple):
    """One error. In `message`, `{app}`, `{alias}` and `{path}` are placeholders for what was called.

    `ctx` holds sample values, `more` further keys beside `detail`, `headers` those that the kind does not imply.
    `error_type` is "" if it equals the error's name.
    """

    kind: ErrorKind
    status: int
    message: str
    loc: tuple[str, ...] = ("body",)
    ctx: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = MappingProxyType({})
    headers: tuple[tuple[str, str], ...] = ()
    error_type: str = ""


def _model(status: int, message: str, field: str = "", **ctx: Any) -> NamedError:
    return NamedError(ErrorKind.MODEL, status, message, ("body", field) if field else ("body",), ctx or None)


def _request(status: int, message: str) -> NamedError:
    return NamedError(ErrorKind.REQUEST, status, message)


def _locked(reason: str) -> NamedError:
    return NamedError(ErrorKind.GATEWAY, 403, f"User is locked. Reason: {reason}")


def _platform(kind: str, status: int, message: str) -> NamedError:
    return NamedError(ErrorKind.PLATFORM, status, message, error_type=kind)


def _page(status: int, message: str) -> NamedError:
    # fal-client retries answers without x-fal-request-id that contain the word nginx (PROTOCOL.md section 7.4).
    return NamedError(ErrorKind.PAGE, status, message)


MODEL: Mapping[str, NamedError] = MappingProxyType(
    {
        "internal_server_error": _model(500, "Internal server error"),
        "generation_timeout": _model(504, "Generation timeout"),
        # An older page has 400; fal's code and newer page have 500.
        "downstream_service_error": _model(500, "Downstream service error"),
        # fal's code has 504, its page 500.
        "downstream_service_unavailable": _model(504, "Downstream service unavailable"),
        "content_policy_violation": _model(
            422,
            "The content could not be processed because it contained material flagged by a content checker.",
            "prompt",
        ),
        "no_media_generated": _model(422, "The model did not generate the expected output for this prompt."),
        "image_too_small": _model(
            422,
            "Image dimensions are too small. Minimum dimensions are 240x240 pixels.",
            "image_url",
            min_height=240,
            min_width=240,
        ),
        "image_too_large": _model(422, "Image too large", "image_url", max_height=1024, max_width=1024),
        "image_aspect_ratio_error": _model(
            422,
            "The aspect ratio of the image should be between 0.4 and 2.5.",
            "image_url",
            min_aspect_ratio=0.4,
            max_aspect_ratio=2.5,
        ),
        "image_load_error": _model(422, "Image load error", "image_url"),
        "file_download_error": _model(
            422, "Failed to download the file. Please check if the URL is accessible and try again.", "image_url"
        ),
        "face_detection_error": _model(
            422,
            "No face detected in the image/video. Please ensure the image/video contains a clearly visible face.",
            "image_url",
        ),
        "file_too_large": _model(422, "File too large", "image_url", max_size=10485760),
        "greater_than": _model(422, "Input should be greater than 0", "num_inference_steps", gt=0),
        "greater_than_equal": _model(422, "Input should be greater than or equal to 0", "strength", ge=0),
        "less_than": _model(422, "Input should be less than 1", "strength", lt=1),
        "less_than_equal": _model(422, "Input should be less than or equal to 20", "guidance_scale", le=20),
        "multiple_of": _model(422, "Input should be a multiple of 8", "width", multiple_of=8),
        "sequence_too_short": _model(422, "Sequence should have at least 1 items", "prompts", min_length=1),
        "sequence_too_long": _model(422, "Sequence should have at most 4 items", "image_urls", max_length=4),
        "one_of": _model(422, "Input should be 'EulerA' or 'DPM++'", "scheduler", expected=["EulerA", "DPM++"]),
        "feature_not_supported": _model(422, "Feature not supported", vendor="elevenlabs"),
        "invalid_archive": _model(
            422,
            "Could not read or process the provided archive. Ensure it's a valid, non-corrupted archive.",
            "training_data",
            supported_extensions=[".zip", ".tar.gz"],
        ),
        "archive_file_count_below_minimum": _model(
            422,
            "Too few files in the archive. Expected at least 10 files with extensions .jpg, .png, found 8. "
            "Add more matching files to the archive.",
            "training_data",
            min_count=10,
            provided_count=8,
            supported_extensions=[".jpg", ".png"],
        ),
        "archive_file_count_exceeds_maximum": _model(
            422,
            "Too many files in the archive. Maximum is 100 files with extensions .jpg, .png, found 150. "
            "Remove 50 matching files from the archive.",
            "training_data",
            max_count=100,
            provided_count=150,
            supported_extensions=[".jpg", ".png"],
        ),
        "audio_duration_too_long": _model(
            422,
            "Audio duration exceeds the maximum allowed. Maximum is 60 seconds, provided is 90 seconds.",
            "audio_url",
            max_duration=60,
            provided_duration=90,
        ),
        "audio_duration_too_short": _model(
            422,
            "Audio duration is too short. Minimum is 5 seconds, provided is 2 seconds.",
            "audio_url",
            min_duration=5,
            provided_duration=2,
        ),
        "video_duration_too_long": _model(
            422,
            "Video duration exceeds the maximum allowed. Maximum is 15.0 seconds.",
            "video_url",
            max_duration=15.0,
            provided_duration=20.0,
        ),
        # Other models' name for the same.
        "video_duration": _model(
            422, "Video duration exceeds the maximum allowed. Maximum is 15.0 seconds.", "video_url"
        ),
        "video_duration_too_short": _model(
            422,
            "Video duration is too short. Minimum is 3 seconds, provided is 1 seconds.",
            "video_url",
            min_duration=3,
            provided_duration=1,
        ),
        "unsupported_audio_format": _model(
            422,
            "Unsupported audio format. Supported formats are .mp3, .wav, .ogg.",
            "audio_url",
            supported_formats=[".mp3", ".wav", ".ogg"],
        ),
        "unsupported_image_format": _model(
            422,
            "Unsupported image format. Supported formats are .jpg, .jpeg, .png, .webp.",
            "image_url",
            supported_formats=[".jpg", ".jpeg", ".png", ".webp"],
        ),
        "unsupported_video_format": _model(
            422,
            "Unsupported video format. Supported formats are .mp4, .mov, .webm.",
            "video_url",
            supported_formats=[".mp4", ".mov", ".webm"],
        ),
        # Not on fal's page.
        "invalid_request": _model(
            422, "The provided image could not be processed for layer decomposition. Try a different image."
        ),
        "value_error": _model(422, "Value is not valid", "prompt"),
        "input_value_error": _model(422, "Input is not valid"),
        # From Pydantic, which has more: a model error may have any type.
        "missing": _model(422, "Field required", "prompt"),
        "string_type": _model(422, "Input should be a valid string", "prompt"),
        "int_parsing": _model(
            422, "Input should be a valid integer, unable to parse string as an integer", "num_images"
        ),
        "literal_error": _model(422, "Input should be 'png' or 'jpeg'", "output_format", expected="'png' or 'jpeg'"),
        # Only one client's list names it, without a status; 422 is that of the other errors that a caller can fix.
        "invalid_api_key": _model(422, "Invalid API key"),
    }
)
"""Errors of models, by the `type` of a detail entry."""

REQUEST: Mapping[str, NamedError] = MappingProxyType(
    {
        "request_timeout": _request(504, "Request timed out"),
        "startup_timeout": _request(504, "Runner did not start in time"),
        "runner_scheduling_failure": _request(503, "No runner could be scheduled"),
        "runner_connection_timeout": _request(503, "Connection to the runner timed out"),
        "runner_disconnected": _request(503, "Runner disconnected"),
        "runner_connection_refused": _request(503, "Runner refused the connection"),
        "runner_connection_error": _request(503, "Connection to the runner failed"),
        "runner_incomplete_response": _request(502, "Runner sent an incomplete response"),
        "runner_server_error": _request(500, "Runner failed with a server error"),
        "client_disconnected": _request(499, "Client closed the connection"),
        "client_cancelled": _request(499, "Request was cancelled by the client"),
        "bad_request": _request(400, "Bad request"),
        "internal_error": _request(500, "Internal error"),
    }
)
"""Errors of the platform, by the `error_type` of the body."""

_NO_KEY = "Cannot access application '{app}'. Authentication is required to access this application."

OTHERS: Mapping[str, NamedError] = MappingProxyType(
    {
        "user_timeout": NamedError(
            ErrorKind.REQUEST,
            504,
            "Request timed out",
            headers=(("X-Fal-Request-Timeout-Type", "user"),),
            error_type="request_timeout",
        ),
        "unhandled_exception": NamedError(ErrorKind.APP, 500, "Internal Server Error"),
        "path_not_found": NamedError(
            ErrorKind.APP, 404, "Path {path} not found", headers=(("x-fal-billable-units", "0"),)
        ),
        "missing_authorization": NamedError(ErrorKind.GATEWAY, 401, _NO_KEY),
        # The wording until about June 2026, and the one since then (PROTOCOL.md section 1.4).
        "unknown_key": NamedError(ErrorKind.GATEWAY, 401, "No user found for Key ID and Secret"),
        "invalid_key_credentials": NamedError(ErrorKind.GATEWAY, 401, "invalid key credentials"),
        "bearer_not_decoded": NamedError(ErrorKind.GATEWAY, 401, "bearer: unable to decode issuer"),
        "malformed_key": NamedError(
            ErrorKind.GATEWAY, 401, "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."
        ),
        "exhausted_balance": _locked("Exhausted balance. Top up your balance at fal.ai/dashboard/billing."),
        "admin_lock": _locked("Admin lock. Please contact support@fal.ai."),
        "top_up": _locked("TOP_UP."),
        # No recording shows this body (PROTOCOL.md section 12.4), so it has the words of the Platform API.
        "missing_permission": NamedError(ErrorKind.GATEWAY, 403, "Missing permission models:requests:submit"),
        "unknown_app": NamedError(ErrorKind.GATEWAY, 404, 'Application "{alias}" not found'),
        "concurrent_requests_limit": NamedError(
            ErrorKind.GATEWAY,
            429,
            "Reached concurrent requests limit of 20",
            more=MappingProxyType({"type": "concurrent_requests_limit", "data": {"limit": 20}}),
            headers=(("X-Fal-needs-retry", "1"),),
        ),
        # No recording shows this body (PROTOCOL.md section 12.4), so it has the shape of fal's other 429.
        "max_queue_length": NamedError(
            ErrorKind.GATEWAY,
            429,
            "Queue length 11 exceeds the limit of 10",
            more=MappingProxyType({"type": "max_queue_length", "data": {"limit": 10, "queue_length": 11}}),
            headers=(("X-Fal-Needs-Retry", "1"),),
        ),
        # Other errors have the same types, so these names have a prefix.
        "platform_authorization_error": _platform("authorization_error", 401, "Authentication required"),
        "platform_invalid_key": _platform("authorization_error", 401, "Invalid API key"),
        "platform_missing_permission": _platform("authorization_error", 403, "Missing permission models:requests:read"),
        "platform_validation_error": _platform("validation_error", 400, "Invalid request"),
        "platform_not_found": _platform("not_found", 404, "Not found"),
        "platform_rate_limited": _platform("rate_limited", 429, "Too many requests"),
        "platform_server_error": _platform("server_error", 500, "Internal server error"),
        "platform_not_implemented": _platform("not_implemented", 501, "Not implemented"),
        "nginx_502": _page(502, "502 Bad Gateway"),
        "nginx_503": _page(503, "503 Service Temporarily Unavailable"),
        "nginx_504": _page(504, "504 Gateway Time-out"),
    }
)
"""Errors to which fal gives no name, or one that is not unique: of gateways, the runtime of apps and the Platform API,
and the timeout that a caller sets."""

ERRORS: Mapping[str, NamedError] = MappingProxyType({**MODEL, **REQUEST, **OTHERS})
"""All errors by the names that faults use."""
