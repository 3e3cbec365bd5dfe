"""Request ids: UUIDs of version 7 (RFC 9562 section 5.7), which fal has issued since 2026."""

from __future__ import annotations


def uuid7(now: float, random: int) -> str:
    """The id for `now` (seconds since the epoch); `random` has at least 74 random bits."""
    millis = int(now * 1000) & 0xFFFFFFFFFFFF
    high = millis << 16 | 0x7000 | (random >> 62) & 0x0FFF
    low = 0x8000000000000000 | random & 0x3FFFFFFFFFFFFFFF
    text = (high << 64 | low).to_bytes(16, "big").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
