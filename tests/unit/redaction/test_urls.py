from __future__ import annotations

import pytest

from falmock.redaction import urls
from falmock.redaction.patterns import SecretSpan

NAMES = frozenset({"mine"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://me:pw@a.test/?a=b", ["me:pw"]),
        ("https://a.test/?mine=x&b=c", ["x"]),
        ("https://a.test/?a=b&amp;token=xyz).", ["xyz"]),
        ("{https://a.test/?sig=a\\u0026se=1}", ["a", "1"]),
        ("https://a.test/?se=1&mine=***", []),
        ("https://a.test/?mine=ab?cd&x=1", ["ab?cd"]),
        ("https://a.test/?mine=ab?&token=x?", ["ab?", "x?"]),
        ("https://a.test/?next=https://b.test/?token=xyz", ["xyz"]),
        ("https://me:p@ss@a.test/ https://me:p@a.test/@x", ["me:p@ss", "me:p"]),
        ("reverse:https://host:1@8081", []),
        ("https://<user>@a.test/ https://***:***@a.test/?token=hidden", ["***:***"]),
    ],
)
def test_secrets_in_urls(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in urls.in_urls(text, NAMES)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("grant_type=x&client_secret=abc", ["abc"]),
        ("a=b&mine=x&password=y z=1", ["x", "y"]),
        ("body: 'api_key=abc&a=b'", ["abc"]),
        ("a=b&password=x?y&c=1", ["x?y"]),
        ("a=b&api_key=[hidden]", []),
        ("api_key=abc", []),
        ("a=b&key=C&token=hello", []),
        ("AT&T=x y", []),
    ],
)
def test_secrets_in_forms(text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in urls.in_forms(text, NAMES)] == found


def test_credentials_to_learn() -> None:
    query = "a=b&mine=x+y&X-Amz-Signature=a%2Fb&token=t&key=k&api%5Fkey=e"
    assert list(urls.credential_parameters(query, NAMES)) == [
        ("x y", True),
        ("a/b", False),
        ("t", False),
        ("k", False),
        ("e", True),
    ]


def test_a_quoted_value_is_hidden_whole() -> None:
    text = "https://a.test/?b=c&to=https%3A%2F%2Fb.test%3Fsig%3Dab&d=e"
    place = text.index("ab")
    (span,) = urls.widened(text, [SecretSpan(place, place + 2, "x")])
    assert text[span.start : span.end] == "https%3A%2F%2Fb.test%3Fsig%3Dab"
    assert list(urls.widened(text, [SecretSpan(0, 5, "x")])) == []
    assert list(urls.widened(text, [])) == []
