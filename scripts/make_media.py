"""Makes the media in fixtures/_assets: `python3 scripts/make_media.py` writes all of them.

The video and the speech need ffmpeg with libx264 and libflite; the images need Python only. The files are committed, so
run it only to change them. When the content changes, update `file_size` in the fixtures too.
"""

from __future__ import annotations

import math
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ASSETS = Path(__file__).resolve().parents[1] / "fixtures" / "_assets"
SPEECH = "A black cat sits on a hill and watches the sun go down."
FRAMES, RATE = 32, 16

Colour = tuple[float, float, float]


class Palette(NamedTuple):
    """A time of day: the place of the sun or moon (in heights of the image), and all colours."""

    light_at: tuple[float, float]
    radius: float
    top: Colour
    horizon: Colour
    light: Colour
    far: Colour
    near: Colour
    hill: Colour
    cat: Colour
    stars: float = 0.0


DAY = Palette((0.72, 0.2), 0.085, (86, 164, 224), (206, 232, 244), (255, 236, 150), (150, 180, 206), (96, 142, 150),
              (104, 168, 92), (44, 46, 54))  # fmt: skip
SUNSET = Palette((0.66, 0.5), 0.11, (72, 58, 122), (250, 152, 92), (255, 222, 140), (164, 94, 112), (104, 60, 92),
                 (54, 44, 66), (20, 16, 28))  # fmt: skip
NIGHT = Palette((0.72, 0.2), 0.075, (8, 12, 36), (44, 56, 104), (240, 240, 220), (38, 46, 84), (24, 30, 60),
                (14, 20, 38), (2, 3, 8), stars=1.0)  # fmt: skip


# The scene. Places are in heights of the image, v downwards; a shape returns the distance of a place outside of it.

CAT_AT, CAT_SIZE = (0.3, 0.8), 0.3
EARS = (((-0.21, -0.98), (-0.18, -1.36), (0.03, -1.1)), ((0.02, -1.1), (0.23, -1.36), (0.26, -0.98)))


def _curve(t: float, *ends: float) -> float:
    """One coordinate of a cubic Bezier curve."""
    return sum(end * math.comb(3, i) * t**i * (1 - t) ** (3 - i) for i, end in enumerate(ends))


TAIL = [(_curve(i / 80, 0.1, 0.95, 0.3, 0.74), _curve(i / 80, 0.0, -0.02, -0.62, -0.68)) for i in range(81)]


def _hash(number: int) -> float:
    """A pseudo-random number from 0 to 1, the same in every run."""
    return (zlib.crc32(str(number).encode()) % 10007) / 10007


STARS = [(_hash(i) * 2, _hash(i + 500) * 0.5, 0.0015 + 0.0025 * _hash(i + 900) ** 2) for i in range(200)]


def far_ridge(u: float) -> float:
    """The height of the far mountains."""
    return 0.37 + 0.15 * abs(math.sin(5.2 * u + 1.4)) + 0.02 * abs(math.sin(19 * u))


def near_ridge(u: float) -> float:
    """The height of the near mountains."""
    return 0.53 + 0.1 * abs(math.sin(6.1 * u + 1.2)) + 0.015 * abs(math.sin(23 * u + 1))


def hill_top(u: float) -> float:
    """The height of the hill in front."""
    return 0.78 + 0.28 * (u - 0.36) ** 2


def cat(u: float, v: float) -> float:
    """A sitting cat, seen from behind."""
    x, y = (u - CAT_AT[0]) / CAT_SIZE, (v - CAT_AT[1]) / CAT_SIZE
    if not (-0.6 < x < 0.9 and -1.5 < y < 0.2):
        return 1.0
    body = (math.hypot(x / 0.32, (y + 0.36) / 0.42) - 1) * 0.32
    chest = (math.hypot((x - 0.012) / 0.18, (y + 0.72) / 0.3) - 1) * 0.18
    head = (math.hypot((x - 0.025) / 0.25, (y + 0.98) / 0.22) - 1) * 0.22
    ears = min(_triangle(x, y, *ear) for ear in EARS)
    tail = min(math.hypot(x - a, y - b) for a, b in TAIL) - 0.055
    return min(body, chest, head, ears, tail) * CAT_SIZE


