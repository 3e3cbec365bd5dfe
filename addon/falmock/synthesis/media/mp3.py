"""MP3 files with a tone (ISO/IEC 11172-3, layer III): 48 kHz, mono, 32 kbit/s."""

from __future__ import annotations

import struct

from falmock.synthesis.media.bits import Bits
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark

RATE = 48_000
"""Samples a second. At 44.1 kHz frames would differ in length."""
FRAME_SAMPLES = 1152
_FRAME_BYTES = 96
"""144 * 32000 / 48000."""
_SIDE_BYTES = 17
_HEADER = f"{0xFFFB14C0:b}"
"""MPEG-1, layer III, no checksum; 32 kbit/s, 48 kHz, no padding; mono."""
_STEP = RATE / FRAME_SAMPLES
"""Hz from a pitch to the next."""
_LOWEST, _PITCHES = 5, 10
"""In steps, from 208 to 583 Hz: all in the lowest of the 32 subbands."""
_GAIN = 202
"""A line of the spectrum is multiplied by 2 ** ((gain - 210) / 4)."""


def pitch(recipe: Recipe) -> float:
    """The pitch of its tone in Hz."""
    return _steps(recipe) * _STEP


def mp3(recipe: Recipe) -> bytes:
    """An MP3 file. It lasts as long as its frames, of 24 ms each; there is at least one."""
    count = max(1, -(-round(recipe.duration * RATE) // FRAME_SAMPLES))
    return _tag(mark(recipe)) + _information(count) + _frame(_steps(recipe)) * count


def _steps(recipe: Recipe) -> int:
    return _LOWEST + int(_PITCHES * fraction(recipe, 0))


def _frame(steps: int) -> bytes:
    """A frame that, repeated, is a pure tone of `steps` times 41.7 Hz.

    One line of the spectrum is not zero. If it is the same in all granules (half frames), their overlapping windows add up
    to a sine at the line's lower edge for an even line; if its sign alternates, to one at its upper edge.
    """
    line = steps & ~1
    signs = "01" if steps % 2 else "00"
    # Huffman table 1: the pair (0, 0) is "1", and (1, 0) is "01" and the sign (annex B, table 3-B.7)
    spectra = ["1" * (line // 2) + "01" + sign for sign in signs]
    bits = Bits()
    bits.raw(_HEADER)
    bits.u(18, 0)  # main_data_begin, private_bits, scfsi
    for spectrum in spectra:
        bits.u(12, len(spectrum))  # part2_3_length: there are no scale factors
        bits.u(9, line // 2 + 1)  # big_values: pairs
        bits.u(8, _GAIN)  # global_gain
        bits.u(4, 0)  # scalefac_compress
        bits.u(1, 0)  # window_switching_flag
        for _ in range(3):
            bits.u(5, 1)  # table_select
        bits.u(10, 0)  # region0_count, region1_count, preflag, scalefac_scale, count1table_select
    for spectrum in spectra:
        bits.raw(spectrum)
    return bits.content().ljust(_FRAME_BYTES, b"\0")


def _information(count: int) -> bytes:
    """A frame that plays nothing and says how many come after it, as Xing's and LAME's encoders write it."""
    bits = Bits()
    bits.raw(_HEADER)
    tag = b"Info" + struct.pack(">III", 3, count, (count + 1) * _FRAME_BYTES)  # 3: frames and bytes are given
    return (bits.content() + bytes(_SIDE_BYTES) + tag).ljust(_FRAME_BYTES, b"\0")


def _tag(comment: str) -> bytes:
    """An ID3 tag, version 2.3, with a comment."""
    text = b"\0eng\0" + comment.encode("ascii")
    frame = b"COMM" + len(text).to_bytes(4) + bytes(2) + text
    return b"ID3\x03\0\0" + bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frame
