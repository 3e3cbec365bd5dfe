from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire import jsontext
from falmock.wire.jsontext import BadJSON

TEXTS = st.text(st.characters(), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES, indent=st.sampled_from([None, 0, 2]), escaped=st.booleans(), marked=st.booleans())
def test_valid_json_is_read_as_the_standard_library_reads_it(
    value: Any, indent: int | None, *, escaped: bool, marked: bool
) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    try:
        raw = text.encode("utf-8-sig" if marked else "utf-8")
    except UnicodeEncodeError:  # an unescaped lone surrogate
        return
    assert repr(jsontext.loads(raw)) == repr(json.loads(text)) == repr(value)


def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def no_constant(name: str) -> Any:
    raise ValueError(name)


JSON_LIKE = st.lists(
    st.sampled_from(
        ["[", "]", "{", "}", ",", ":", '"', '"a"', "1", "-", "0", ".5", "e9", "true", "null", "NaN", "Infinity"]
    )
    | st.sampled_from([" ", "\n", "\\", "\\u00e9", "\\ud800", "é", "\x00", "'", "//"]),
    max_size=12,
).map(lambda pieces: "".join(pieces).encode())


@given(JSON_LIKE | st.binary(max_size=20))
def test_any_bytes_are_json_or_refused_in_words(raw: bytes) -> None:
    try:
        expected = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=no_twins, parse_constant=no_constant)
    except ValueError:
        with pytest.raises(BadJSON) as caught:
            jsontext.loads(raw)
        assert str(caught.value)
        assert 0 <= caught.value.position <= len(raw)
    else:
        assert repr(jsontext.loads(raw)) == repr(expected)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"NaN", "NaN is not a JSON value"),
        (b"[-Infinity]", "-Infinity is not"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands twice"),
        (b'"\xff"', "byte 0xff"),
        (b'\xef\xbb\xbf"\xfe"', "byte 0xfe"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b"1 2", "Extra data"),
        pytest.param(b"[" * 200_000, "nested too deeply", id="deep-list"),
        pytest.param(b'{"a":' * 200_000, "nested too deeply", id="deep-object"),
        pytest.param(b"9" * 5000, "digits", id="digits"),
        (b'"\n"', "control character"),
    ],
)
def test_what_is_wrong_is_said(raw: bytes, words: str) -> None:
    with pytest.raises(BadJSON, match=words) as caught:
        jsontext.loads(raw)
    assert not caught.value.too_large


@pytest.mark.parametrize(
    ("raw", "position"),
    [
        (b'{"a": x}', 6),
        ('{"é": x}'.encode(), 6),
        (b"\xef\xbb\xbf{x", 1),
        ('"é'.encode() + b"\xff", 2),
        (b'\xef\xbb\xbf"\xff', 1),
    ],
)
def test_a_fault_is_placed_by_character(raw: bytes, position: int) -> None:
    with pytest.raises(BadJSON) as caught:
        jsontext.loads(raw)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b" " * (64 * 1024 * 1024 + 1), id="bytes"),
        pytest.param(b"[" + b"1," * 600_000 + b"1]", id="values"),
        pytest.param(b"[" * 600_000, id="lists"),
    ],
)
def test_too_much_json(raw: bytes) -> None:
    with pytest.raises(BadJSON) as caught:
        jsontext.loads(raw)
    assert caught.value.too_large


def test_numbers_stay_exact() -> None:
    assert jsontext.loads(b"[15218022503948752270, 1e2, -0.0]") == [15218022503948752270, 100.0, 0.0]
    assert jsontext.dump_model(15218022503948752270) == b"15218022503948752270"


def test_the_queue_writes_with_spaces_and_ascii() -> None:
    assert jsontext.dump_queue({"status": "é", "logs": None, "n": [1, 2]}) == (
        b'{"status": "\\u00e9", "logs": null, "n": [1, 2]}'
    )


def test_models_write_compactly_and_unescaped() -> None:
    assert jsontext.dump_model({"prompt": "é", "n": [1, 2.5]}) == '{"prompt":"é","n":[1,2.5]}'.encode()


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert repr(jsontext.loads(jsontext.dump_model(value))) == repr(value)
    assert repr(jsontext.loads(jsontext.dump_queue(value))) == repr(value)


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_a_model_never_writes_what_is_no_json(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        jsontext.dump_model(value)
