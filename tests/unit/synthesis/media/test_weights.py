"""Made weights."""

from __future__ import annotations

import json
import struct

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.weights import safetensors

LORA = Recipe("application/octet-stream", seed=1)


def test_the_header_leads_to_the_numbers():
    data = safetensors(LORA)
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    numbers = data[8 + length :]
    assert length % 8 == 0
    assert data[8:9] == b"{"
    assert header.pop("__metadata__")["format"] == "pt"
    assert header == {"lora.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    assert all(-0.5 <= number < 0.5 for number in struct.unpack("<4f", numbers))


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    assert safetensors(LORA) == safetensors(LORA)
    assert len({safetensors(LORA._replace(seed=seed))[-16:] for seed in range(30)}) == 30
