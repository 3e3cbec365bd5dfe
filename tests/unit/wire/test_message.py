from __future__ import annotations

import pytest

from falmock.wire.lifecycle import VIEWS
from falmock.wire.message import Request
from falmock.wire.message import content_of
from falmock.wire.message import header_map
from falmock.wire.message import reason


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
