"""What tells one made file from another: bytes to choose hues and pitches by, and a mark that is in the file."""

from __future__ import annotations

import hashlib

from falmock.synthesis.media.recipe import Recipe


def traits(recipe: Recipe) -> bytes:
    """32 bytes that depend on seed and text alone: a picture looks the same in all its sizes and formats."""
    return hashlib.sha256(f"{recipe.seed} {recipe.text}".encode("utf-8", "surrogatepass")).digest()


def fraction(recipe: Recipe, place: int) -> float:
    """A number from 0 to less than 1 of the traits; `place` is from 0 to 15."""
    return int.from_bytes(traits(recipe)[2 * place : 2 * place + 2]) / 65536


def mark(recipe: Recipe) -> str:
    """A line of ASCII that says who made the file. It makes the bytes of files differ whose hues or pitches are equal."""
    return f"falmock {recipe.digest}"
