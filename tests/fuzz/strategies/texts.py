"""Texts and bytes that programs tend to get wrong."""

from __future__ import annotations

import base64
from urllib.parse import quote

from hypothesis import strategies as st

SECRETS = (
    "0f8fad5b-d9cb-469f-a165-70867728950e:0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmdXp6In0.cGxhbnRlZC1zaWduYXR1cmU",
    "planted-session-5f1c",
)
"""What the targets plant in credentials, and what must then show nowhere: a key, a token, a cookie."""

_AROUND = (
    *(
        "{}",
        "Key {}",
        "a{}b",
        "https://x.test/a?token={}&b=c",
        "https://u:{}@x.test/",
        "({})",
        "{}{}",
        "\n{}\n",
        "a/{}.png",
    ),
    *(
        '{{"a": "{}"}}',
        "authorization: Bearer {}",
        "x={}",
        "data:text/plain,{}",
        "{}.",
        "[{}]",
        '{{"a": "{{\\"b\\": \\"{}\\"}}"}}',
    ),
)


def forms_of(secret: str) -> tuple[str, ...]:
    """A secret as it is, in a URL, and in base64."""
    return secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()


PLANTED = st.tuples(
    st.sampled_from(_AROUND), st.sampled_from([form for each in SECRETS for form in forms_of(each)])
).map(lambda each: each[0].format(each[1], each[1]))
"""Texts with a secret in them."""

_ODD = (
    *("", " ", "\x00", "\r\n", "\r\nX-Injected: 1", "\t", "\x7f", "\x85", "\u2028", "\ufeff", "\u202e", "\xad"),
    *("é", "\uff46\uff41\uff4c.run", "fal\u3002run", "\U0001f600", "\ud800", "ß", "İ", "a\u0300", "\u0660", "²"),
    *("%", "%2e%2e", "%00", "%0d%0a", "%2F", "%zz", "..", "//", "\\", "?", "#", "&", "=", ";", ",", "@", ":", "[", "]"),
    *("$", "$any", "$regex", "$file", "{", "}", "{job}", "'", '"', "<", ">", "*", "|", "~", "`"),
    *("0", "-0", "-1", "1e999", "NaN", "null", "true", "9" * 25, "1e-400", "0x10", "1_0"),
    *("http://", "https://fal.run/a/b", "http://[", "http://]", "http://127.0.0.1:99999/", "data:,x", "data:;base64,?"),
    *("eyJ", "-eyJ", "sk-", "Key ", "Bearer ", "?sig=", "a://", "?&", "://@"),
    *("x" * 300, "a." * 40, ("b" * 70) + ".fal.run"),
)
ODD = st.sampled_from(_ODD)
TEXTS = ODD | st.text(max_size=12) | st.lists(ODD | st.text(max_size=3), max_size=4).map("".join)
"""Short texts, also with lone surrogates and control characters."""
PLAIN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=8)
LATIN = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=12)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=16)

LONGEST = 60_000
PIECES = st.lists(
    st.tuples(
        ODD | st.text(max_size=6) | st.text("ey-.:/?&=@ab1J", max_size=4),
        st.sampled_from([1, 1, 1, 2, 50, 400, 10_000]),
    ),
    max_size=4,
)
"""Texts that can be long, as pieces and how often each is repeated."""


def joined(pieces: list[tuple[str, int]]) -> str:
    """The text of PIECES, of at most LONGEST characters."""
    return "".join(text * count for text, count in pieces)[:LONGEST]


def utf8(text: str) -> bytes:
    """A text as bytes, also with lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def as_header(text: str) -> str:
    """A text as headers are read: without lone surrogates, and without space around it."""
    return text.encode("utf-8", "replace").decode().strip(" \t")
