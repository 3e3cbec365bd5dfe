"""Requests whose headers are known: what is read without the parser is what the parser reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.serving.http_reader import RequestReader
from unit.serving.test_http_reader import CHUNKED
from unit.serving.test_http_reader import CLOSE
from unit.serving.test_http_reader import END
from unit.serving.test_http_reader import GET
from unit.serving.test_http_reader import H2C
from unit.serving.test_http_reader import POST

CONNECT = b"CONNECT fal.run:443 HTTP/1.1\r\n\r\n"
UPGRADE = b"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
PIECES = st.builds(
    lambda line, headers, body: b"\r\n".join((line, *headers, b"", body)),
    st.sampled_from(
        [
            b"GET /a HTTP/1.1",
            b"GET /a HTTP/1.1",
            b"GET /b?c=d HTTP/1.1",
            b"POST /a HTTP/1.1",
            b"POST /a HTTP/1.0",
            b"HEAD /a HTTP/1.1",
            b"PUT /a~b HTTP/1.1",
            b"GET http://fal.run/a HTTP/1.1",
            b"GET /a#b HTTP/1.1",
            b"GET  /a HTTP/1.1",
            b"GET /\xff HTTP/1.1",
            b"CONNECT fal.run:443 HTTP/1.1",
            b"get /a HTTP/1.1",
            b"",
        ]
    ),
    st.lists(
        st.sampled_from(
            [
                b"Host: fal.run",
                b"Content-Length: 3",
                b"Content-Length: 0",
                b"Transfer-Encoding: chunked",
                b"Expect: 100-continue",
                b"Connection: close",
                b"Upgrade: websocket",
                b"Upgrade: h2c",
                b"Connection: upgrade",
                b"X: \xff",
                b"X:\ty ",
                b" folded",
            ]
        ),
        max_size=2,
    ),
    st.sampled_from([b"", b"abc", b"abcd", b"ab", b"3\r\nabc\r\n0\r\n\r\n", GET]),
)


def all_parts(reader: RequestReader, piece: bytes, *, at_once: bool) -> list[object]:
    """The parts that a piece has, with the pieces of a body joined; they are taken."""
    whole = reader.whole(piece) if at_once else None
    if whole is not None:
        return [whole.head, *([whole.body] if whole.body else []), END]
    reader.feed(piece)
    parts, found = reader.parts, list[object]()
    while parts:
        part = parts.pop(0)
        if isinstance(part, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += part
        else:
            found.append(part)
    return found


@given(st.lists(PIECES, max_size=3).flatmap(lambda some: st.lists(st.sampled_from([*some, GET, POST]), max_size=8)))
def test_requests_in_one_piece_are_read_as_by_the_parser(pieces: list[bytes]) -> None:
    """Property: whatever came before, a request whose headers are known has the parts that the parser finds."""
    one, other = RequestReader(), RequestReader()
    for piece in pieces:
        assert all_parts(one, piece, at_once=True) == all_parts(other, piece, at_once=False)
        assert (one.rest, one.has_begun, one.is_in_head) == (other.rest, other.has_begun, other.is_in_head)


@pytest.mark.parametrize(
    "between",
    [POST[:-1], POST[:9], CHUNKED[:-2], b"\0", b"GET / HTTP/3.0\r\n\r\n", H2C, H2C[:-1], CLOSE, CONNECT, UPGRADE],
)
def test_what_came_before_counts(between: bytes) -> None:
    pieces = [GET, GET, between, GET]
    one, other = RequestReader(), RequestReader()
    for piece in pieces:
        assert all_parts(one, piece, at_once=True) == all_parts(other, piece, at_once=False)


def test_a_reader_that_was_stopped_reads_nothing() -> None:
    reader = RequestReader()
    for _ in range(2):
        reader.feed(GET)
    reader.parts.clear()
    assert reader.whole(GET) is not None
    reader.stop()
    assert reader.whole(GET) is None


def known(*pieces: bytes) -> list[bool]:
    """Which of these pieces the parser does not read."""
    reader, found = RequestReader(), []
    for piece in pieces:
        found.append(reader.whole(piece) is not None)
        if not found[-1]:
            reader.feed(piece)
            reader.parts.clear()
    return found


def test_the_headers_of_a_request_are_known_after_the_first_of_a_connection() -> None:
    other = b"GET /other HTTP/1.1\r\nHost: fal.run\r\n\r\n"
    assert known(GET, other, GET, POST, other, POST, POST[:-1]) == [False, False, True, False, True, True, False]
    assert known(GET[:-1], GET[-1:], GET, GET) == [False, False, False, True]


def test_a_client_with_many_headers_keeps_those_that_it_used_last() -> None:
    others = [GET.replace(b"Host", b"Host%d" % number) for number in range(10)]
    between = [each for other in others for each in (other, GET)]
    assert known(GET, GET, GET, *between) == [False, False, True, *(is_get for _ in others for is_get in (False, True))]
    long = GET.replace(b"fal.run", b"x" * 5000)
    assert known(long, long, long) == [False, False, False]
