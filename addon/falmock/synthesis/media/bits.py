"""Writes the bit strings of H.264 and MP3."""

from __future__ import annotations


class Bits:
    """A string of bits, written from the highest bit of each byte to the lowest."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def raw(self, bits: str) -> None:
        """Write bits that are given as "0" and "1"."""
        self._parts.append(bits)
        self._count += len(bits)

    def u(self, count: int, value: int) -> None:
        """Write a number from 0 to less than 2 ** `count`."""
        self.raw(f"{value:0{count}b}")

    def ue(self, value: int) -> None:
        """Write a number from 0 as an Exp-Golomb code (ITU-T H.264, 9.1)."""
        code = f"{value + 1:b}"
        self.raw("0" * (len(code) - 1) + code)

    def se(self, value: int) -> None:
        """Write a number of any sign as an Exp-Golomb code (ITU-T H.264, 9.1.1)."""
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def align(self) -> None:
        """Fill the last byte with zeros."""
        self.raw("0" * (-self._count % 8))

    def content(self) -> bytes:
        """All that was written; the last byte is filled with zeros."""
        self.align()
        return int("".join(self._parts) or "0", 2).to_bytes(self._count // 8)
