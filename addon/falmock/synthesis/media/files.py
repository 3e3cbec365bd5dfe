"""Makes the file of a recipe, and tells which kinds of files can be made."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

from falmock.synthesis.media import pillow
from falmock.synthesis.media.film import film
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.media.mesh import glb
from falmock.synthesis.media.mesh import obj
from falmock.synthesis.media.mp3 import mp3
from falmock.synthesis.media.png import png
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.svg import svg
from falmock.synthesis.media.transcript import plain
from falmock.synthesis.media.transcript import srt
from falmock.synthesis.media.transcript import vtt
from falmock.synthesis.media.wav import wav
from falmock.synthesis.media.weights import safetensors
from falmock.wire.formats import media

_MAKERS: Mapping[str, Callable[[Recipe], bytes]] = {
    "image/png": png,
    "image/svg+xml": svg,
    "video/mp4": film,
    "audio/wav": wav,
    "audio/mpeg": mp3,
    "model/gltf-binary": glb,
    "model/obj": obj,
    "text/plain": plain,
    "text/vtt": vtt,
    "application/x-subrip": srt,
    "application/json": plain,
    "application/octet-stream": safetensors,
}
_OTHER_NAMES = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "application/srt": "application/x-subrip",
    "text/srt": "application/x-subrip",
}
_INSTEAD = {
    "image": "image/png",
    "video": "video/mp4",
    "audio": "audio/wav",
    "model": "model/gltf-binary",
    "text": "text/plain",
}
_SMALL_SOUNDS = frozenset({"audio/aac", "audio/mp4", "audio/ogg", "audio/opus", "audio/webm"})
"""Compressed with losses, as MP3 is, which is made in their place."""


class CannotMake(ValueError):
    """There are no such made files, nor any that could stand in for them."""


def can_make(content_type: str) -> bool:
    """Whether files of a content type can be made here: JPEG, WebP and GIF need Pillow."""
    kind = _kind(content_type)
    return kind in _MAKERS or (kind in pillow.CONTENT_TYPES and pillow.has(kind))


def instead(content_type: str) -> str:
    """The content type that is made in the place of one that cannot be made; empty if none fits."""
    kind = _kind(content_type)
    return "audio/mpeg" if kind in _SMALL_SOUNDS else _INSTEAD.get(kind.partition("/")[0], "")


def content_of(recipe: Recipe) -> bytes:
    """The file. Equal recipes give equal bytes; of compressed images as long as zlib and Pillow are the same.

    Where its content type cannot be made, it is what `instead` says. Sizes and durations are those of `within_limits`.
    Raises CannotMake if nothing can be made.
    """
    kind = _kind(recipe.content_type)
    if not can_make(kind):
        kind = instead(kind)
    if not kind:
        raise CannotMake(f"no file of the type {recipe.content_type!r} can be made, and nothing in its place")
    limited = within_limits(recipe)
    return _MAKERS[kind](limited) if kind in _MAKERS else pillow.encoded(kind, limited)


def _kind(content_type: str) -> str:
    plain_type = media.media_type(content_type)
    return _OTHER_NAMES.get(plain_type, plain_type)
