"""What headers say, which of them are kept, and which requests may be remembered."""

from __future__ import annotations

import pytest

from falmock.serving import senders
from falmock.serving.request_parts import Head
from falmock.serving.senders import Senders
from falmock.serving.senders import may_be_remembered
from falmock.serving.senders import parts_of
from falmock.wire.message import Header

ID = b"01900000-0000-7000-8000-000000000000"


def fields(number: int, *more: Header) -> tuple[Header, ...]:
    return ((b"Host", b"Queue.Fal.Run:443"), (b"X", b"%d" % number), *more)


def test_what_headers_say() -> None:
    sender = Senders("somebody").of(fields(1))
    assert (sender.headers, sender.host) == ({"host": "Queue.Fal.Run:443", "x": "1"}, "queue.fal.run")
    assert (sender.scope, sender.asks_for_socket) == ("somebody", False)
    assert Senders("somebody").of(fields(1, (b"X-Test-Id", b"a test"))).scope == "a test"
    assert Senders("").of(fields(1, (b"Upgrade", b"websocket"), (b"Connection", b"upgrade"))).asks_for_socket


def test_equal_headers_have_one_sender_and_have_repeated_then() -> None:
    kept = Senders("")
    first = kept.of(fields(1))
    assert not kept.has_repeated(fields(1))
    again = fields(1)
    assert kept.of(again) is first
    assert kept.has_repeated(again)
    assert kept.of(again) is first
    other = fields(2)
    assert kept.of(other) is not first
    assert not kept.has_repeated(other)


def test_those_that_repeat_stay_and_long_ones_are_not_kept() -> None:
    kept = Senders("")
    used = fields(0)
    first = kept.of(used)
    kept.of(used)
    for number in range(1, 20):
        kept.of(fields(number))
        assert len(kept._kept) <= senders.KEPT_SENDERS
        assert kept.of(used) is first
    long = fields(0, (b"Cookie", bytes(5000)))
    assert kept.of(long) is not kept.of(long)


def test_headers_that_repeat_stay_however_they_came_before() -> None:
    kept = Senders("")
    first = kept.of(fields(0))
    # Equal, but not the same object as that by which they are kept: as a browser's pages come.
    again = fields(0)
    kept.of(again)
    for number in range(1, 20):
        kept.of(fields(number))
    assert kept.of(again) is first


@pytest.mark.parametrize(
    ("head", "may"),
    [
        (Head("GET", b"/a/b/requests/" + ID, ()), True),
        (Head("GET", b"/a/b", ()), False),
        (Head("PUT", b"/a/b/requests/" + ID, ()), False),
        (Head("GET", b"/a/b/requests/" + ID, ((b"content-LENGTH", b"0"),)), False),
        (Head("GET", b"/a/b/requests/" + ID, ((b"Transfer-Encoding", b"chunked"),)), False),
    ],
)
def test_which_requests_may_be_remembered(head: Head, may: bool) -> None:  # noqa: FBT001
    assert may_be_remembered(head) is may


def test_the_parts_of_a_target() -> None:
    assert parts_of(b"/a/b/requests/" + ID + b"/status?logs=1") == (b"/a/b", ID, b"/status?logs=1")
    assert parts_of(b"/a/b/requests/short") == (b"/a/b", b"short", b"")
    assert parts_of(b"/a/b") == (b"/a/b", b"", b"")
