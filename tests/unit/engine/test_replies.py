"""Warnings of answers, from the engine to the header."""

from __future__ import annotations

import errno
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import replies
from falmock.engine.effects import Reply
from falmock.redaction.redactor import Redactor
from falmock.wire.handshake import BadHandshake
from falmock.wire.hosts import Hosts
from falmock.wire.message import Request
from falmock.wire.routes import call_of

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


@pytest.mark.parametrize("host", ["127.0.0.1..", "a b", "a" * 64 + ".test"])
def test_a_host_that_no_resolver_takes_is_refused(host: str) -> None:
    request = Request("GET", host, "/a/b", "", {"origin": "http://a.test"}, b"")
    answer = replies.bad_host(request, Hosts())
    assert answer is not None
    assert answer.status == 400
    assert (b"access-control-allow-origin", b"*") in answer.headers


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run", "my.other.test"])
def test_any_other_host_is_taken(host: str) -> None:
    assert replies.bad_host(Request("GET", host, "/a/b", "", {}, b""), Hosts()) is None


def test_a_job_s_answer_has_its_request_id_once() -> None:
    answer = replies.with_request_id(Reply(200, replies.JSON_HEADERS, b"", "made"), "r-1")
    assert answer.headers == (replies.JSON_TYPE, (b"x-fal-request-id", b"r-1"), *replies.GATEWAY)
    assert replies.with_request_id(answer, "r-2") is answer


def test_what_the_disk_does_not_do_is_told() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    upload, asset = replies.no_disk(full), replies.unreadable_asset(full)
    assert (upload.status, asset.status) == (507, 500)
    for reply in (upload, asset):
        assert isinstance(reply.body, bytes)
        assert "No space left on device" in json.loads(reply.body)["detail"]
    assert (b"access-control-allow-origin", b"*") in upload.headers


@pytest.mark.parametrize(
    ("method", "host", "path", "says"),
    [
        ("POST", "fal.run", "/a/b", "upload files and pass their URLs"),
        ("POST", "v3.fal.media", "/files/upload", "send it without a content encoding, or in parts"),
    ],
)
def test_a_body_that_is_too_large_is_told_what_to_do(method: str, host: str, path: str, says: str) -> None:
    request = Request(method, host, path, "", {}, b"", too_large="80 MiB, 64 MiB are allowed")
    call = call_of(request, Hosts())
    assert call is not None
    reply = replies.too_large(request, call)
    assert reply.status == 413
    assert says in json.loads(reply.body)["message"]
    assert "80 MiB, 64 MiB are allowed" in json.loads(reply.body)["message"]


def test_a_bad_handshake_names_the_version() -> None:
    reply = replies.bad_handshake(BadHandshake(426, "its version is 7"))
    assert (reply.status, dict(reply.headers)[b"Sec-WebSocket-Version"]) == (426, b"13")
    assert "its version is 7" in json.loads(reply.body)["message"]
