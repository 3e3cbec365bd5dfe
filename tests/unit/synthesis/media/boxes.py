"""Reads the boxes of MP4 files, beside the code under test."""

from __future__ import annotations

import struct
from typing import NamedTuple

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}


class Box(NamedTuple):
    """The content of a box, and where in the file it begins."""

    start: int
    content: bytes


def read(data: bytes) -> dict[str, Box]:
    """The boxes of a file by their paths, such as `moov/trak/tkhd`. Each is there once."""
    found: dict[str, Box] = {}
    _read(data, 0, len(data), "", found)
    return found


def _read(data: bytes, at: int, end: int, path: str, found: dict[str, Box]) -> None:
    while at < end:
        length, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= length <= end - at, f"{path}{kind!r} has a length of {length} at {at}"
        name = path + kind.decode()
        assert name not in found
        found[name] = Box(at + 8, data[at + 8 : at + length])
        if kind in _CONTAINERS:
            _read(data, at + 8, at + length, f"{name}/", found)
        at += length


class Film(NamedTuple):
    """What the tables of a file say of its video track; times are in seconds."""

    width: int
    height: int
    duration: float
    track_duration: float
    times: list[float]
    keys: list[int]
    samples: list[bytes]
    parameters: list[bytes]


def film(data: bytes) -> Film:
    found = read(data)
    table = {name.rpartition("/")[2]: box.content for name, box in found.items()}
    timescale, duration = struct.unpack_from(">II", table["mvhd"], 12)
    media_timescale, media_duration = struct.unpack_from(">II", table["mdhd"], 12)
    (in_track,) = struct.unpack_from(">I", table["tkhd"], 20)
    width, height = struct.unpack_from(">II", table["tkhd"], 76)
    entry = table["stsd"][8:]
    assert struct.unpack_from(">HH", entry, 32) == (width >> 16, height >> 16)
    assert entry[4:8] == b"avc1"
    sizes = list(struct.unpack_from(f">{(len(table['stsz']) - 12) // 4}I", table["stsz"], 12))
    assert struct.unpack_from(">II", table["stsz"], 4) == (0, len(sizes))
    (rows, count, delta) = struct.unpack(">4xIII", table["stts"])
    assert (rows, count) == (1, len(sizes))
    assert count * delta == media_duration
    samples = _samples(data, table, sizes, found["mdat"])
    keys = list(struct.unpack_from(f">{(len(table['stss']) - 8) // 4}I", table["stss"], 8))
    return Film(
        width >> 16,
        height >> 16,
        duration / timescale,
        in_track / timescale,
        [place * delta / media_timescale for place in range(count)],
        [key - 1 for key in keys],
        samples,
        _parameters(entry),
    )


def _samples(data: bytes, table: dict[str, bytes], sizes: list[int], mdat: Box) -> list[bytes]:
    offsets = struct.unpack_from(f">{(len(table['stco']) - 8) // 4}I", table["stco"], 8)
    runs = [struct.unpack_from(">III", table["stsc"], at) for at in range(8, len(table["stsc"]), 12)]
    samples: list[bytes] = []
    for chunk, offset in enumerate(offsets, 1):
        in_chunk = [count for first, count, _ in runs if first <= chunk][-1]
        at = offset
        for size in sizes[len(samples) : len(samples) + in_chunk]:
            assert mdat.start <= at <= at + size <= mdat.start + len(mdat.content)
            samples.append(data[at : at + size])
            at += size
    assert len(samples) == len(sizes)
    return samples


def _parameters(entry: bytes) -> list[bytes]:
    at = entry.index(b"avcC") + 4
    assert entry[at] == 1
    found = []
    at += 5
    for mask in (0x1F, 0xFF):
        count = entry[at] & mask
        at += 1
        for _ in range(count):
            (length,) = struct.unpack_from(">H", entry, at)
            found.append(entry[at + 2 : at + 2 + length])
            at += 2 + length
    return found
