"""Content encodings: decoded alike wherever the bytes are cut, in pieces of limited size, or refused."""

from __future__ import annotations

import gzip
import zlib

import brotli  # type: ignore[import-untyped, unused-ignore]
from hypothesis import strategies as st

from falmock.wire.formats import encodings
from fuzz.strategies.mutation import CUTS
from fuzz.strategies.mutation import cut
from fuzz.strategies.mutation import mutated

_PLAIN = st.binary(max_size=60) | st.sampled_from([b"{}", b"a" * 5000, bytes(1_000_000)])
_MADE = st.one_of(
    _PLAIN.map(lambda data: gzip.compress(data, mtime=0)),
    _PLAIN.map(zlib.compress),
    _PLAIN.map(lambda data: zlib.compress(data, wbits=-15)),
    _PLAIN.map(lambda data: bytes(brotli.compress(data, quality=3))),
    st.binary(max_size=40).map(b"\x28\xb5\x2f\xfd".__add__),
)
_NAMES = st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "identity", "", "x", "GZIP", "gzip,gzip", ", ,"])
CASES = st.tuples(_NAMES, mutated(_MADE, (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")), CUTS)

LIMIT = 500_000
"""How much content is accepted here (bytes)."""
LARGEST = 32 * 1024 * 1024
"""The largest size of a piece (bytes)."""


def _read(header: str, parts: list[bytes]) -> tuple[bytes, bool] | str:
    content = b""
    try:
        decoder = encodings.decoder(header, LIMIT)
        for part in parts:
            for piece in decoder.pieces(part):
                assert len(piece) <= LARGEST
                content += piece
                assert len(content) <= LIMIT
    except (encodings.BadEncoding, encodings.TooLarge) as error:
        assert str(error)
        return "refused"
    return content, decoder.is_whole


def check(case: tuple[str, bytes, list[int]]) -> None:
    header, data, cuts = case
    whole, in_parts = _read(header, [data]), _read(header, cut(data, cuts))
    assert in_parts == whole
