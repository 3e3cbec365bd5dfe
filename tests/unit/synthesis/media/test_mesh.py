"""Made meshes, as a reader of the tests' own reads them."""

from __future__ import annotations

import json
import struct
from typing import Any

from falmock.synthesis.media.mesh import glb
from falmock.synthesis.media.mesh import obj
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats import media

CUBE = Recipe("model/gltf-binary", seed=1, text="a cat")
_COMPONENTS = {5126: "f", 5123: "H", 5121: "B"}
_COUNTS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def read(data: bytes) -> tuple[dict[str, Any], list[list[Any]]]:
    """The document, and the values of its accessors."""
    kind, version, length = struct.unpack_from("<4sII", data)
    assert (kind, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert (kind, size % 4) == (b"JSON", 0)
    document = json.loads(data[20 : 20 + size])
    buffer_size, kind = struct.unpack_from("<I4s", data, 20 + size)
    buffer = data[28 + size :]
    assert (kind, buffer_size) == (b"BIN\0", len(buffer))
    assert 0 <= len(buffer) - document["buffers"][0]["byteLength"] < 4
    values = []
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        component, count = _COMPONENTS[accessor["componentType"]], _COUNTS[accessor["type"]]
        layout = f"<{accessor['count'] * count}{component}"
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == struct.calcsize(layout)
        flat = struct.unpack_from(layout, buffer, view["byteOffset"])
        values.append([flat[at : at + count] for at in range(0, len(flat), count)])
    return document, values


def test_a_glb_is_a_coloured_cube():
    data = glb(CUBE)
    document, (corners, colors, indices) = read(data)
    primitive = document["meshes"][0]["primitives"][0]
    assert media.sniffed(data) == "model/gltf-binary"
    assert document["asset"]["version"] == "2.0"
    assert primitive["attributes"] == {"POSITION": 0, "COLOR_0": 1}
    assert (primitive["indices"], primitive["material"]) == (2, 0)
    assert len(set(corners)) == len(set(colors)) == 8
    assert {abs(part) for corner in corners for part in corner} == {0.5}
    position = document["accessors"][0]
    assert position["min"] == [min(parts) for parts in zip(*corners, strict=True)]
    assert position["max"] == [max(parts) for parts in zip(*corners, strict=True)]
    assert all(color[3] == 255 for color in colors)
    assert len(indices) == 36
    assert_closed([corners[index] for (index,) in indices])


def assert_closed(corners: list[tuple[float, ...]]) -> None:
    """The triangles look outwards, and each edge belongs to two of them."""
    edges = set()
    for at in range(0, len(corners), 3):
        a, b, c = corners[at : at + 3]
        u, v = ([q - p for p, q in zip(a, other, strict=True)] for other in (b, c))
        normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
        assert sum(n * p for n, p in zip(normal, a, strict=True)) > 0
        edges |= {(a, b), (b, c), (c, a)}
    assert len(edges) == len(corners)
    assert edges == {(b, a) for a, b in edges}


def test_an_obj_is_the_same_cube():
    lines = [line.split() for line in obj(CUBE).decode("ascii").splitlines()]
    corners = [tuple(map(float, line[1:4])) for line in lines if line[0] == "v"]
    sides = [[int(number) for number in line[1:]] for line in lines if line[0] == "f"]
    _, (expected, _, _) = read(glb(CUBE))
    assert corners == expected
    triangles = [corner for a, b, c, d in sides for corner in (a, b, c, a, c, d)]
    assert_closed([corners[corner - 1] for corner in triangles])


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    for make in (glb, obj):
        assert make(CUBE) == make(CUBE)
        assert len({make(CUBE._replace(seed=seed)) for seed in range(30)}) == 30
