"""WebSocket frames as bytes (RFC 6455, section 5.2), also such as no client may send."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

_PAYLOADS = (
    st.binary(max_size=12)
    | st.sampled_from(
        [b"", b"a" * 125, b"a" * 126, b"\xff\xfe", "é".encode()[:1], b"\x03\xe8", b"\x03\xe8\xff", b"\x00"]
    )
    | st.integers(0, 65535).map(lambda code: struct.pack("!H", code) + b"bye")
    | st.just(b"b" * 70_000)
)


def _frame(fin: bool, reserved: int, opcode: int, masked: bool, said: int | None, payload: bytes) -> bytes:  # noqa: FBT001
    size = len(payload) if said is None else said
    head = bytes([fin << 7 | reserved << 4 | opcode])
    bit = masked << 7
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not masked:
        return head + payload
    mask = b"\x0f\x1e\x2d\x3c"
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


FRAME = st.builds(
    _frame,
    st.sampled_from([True, True, True, False]),
    st.sampled_from([0, 0, 0, 0, 4, 1]),
    st.sampled_from([1, 1, 2, 2, 0, 0, 8, 9, 10, 3, 11]),
    st.sampled_from([True] * 9 + [False]),
    st.sampled_from([None] * 9 + [2**63, 2**62, 65536]),
    _PAYLOADS,
)
FRAMES = st.lists(FRAME | st.binary(max_size=4), max_size=6).map(b"".join)
