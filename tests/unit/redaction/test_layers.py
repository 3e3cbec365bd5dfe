from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.redaction import layers

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(TEXTS)
def test_escapes_of_json_are_decoded(text: str) -> None:
    for dumped in (
        json.dumps(text.replace("%", ""))[1:-1],
        json.dumps(text.replace("%", ""), ensure_ascii=False)[1:-1],
    ):
        layer = layers.unescaped(dumped)
        assert text.replace("%", "") == (dumped if layer is None else layer.text)


@given(TEXTS)
def test_percent_encoding_is_decoded(text: str) -> None:
    quoted = quote(text, safe="")
    layer = layers.unescaped(quoted)
    assert text == (quoted if layer is None else layer.text)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (r"a\nb\"c\/d\x41", 'a\nb"c/dA'),
        (r"\ud83d\ude00!", "\U0001f600!"),
        ("%C3%A9%E9", "Ã©é"),
        ("%c3%a9", "é"),
        (r"\u00", None),
        ("100% %4", None),
        ("plain", None),
        ("\\", None),
    ],
)
def test_a_layer(text: str, decoded: str | None) -> None:
    layer = layers.unescaped(text)
    assert decoded == (None if layer is None else layer.text)


@given(st.lists(st.sampled_from(["a", "bc", r"\"", "%41%42", r"\u00e9", "%", "\\\\", "é"]), max_size=8))
def test_a_part_of_a_layer_is_a_part_of_the_source(parts: list[str]) -> None:
    text = "".join(parts)
    layer = layers.unescaped(text)
    if layer is None:
        return
    for start in range(len(layer.text)):
        for end in range(start + 1, len(layer.text) + 1):
            left, right = layer.source(start, end)
            assert 0 <= left < right <= len(text)
            decoded = layers.unescaped(text[left:right])
            assert layer.text[start:end] in (text[left:right] if decoded is None else decoded.text)


@pytest.mark.parametrize(
    ("text", "part"), [(r"a \"b\" c", r"\"b\""), ("a %41 b %42", "%41 b %42"), (r"a \\\\ b \. c", None), ("a", None)]
)
def test_what_is_deeper_goes_from_the_first_escape_to_the_last(text: str, part: str | None) -> None:
    assert [text[start:end] for start, end in layers.deeper(text)] == ([] if part is None else [part])


CONTENT = b'{"say": "here is a text"}'


@pytest.mark.parametrize(
    "digits",
    [
        base64.b64encode(CONTENT),
        base64.b64encode(CONTENT).rstrip(b"="),
        base64.urlsafe_b64encode(CONTENT),
        b"/files/of-mine/" + base64.b64encode(CONTENT),
        CONTENT.hex().encode(),
        b"files/" + CONTENT.hex().encode(),
        CONTENT.hex().upper().encode(),
        base64.b64encode(CONTENT)[:30] + b"\r\n" + base64.b64encode(CONTENT)[30:],
    ],
)
def test_texts_in_base64_and_hexadecimal_digits(digits: bytes) -> None:
    assert CONTENT in [data for _, data in layers.contents(digits.decode(), all_bytes=False)]


def test_bytes_are_decoded_only_for_who_wants_them() -> None:
    picture = b"\x89PNG\r\n\x1a\n" * 9
    digits = base64.b64encode(picture).decode()
    assert list(layers.contents(digits, all_bytes=False)) == []
    assert list(layers.contents(digits, all_bytes=True)) == [(0, picture)]


def test_base64_may_have_lines() -> None:
    digits = base64.encodebytes(CONTENT * 9).decode()
    (part,) = layers.encoded(f"say:\n{digits}\nand more")
    assert (0, CONTENT * 9) in list(layers.contents(part.digits, all_bytes=False))


@pytest.mark.parametrize("text", ["a cat", "https://a.test/b/c.png", "word " * 30])
def test_words_are_no_base64(text: str) -> None:
    assert list(layers.encoded(text)) == []


def test_bytes_that_are_no_text_become_one() -> None:
    assert layers.text_of("é".encode()) == "é"
    assert layers.text_of(b"\xe9") == "é"
    assert layers.is_text(b"abc")
    assert not layers.is_text(b"\xe9bc")
    assert not layers.is_text(b"abc\0")
