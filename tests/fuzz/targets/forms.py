"""Multipart forms: any bytes are fields, or refused with a reason."""

from __future__ import annotations

from hypothesis import strategies as st

from falmock.wire.formats import multipart
from fuzz.strategies import forms
from fuzz.strategies.texts import ODD
from fuzz.strategies.texts import as_header
from fuzz.strategies.texts import utf8

_LONG = st.tuples(ODD, st.sampled_from([100, 5_000]), st.sampled_from(["", '"', ";", ';a="', "="])).map(
    lambda each: (f"multipart/form-data; boundary=b{each[2]}{each[0] * each[1]}", b"--b\r\n\r\n")
)
CASES = st.tuples(forms.TYPES, forms.BODIES) | _LONG.map(lambda each: (as_header(each[0]), each[1] + utf8(each[0])))


def check(case: tuple[str, bytes]) -> None:
    content_type, body = case
    try:
        parts = multipart.read(content_type, body)
    except multipart.BadForm as error:
        assert str(error)
        return
    assert len(parts) <= multipart.MAX_PARTS
    assert sum(len(part.data) for part in parts) <= len(body)
