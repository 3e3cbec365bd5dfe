"""Writes MP4 files with one video track (ISO/IEC 14496-12, 14496-14 and 14496-15)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""The language "und", five bits a letter (14496-12, 8.4.2.3)."""
_DOTS_PER_INCH = 72 << 16
_MIN_TIMESCALE = 10_000


class Track(NamedTuple):
    """A film whose frames are a series that is repeated.

    Attributes:
        width: Pixels.
        height: Pixels.
        fps: Frames a second.
        length: How many frames the film has.
        parameters: Its sequence and its picture parameter set.
        series: The NAL units of the frames that are repeated from the first, which is the key frame, until there are
            as many as the film has.
    """

    width: int
    height: int
    fps: Fraction
    length: int
    parameters: tuple[bytes, bytes]
    series: Sequence[bytes]


def mp4(track: Track, mark: str) -> bytes:
    """The file: `moov` comes before `mdat`, so that it plays before it is read whole. `mark` is text that no one shows."""
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41") + _box(b"free", mark.encode("ascii"))
    frames = [struct.pack(">I", len(unit)) + unit for unit in track.series[: track.length]]
    start = len(head) + len(_movie(track, frames, 0)) + 8
    return b"".join((head, _movie(track, frames, start), _box(b"mdat", *frames)))


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full_box(kind: bytes, flags: int, *parts: bytes) -> bytes:
    """A box of version 0 with flags."""
    return _box(kind, struct.pack(">I", flags), *parts)


def _table(kind: bytes, rows: int, content: bytes) -> bytes:
    return _full_box(kind, 0, struct.pack(">I", rows), content)


def _movie(track: Track, frames: Sequence[bytes], start: int) -> bytes:
    """The box `moov`; `start` is where the frames are in the file."""
    factor = -(-_MIN_TIMESCALE // track.fps.numerator)
    timescale, delta = track.fps.numerator * factor, track.fps.denominator * factor
    duration = track.length * delta
    header = _full_box(
        b"mvhd",
        0,
        struct.pack(">IIII", 0, 0, timescale, duration),
        struct.pack(">IH", 0x10000, 0x100) + bytes(10),  # rate and volume
        _MATRIX,
        bytes(24),
        struct.pack(">I", 2),  # next_track_ID
    )
    track_header = _full_box(
        b"tkhd",
        3,  # enabled and in the movie
        struct.pack(">IIIII", 0, 0, 1, 0, duration),
        bytes(16),
        _MATRIX,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    media = _box(
        b"mdia",
        _full_box(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, timescale, duration, _UNDETERMINED, 0)),
        _full_box(b"hdlr", 0, bytes(4), b"vide", bytes(12), b"falmock\0"),
        _box(
            b"minf",
            _full_box(b"vmhd", 1, bytes(8)),
            _box(b"dinf", _table(b"dref", 1, _full_box(b"url ", 1))),  # 1: in this file
            _box(b"stbl", *_sample_tables(track, frames, start, delta)),
        ),
    )
    return _box(b"moov", header, _box(b"trak", track_header, media))


def _sample_tables(track: Track, frames: Sequence[bytes], start: int, delta: int) -> list[bytes]:
    """Where the frames are and when they are shown (14496-12, 8.5 to 8.7).

    Each run of the series is a chunk, and all chunks are at the same place in the file.
    """
    chunks, rest = divmod(track.length, len(frames))
    runs = [(1, len(frames), 1)] if chunks else []
    if rest:
        runs.append((chunks + 1, rest, 1))
        chunks += 1
    sizes = b"".join(struct.pack(">I", len(frame)) for frame in frames)
    whole = sizes * (track.length // len(frames)) + sizes[: 4 * rest]
    keys = struct.pack(f">{chunks}I", *range(1, track.length + 1, len(frames)))
    return [
        _table(b"stsd", 1, _sample_entry(track)),
        _table(b"stts", 1, struct.pack(">II", track.length, delta)),
        _table(b"stss", chunks, keys),
        _table(b"stsc", len(runs), b"".join(struct.pack(">III", *run) for run in runs)),
        _full_box(b"stsz", 0, struct.pack(">II", 0, track.length), whole),
        _table(b"stco", chunks, struct.pack(">I", start) * chunks),
    ]


def _sample_entry(track: Track) -> bytes:
    """The sample entry `avc1` with its decoder configuration (14496-15, 5.3.3 and 5.4.2)."""
    sequence, picture = track.parameters
    configuration = _box(
        b"avcC",
        bytes([1]) + sequence[1:4],  # profile, constraints and level
        bytes([0xFF, 0xE1]),  # lengths have four bytes; one sequence parameter set
        struct.pack(">H", len(sequence)) + sequence,
        bytes([1]) + struct.pack(">H", len(picture)) + picture,
    )
    return _box(
        b"avc1",
        bytes(6) + struct.pack(">H", 1) + bytes(16),  # data_reference_index
        struct.pack(">HHIIIH", track.width, track.height, _DOTS_PER_INCH, _DOTS_PER_INCH, 0, 1),
        bytes(32) + struct.pack(">Hh", 24, -1),  # no compressor name; 24 bits a pixel
        configuration,
    )
