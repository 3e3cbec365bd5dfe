from __future__ import annotations

import pytest

from falmock.redaction import fields

NAMES = frozenset({"mine"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"api_key": "a\\"b", "n": 1}', ['a\\"b']),
        ("{'api_key': 'a b', 'mine': 12.5}", ["a b", "12.5"]),
        ('{"secret_key":["a", "b" , 3],"x":["c"]}', ["a", "b", "3"]),
        ('{"api_key"+:+"abc"}', ["abc"]),
        ('{"password": "cut off', ["cut off"]),
        ('{"password": null, "api_key": {"a": "b"}, "mine": ""}', []),
        ('{"token": "hello", "jwt": "abcdefghij0123456789"}', ["abcdefghij0123456789"]),
        ('{"token": 1234567890, "password": true}', []),
        ('say "api_key": \\"x\\"', []),
    ],
)
def test_secrets_in_json(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in fields.in_json(text, NAMES)] == found


def test_json_stays_json() -> None:
    (span,) = fields.in_json('{"password": -12.5}', NAMES)
    assert span.replacement == "null"


PART = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n--b'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PART.format("api_key", "", "abc\r\ndef"), ["abc\r\ndef"]),
        (PART.format("mine", '; filename="a.txt"\r\nContent-Type: text/plain', "abc"), ["abc"]),
        (PART.format("prompt", "", "abc"), []),
        (PART.format("token", "", "hello"), []),
        (
            PART.format("prompt", "", "a") + "\r\n" + PART.format("api_key", "", "b") + PART.format("mine", "", "c"),
            ["b", "c"],
        ),
        (PART.format("api_key", "", "abc").replace("\r", "").partition("\n--")[0], ["abc"]),
        (PART.format("api_key", "", "abc").partition("\r\n\r\n")[0], []),
        ("form-data; a=b", []),
    ],
)
def test_secrets_in_the_parts_of_a_form(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in fields.in_parts(text, NAMES)] == found
