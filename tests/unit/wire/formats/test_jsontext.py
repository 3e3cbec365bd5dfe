from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats import jsontext
from falmock.wire.formats import spelled
from falmock.wire.formats.jsontext import BadJSON
from falmock.wire.formats.jsontext import TooDeep
from falmock.wire.formats.spelled import Spelled

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
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' occurs twice"),
        (b'"\xff"', "byte 0xff"),
        (b'\xef\xbb\xbf"\xfe"', "byte 0xfe"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b"1 2", "Extra data"),
        pytest.param(b"[" * 200_000, "nested more than 220 levels deep", id="deep-list"),
        pytest.param(b'{"a":' * 200_000, "nested more than 220 levels deep", id="deep-object"),
        pytest.param(b"[" * 221 + b"]" * 221, "nested more than 220 levels deep", id="deeper-list"),
        pytest.param(b'{"a":[' * 110 + b'{"b": "[[["}' + b"]}" * 110, "nested more than 220", id="deeper-object"),
        pytest.param(b"9" * 5000, "digits", id="digits"),
        (b'"\n"', "control character"),
    ],
)
def test_what_is_wrong_is_said(raw: bytes, words: str) -> None:
    with pytest.raises(BadJSON, match=words) as caught:
        jsontext.loads(raw)
    assert not caught.value.too_large
    assert isinstance(caught.value, TooDeep) is words.startswith("nested")


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


DIGITS = st.text("0123456789", min_size=1, max_size=25)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.just("0") | DIGITS.map(lambda digits: "1" + digits),
    st.just("") | DIGITS.map(lambda digits: "." + digits),
    st.just("")
    | st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), DIGITS.map(lambda it: it[:3])),
)
# Two surrogates in a row are one character to a reader.
PLAIN_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.just("\ud800")
EXACT = st.recursive(
    st.none() | st.booleans() | NUMBERS.map(lambda text: jsontext.loads_exact(text.encode())) | PLAIN_TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(NUMBERS))
def test_every_number_is_written_as_it_was_read(numbers: list[str]) -> None:
    raw = f"[{','.join(numbers)}]"
    assert jsontext.dump_exact(jsontext.loads_exact(raw.encode()), indent=None) == raw


@given(EXACT, st.sampled_from([None, 0, 1, 2]))
def test_what_is_written_exactly_is_read_back_exactly(value: Any, indent: int | None) -> None:
    text = jsontext.dump_exact(value, indent=indent)
    again = jsontext.loads_exact(text.encode())
    assert repr(again) == repr(value)
    assert jsontext.dump_exact(again, indent=indent) == text
    assert text.endswith("\n") is (indent is not None)
    assert jsontext.dump_exact(again, indent=None) == jsontext.dump_exact(value, indent=None)


@given(VALUES)
def test_ordinary_values_are_written_as_models_answer(value: Any) -> None:
    try:
        expected = jsontext.dump_model(value).decode()
    except UnicodeEncodeError:
        return
    if "\\ud" not in expected:
        assert jsontext.dump_exact(value, indent=None) == expected


LONG = st.recursive(
    st.integers(0, 60).map("x".__mul__),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(1, 30).map("k".__mul__), inner, max_size=4),
    max_leaves=12,
)


@given(LONG)
def test_only_a_single_value_makes_a_line_long(value: Any) -> None:
    for line in jsontext.dump_exact(value, indent=2).splitlines():
        assert len(line) <= spelled.MAX_COLUMNS or line.rstrip(",")[-1] == '"'


def test_the_layout_for_files() -> None:
    value = jsontext.loads_exact(
        b'{"a": {"b": 1, "c": [1.10, -0.0]}, "d": {"e": "\xc3\xa9", "f": 1e400}, "g": [], "h": {}, "i": [[1, 2], {}]}'
    )
    assert (
        jsontext.dump_exact(value, indent=2)
        == """{
  "a": {
    "b": 1,
    "c": [1.10, -0.0]
  },
  "d": { "e": "é", "f": 1e400 },
  "g": [],
  "h": {},
  "i": [
    [1, 2],
    {}
  ]
}
"""
    )


