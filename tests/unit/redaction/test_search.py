from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote
from urllib.parse import quote_plus
from urllib.parse import unquote
from urllib.parse import unquote_plus

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from falmock.redaction import layers
from falmock.redaction.patterns import HIDDEN
from falmock.redaction.patterns import SecretSpan
from falmock.redaction.redactor import Redactor
from falmock.redaction.search import hidden
from falmock.redaction.search import is_ordinary
from falmock.redaction.search import merged
from falmock.redaction.search import search
from unit.redaction import planted

PART = '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n{}\r\n--b--\r\n'


class Wrapper(NamedTuple):
    """A way to put a text into another, and back."""

    wrap: Callable[[str], str]
    unwrap: Callable[[str], str]


def _digits(encode: Callable[[bytes], bytes], before: str = "") -> Wrapper:
    return Wrapper(
        lambda text: encode(f"{before}{text}".encode()).decode(),
        lambda text: base64.b64decode(text.replace("-", "+").replace("_", "/")).decode("utf-8", "replace"),
    )


WRAPPERS = {
    "json": Wrapper(lambda text: json.dumps({"a": text, "b": 1}), lambda text: str(json.loads(text)["a"])),
    "json in utf-8": Wrapper(
        lambda text: json.dumps([text], ensure_ascii=False), lambda text: str(json.loads(text)[0])
    ),
    "percent": Wrapper(lambda text: quote(text, safe=""), unquote),
    "url": Wrapper(
        lambda text: f"https://a.test/go?n=1&to={quote(text)}#f", lambda text: unquote(text.partition("to=")[2])
    ),
    "form": Wrapper(
        lambda text: f"n=1&text={quote_plus(text)}&m=2", lambda text: unquote_plus(text.split("&")[1].partition("=")[2])
    ),
    "parts": Wrapper(PART.format, lambda text: text.partition("\r\n\r\n")[2].rpartition("\r\n--b--")[0]),
    "base64": _digits(base64.b64encode),
    "base64, one later": _digits(base64.b64encode, "x"),
    "base64, two later": _digits(base64.b64encode, "xy"),
    "base64 for URLs": _digits(base64.urlsafe_b64encode),
    "base64 in lines": _digits(base64.encodebytes),
    "hexadecimal": Wrapper(lambda text: text.encode().hex(), lambda text: bytes.fromhex(text).decode()),
    "data URI": Wrapper(
        lambda text: f"data:text/plain;base64,{base64.b64encode(text.encode()).decode()}",
        lambda text: base64.b64decode(text.partition(",")[2]).decode("utf-8", "replace"),
    ),
    "prose": Wrapper(lambda text: f"here it is: {text} and more", lambda text: text),
}
CHAINS = st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=5)
LEARNED = "correct horse/battery+staple?"
SECRETS = {
    "learned": LEARNED,
    "learned, short": "hünter2!",
    "learned, as in JSON": 'quote"s and \\ more',
    "shape": planted.FAL_KEY,
    "web token": planted.JWT,
    "Stripe": planted.SHAPES["Stripe"][1],
    "basic": planted.BASIC,
    "name": "only-the-name-tells",
}


def holding(secret: str) -> str:
    """A text with a secret, as it is told apart from others."""
    if secret == planted.BASIC:
        return f"Authorization: Basic {secret}"
    return json.dumps({"api_key": secret}) if secret == SECRETS["name"] else f"it is {secret} !"


def wrapped(text: str, chain: list[str]) -> str:
    for name in chain:
        text = WRAPPERS[name].wrap(text)
    return text


def seen(text: str, chain: list[str]) -> list[str]:
    """All that somebody can make of a text who knows how it is wrapped."""
    found = [text]
    for name in reversed(chain):
        try:
            text = WRAPPERS[name].unwrap(text)
        except (ValueError, binascii.Error, IndexError, KeyError, TypeError):
            break
        found.append(text)
    return found


def knowing() -> Redactor:
    redactor = Redactor()
    for name in ("learned", "learned, short", "learned, as in JSON"):
        redactor.learn_value(SECRETS[name])
    return redactor


@pytest.mark.parametrize("kind", SECRETS)
@given(CHAINS)
@example(["json", "json", "json", "json", "json"])
@example(["percent", "url", "url", "form", "json"])
@example(["base64", "base64", "json", "base64 for URLs"])
def test_a_secret_is_found_however_it_is_wrapped(kind: str, chain: list[str]) -> None:
    redactor, secret = knowing(), SECRETS[kind]
    text = wrapped(holding(secret), chain)
    for shown in (redactor.value(text), redactor.text(text), redactor.value({"a": [text]})["a"][0]):
        for each in seen(shown, chain):
            assert secret not in each


@given(CHAINS, st.sampled_from([text for text in planted.ABOUT_KEYS if "?" not in text and "@" not in text]))
def test_a_text_without_secrets_is_the_same_object(chain: list[str], text: str) -> None:
    text = wrapped(text, chain)
    assert knowing().value(text) is text


