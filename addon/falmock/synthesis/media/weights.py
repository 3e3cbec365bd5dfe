"""Weights of a model: a file of the safetensors format with one small tensor."""

from __future__ import annotations

import json
import struct

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark


def safetensors(recipe: Recipe) -> bytes:
    """Eight bytes for the length of the header, the header in JSON, and the numbers of the tensors."""
    numbers = struct.pack("<4f", *(fraction(recipe, place) - 0.5 for place in range(4)))
    header = {
        "__metadata__": {"format": "pt", "comment": mark(recipe)},
        "lora.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, len(numbers)]},
    }
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of eight
    return struct.pack("<Q", len(text)) + text + numbers