@pytest.mark.parametrize(("length", "place"), [(88, 2), (89, 4)])
def test_the_columns_of_a_line_are_counted_with_key_and_comma(length: int, place: int) -> None:
    text = jsontext.dump_exact({"a": ["x" * length], "b": 1, "c": [{}]}, indent=2)  # 12 columns around the text
    assert text.splitlines().index('  "b": 1,') == place


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("value", [float("nan"), [1.0, {"a": float("-inf")}], {"a": Spelled("1e5"), "b": float("inf")}])
def test_what_has_no_text_is_not_written(value: Any, indent: int | None) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        jsontext.dump_exact(value, indent=indent)


@pytest.mark.parametrize("indent", [None, 2])
def test_depth_without_end_is_refused_in_words(indent: int | None) -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        jsontext.dump_exact(value, indent=indent)


def test_a_spelled_number_is_a_float() -> None:
    (number,) = jsontext.loads_exact(b"[1.10]")
    assert type(number) is Spelled
    assert (number, number.text, str(number), number + 1) == (1.1, "1.10", "1.10", 2.1)
    assert repr(copy.deepcopy([number])) == "[1.10]"
    assert type(jsontext.loads(b"1.10")) is float
    assert [type(plain) for plain in jsontext.loads_exact(b"[1.1, 1, 0, -1]")] == [float, int, int, int]


@pytest.mark.parametrize(
    ("raw", "value", "made"),
    [
        (b'{"a": 1.10}', {"a": 1.1}, True),
        ('{"a": "\u00e9"}', {"a": "\u00e9"}, True),
        (b"[1]", [1], False),
        (b'"a"', "a", False),
        (b"null", None, False),
        (b"", None, False),
        (b"{", None, False),
        (b'{"a": 1, "a": 2}', None, False),
        (b"\xff", None, False),
        ('"\ud800"', None, False),
    ],
)
def test_what_is_no_json_or_no_object_is_none(raw: bytes | str, value: Any, *, made: bool) -> None:
    assert jsontext.value_of(raw) == jsontext.value_of(raw, exact=True) == value
    assert jsontext.object_of(raw) == jsontext.object_of(raw, exact=True) == (value if made else None)


def test_a_value_is_read_exactly_when_asked() -> None:
    assert repr(jsontext.value_of(b"[1.10]")) == "[1.1]"
    assert repr(jsontext.value_of(b"[1.10]", exact=True)) == "[1.10]"
    assert repr(jsontext.object_of(b'{"a": 1.10}')) == "{'a': 1.1}"
    assert repr(jsontext.object_of(b'{"a": 1.10}', exact=True)) == "{'a': 1.10}"


@pytest.mark.parametrize(("raw", "is_it"), [(b"null", True), (b" 1 ", True), (b"", False), (b"{", False)])
def test_json_is_told_from_what_is_none(raw: bytes, *, is_it: bool) -> None:
    assert jsontext.is_json(raw) is is_it


WRITTEN = st.sampled_from(["1e400", "-1E400", "1e-400", "1.10", "-0", "9" * 4300]) | st.floats(allow_nan=False).map(
    repr
)
NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])


@given(st.lists(WRITTEN | NOT_FINITE.map(str), max_size=4))
def test_what_is_written_is_json_whatever_its_numbers(texts: list[str]) -> None:
    """Neither style writes NaN or Infinity, and a number that was read is written with its value."""
    sent = [float(text) if text in ("nan", "inf", "-inf") else jsontext.loads_exact(text.encode()) for text in texts]
    expected = [None if type(each) is float and not math.isfinite(each) else each for each in sent]
    for dump in (jsontext.dump_queue, jsontext.dump_model):
        found = jsontext.loads_exact(dump({"é": sent, "deeper": {"\ud800": (sent,)}}))
        assert found == {"é": expected, "deeper": {"\ud800": [expected]}}


