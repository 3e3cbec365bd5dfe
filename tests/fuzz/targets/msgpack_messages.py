"""Realtime messages: any bytes are a value that can be written again, as msgpack and as JSON, or are refused."""

from __future__ import annotations

from typing import Any

from falmock.proxy.screens import describe
from falmock.redaction.redactor import Redactor
from falmock.wire import realtime
from fuzz.strategies import msgpack_messages

CASES = msgpack_messages.BYTES


def check(data: bytes) -> None:
    describe.describe_message(data, Redactor(), is_text=False)
    try:
        value = realtime.decode(data)
    except realtime.BadMessage as error:
        assert str(error).isprintable(), str(error)
        return
    _check_plain(value)
    written = realtime.encode(value)
    assert repr(realtime.decode(written)) == repr(value)


def _check_plain(value: Any) -> None:
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, dict):
            assert all(type(key) is str for key in each)
            rest += each.values()
        elif isinstance(each, list):
            rest += each
        else:
            assert each is None or type(each) in (bool, int, float, str, bytes), type(each)
