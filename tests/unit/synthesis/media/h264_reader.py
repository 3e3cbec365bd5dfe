"""Reads what H.264 consists of, beside the code under test."""

from __future__ import annotations

from typing import NamedTuple

from falmock.synthesis.media.h264 import Size


class BitReader:
    """Reads the payload of a NAL unit without its first byte."""

    def __init__(self, unit: bytes) -> None:
        assert b"\0\0\1" not in unit
        assert b"\0\0\0" not in unit
        payload = unit[1:].replace(b"\0\0\3", b"\0\0")
        self.bits = "".join(f"{byte:08b}" for byte in payload)
        self.at = 0

    def u(self, count: int) -> int:
        self.at += count
        return int(self.bits[self.at - count : self.at], 2)

    def ue(self) -> int:
        zeros = self.bits.index("1", self.at) - self.at
        self.at += zeros
        return self.u(zeros + 1) - 1

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -code // 2

    def rest(self) -> str:
        return self.bits[self.at :]


class Sequence(NamedTuple):
    """What a sequence parameter set says."""

    profile: int
    level: int
    width: int
    height: int
    number_bits: int


def sequence(unit: bytes) -> Sequence:
    assert unit[0] == 0x67
    reader = BitReader(unit)
    profile, constraints, level_number = reader.u(8), reader.u(8), reader.u(8)
    assert constraints & 0x40
    assert reader.ue() == 0
    number_bits = reader.ue() + 4
    assert [reader.ue(), reader.ue(), reader.u(1)] == [2, 1, 0]
    width, height = 16 * (reader.ue() + 1), 16 * (reader.ue() + 1)
    assert [reader.u(1), reader.u(1)] == [1, 1]
    if reader.u(1):
        left, right, top, bottom = (2 * reader.ue() for _ in range(4))
        width, height = width - left - right, height - top - bottom
    assert reader.u(1) == 0
    assert reader.rest().rstrip("0") == "1"
    return Sequence(profile, level_number, width, height, number_bits)


def macroblocks(unit: bytes, size: Size) -> list[list[str]]:
    """The rows of a key frame: "left" and "above" for macroblocks that are predicted, else the last sample of each plane."""
    assert unit[0] == 0x65
    reader = BitReader(unit)
    header = [reader.ue(), reader.ue(), reader.ue(), reader.u(16), reader.ue(), reader.u(2), reader.se(), reader.ue()]
    assert header == [0, 7, 0, 0, 0, 0, 0, 1]
    coefficients: list[list[int]] = []
    found: list[list[str]] = []
    for row in range(size.rows):
        coefficients.append([])
        found.append([])
        for column in range(size.columns):
            kind = reader.ue()
            if kind == 25:
                reader.at += -reader.at % 8
                samples = [reader.u(8) for _ in range(384)]
                found[-1].append(f"{samples[255]},{samples[319]},{samples[383]}")
                coefficients[-1].append(16)
                continue
            assert (kind, reader.ue()) in ((1, 2), (2, 1))
            assert reader.se() == 0
            # coeff_token by the neighbours' coefficients (9.2.1)
            beside = [coefficients[-1][-1]] if column else []
            beside += [coefficients[-2][column]] if row else []
            mean = sum(beside) if len(beside) < 2 else (sum(beside) + 1) // 2
            assert reader.u(6 if mean >= 8 else 1) == (3 if mean >= 8 else 1)
            assert row if kind == 1 else column
            found[-1].append({1: "above", 2: "left"}[kind])
            coefficients[-1].append(0)
    assert reader.rest().rstrip("0") == "1"
    return found


def added(unit: bytes) -> tuple[int, int, int]:
    """What a frame adds to the one before it."""
    reader = BitReader(unit)
    reader.at = len("1001101") + 16 + 2 + len("111")  # its header, up to the flag for weights
    numbers = [reader.se(), reader.se(), reader.u(1), *(reader.se() for _ in range(4))]
    return numbers[1], numbers[4], numbers[6]