@pytest.mark.parametrize("name", ["json", "percent", "url", "form", "base64"])
@pytest.mark.parametrize("secret", [planted.FAL_KEY, "a cat"])
def test_what_is_too_deep_to_see_is_hidden(name: str, secret: str) -> None:
    text = wrapped(f'say "{secret}"', [name] * 14)
    shown = Redactor().value(text)
    assert HIDDEN in shown or "hidden" in shown
    assert all(planted.FAL_KEY not in each for each in seen(shown, [name] * 14))


@pytest.mark.parametrize("text", ["\\" * 30_000, "word " * 20_000, "é\\n" * 9_000, "50% " * 9_000, "C:\\a\\b" * 9_000])
def test_a_long_text_is_left_alone(text: str) -> None:
    assert Redactor().value(text) is text


@pytest.mark.parametrize(
    "unit",
    ["%25", "%2525", "%41", "\\\\", '\\"', "\\u0025", "\\u005c", "QUJDREVG", "https://a.test/?u=%3A", '"\\"', "%5C%22"],
)
@pytest.mark.parametrize("size", [1_000, 100_000])
def test_the_work_grows_with_the_text_and_not_with_its_layers(unit: str, size: int) -> None:
    looked = 0

    def find(text: str) -> list[SecretSpan]:
        nonlocal looked
        looked += len(text)
        return []

    text = (unit * size)[:size]
    search(text, find, lambda _: False)
    assert looked <= 14 * size + 80_000


def test_a_url_in_urls_is_searched_without_recursion() -> None:
    url = "https://a.test/?x=1"
    for _ in range(330):
        url = f"https://a.test/?u={quote(url, safe='')}"[:100_000]
    assert Redactor().value(url) != url


def test_spans_of_layers_are_those_of_the_text() -> None:
    text = '{"a": "{\\"api_key\\": \\"x\\\\ny\\"}"}'
    redactor = Redactor()
    assert redactor.value(text) == '{"a": "{\\"api_key\\": \\"[hidden]\\"}"}'
    assert json.loads(json.loads(redactor.value(text))["a"]) == {"api_key": "[hidden]"}


def test_the_same_digits_are_hidden_each_time() -> None:
    digits = base64.b64encode(planted.FAL_KEY.encode()).decode()
    assert Redactor().value(f"<{digits}> <{digits}>") == "<[hidden]> <[hidden]>"


def test_overlapping_spans_become_one() -> None:
    spans = [SecretSpan(3, 5, "b"), SecretSpan(0, 4, "a"), SecretSpan(7, 8, "c"), SecretSpan(0, 2, "d")]
    assert merged(spans) == [SecretSpan(0, 5, "a"), SecretSpan(7, 8, "c")]


def test_what_never_ends_is_hidden_whole() -> None:
    assert hidden("abc", lambda text: [SecretSpan(0, 1, "x", text[0])]) == HIDDEN


def test_bytes_in_base64_are_searched_for_what_was_learned() -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0" + LEARNED.encode() + b"\0" * 30).decode()
    assert Redactor().value(picture) is picture
    assert knowing().value(picture) == HIDDEN


def test_layers_are_counted() -> None:
    assert layers.DEPTH == 8


ORDINARY = st.one_of(
    st.lists(
        st.sampled_from(
            [
                "a",
                "cat,",
                "Key",
                "sk-",
                "hf_",
                "Basic",
                "it's",
                "é",
                "eyJ0eXAi.e30.",
                "AKIA0123",
                "8Q~",
                "-----BEGIN",
                "PRIVATE",
                "KEY-----",
            ]
        )
    ).map(" ".join),
    st.from_regex(r"(?:[!-~]{1,13}[ \t\n]{1,2}){0,6}", fullmatch=True),
    st.uuids().map(str),
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.text(max_size=60),
)


@given(ORDINARY)
@example("Basic YTpiY2Rl")
@example("Key abc12345")
@example("Key+abc12345")
@example("a:b@c")
def test_an_ordinary_text_has_no_secret(text: str) -> None:
    if is_ordinary(text):
        redactor = Redactor(["mine"])
        assert search(text, redactor._plain_message_spans, None) == []


@pytest.mark.parametrize(
    "text", ["", "a cat, on a mat. 12 x 34", "the keys' bearer", "01981041-b370-7000-8000-000000000001"]
)
def test_ordinary_texts(text: str) -> None:
    assert is_ordinary(text)


@pytest.mark.parametrize("secret", [secret for _, secret in planted.SHAPES.values()])
def test_a_secret_is_not_ordinary(secret: str) -> None:
    assert not is_ordinary(secret)


def test_learned_secrets_and_patterns_are_found_in_ordinary_texts() -> None:
    redactor = Redactor(patterns=["c.t"])
    redactor.learn_value("sesame77")
    assert redactor.value("a cat said sesame77 twice") == f"a {HIDDEN} said {HIDDEN} twice"
    assert redactor.text("a cat said sesame77 twice") == f"a {HIDDEN} said {HIDDEN} twice"
