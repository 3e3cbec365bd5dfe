"""Bytes that may be msgpack: whole messages, and heads that promise more than there is."""

from __future__ import annotations

import msgpack  # type: ignore[import-untyped, unused-ignore]
from hypothesis import strategies as st

from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated

_VALUES = st.recursive(
    json_texts.NUMBERS.filter(lambda number: -(2**63) <= number < 2**64)
    | st.none()
    | st.booleans()
    | st.text(max_size=6)
    | st.binary(max_size=6)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=16))
    | st.builds(msgpack.Timestamp, st.integers(-(2**62), 2**62), st.integers(0, 999_999_999)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6) | st.integers(0, 9) | st.binary(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
_MESSAGES = _VALUES.map(lambda value: bytes(msgpack.packb(value)))
_PROMISES = (
    *(
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\x7f\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
    ),
    *(
        b"\xd6\xff\xff\xff\xff\xff",
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + b"\xff" * 12,
        b"\xc1",
        b"\xa1\xff",
        b"\xd9\x80",
    ),
    *(
        b"\x81\x01\x02",
        b"\xcb\x7f\xf0\0\0\0\0\0\0",
        b"\xcb\x7f\xf8\0\0\0\0\0\0",
        b"\xca\xff\xc0\0\0",
        b"\xcf" + b"\xff" * 8,
    ),
)
_DEEP = st.tuples(
    st.sampled_from([b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xdd\0\0\0\x01"]),
    st.sampled_from([99, 101, 1020, 60_000]),
).map(lambda each: each[0] * each[1] + b"\x01")
BYTES = (
    _MESSAGES
    | mutated(_MESSAGES, _PROMISES)
    | st.lists(st.sampled_from(_PROMISES) | _MESSAGES, max_size=3).map(b"".join)
    | _DEEP
    | st.binary(max_size=24)
)
