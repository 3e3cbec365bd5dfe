"""Data URIs: read as urllib reads them, or left alone."""

from __future__ import annotations

import base64
from urllib.request import DataHandler
from urllib.request import Request

from hypothesis import strategies as st

from falmock.fixtures.matching.canonical import canonical
from falmock.wire.formats import data_uri
from fuzz.strategies.texts import TEXTS

_TYPES = (
    st.sampled_from(["", "image/png", "text/plain;charset=utf-8", ";base64", "image/png;BASE64", "a;base64;b"]) | TEXTS
)
_DATA = TEXTS | st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode()) | st.just("AAAA\nAAAA%3D")
CASES = st.tuples(
    st.sampled_from(
        ["data:", "data:", "DATA:", " data:", "<data:", "URL:data:", "<URL:data:", "data", "\x00data:", "xdata:"]
    ),
    _TYPES,
    st.sampled_from([",", ",", "", ",,", ";base64,"]),
    _DATA,
    st.sampled_from(["", "", "#", "#x", ">", "\n", " "]),
).map("".join)


def check(text: str) -> None:
    found = data_uri.read(text)
    canonical({"image_url": text}, lambda _: None)
    if found is None or not text.startswith("data:"):
        return
    try:
        opened = DataHandler().data_open(Request(text))
    except ValueError:
        raise AssertionError("it is read, and urllib refuses it") from None
    assert found.content == opened.read()
