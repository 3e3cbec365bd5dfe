from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.lifecycle import VIEWS
from falmock.wire.message import Request
from falmock.wire.message import content_of
from falmock.wire.message import header_map
from falmock.wire.message import header_value
from falmock.wire.message import reason
from falmock.wire.message import sendable


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (200, b"OK"),
        (202, b"Accepted"),
        (400, b"Bad Request"),
        (404, b"Not Found"),
        (413, b"Request Entity Too Large"),
        (416, b"Requested Range Not Satisfiable"),
        (422, b"Unprocessable Entity"),
        (429, b"Too Many Requests"),
        (500, b"Internal Server Error"),
        (504, b"Gateway Timeout"),
        (299, b""),
        (599, b""),
    ],
)
def test_reason_phrases(status: int, phrase: bytes) -> None:
    assert reason(status) == phrase


def test_every_status_of_the_queue_has_a_phrase() -> None:
    assert all(reason(view.poll_status) and reason(view.cancel_status) for view in VIEWS.values())


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ([], {}),
        ([(b"Content-Encoding", b"gzip"), (b"content-encoding", b"br")], {"content-encoding": "gzip, br"}),
        ([(b"Content-Type", b"text/plain")], {"content-type": "text/plain"}),
        ([(b"X-A", b"1"), (b"x-a", b"2")], {"x-a": "2"}),
        ([(b"X-Fal-File-Name", "é.txt".encode())], {"x-fal-file-name": "é.txt"}),
        ([(b"X-Fal-File-Name", "é.txt".encode("latin-1"))], {"x-fal-file-name": "é.txt"}),
        ([(b"X-\xff", b"\xff")], {"x-\xff": "\xff"}),
    ],
)
def test_headers_as_a_dict(fields: list[tuple[bytes, bytes]], headers: dict[str, str]) -> None:
    assert header_map(fields) == headers


@pytest.mark.parametrize(
    ("encoding", "body", "undecoded"),
    [("gzip", b"", "gzip"), ("GZIP", b"", "gzip"), ("identity", b"", ""), ("", b"", ""), ("gzip", b"{}", "")],
)
def test_a_body_that_was_not_read(encoding: str, body: bytes, undecoded: str) -> None:
    request = Request("POST", "here", "/", "", {"content-encoding": encoding}, body)
    assert request.undecoded == undecoded
    assert request._replace(content=content_of(b"x")).undecoded == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x-a, x-b", b"x-a, x-b"),
        ("100%25 ~", b"100%25 ~"),
        (" a ", b"a"),
        ("\t a\t", b"a"),
        ("a\r\nset-cookie: b", b"a%0D%0Aset-cookie: b"),
        ("\x00\x1b\x7f\x85", b"%00%1B%7F%C2%85"),
        ("é漢", b"\xc3\xa9%E6%BC%A2"),
        ("\ud800", b"%3F"),
        ("", b""),
    ],
)
def test_text_from_outside_as_a_header_value(text: str, value: bytes) -> None:
    assert header_value(text) == value


@given(st.text(st.characters(), max_size=20))
def test_every_text_can_be_a_header_value(text: str) -> None:
    value = header_value(text)
    assert value.decode().isprintable()
    assert value.strip() == value
    assert sendable(((b"x-any", value),)) == ((b"x-any", value),)


def test_headers_that_http_cannot_send() -> None:
    fine = ((b"a", b"b\tc"), (b"d", b""), (b"e", "é".encode()))
    assert sendable(fine) is fine
    assert sendable((*fine, (b"x", b" a\r\nb\x00\x7f\t"))) == (*fine, (b"x", b"a%0D%0Ab%00%7F"))


@given(st.lists(st.tuples(st.just(b"x"), st.binary(max_size=8))).map(tuple))
def test_no_control_character_is_sent(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    for _, value in sendable(headers):
        assert not re.search(rb"[\x00-\x08\n-\x1f\x7f]", value)
        assert value.strip(b" \t") == value


@given(st.lists(st.tuples(st.just(b"x"), st.text(" \t\n\x00\x7fab", max_size=4).map(str.encode))).map(tuple))
def test_only_what_can_not_be_sent_is_changed(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    can = all(value.strip(b" \t") == value and not re.search(rb"[\x00-\x08\n-\x1f\x7f]", value) for _, value in headers)
    assert (sendable(headers) == headers) is can


def test_a_body_that_is_too_large_is_not_undecoded() -> None:
    request = Request("POST", "here", "/", "", {"content-encoding": "gzip"}, b"", too_large="9 bytes")
    assert request.undecoded == ""


def test_a_request_with_another_path_or_body() -> None:
    request = Request("GET", "h", "/a", "q", {"a": "b"}, b"x", None, "s", "p", "d", lenient=True, too_large="t")
    assert request.with_path("/b") == request._replace(path="/b")
    assert request.with_body(b"y") == request._replace(body=b"y")
