"""Meshes: a cube with a colour at each corner, as binary glTF 2.0 and as OBJ."""

from __future__ import annotations

import colorsys
import json
import struct
from itertools import product

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark

_CORNERS = list(product((-0.5, 0.5), repeat=3))
_SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
"""The corners of each side, counterclockwise as seen from outside."""
_TRIANGLES = [corner for a, b, c, d in _SIDES for corner in (a, b, c, a, c, d)]
_FLOAT, _UNSIGNED_SHORT, _UNSIGNED_BYTE = 5126, 5123, 5121
_VERTICES, _INDICES = 34962, 34963


def glb(recipe: Recipe) -> bytes:
    """A GLB file, the binary form of glTF 2.0."""
    views = [
        (_VERTICES, b"".join(struct.pack("<3f", *corner) for corner in _CORNERS)),
        (_VERTICES, b"".join(bytes([*color, 255]) for color in _colors(recipe))),
        (_INDICES, struct.pack(f"<{len(_TRIANGLES)}H", *_TRIANGLES)),
    ]
    buffer = b"".join(content for _, content in views)
    document = {
        "asset": {"version": "2.0", "generator": "falmock", "extras": {"comment": mark(recipe)}},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": len(_CORNERS),
                "type": "VEC3",
                "min": list(_CORNERS[0]),
                "max": list(_CORNERS[-1]),
            },
            {
                "bufferView": 1,
                "componentType": _UNSIGNED_BYTE,
                "normalized": True,
                "count": len(_CORNERS),
                "type": "VEC4",
            },
            {"bufferView": 2, "componentType": _UNSIGNED_SHORT, "count": len(_TRIANGLES), "type": "SCALAR"},
        ],
        "bufferViews": [
            {
                "buffer": 0,
                "byteOffset": sum(len(before) for _, before in views[:place]),
                "byteLength": len(content),
                "target": target,
            }
            for place, (target, content) in enumerate(views)
        ],
        "buffers": [{"byteLength": len(buffer)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    chunks = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", buffer, b"\0")
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def obj(recipe: Recipe) -> bytes:
    """An OBJ file; the colours of the corners stand behind their places, as most programs read them."""
    lines = [f"# {mark(recipe)}", "o cube"]
    for corner, color in zip(_CORNERS, _colors(recipe), strict=True):
        lines.append("v " + " ".join(f"{number:g}" for number in (*corner, *(round(part / 255, 3) for part in color))))
    lines += ["f " + " ".join(str(corner + 1) for corner in side) for side in _SIDES]
    return ("\n".join(lines) + "\n").encode("ascii")


def _colors(recipe: Recipe) -> list[tuple[int, int, int]]:
    hue = fraction(recipe, 0)
    found = []
    for place in range(len(_CORNERS)):
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb((hue + place / 12) % 1, 0.5, 0.8))
        found.append((red, green, blue))
    return found


def _chunk(kind: bytes, content: bytes, filler: bytes) -> bytes:
    """A chunk; its length is a multiple of four."""
    padded = content + filler * (-len(content) % 4)
    return struct.pack("<I4s", len(padded), kind) + padded
