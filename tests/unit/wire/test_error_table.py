from __future__ import annotations

import pytest

from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import MODEL
from falmock.wire.error_table import OTHERS
from falmock.wire.error_table import REQUEST
from falmock.wire.error_table import ErrorKind

FIGURES = {
    "image_too_small": {"min_height", "min_width"},
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
