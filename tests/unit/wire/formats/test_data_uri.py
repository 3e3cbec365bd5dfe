from __future__ import annotations

import base64
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from falmock.wire.formats.data_uri import DataUri
from falmock.wire.formats.data_uri import read

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
ENCODED = base64.b64encode(PNG).decode()


def by_urllib(text: str) -> DataUri | None:
    """What fal's toolkit reads from a text."""
    # Other URLs would be fetched, and urllib refuses a text without a scheme.
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.DataHandler())
    opener.add_handler(urllib.request.UnknownHandler())
    try:
        with opener.open(text) as answer:
            return DataUri(answer.read(), str(answer.headers["content-type"]))
    except (ValueError, urllib.error.URLError):
        return None


SCHEMES = st.sampled_from(
    ["data:", "DATA:", "Data:", " data:", "\ndata:", "URL:data:", "url:data:", "data", "dat:", "<data:"]
)
TYPES = st.lists(
    st.sampled_from(
        [
            "",
            "image/png",
            "text/plain",
            ";charset=utf-8",
            ";charset=US-ASCII",
            ";name=a%20b",
            ";base64",
            ";BASE64",
            ";",
            " ",
        ]
    ),
    max_size=3,
).map("".join)
BASE64 = st.builds(
    lambda content, width, end: end.join(
        text[at : at + width] for text in [base64.b64encode(content).decode()] for at in range(0, len(text), width)
    ),
    st.binary(max_size=40),
    st.integers(1, 76),
    st.sampled_from(["", "\n", "\r\n", " ", "%0A", "\t"]),
)
DATA = st.one_of(
    BASE64,
    BASE64.map(lambda text: quote(text, safe="")),
    BASE64.map(lambda text: text.rstrip("=")),
    BASE64.map(lambda text: text.replace("+", "-").replace("/", "_")),
    st.text(max_size=20),
    st.binary(max_size=20).map(quote),
    st.text(st.sampled_from("aA0+/=%,#;: \n\u00e9\udc80<>"), max_size=20),
)
URIS = st.builds(
    lambda *parts: "".join(parts),
    SCHEMES,
    TYPES,
    st.sampled_from([",", ",", ",", ""]),
    DATA,
    st.sampled_from(["", "", "#", "##", "#part", "\n", ">"]),
)


@given(URIS | st.text(max_size=20))
@example(f"data:image/png;base64,{ENCODED}")
@example(f"<URL: DATA:image/png;base64,{ENCODED} >")
@example("data:,")
@example("data:;base64,")
@example("data:\ud800,")
@example("data:\udc80;base64,")
@example("data:é\udc80,")
@example("data:text/plain\nx,")
@example("data:\n text/plain,")
def test_texts_are_read_as_urllib_reads_them(text: str) -> None:
    assert read(text) == by_urllib(text)


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{ENCODED}",
        f"DATA:image/png;base64,{ENCODED}",
        f"data:image/png;base64,{ENCODED[:4]}\r\n{ENCODED[4:]}\n",
        f"data:image/png;base64,{quote(ENCODED, safe='')}",
        f"data:image/png;base64, {ENCODED}",
        f"data:image/png,{quote(PNG)}",
    ],
)
def test_the_same_content_in_every_form(text: str) -> None:
    assert read(text) == DataUri(PNG, "image/png")


@pytest.mark.parametrize(
    ("text", "content", "content_type"),
    [
        ("data:,a%20cat", b"a cat", "text/plain;charset=US-ASCII"),
        ("data:;base64,Y2F0", b"cat", "text/plain;charset=US-ASCII"),
        ("data:text/plain;charset=utf-8;base64,Y2F0", b"cat", "text/plain;charset=utf-8"),
        ("data:text/plain;BASE64,Y2F0", b"Y2F0", "text/plain;BASE64"),
        ("data:text/plain,a+b#c", b"a+b#c", "text/plain"),
    ],
)
def test_the_parts_of_a_data_uri(text: str, content: bytes, content_type: str) -> None:
    assert read(text) == DataUri(content, content_type)


@pytest.mark.parametrize(
    "text",
    ["data:image/png;base64", "data:image/png;base64,c", "data:,\ud800", "https://a/data:,x", "cat", "metadata:,x"],
)
def test_texts_that_are_no_data_uri(text: str) -> None:
    assert read(text) is None
