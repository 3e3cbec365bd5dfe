"""What the screens say of a message on a socket."""

from __future__ import annotations

import json
from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.proxy.screens.describe import MAX_SHOWN
from falmock.proxy.screens.describe import describe_message
from falmock.proxy.screens.describe import unpacked
from falmock.redaction.redactor import Redactor
from falmock.wire import realtime


def shown(content: bytes | str) -> str:
    is_text = isinstance(content, str)
    return describe_message(content.encode() if is_text else content, Redactor(), is_text=is_text)


def packed(value: Any) -> bytes:
    return bytes(msgpack.packb(value))


def test_msgpack_reads_as_json_and_bytes_as_how_many_they_are() -> None:
    image = {"content": bytes(3000), "content_type": "image/jpeg"}
    assert shown(packed({"images": [image], "seed": 2**40})) == (
        'msgpack:\n{\n  "images": [\n    { "content": "(3,000 bytes)", "content_type": "image/jpeg" }\n  ],\n'
        '  "seed": 1099511627776\n}'
    )


def test_secrets_are_hidden_in_msgpack_and_in_text() -> None:
    secrets = {"token": "planted-token-123", "nested": [{"password": "planted-password-1"}]}
    for message in (packed(secrets), json.dumps(secrets)):
        text = shown(message)
        assert "planted" not in text
        assert text.count("[hidden]") == 2


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("hello", "text: hello"),
        ('{"n":1.50}', 'text: { "n": 1.50 }'),
        ("", "text, 0 bytes"),
        ("\x07", "text: \x07"),
        (packed("hello"), 'msgpack: "hello"'),
        (packed({"n": float("nan")}), 'msgpack: { "n": "nan" }'),
        (b"5", "binary: 5"),
        (b'{"n": 1}', 'binary: { "n": 1 }'),
        (b"two\r\nlines", "binary:\ntwo\r\nlines"),
        (b"\x89PNG\r\n\x1a\n" * 200, "binary, 1,600 bytes"),
        (b"\x00\x01", "binary, 2 bytes"),
        (b"", "binary, 0 bytes"),
        ("a" * (MAX_SHOWN + 1), "text, 2,097,153 bytes"),
        (packed({"a": "b" * MAX_SHOWN}), "msgpack, 2,097,160 bytes"),
    ],
    ids=str,
)
def test_other_messages(message: bytes | str, text: str) -> None:
    assert shown(message) == text


def test_a_large_message_whose_size_is_in_its_bytes_is_read() -> None:
    assert shown(packed({"image": bytes(4 * MAX_SHOWN)})) == 'msgpack: { "image": "(8,388,608 bytes)" }'


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_told_of(content: bytes, is_text: bool) -> None:  # noqa: FBT001
    assert describe_message(content, Redactor(), is_text=is_text).startswith(("text", "msgpack", "binary"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.dictionaries(st.text(max_size=8), VALUES))
def test_what_is_unpacked_is_json_that_msgpack_can_write(value: dict[str, Any]) -> None:
    read = unpacked(packed(value))
    assert json.loads(json.dumps(read, allow_nan=False)) == read
    assert realtime.decode(realtime.encode(read)) == read
