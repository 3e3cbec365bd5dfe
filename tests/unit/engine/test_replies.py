"""Warnings of answers, from the engine to the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.redaction.redactor import Redactor
from falmock.wire.message import Request

ANSWER = Reply(200, ((b"a", b"b"),), b"", "")


def headers_of(warning: str, redactor: Redactor | None = None) -> list[bytes]:
    answer = replies.with_warning_header(replies.warned(ANSWER, warning), redactor or Redactor())
    return [value for name, value in answer.headers if name == replies.WARNING_HEADER]


def test_an_answer_without_a_warning_stays_as_it_is() -> None:
    assert replies.warned(ANSWER, "") is ANSWER
    assert replies.with_warning_header(ANSWER, Redactor()) is ANSWER


@pytest.mark.parametrize(
    ("warning", "header"),
    [
        ("use /a/{request_id}, not 'b' (c)", b"use /a/{request_id}, not 'b' (c)"),
        ("two\r\nlines \t and more", b"two lines and more"),
        ("é 100 %", b"%C3%A9 100 %25"),
        ("\ud800", b"?"),
        ("x" * 5000, b"x" * replies.LONGEST_WARNING),
    ],
)
def test_the_header_is_one_line_of_ascii(warning: str, header: bytes) -> None:
    assert headers_of(warning) == [header]


@given(st.text(min_size=1))
def test_any_warning_makes_a_header_that_can_be_sent(warning: str) -> None:
    for value in headers_of(warning):
        assert value.isascii()
        assert value.decode().isprintable()


def test_several_warnings_are_one_and_have_no_secrets() -> None:
    redactor = Redactor()
    redactor.learn_value("a-long-secret-of-ours")
    both = replies.warned(replies.warned(ANSWER, "the first"), "has a-long-secret-of-ours")
    told = replies.with_warning_header(both, redactor)
    assert told.warning.startswith("the first; has ")
    assert "a-long-secret-of-ours" not in told.warning + str(told.headers)


def test_pages_may_read_an_answer() -> None:
    request = Request("GET", "fal.run", "/a/b", "", {}, b"")
    assert replies.for_pages(request, ANSWER) is ANSWER
    answer = replies.for_pages(request._replace(headers={"origin": "http://a.test"}), ANSWER)
    assert (b"access-control-allow-origin", b"*") in answer.headers
    assert replies.for_pages(request._replace(headers={"origin": "http://a.test"}), answer) is answer
