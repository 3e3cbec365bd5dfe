from __future__ import annotations

import pytest

from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.recording.exchanges import PNG
from unit.recording.exchanges import exchange
from unit.recording.exchanges import sha256


def test_content_in_memory_is_known_by_its_digest() -> None:
    assert content_of(PNG) == Content(sha256(PNG), len(PNG), data=PNG)


def test_a_body_is_what_passed_through_or_what_is_in_memory() -> None:
    passed = Content(sha256(b"x"), 1)
    observed = exchange("PUT https://a/b", PNG, b"answer")
    assert (observed.uploaded, observed.downloaded) == (content_of(PNG), content_of(b"answer"))
    observed = observed._replace(sent=passed, received=passed)
    assert (observed.uploaded, observed.downloaded) == (passed, passed)


@pytest.mark.parametrize(
    ("told", "content_type"),
    [("Image/PNG", "image/png"), ("text/html; charset=utf-8", "text/html"), (" a/b ;c", "a/b"), ("", "")],
)
def test_the_type_of_an_answer_is_told_without_parameters(told: str, content_type: str) -> None:
    assert exchange("GET https://a/b", headers={"content-type": told}).content_type == content_type
    assert exchange("GET https://a/b").content_type == ""
