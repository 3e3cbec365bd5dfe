"""The one form in which hosts are compared, and which of them can be connected to."""

from __future__ import annotations

import contextlib
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import checked
from falmock.wire.hosts import named
from falmock.wire.hosts import normalize


@cache
def spellings() -> Mapping[str, str]:
    """The characters that Unicode makes a letter, a hyphen or a dot of, by what it makes of them."""
    found: defaultdict[str, str] = defaultdict(str)
    for character in map(chr, range(sys.maxunicode + 1)):
        plain = unicodedata.normalize("NFKC", character).casefold().replace("\u3002", ".")
        if len(plain) == 1 and plain in "abcdefghijklmnopqrstuvwxyz0123456789-.":
            found[plain] += character
    return found


IGNORED = st.text("\u00ad\u034f\u180b\u200b\u200c\u200d\u2060\ufe00\ufe0f\ufeff", max_size=2)


@st.composite
def disguised(draw: st.DrawFn) -> tuple[str, str]:
    """A host of fal's, and the name in other characters."""
    name = draw(st.sampled_from(["fal.run", "queue.fal.run", "rest.fal.ai", "v3b.fal.media", "any-0x7z.fal.dev"]))
    text = "".join(draw(st.sampled_from(spellings()[letter])) + draw(IGNORED) for letter in name)
    return name, text + draw(st.sampled_from(["", ".", "\u3002", "\uff0e"]))


@given(disguised())
def test_whatever_a_resolver_makes_fals_is_fals(pair: tuple[str, str]) -> None:
    name, text = pair
    assert normalize(text) == name
    assert Hosts().owns(text)
    assert normalize(quote(text)) == name
    with contextlib.suppress(
        UnicodeError
    ):  # Python knows Unicode 3.2 here, and forbids left-to-right marks and the like
        assert text.encode("idna").decode().lower().removesuffix(".") in (name, text.lower()) or not text.isascii()


@pytest.mark.parametrize("plain", "abcdefghijklmnopqrstuvwxyz0123456789-.")
def test_each_character_is_read_as_resolvers_read_it(plain: str) -> None:
    for character in spellings()[plain]:
        assert normalize(f"x{character}y.test") == f"x{plain}y.test"


@given(
    st.text(max_size=80)
    | st.text(st.sampled_from("xn-.%2eE0aA1[]:@\u017f\u00df\u3002\uff46\u00ad\u0300\u0130\0 \udcff"), max_size=40)
)
def test_any_text_has_one_form(text: str) -> None:
    form = normalize(text)
    assert normalize(form) == form
    assert named(text) == named(form)
    try:
        encoded = text.encode("idna").decode().lower()
    except UnicodeError:
        return
    if re.fullmatch(r"[a-z][a-z-]*(\.[a-z][a-z-]*)*", encoded) and "xn--" not in encoded:
        assert form == encoded


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("FAL.RUN", "fal.run"),
        ("fal.run.", "fal.run"),
        ("fal.run", "fal.run"),
        ("fal\u3002run", "fal.run"),
        ("fal\u2024run", "fal.run"),
        ("\uff46\uff41\uff4c.run", "fal.run"),
        ("f\u00adal.run", "fal.run"),
        ("re\u017ft.fal.ai", "rest.fal.ai"),
        ("\u24d5\u24d0\u24db.run", "fal.run"),
        ("\U0001f135\U0001f130\U0001f13b.run", "fal.run"),
        ("\ufb00al.run", "ffal.run"),
        ("fa\u0301l.run", "xn--fl-mia.run"),
        ("fal%2erun", "fal.run"),
        ("fal%EF%BC%8Erun", "fal.run"),
        ("fal%252erun", "fal%252erun"),
        ("fal\uff052erun", "fal.run"),
        ("xn--fal-.run", "fal.run"),
        ("XN--mi7cjat.run", "fal.run"),
        ("fa\tl.run", "fal.run"),
        (" fal.run\r\n", "fal.run"),
        ("fal.run\0", "fal.run"),
        ("fal.run\0.test", "fal.run"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("xn--é.test", "xn--é.test"),
        ("xn--99999999999.test", "xn--99999999999.test"),
        ("stra\u00dfe.test", "strasse.test"),
        ("*.B\u00fccher.test", "*.xn--bcher-kva.test"),
        ("b\u00fc*.test", "b\u00fc*.test"),
        (f"{'é' * 64}.test", f"{'é' * 64}.test"),
        (f"{'é' * 1001}.FAL.run", f"{'é' * 1001}.FAL.run"),
        ("\u00ad" * 9999 + "fal.run", "fal.run"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0x7f.0.0.1", "127.0.0.1"),
        ("0177.0.0.01", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ("127.0.0.256", "127.0.0.256"),
        ("127.0.0.08", "127.0.0.08"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("[::FFFF:7f00:1]", "127.0.0.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_names_and_addresses_have_one_form(text: str, form: str) -> None:
    assert normalize(text) == form
    assert normalize(form) == form


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("fal.run", "fal.run"),
        ("FAL.run.:443", "fal.run"),
        ("fal.run:99999", "fal.run"),
        ("fal.run:443:443", "fal.run"),
        ("user:pass@fal.run:1", "fal.run"),
        ("user\uff20fal\u3002run\uff1a443", "fal.run"),
        ("[::1]:8080", "::1"),
        ("::1", "::1"),
        ("[::1", "::1"),
        ("[fal.run]", "fal.run"),
        ("", ""),
    ],
)
def test_the_host_in_a_header(authority: str, host: str) -> None:
    assert named(authority) == host


@pytest.mark.parametrize(
    "host",
    [
        "fal.run",
        "FAL.run.",
        "a_b.test",
        "-a.test",
        "\uff46\uff41\uff4c.run",
        f"{'a' * 63}.test",
        "127.1",
        "::1",
        "[::1]",
        "fe80::1%1",
    ],
)
def test_hosts_that_can_be_connected_to(host: str) -> None:
    assert checked(host) == normalize(host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("", "has 0 characters, expected 1 to 63"),
        (".", "has 0 characters"),
        (".fal.run", "has 0 characters"),
        ("a..fal.run", "has 0 characters"),
        ("fal.run..", "has 0 characters"),
        (f"{'a' * 64}.fal.run", "has 64 characters"),
        (f"{'é' * 63}.fal.run", "characters, expected 1 to 63"),
        ("a." * 124 + "fal.run", "has 255 characters, expected 253 at most"),
        ("fal.run\0", r"contains '\\x00'"),
        ("fal .run", "contains ' '"),
        ("fal%2erun", "contains '%'"),
        ("fal.run:443", "expected letters, digits, hyphens and dots"),
        ("fal.run/x", "expected letters"),
        ("a\u0627b.fal.run", "cannot be encoded for DNS"),
        ("\ud800.fal.run", "."),
    ],
)
def test_hosts_that_cannot(host: str, words: str) -> None:
    with pytest.raises(BadHost, match=words):
        checked(host)


@given(st.text(max_size=80) | disguised().map(lambda pair: pair[1]))
def test_what_is_checked_can_be_encoded(text: str) -> None:
    with contextlib.suppress(BadHost):
        assert checked(text)
        text.encode("idna")
