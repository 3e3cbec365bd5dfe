"""Bodies that are no input of a model, compared with a real FastAPI app."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.checks import envelope
from falmock.synthesis.checks.envelope import Refused
from falmock.synthesis.checks.envelope import parsed
from falmock.wire.formats import jsontext
from falmock.wire.formats.jsontext import BadJSON
from unit.synthesis.checks.judge import Judge
from unit.synthesis.checks.written_models import Empty
from unit.synthesis.checks.written_models import Open

BODIES = [
    b"",
    b"null",
    b" ",
    b"{",
    b"[1]",
    b'"text"',
    b"5",
    b"true",
    b"1.50",
    b'{"prompt": 1,}',
    b"{'prompt': 1}",
    b'{"a": 1} {"b": 2}',
    b"prompt=a+cat",
    b'{"prompt": "\xff"}',
    b"\xef\xbb\xbf{}",
    '{"prompt": "ü"}'.encode("utf-16"),
    '{"prompt": "ü"}'.encode("utf-32-le"),
    b"[" * 100_000,
    b'{"a":' + b"9" * 5000 + b"}",
    b'["\\ud83d\\ude00", "\xc3\xbc"]',
]


@pytest.mark.parametrize("raw", BODIES, ids=lambda raw: repr(raw[:20]))
def test_the_answers_are_fastapis(raw: bytes) -> None:
    with Judge(Empty) as judge:
        status, body = judge.answer(raw)
    own = parsed(raw)
    if isinstance(own, Refused):
        assert (own.status, jsontext.dump_model(own.body)) == (status, body)
    else:
        assert status == 200


@given(raw=st.binary(max_size=8) | st.text(alphabet='{}[]":, aN1.-e', max_size=8).map(str.encode))
def test_any_bytes_are_an_object_or_refused(raw: bytes) -> None:
    own = parsed(raw)
    assert isinstance(own, dict) or (own.status in {400, 422} and list(own.body) == ["detail"])


@pytest.mark.parametrize(
    "raw", [b'{"a": NaN, "b": -Infinity}', b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b'{"a": 1e400}']
)
def test_what_fastapi_reads_and_json_does_not_have(raw: bytes) -> None:
    with Judge(Open) as judge:
        status, _ = judge.answer(raw[:-1] + b', "prompt": "a"}')
        accepted = judge.accepted
    assert status == 200
    assert accepted is not None
    assert repr(parsed(raw)) == repr(accepted.model_extra) == repr(json.loads(raw))


def test_the_last_of_equal_keys_counts() -> None:
    assert parsed(b'{"a": 1, "a": {"b": 1, "b": 2}}') == {"a": {"b": 2}}


def test_what_cannot_be_repeated_is_null() -> None:
    own = parsed(b'[NaN, "\\ud800"]')
    assert isinstance(own, Refused)
    assert own.body["detail"][0]["input"] == [None, None]


def test_nesting_that_falmock_does_not_read_is_refused_as_what_fastapi_cannot_read() -> None:
    nested = b'{"a":' * 250 + b"1" + b"}" * 250
    assert parsed(nested) == envelope._UNREADABLE


def test_a_body_that_is_too_large_is_falmocks_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_BYTES", 10)
    with pytest.raises(BadJSON, match="11 bytes of JSON"):
        parsed(b'{"a": 1234}')
