"""Multipart forms."""

from __future__ import annotations

from hypothesis import strategies as st

from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import PLANTED
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import as_header
from fuzz.strategies.texts import utf8

_NAMES = st.sampled_from(["image", "image[]", "prompt", "mask", "model", "n", "size"]) | TEXTS
_HEAD = (
    st.tuples(_NAMES, TEXTS).map(lambda each: 'Content-Disposition: form-data; name="{}"; filename="{}"'.format(*each))
    | _NAMES.map('Content-Disposition: form-data; name="{}"'.format)
    | TEXTS.map("Content-Disposition: form-data; name=image; filename*=utf-8''{}".format)
    | st.tuples(TEXTS, TEXTS).map(": ".join)
)
_PART = st.tuples(
    st.lists(_HEAD, min_size=1, max_size=2).map("\r\n".join).map(utf8),
    st.binary(max_size=20) | st.just(b"a cat") | PLANTED.map(utf8),
).map(lambda each: b"--b\r\n%s\r\n\r\n%s\r\n" % each)
_FORMS = st.lists(_PART, max_size=4).map(lambda parts: b"".join(parts) + b"--b--\r\n")
BODIES = mutated(_FORMS, (b"--b", b"--b--", b"\r\n\r\n", b'"', b"\\", b";"), 3)
TYPES = (
    st.sampled_from(
        ["multipart/form-data; boundary=b"] * 4
        + [
            'multipart/form-data; boundary="b"',
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed",
        ]
    )
    | TEXTS.map('multipart/form-data; boundary="{}'.format)
).map(as_header)
"""The values of Content-Type."""
