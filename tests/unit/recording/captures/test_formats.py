from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.captures import formats
from falmock.recording.captures.capture import Entry
from falmock.recording.captures.capture import NotACapture
from falmock.recording.captures.capture import NotAttached
from falmock.recording.exchange import Exchange

HAR = {
    "log": {
        "entries": [
            {
                "startedDateTime": "2026-03-04T10:00:00Z",
                "request": {"method": "GET", "url": "https://fal.run/a/b", "headers": []},
                "response": {"status": 200, "headers": [], "content": {"text": "{}"}},
            }
        ]
    }
}
CASSETTE = {
    "version": 1,
    "interactions": [
        {
            "request": {"method": "GET", "uri": "https://fal.run/a/b", "headers": {}, "body": None},
            "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "{}"}},
        }
    ],
}
YAML = """
version: 1
interactions:
- request: {method: GET, uri: 'https://fal.run/a/b', headers: {}, body: null}
  response:
    status: {code: 200, message: OK}
    headers: {}
    body: {string: '{}'}
"""


def not_attached(name: str) -> bytes:
    raise NotAttached(name)


def read(raw: bytes) -> list[Entry]:
    return list(formats.read(raw, not_attached))


@pytest.mark.parametrize(
    "raw", [json.dumps(HAR), json.dumps(CASSETTE), YAML, f"--- # a cassette{YAML}", f"\ufeff{YAML}"]
)
def test_the_content_says_which_format_it_is(raw: str) -> None:
    (found,) = read(raw.encode())
    assert isinstance(found, Exchange)
    assert (found.request.path, found.status, found.body) == ("/a/b", 200, b"{}")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "bytes at 0 that are no text in UTF-8"),
        (json.dumps(HAR).encode()[:-20], "JSON that is cut or broken"),
        (b"[" * 200_000, "JSON that is nested too deep"),
        (b"[]", "a list"),
        (b'{"fixtures": []}', "an object with the keys 'fixtures'"),
        (b'{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', "an object with the keys 'a', 'b', 'c', 'd', 'e', ..."),
        (b"{}", "an empty object"),
        (b"just words", "a text"),
        (b"~", "nothing"),
        (YAML.encode()[:-20], "an error in line"),
    ],
)
def test_what_is_no_capture(raw: bytes, found: str) -> None:
    with pytest.raises(NotACapture) as refused:
        read(raw)
    assert str(refused.value).startswith("expected a")
    assert f"found {found}" in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["log", "interactions", "version", "other"]), JSON)
def test_whatever_the_document_is_it_is_read_or_refused(key: str, value: Any) -> None:
    for document in (value, {key: value}, {**CASSETTE, key: value}):
        with suppress(NotACapture):
            read(json.dumps(document).encode())