# what is shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"a":1e999,"b":-1E+400}', '{"a": 1e999, "b": -1E+400}'),
        (b"[1.10, -0, 1e5, 0.1, 15738016505585340234]", "[1.10, -0, 1e5, 0.1, 15738016505585340234]"),
        ('{"é":"\\ud83d\\ude00 1e999","n":1e999}'.encode(), '{"\\u00e9": "\\ud83d\\ude00 1e999", "n": 1e999}'),
        (b'["\\ud800"]', '["\\ud800"]'),
        (b"9" * 4000, "9" * 4000),
    ],
)
def test_what_came_in_is_shown_as_it_was_written(raw: bytes, shown: str) -> None:
    assert jsontext.dump_shown(jsontext.loads_exact(raw)) == shown


def test_what_json_does_not_have() -> None:
    value = {"a": math.nan, "b": (math.inf, b"x"), 1: {b"k": Spelled("1e999")}}
    assert jsontext.dump_shown(value) == '{"a": null, "b": [null, "b\'x\'"], "1": {"b\'k\'": 1e999}}'
    assert jsontext.dump_shown({"a": "é", "b": {1}}, ensure_ascii=False) == '{"a": "é", "b": "{1}"}'


anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=5),
        st.sampled_from(["1e999", "-1e999", "1.10", "-0"]).map(Spelled),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


def strictly(text: str) -> Any:
    """The value of a JSON text, if JSON has it (RFC 8259)."""
    return json.loads(text.encode(), parse_constant=lambda name: pytest.fail(f"{name} in {text}"))


@given(anything)
def test_all_that_is_written_is_json(value: Any) -> None:
    shown = strictly(jsontext.dump_shown(value))
    assert strictly(jsontext.dump_shown(value, ensure_ascii=False)) == shown
    assert strictly(jsontext.dump_model(value).decode()) == shown
    queue = jsontext.dump_queue(value).decode()
    assert queue.isascii()
    assert strictly(queue) == shown
    assert strictly(jsontext.dump_exact(spelled.finite(value), indent=2)) == shown


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 220 + b"]" * 220,
        b'{"a":[' * 110 + b"]}" * 110,
        b'["%s", "[]{["]' % (b"[{" * 500),
        b"[%s]" % b",".join([b"[{}]"] * 1000),
        b'"%s"' % (b"[" * 500),
    ],
)
def test_what_is_not_nested_too_deep_is_read(value: bytes) -> None:
    assert json.loads(value) == jsontext.loads(value)


@pytest.mark.parametrize(
    "value", [{"a": object()}, [object()], {"a": object(), "b": [{}]}, {"a": object(), "b": Spelled("1e5")}]
)
def test_what_json_does_not_have_is_shown_and_never_written(value: Any) -> None:
    assert "object object at" in jsontext.dump_shown(value)
    for indent in (None, 2):
        with pytest.raises(TypeError, match="not JSON serializable"):
            jsontext.dump_exact(value, indent=indent)


@pytest.mark.parametrize(("key", "text"), [(True, "true"), (None, "null"), (1, "1"), (1.5, "1.5")])
def test_keys_that_are_no_texts_are_spelled_as_json_does(key: Any, text: str) -> None:
    for value in ({key: 1}, {key: [{}]}, {key: Spelled("1e5")}):
        assert list(json.loads(jsontext.dump_exact(value, indent=2))) == [text]
        assert list(json.loads(jsontext.dump_shown(value))) == [text]


@given(raw=st.binary(max_size=12) | st.text(alphabet='{}[]":, aN1.-eé', max_size=12).map(str.encode))
def test_texts_are_read_as_python_reads_them(raw: bytes) -> None:
    try:
        expected = json.loads(raw)
    except ValueError as error:
        with pytest.raises(type(error)):
            jsontext.loads_as_python(raw)
    else:
        assert repr(jsontext.loads_as_python(raw)) == repr(expected)


@pytest.mark.parametrize("raw", [b"[" * 221 + b"]" * 221, b'{"a":' * 230 + b"1" + b"}" * 230])
def test_what_is_nested_too_deep_is_not_read_as_python_reads_it(raw: bytes) -> None:
    with pytest.raises(TooDeep, match="nested more than 220 levels deep"):
        jsontext.loads_as_python(raw)


def test_what_is_too_large_is_not_read_as_python_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_VALUES", 3)
    with pytest.raises(BadJSON, match="more than 3 values") as found:
        jsontext.loads_as_python(b"[1, 2, 3, 4, 5]")
    assert found.value.too_large
