"""Requests out of bytes that are split anywhere, and bytes that are no requests."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.serving.http_reader import MAX_FIELDS
from falmock.serving.http_reader import MAX_HEAD
from falmock.serving.http_reader import RequestReader
from falmock.serving.request_parts import BadRequest
from falmock.serving.request_parts import EndOfRequest
from falmock.serving.request_parts import Head

END = EndOfRequest()
GET = b"GET /a?b=c HTTP/1.1\r\nHost: fal.run\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: fal.run\r\nContent-Length: 3\r\n\r\nabc"
ODD = b"POST /~01\xc3\xa9?\x01~ HTTP/1.1\r\nX~: \x01\xff\x02\r\nY: \x7f~7e\r\nContent-Length: 3\r\n\r\n\x01\xff\x02"
CHUNKED = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: t\r\n\r\n"
CLOSE = b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n"
H2C = b"POST /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"


def read(*pieces: bytes) -> tuple[list[object], bytes | None]:
    """The parts of these bytes, with the pieces of a body joined; and what follows an upgrade."""
    reader = RequestReader()
    for piece in pieces:
        reader.feed(piece)
    parts: list[object] = []
    for part in reader.parts:
        if isinstance(part, bytes) and parts and isinstance(parts[-1], bytes):
            parts[-1] += part
        else:
            parts.append(part)
    return parts, reader.rest


def heads(*pieces: bytes) -> list[Head]:
    return [part for part in read(*pieces)[0] if isinstance(part, Head)]


def test_a_request_without_a_body() -> None:
    assert read(GET) == ([Head("GET", b"/a?b=c", ((b"Host", b"fal.run"),)), END], None)


@pytest.mark.parametrize("request_", [POST, CHUNKED, H2C])
def test_a_body(request_: bytes) -> None:
    (head, body, end), rest = read(request_)
    assert isinstance(head, Head)
    assert (head.method, head.target, body, end, rest) == ("POST", b"/a", b"abc", END, None)
    assert b"Trailer" not in dict(head.fields)


def test_what_is_under_way() -> None:
    reader = RequestReader()
    seen = []
    for data in (b"\r\n", GET[:9], GET[9:], POST[:-1], POST[-1:], CHUNKED[:-1], CHUNKED[-1:], GET[:1]):
        reader.feed(data)
        seen.append((reader.has_begun, reader.is_in_head))
    idle, head, body = (False, True), (True, True), (True, False)
    assert seen == [idle, head, idle, body, idle, body, idle, head]


def test_an_upgrade_that_nobody_makes_is_a_request_like_others() -> None:
    parts, rest = read(H2C + GET)
    assert [type(part).__name__ for part in parts] == ["Head", "bytes", "EndOfRequest", "Head", "EndOfRequest"]
    assert rest is None
    assert not any(head.upgrades for head in heads(H2C + GET))


@pytest.mark.parametrize(
    ("head", "upgrades"),
    [
        (b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run\r\n\r\n", False),
        (b"GET /a HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", True),
    ],
)
def test_what_follows_an_upgrade_is_not_read(head: bytes, upgrades: bool) -> None:  # noqa: FBT001
    parts, rest = read(head, b"\x16\x03", GET)
    assert isinstance(parts[0], Head)
    assert parts[0].upgrades is upgrades
    assert parts[1:] == [END]
    assert rest == b"\x16\x03" + GET


def test_what_follows_an_upgrade_that_was_refused_is_read() -> None:
    reader = RequestReader()
    reader.feed(b"CONNECT fal.run:443 HTTP/1.1\r\n\r\n")
    reader.parts.clear()
    reader.feed(GET)
    assert not reader.parts
    reader.go_on()
    assert [type(part) for part in reader.parts] == [Head, EndOfRequest]
    reader.go_on()
    reader.feed(GET)
    assert len(reader.parts) == 4


def test_versions_and_keeping_alive() -> None:
    def of(line: bytes) -> tuple[bool, bool]:
        [head] = heads(line)
        return head.is_http11, head.keeps_alive

    assert of(b"GET / HTTP/1.1\r\n\r\n") == (True, True)
    assert of(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n") == (True, False)
    assert of(b"GET / HTTP/1.0\r\n\r\n") == (False, False)
    assert of(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") == (False, True)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc", 400),
        (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: \0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX\x01: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: \x01\rb\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\x7f\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 0),
        (b"\r\n\0", 0),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"brewing\r\n\r\n", 0),
        (GET + b"brewing", 501),
        (b"get / HTTP/1.1\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
        (b"GET acme HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: \x01\r\n a\r\n\r\n", 400),
        (b"GET /\xe9 HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n", 400),
        (b"GET /\xe9 HTTP/1.1\r\nX : a\r\n\r\n", 400),
        (b"GET /\xe9 HTTP/1.1\r\nX: a\n\r\n\r\n", 400),
        (b"GET /\xe9" + b"a" * MAX_HEAD, 431),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (MAX_FIELDS + 1) + b"\r\n", 431),
        (b"GET /" + b"a" * (MAX_HEAD + 1), 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * (MAX_HEAD + 1), 431),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, status: int) -> None:
    parts, _ = read(data, GET)
    last = parts[-1]
    assert isinstance(last, BadRequest)
    assert (last.status, bool(last.why)) == (status, True)


@given(st.data())
def test_what_has_one_meaning_is_read_however_odd_it_is(data: st.DataObject) -> None:
    places = [0, *sorted(data.draw(st.lists(st.integers(0, len(ODD)), max_size=12))), len(ODD)]
    (head, *pieces, end), _ = read(*(ODD[start:stop] for start, stop in pairwise(places)))
    assert isinstance(head, Head)
    assert (head.target, head.fields[:2]) == (b"/~01\xc3\xa9?\x01~", ((b"X~", b"\x01\xff\x02"), (b"Y", b"\x7f~7e")))
    assert (b"".join(piece for piece in pieces if isinstance(piece, bytes)), end) == (b"\x01\xff\x02", END)


def test_an_odd_head_after_an_odd_one() -> None:
    assert [type(part) for part in read(ODD + ODD + b"\r\n" + ODD + ODD[:-2])[0]].count(Head) == 4
    first, second = (b"GET /%s\xff HTTP/1.1\r\n\r\n" % name for name in (b"a", b"b"))
    assert [head.target for head in heads(first, second)] == [b"/a\xff", b"/b\xff"]


def test_a_long_head_that_comes_in_pieces_is_refused() -> None:
    reader = RequestReader()
    reader.feed(b"GET /")
    for _ in range(MAX_HEAD // 1000 + 1):
        reader.feed(b"a" * 1000)
    assert list(reader.parts) == [BadRequest(431, f"its head has more than {MAX_HEAD} bytes")]


@given(st.lists(st.sampled_from([GET, POST, CHUNKED, H2C, ODD, b"\r\n"]), max_size=5), st.data())
def test_the_parts_are_the_same_however_the_bytes_are_cut(requests: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(requests)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    places = [0, *cuts, len(whole)]
    assert read(*(whole[start:stop] for start, stop in pairwise(places))) == read(whole)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_parts_or_refused(pieces: list[bytes]) -> None:
    parts, _ = read(*pieces)
    assert all(not isinstance(part, BadRequest) for part in parts[:-1])


def test_a_reader_that_stopped_is_freed_at_once_and_reads_no_more() -> None:
    reader = RequestReader()
    reader.feed(b"GET / HTTP/1.1\r\n")
    reader.stop()
    reader.feed(b"Host: a\r\n\r\n")
    assert not reader.parts
    there = weakref.ref(reader)
    gc.disable()
    try:
        del reader
        assert there() is None
    finally:
        gc.enable()


def test_parts_that_were_not_taken_come_first() -> None:
    reader = RequestReader()
    reader.feed(GET)
    reader.feed(GET)
    assert reader.whole(GET) is None
    reader.parts.clear()
    assert reader.whole(GET) is not None
