from __future__ import annotations

import pytest

from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import MODEL
from falmock.wire.error_table import OTHERS
from falmock.wire.error_table import REQUEST
from falmock.wire.error_table import ErrorKind

FIGURES = {
    "image_too_small": {"min_height", "min_width"},
    "image_aspect_ratio_error": {"min_aspect_ratio", "max_aspect_ratio"},
    "image_too_large": {"max_height", "max_width"},
    "file_too_large": {"max_size"},
    "greater_than": {"gt"},
    "greater_than_equal": {"ge"},
    "less_than": {"lt"},
    "less_than_equal": {"le"},
    "multiple_of": {"multiple_of"},
    "sequence_too_short": {"min_length"},
    "sequence_too_long": {"max_length"},
    "one_of": {"expected"},
    "feature_not_supported": {"vendor"},
    "invalid_archive": {"supported_extensions"},
    "archive_file_count_below_minimum": {"min_count", "provided_count", "supported_extensions"},
    "archive_file_count_exceeds_maximum": {"max_count", "provided_count", "supported_extensions"},
    "audio_duration_too_long": {"max_duration", "provided_duration"},
    "audio_duration_too_short": {"min_duration", "provided_duration"},
    "video_duration_too_long": {"max_duration", "provided_duration"},
    "video_duration_too_short": {"min_duration", "provided_duration"},
    "unsupported_audio_format": {"supported_formats"},
    "unsupported_image_format": {"supported_formats"},
    "unsupported_video_format": {"supported_formats"},
    "literal_error": {"expected"},
}
"""The `ctx` of each error that has one (PROTOCOL.md section 7.1)."""


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_has_an_error_status_and_words(name: str) -> None:
    error = ERRORS[name]
    assert 400 <= error.status <= 599
    assert error.message
    assert error.message.format(app="a/b", alias="b", path="/x")


def test_the_tables_are_of_one_kind_and_share_no_name() -> None:
    assert {error.kind for error in MODEL.values()} == {ErrorKind.MODEL}
    assert {error.kind for error in REQUEST.values()} == {ErrorKind.REQUEST}
    assert len(ERRORS) == len(MODEL) + len(REQUEST) + len(OTHERS)


def test_the_figures_are_those_that_fal_documents() -> None:
    assert {name: set(error.ctx) for name, error in MODEL.items() if error.ctx} == FIGURES


@pytest.mark.parametrize("name", ["nginx_502", "nginx_503", "nginx_504"])
def test_a_page_is_named_after_its_status(name: str) -> None:
    assert ERRORS[name].kind is ErrorKind.PAGE
    assert name == f"nginx_{ERRORS[name].status}"


TEXTS = {
    "downstream_service_error": "Downstream service error",
    "downstream_service_unavailable": "Downstream service unavailable",
    "content_policy_violation": (
        "The content could not be processed because it contained material flagged by a content checker."
    ),
    "image_too_small": "Image dimensions are too small. Minimum dimensions are 240x240 pixels.",
    "image_aspect_ratio_error": "The aspect ratio of the image should be between 0.4 and 2.5.",
    "file_download_error": "Failed to download the file. Please check if the URL is accessible and try again.",
    "face_detection_error": (
        "No face detected in the image/video. Please ensure the image/video contains a clearly visible face."
    ),
    "video_duration": "Video duration exceeds the maximum allowed. Maximum is 15.0 seconds.",
    "video_duration_too_long": "Video duration exceeds the maximum allowed. Maximum is 15.0 seconds.",
    "invalid_request": "The provided image could not be processed for layer decomposition. Try a different image.",
    "invalid_key_credentials": "invalid key credentials",
    "unknown_key": "No user found for Key ID and Secret",
    "bearer_not_decoded": "bearer: unable to decode issuer",
    "exhausted_balance": (
        "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
    ),
    "admin_lock": "User is locked. Reason: Admin lock. Please contact support@fal.ai.",
    "top_up": "User is locked. Reason: TOP_UP.",
    "platform_authorization_error": "Authentication required",
    "platform_invalid_key": "Invalid API key",
    "platform_missing_permission": "Missing permission models:requests:read",
}
"""The texts that were seen (PROTOCOL.md sections 1.4 and 7.1)."""


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_were_seen(name: str) -> None:
    assert ERRORS[name].message == TEXTS[name]


def test_figures_go_with_their_texts() -> None:
    assert MODEL["image_too_small"].ctx == {"min_height": 240, "min_width": 240}
    assert MODEL["image_aspect_ratio_error"].ctx == {"min_aspect_ratio": 0.4, "max_aspect_ratio": 2.5}
    assert MODEL["feature_not_supported"].ctx == {"vendor": "elevenlabs"}
    assert dict(MODEL["video_duration_too_long"].ctx or {})["max_duration"] == 15.0
    assert MODEL["value_error"].loc[:1] == ("body",)
    assert len(MODEL["value_error"].loc) == 2
    assert MODEL["input_value_error"].loc == ("body",)


@pytest.mark.parametrize("name", ["exhausted_balance", "admin_lock", "top_up", "missing_permission"])
def test_accounts_that_may_not_call(name: str) -> None:
    assert (ERRORS[name].status, ERRORS[name].kind) == (403, ErrorKind.GATEWAY)


def test_no_account_pays_by_402() -> None:
    assert 402 not in {error.status for error in ERRORS.values()}
