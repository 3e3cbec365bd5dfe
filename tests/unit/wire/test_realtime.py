from __future__ import annotations

import math
import struct
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import realtime
from falmock.wire.formats.frames import Binary
from falmock.wire.formats.frames import Text
from falmock.wire.formats.jsontext import MAX_DEPTH
from falmock.wire.formats.jsontext import MAX_VALUES
from falmock.wire.formats.spelled import Spelled
from falmock.wire.realtime import BadMessage

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS | st.binary()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    again = realtime.decode(realtime.encode(value))
    assert again == value
    assert repr(again) == repr(value), "1 is not 1.0, nor True"


@given(VALUES)
def test_the_bytes_are_those_of_the_python_client(value: Any) -> None:
    assert realtime.encode(value) == msgpack.packb(value, use_bin_type=True)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_read_or_refused(data: bytes) -> None:
    try:
        value = realtime.decode(data)
    except BadMessage:
        return
    assert not isinstance(value, msgpack.Timestamp)


@given(VALUES, st.data())
def test_a_message_cut_anywhere_or_with_more_behind_it_is_refused(value: Any, data: st.DataObject) -> None:
    whole = realtime.encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for raw in (whole[:cut], whole + b"\x00"):
        with pytest.raises(BadMessage):
            realtime.decode(raw)


@pytest.mark.parametrize(
    ("client", "raw", "value"),
    [
        (
            "JS",
            "86a670726f6d7074a161a473656564cf0000010000000000a166cb3fe0000000000000a175c0a16ec0a362696ec4020001",
            {"prompt": "a", "seed": 2**40, "f": 0.5, "u": None, "n": None, "bin": b"\x00\x01"},
        ),
        (
            "Python",
            "84a670726f6d7074a161a473656564cf0000010000000000a162c4020001a166cb3fe0000000000000",
            {"prompt": "a", "seed": 2**40, "b": b"\x00\x01", "f": 0.5},
        ),
    ],
)
def test_messages_as_the_clients_send_them(client: str, raw: str, value: Any) -> None:
    assert realtime.decode(bytes.fromhex(raw)) == value, client
    assert realtime.encode(value).hex() == raw, client


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (msgpack.packb(msgpack.Timestamp(1_752_619_398, 250_000_000)), "2025-07-15T22:43:18.250Z"),
        (msgpack.packb(msgpack.Timestamp(0)), "1970-01-01T00:00:00.000Z"),
        (b"\xca" + struct.pack(">f", 0.5), 0.5),
        (b"\xd9\x01a", "a"),
        (b"\x82\xa1a\x01\xa1a\x02", {"a": 2}),
    ],
)
def test_other_ways_to_write(raw: bytes, value: Any) -> None:
    assert realtime.decode(raw) == value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "incomplete"),
        (b"\xc1", "FormatError"),
        (b"\xa1\xff", "utf-8"),
        (b"\x81\x01\x02", "map key"),
        (b"\x81\xc4\x01a\x02", "expected text as a key, found bytes"),
        (b"\xd4\x05a", "extension type 5"),
        (b"\xc7\x0c\xff" + struct.pack(">Iq", 0, 2**62), "not a date"),
        (b"\xdd\xff\xff\xff\xff", "max_array_len"),
        (b"\x91" * (MAX_DEPTH + 2) + b"\x01", f"more than {MAX_DEPTH} levels"),
        (b"\x91" * 5000 + b"\x01", "StackError"),
        (b"\xdd" + struct.pack(">I", MAX_VALUES + 1) + bytes(MAX_VALUES + 1), f"more than {MAX_VALUES} values"),
        (b"\x92" + (b"\xdd" + struct.pack(">I", MAX_VALUES) + bytes(MAX_VALUES)) * 2, f"more than {MAX_VALUES} values"),
    ],
)
def test_what_cannot_be_read(raw: bytes, words: str) -> None:
    with pytest.raises(BadMessage, match=words):
        realtime.decode(raw)


def test_the_deepest_that_can_be() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    assert realtime.decode(realtime.encode(value)) == value
    with pytest.raises(BadMessage, match="levels deep"):
        realtime.encode([value])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (2**64, "out of range"),
        (-(2**63) - 1, "out of range"),
        ("\ud800", "surrogates"),
        ({1, 2}, "set"),
        ({"a": [Spelled("1e400")]}, "1e400 is too large for a float"),
        ({"a": Spelled("-1e400")}, "too large for a float"),
    ],
)
def test_what_cannot_be_written(value: Any, words: str) -> None:
    with pytest.raises(BadMessage, match=words):
        realtime.encode(value)


def test_numbers_as_they_are_written_in_files() -> None:
    assert realtime.encode(Spelled("1e5")) == realtime.encode(100000.0)
    assert realtime.encode(1.0) == b"\xcb\x3f\xf0" + bytes(6)
    assert math.copysign(1, realtime.decode(realtime.encode(Spelled("-0.0")))) == -1


def test_frames_about_messages() -> None:
    assert realtime.error_frame("E", 'é "') == Text('{"type":"x-fal-error","error":"E","reason":"é \\""}')
    assert realtime.timeout_frame() == Text(
        '{"type":"x-fal-error","error":"TIMEOUT","reason":"no inputs, reconnect when needed!"}'
    )
    assert Text('{"status":"error","error":"Unauthorized"}') == realtime.UNAUTHORIZED


@pytest.mark.parametrize(
    ("frame", "is_one"),
    [
        (realtime.timeout_frame(), True),
        (Text('{"error": "TIMEOUT", "type": "x-fal-error"}'), True),
        (realtime.error_frame("OTHER", "TIMEOUT"), False),
        (Text('{"type":"other","error":"TIMEOUT","was":"x-fal-error"}'), False),
        (Text("x-fal-error TIMEOUT"), False),
        (Text('["x-fal-error"]'), False),
        (Binary(realtime.timeout_frame().text.encode()), False),
    ],
)
def test_the_frame_that_ends_a_session(*, frame: object, is_one: bool) -> None:
    assert realtime.is_timeout(frame) is is_one


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("fal_jwt_token=x&max_buffering=7", 7),
        ("max_buffering=60", 60),
        ("", None),
        ("max_buffering=0", None),
        ("max_buffering=61", None),
        ("max_buffering=%C2%B2", None),
        ("max_buffering=" + "9" * 5000, None),
    ],
)
def test_how_many_messages_may_wait(query: str, most: int | None) -> None:
    assert realtime.max_buffering(query) == most


# messages that announce more than they hold


@given(VALUES)
def test_what_a_message_announces_is_what_it_holds(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(realtime, "_CHECKED_ABOVE", 0)
        assert realtime.decode(realtime.encode(value)) == value


@pytest.mark.parametrize("head", [b"\xdd\x00\x04\x00\x00", b"\xdf\x00\x04\x00\x00", b"\xdc\xff\xff", b"\xde\xff\xff"])
def test_a_message_that_announces_more_than_it_holds(head: bytes) -> None:
    message = head * 1000 + b"\xc0" * 600_000
    tracemalloc.start()
    with pytest.raises(BadMessage, match="more than 500000 values"):
        realtime.decode(message)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("head", [b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"])
def test_a_length_of_four_gigabytes(head: bytes) -> None:
    for rest in (b"", bytes(8000)):
        with pytest.raises(BadMessage):
            realtime.decode(head + b"\xff" * 4 + rest)
