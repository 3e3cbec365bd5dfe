"""WAV files with a tone: PCM, 16 bits, mono."""

from __future__ import annotations

import math
import struct

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark

RATE = 16_000
"""Samples a second: little, so that a file is small."""
_STEP = 20
"""All pitches are multiples of it (Hz), so that a tone repeats after 800 samples or less."""
_LOWEST, _PITCHES = 220, 24
_LOUDNESS = 8000
_FADE = RATE // 50
"""Samples in which a tone comes and goes, so that it does not click."""


def wav(recipe: Recipe) -> bytes:
    """A WAV file (Microsoft's RIFF). It has at least one sample."""
    count = max(1, round(recipe.duration * RATE))
    pitch = _LOWEST + _STEP * int(_PITCHES * fraction(recipe, 0))
    comment = mark(recipe).encode("ascii") + b"\0"
    chunks = (
        b"WAVE",
        _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)),
        _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", comment)),
        _chunk(b"data", _tone(pitch, count)),
    )
    return _chunk(b"RIFF", b"".join(chunks))


def _tone(pitch: int, count: int) -> bytes:
    period = RATE // math.gcd(RATE, pitch)
    one = [round(_LOUDNESS * math.sin(math.tau * pitch * place / RATE)) for place in range(period)]
    samples = bytearray((struct.pack(f"<{period}h", *one) * -(-count // period))[: 2 * count])
    fade = min(_FADE, count // 2)
    for place in range(fade):
        for at in (place, count - 1 - place):
            (sample,) = struct.unpack_from("<h", samples, 2 * at)
            struct.pack_into("<h", samples, 2 * at, sample * place // fade)
    return bytes(samples)


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk; each begins at an even place."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