def _triangle(x: float, y: float, *corners: tuple[float, float]) -> float:
    return max(
        ((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / math.hypot(bx - ax, by - ay)
        for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True)
    )


def mix(under: Colour, over: Colour, share: float) -> Colour:
    """`over` blended on `under` with this opacity."""
    return (
        under[0] + (over[0] - under[0]) * share,
        under[1] + (over[1] - under[1]) * share,
        under[2] + (over[2] - under[2]) * share,
    )


def between(start: Palette, end: Palette, share: float) -> Palette:
    """A time of day between two others."""

    def step(a: float | Colour, b: float | Colour) -> float | Colour:
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))  # type: ignore[return-value]
        return a + (b - a) * share  # type: ignore[operator]

    return Palette(*(step(a, b) for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]


def draw(width: int, height: int, look: Palette) -> list[bytes]:
    """The scene, as rows of RGB."""
    soft = float(height)
    columns = [(x + 0.5) / height for x in range(width)]
    ridges: list[tuple[Callable[[float], float], Colour]] = [
        (far_ridge, look.far),
        (near_ridge, look.near),
        (hill_top, look.hill),
    ]
    tops = [([ridge(u) for u in columns], colour) for ridge, colour in ridges]
    rows = []
    for y in range(height):
        v = (y + 0.5) / height
        sky = mix(look.top, look.horizon, min(1.0, v / 0.6))
        row = bytearray()
        for x, u in enumerate(columns):
            colour = _light(sky, u, v, look, soft)
            for heights, paint in tops:
                share = 0.5 + (v - heights[x]) * soft
                if share > 0:
                    colour = mix(colour, paint, min(1.0, share))
            share = 0.5 - cat(u, v) * soft
            if share > 0:
                colour = mix(colour, look.cat, min(1.0, share))
            row += bytes(map(round, colour))
        rows.append(bytes(row))
    return rows


def _light(sky: Colour, u: float, v: float, look: Palette, soft: float) -> Colour:
    colour = sky
    away = math.hypot(u - look.light_at[0], v - look.light_at[1])
    if look.stars and v < 0.5 and away > look.radius * 2.7:
        for a, b, size in STARS:
            if abs(u - a) < 0.01 and abs(v - b) < 0.01:
                share = 0.5 + (size - math.hypot(u - a, v - b)) * soft
                colour = mix(colour, (255, 255, 255), max(0.0, min(look.stars, share)))
    for reach, strength in ((2.6, 0.1), (1.9, 0.14), (1.4, 0.2), (1.0, 1.0)):
        share = 0.5 + (look.radius * reach - away) * soft
        if share > 0:
            colour = mix(colour, look.light, strength * min(1.0, share))
    return colour


# Files


def write_png(name: str, rows: list[bytes]) -> None:
    """An RGB image; rows have the filter of differences to the left, which suits flat colours."""
    filtered = b"".join(
        b"\x01" + row[:3] + bytes((a - b) & 0xFF for a, b in zip(row[3:], row, strict=False)) for row in rows
    )
    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered, 9)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    (ASSETS / name).write_bytes(content)


def ffmpeg(*arguments: str, data: bytes = b"") -> None:
    """Run ffmpeg on `data`; without dates and versions in the output, so that it is reproducible."""
    command = ["ffmpeg", "-v", "error", "-y", *arguments[:-1], "-map_metadata", "-1", "-fflags", "+bitexact"]
    subprocess.run([*command, "-flags", "+bitexact", str(ASSETS / arguments[-1])], input=data, check=True)


def main() -> None:
    """Write every asset and print its size."""
    write_png("cat-by-day.png", draw(512, 512, DAY))
    write_png("cat-by-night.png", draw(512, 512, NIGHT))
    write_png("cat-at-sunset.png", draw(512, 512, SUNSET))
    write_png("cat-at-sunset-2x.png", draw(1024, 1024, SUNSET))
    frames = (draw(384, 216, between(DAY, SUNSET, frame / (FRAMES - 1))) for frame in range(FRAMES))
    film = b"".join(row for frame in frames for row in frame)
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "384x216", "-r", str(RATE), "-i", "-")
    ffmpeg(
        *raw, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "24", "-movflags", "+faststart", "sunset.mp4", data=film
    )
    ffmpeg("-f", "lavfi", "-i", f"flite=text='{SPEECH}':voice=slt", "-ar", "8000", "-c:a", "pcm_s16le", "speech.wav")
    for asset in sorted(ASSETS.iterdir()):
        print(f"{asset.stat().st_size:8} {asset.name}")


if __name__ == "__main__":
    main()
