from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.sockets import message_input
from falmock.fixtures.matching.canonical import file_reference
from falmock.wire.message import Request
from falmock.wire.realtime import BadMessage
from falmock.wire.realtime import encode
from falmock.wire.storage import digest

HANDSHAKE = Request("GET", "fal.run", "/a/b/realtime", "", {"x-aimock-context": "test-1"}, b"")
FILE = file_reference(digest(b"x"))


def nothing_known(_: str) -> None:
    return None


@pytest.mark.parametrize(
    ("message", "in_realtime", "elsewhere"),
    [
        ('{"a": 1}', {"a": 1}, {"a": 1}),
        ('{"a": 1', {"text": '{"a": 1'}, {"text": '{"a": 1'}),
        ("", {"text": ""}, {"text": ""}),
        ("\ud800", {"text": "\ud800"}, {"text": "\ud800"}),
        (encode({"a": [b"x", {"b": b"x"}]}), {"a": [FILE, {"b": FILE}]}, {"a": [FILE, {"b": FILE}]}),
        (encode(5), {"value": 5}, {"binary": file_reference(digest(encode(5)))}),
        (encode(b"x"), {"value": FILE}, {"binary": file_reference(digest(encode(b"x")))}),
    ],
)
def test_the_input_that_a_message_is(message: str | bytes, in_realtime: Any, elsewhere: Any) -> None:
    assert message_input.input_of(message, is_realtime=True) == in_realtime
    assert message_input.input_of(message, is_realtime=False) == elsewhere


def test_what_is_no_msgpack() -> None:
    with pytest.raises(BadMessage):
        message_input.input_of(b"\xc1", is_realtime=True)
    assert message_input.input_of(b"\xc1", is_realtime=False) == {"binary": file_reference(digest(b"\xc1"))}


def test_a_message_as_matching_sees_it() -> None:
    value = {"prompt": "a cat", "image": "data:,x", "seed": 1.0}
    query = message_input.read(value, HANDSHAKE, "a/b/realtime", nothing_known)
    assert query.input == {"prompt": "a cat", "image": FILE, "seed": 1}
    assert (query.endpoint, query.method, query.prompt, query.context) == ("a/b/realtime", "MESSAGE", "a cat", "test-1")
    assert query.given is value


@given(message=st.binary() | st.text(), is_realtime=st.booleans())
def test_any_message_is_read_or_refused(*, message: str | bytes, is_realtime: bool) -> None:
    try:
        message_input.read(message_input.input_of(message, is_realtime=is_realtime), HANDSHAKE, "a/b", nothing_known)
    except (BadMessage, message_input.NoInput):
        assert isinstance(message, bytes)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_cannot_be_compared(number: float) -> None:
    with pytest.raises(message_input.NoInput, match="cannot be read"):
        message_input.read({"a": number}, HANDSHAKE, "a/b", nothing_known)
