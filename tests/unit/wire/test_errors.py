from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import errors
from falmock.wire.error_table import MODEL

REQUEST_ERRORS = [
    ("request_timeout", 504),
    ("startup_timeout", 504),
    ("runner_scheduling_failure", 503),
    ("runner_connection_timeout", 503),
    ("runner_disconnected", 503),
    ("runner_connection_refused", 503),
    ("runner_connection_error", 503),
    ("runner_incomplete_response", 502),
    ("runner_server_error", 500),
    ("client_disconnected", 499),
    ("client_cancelled", 499),
    ("bad_request", 400),
    ("internal_error", 500),
]
MODEL_ERRORS = [
    ("internal_server_error", 500),
    ("generation_timeout", 504),
    ("downstream_service_error", 500),
    ("downstream_service_unavailable", 504),
    ("content_policy_violation", 422),
    ("no_media_generated", 422),
    ("image_too_small", 422),
    ("image_too_large", 422),
    ("image_aspect_ratio_error", 422),
    ("image_load_error", 422),
    ("file_download_error", 422),
    ("face_detection_error", 422),
    ("file_too_large", 422),
    ("greater_than", 422),
    ("greater_than_equal", 422),
    ("less_than", 422),
    ("less_than_equal", 422),
    ("multiple_of", 422),
    ("sequence_too_short", 422),
    ("sequence_too_long", 422),
    ("one_of", 422),
    ("feature_not_supported", 422),
    ("invalid_archive", 422),
    ("archive_file_count_below_minimum", 422),
    ("archive_file_count_exceeds_maximum", 422),
    ("audio_duration_too_long", 422),
    ("audio_duration_too_short", 422),
    ("video_duration_too_long", 422),
    ("video_duration", 422),
    ("video_duration_too_short", 422),
    ("unsupported_audio_format", 422),
    ("unsupported_image_format", 422),
    ("unsupported_video_format", 422),
    ("invalid_request", 422),
    ("value_error", 422),
    ("input_value_error", 422),
    ("missing", 422),
    ("string_type", 422),
    ("int_parsing", 422),
    ("literal_error", 422),
    ("invalid_api_key", 422),
]


PYDANTIC = {
    name: f"https://docs.pydantic.dev/2.10/v/{name}"
    for name in ("missing", "string_type", "int_parsing", "literal_error")
}


@pytest.mark.parametrize(("error_type", "status"), REQUEST_ERRORS)
def test_platform_errors(error_type: str, status: int) -> None:
    assert errors.REQUEST_ERRORS[error_type] == status
    body = errors.request_error(error_type, "it went wrong")
    assert list(body.items()) == [("detail", "it went wrong"), ("error_type", error_type)]
    assert errors.status_error(body) == ("it went wrong", error_type)


@pytest.mark.parametrize(("error_type", "status"), MODEL_ERRORS)
def test_model_errors(error_type: str, status: int) -> None:
    assert MODEL[error_type].status == status
    body = errors.model_error(error_type, "no", ("body", "image_url"), ctx={"min_height": 1})
    (entry,) = body["detail"]
    assert list(entry.items()) == [
        ("loc", ["body", "image_url"]),
        ("msg", "no"),
        ("type", error_type),
        ("url", PYDANTIC.get(error_type, f"https://docs.fal.ai/errors#{error_type}")),
        ("ctx", {"min_height": 1}),
    ]
    assert errors.status_error(body) == (None, None)
    assert errors.text_of(status, body) == "no"


def test_no_error_type_is_missing_from_the_tables_above() -> None:
    assert dict(REQUEST_ERRORS) == errors.REQUEST_ERRORS
    assert dict(MODEL_ERRORS) == {name: error.status for name, error in MODEL.items()}


@pytest.mark.parametrize(
    ("body", "shown", "text"),
    [
        ({"detail": "x", "error_type": "runner_disconnected"}, ("x", "runner_disconnected"), "x"),
        ({"error_type": "runner_disconnected"}, (None, "runner_disconnected"), None),
        ({"detail": "Internal Server Error"}, (None, None), "Internal Server Error"),
        ({"detail": [{"msg": "Field required", "type": "missing"}]}, (None, None), "Field required"),
        ({"detail": [{"msg": "no"}], "error_type": "bad_request"}, (None, "bad_request"), "no"),
        ({"detail": [{"msg": "", "type": None}]}, (None, None), None),
        ({"detail": []}, (None, None), None),
        ({"detail": ["text"]}, (None, None), None),
        ({"detail": 5, "error_type": 6}, (None, None), None),
        (["not", "an object"], (None, None), None),
        (None, (None, None), None),
    ],
)
def test_what_the_status_of_a_failed_job_shows(
    body: Any, shown: tuple[str | None, str | None], text: str | None
) -> None:
    assert errors.status_error(body) == shown
    assert errors.text_of(422, body) == (text or "Invalid status code: 422")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["detail", "error_type", "msg", "type"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.integers(400, 599), JSON)
def test_any_body_has_a_text_and_a_status_shows_only_texts(status: int, body: Any) -> None:
    assert errors.text_of(status, body)
    assert all(text is None or type(text) is str for text in errors.status_error(body))


def test_the_texts_of_the_gateways() -> None:
    assert errors.no_authorization("fal-ai/fast-sdxl") == (
        "Cannot access application 'fal-ai/fast-sdxl'. Authentication is required to access this application."
    )
    assert errors.NO_AUTHORIZATION_REST == "Authorization header is required"
    assert errors.UNKNOWN_KEY == "invalid key credentials"
    assert errors.BEARER_NOT_DECODED == "bearer: unable to decode issuer"
    assert errors.MALFORMED_KEY == "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."
    assert errors.NOT_FOUND == {"status": "NOT_FOUND"}
    assert errors.UNFINISHED == {"detail": "Request is still in progress"}
