from __future__ import annotations

import pytest

from falmock.redaction.shapes import by_shape
from unit.redaction.planted import JWT
from unit.redaction.planted import PEM


def parts(text: str) -> list[str]:
    return [text[found.start : found.end] for found in by_shape(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"({JWT}).", [JWT]),
        (f"{JWT}.png", [JWT]),
        (f"{JWT},{JWT}", [JWT, JWT]),
        (f"a.{JWT}", [JWT]),
        (f"-eyJ-eyJ.{JWT}", [JWT]),
        (f"eyJ.eyJa.{JWT}", [JWT]),
        ("eyJabcdefghi.abcdef.ab", []),
        ("eyJabcdefghi.abc.abcdef", []),
        ("eyJhbGciOiJIUzI1NiJ9", []),
        (f"photo{JWT}", [JWT]),
        ("x" * 80 + JWT, []),
    ],
)
def test_web_tokens(text: str, found: list[str]) -> None:
    assert parts(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"a {PEM} b {PEM} c", [PEM, PEM]),
        (f"a {PEM[:60]}", [PEM[:60]]),
        (PEM.replace("\n", "\\n"), [PEM.replace("\n", "\\n")]),
        (PEM.replace(" ", "+"), [PEM.replace(" ", "+")]),
        ("-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----", []),
        ("-----BEGIN CERTIFICATE-----", []),
    ],
)
def test_private_keys(text: str, found: list[str]) -> None:
    assert parts(text) == found


def test_the_id_in_front_of_a_secret_is_a_part_of_it() -> None:
    key = "01234567-89AB-cdef-0123-456789abcdef:0123456789abcdef0123456789ABCDEF"
    assert parts(f"photo{key}.png") == [key]
    assert parts(f"see {key}0") == []
    assert parts(key[1:]) == []


@pytest.mark.parametrize("text", ["Basic aGVsbG8gd29ybGQ=", "Basic training", "Basic instinct", "Basic 6Ym66a6="])
def test_basic_needs_a_user_and_a_password(text: str) -> None:
    assert parts(text) == []
