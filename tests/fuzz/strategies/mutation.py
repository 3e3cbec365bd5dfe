"""Bytes that are nearly what they should be."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence

from hypothesis import strategies as st

CUTS = st.lists(st.integers(0, 400), max_size=6)
"""Where bytes are cut, modulo what is left of them."""


def cut(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes in parts, of which none is empty: some of the sizes that CUTS gives, and the rest."""
    parts = []
    for size in cuts:
        parts.append(data[: size % (len(data) + 1)])
        data = data[len(parts[-1]) :]
    return [part for part in [*parts, data] if part]


@st.composite
def mutated(draw: st.DrawFn, originals: st.SearchStrategy[bytes], words: Sequence[bytes] = (), most: int = 4) -> bytes:
    """Bytes with a few changes: cut, repeated, moved, replaced; `words` are pieces that mean something there."""
    data = draw(originals)
    pieces = st.binary(max_size=4) | st.sampled_from([b"\x00", b"\xff", b"\r\n", b"\n", b" ", *words])
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(data)))
        to = draw(st.integers(at, min(len(data), at + 16)))
        kind = draw(st.sampled_from(["replace", "insert", "drop", "cut", "repeat", "flip"]))
        if kind == "replace":
            data = data[:at] + draw(pieces) + data[to:]
        elif kind == "insert":
            data = data[:at] + draw(pieces) + data[at:]
        elif kind == "drop":
            data = data[:at] + data[to:]
        elif kind == "cut":
            data = data[:at]
        elif kind == "repeat":
            data = data[:at] + data[at:to] * draw(st.sampled_from([2, 3, 50])) + data[to:]
        elif data[at : at + 1]:
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
    return data
