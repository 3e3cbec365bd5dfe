"""Request ids: UUIDs of version 7 (RFC 9562 section 5.7), as fal gives out since 2026."""

from __future__ import annotations


def uuid7(now: float, random: int) -> str:
    """The id for `now` (seconds since the epoch), made unique by at least 74 random bits."""
    millis = int(now * 1000) & 0xFFFFFFFFFFFF
    low = random & 0x3FFFFFFFFFFFFFFF
    high = (random >> 62) & 0x0FFF
    text = f"{millis:012x}7{high:03x}{low | 0x8000000000000000:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
