"""The files in a made answer: what they are, and the objects that describe them."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from falmock.synthesis.media import mp3
from falmock.synthesis.media import wav
from falmock.synthesis.media.limits import MAX_COMPRESSED_PIXELS
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs import texts
from falmock.synthesis.outputs.asked import Asked
from falmock.synthesis.outputs.kinds import Kind
from falmock.synthesis.outputs.kinds import asked_type
from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import extension_of
from falmock.wire.hosts import CDN_HOST

_EXTENSIONS = {Kind.WEIGHTS: "safetensors", Kind.ARCHIVE: "zip"}
_HINTS = {Kind.PICTURE: " without falmock[media]"}
_MOST_INLINE_SECONDS = 60.0
_SAMPLE_RATES = {"audio/wav": wav.RATE, "audio/mpeg": mp3.RATE}
_MOST_NAME = 40
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Described(NamedTuple):
    """A file and its URL, which is a data URI if the input has `sync_mode`."""

    url: str
    name: str
    recipe: Recipe


Field = Callable[[Described], Any]


def described(asked: Asked, kind: Kind, name: str, content_type: str) -> Described:
    """A new file of an answer. It is made when it is read, except for a data URI.

    `name` is that of its property, and `content_type` what the model makes if the input asks for nothing else.
    """
    recipe = _recipe(asked, kind, _type(asked, kind, content_type))
    file_name = _file_name(name, kind, recipe.content_type)
    if asked.sync and kind in (Kind.PICTURE, Kind.FILM, Kind.SOUND):
        recipe = _for_inline(asked, recipe)
        return Described(_data_uri(recipe), file_name, recipe)
    path = recipe.url_path(file_name)
    asked.files[path] = recipe
    return Described(f"https://{CDN_HOST}{path}", file_name, recipe)


def field(name: str, schema_type: str, kind: Kind) -> Field | None:
    """What makes a property of the object that describes a file; None if its name says nothing about such a file.

    The names are those of fal's `Image`, `File`, `Video` and `Audio` classes.
    """
    text = _TEXTS_OF.get(kind, {}).get(name) or _TEXTS.get(name)
    if text is not None:
        return text if schema_type in ("string", "") else None
    number = _NUMBERS_OF.get(kind, {}).get(name)
    if number is None or schema_type in ("number", ""):
        return number
    if schema_type == "string":
        return lambda file: f"{number(file):g}"
    return (lambda file: round(number(file))) if schema_type == "integer" else None


def size_of(file: Described) -> int:
    """The length of a file in bytes, which makes it."""
    return len(_content(file.recipe))


def _recipe(asked: Asked, kind: Kind, content_type: str) -> Recipe:
    seed = (asked.seed + len(asked.files) + asked.inlined) & 0xFFFF_FFFF_FFFF_FFFF
    if kind is Kind.PICTURE:
        width, height = asked.picture_size
        recipe = Recipe(content_type, width, height, seed=seed, text=asked.words)
        return recipe if width * height <= MAX_COMPRESSED_PIXELS else _smaller(asked, recipe)
    if kind is Kind.FILM:
        width, height = asked.film_size
        return Recipe(content_type, width, height, asked.film_seconds, asked.fps, seed, asked.words)
    if kind is Kind.SOUND:
        return Recipe(content_type, duration=asked.sound_seconds, seed=seed, text=asked.words)
    if kind in (Kind.MESH, Kind.WEIGHTS, Kind.ARCHIVE):
        return Recipe(content_type, seed=seed, text=asked.words)
    return Recipe(content_type, duration=asked.film_seconds, seed=seed, text=texts.content(content_type, asked))


def _smaller(asked: Asked, recipe: Recipe) -> Recipe:
    """A large picture in the size that its format can have."""
    limited = within_limits(recipe)
    if limited != recipe:
        size = f"{limited.width}x{limited.height}"
        asked.note(f"{recipe.content_type} of {recipe.width}x{recipe.height} was asked for, and {size} is made")
    return limited


def _type(asked: Asked, kind: Kind, usual: str) -> str:
    """The media type that is made. Where the asked one cannot be made, another one of its kind is, and a note says so."""
    known = asked.types.get((kind, usual))
    if known is not None:
        return known
    wanted = asked_type(kind, asked.values)
    made = _possible(wanted or usual)
    if wanted and made != wanted:
        asked.note(f"{wanted} cannot be made here{_HINTS.get(kind, '')}: it is {made}")
    asked.types[kind, usual] = made
    return made


@lru_cache(maxsize=64)
def _possible(content_type: str) -> str:
    """The media type, or the one that is made in its place."""
    from falmock.synthesis.media import files

    return content_type if files.can_make(content_type) else files.instead(content_type) or DEFAULT


def _for_inline(asked: Asked, recipe: Recipe) -> Recipe:
    """The recipe in a size that fits into an answer."""
    asked.inlined += 1
    pixels = recipe.width * recipe.height
    if pixels and pixels > asked.pixels_left:
        part = math.sqrt(max(asked.pixels_left, 64 * 64) / pixels)
        smaller = within_limits(recipe._replace(width=int(recipe.width * part), height=int(recipe.height * part)))
        asked.note(
            f"with sync_mode a file of {recipe.width}x{recipe.height} is made as {smaller.width}x{smaller.height}"
        )
        recipe = smaller
    if recipe.duration > _MOST_INLINE_SECONDS:
        asked.note(f"with sync_mode a file of {recipe.duration:g} s is made with {_MOST_INLINE_SECONDS:g} s")
        recipe = recipe._replace(duration=_MOST_INLINE_SECONDS)
    asked.pixels_left -= recipe.width * recipe.height
    return recipe


def _data_uri(recipe: Recipe) -> str:
    return f"data:{recipe.content_type};base64,{base64.b64encode(_content(recipe)).decode()}"


def _content(recipe: Recipe) -> bytes:
    from falmock.synthesis.media.files import content_of

    return content_of(recipe)


@lru_cache(maxsize=256)
def _file_name(name: str, kind: Kind, content_type: str) -> str:
    """A file name from that of a property."""
    plain = "".join(each for each in name[:_MOST_NAME].lower() if each in _WORD) or "file"
    return f"{plain}.{_EXTENSIONS.get(kind) or extension_of(content_type)}"


def _frames(file: Described) -> int:
    return max(1, round(file.recipe.duration * file.recipe.fps))


_TEXTS: dict[str, Field] = {
    "url": lambda file: file.url,
    "content_type": lambda file: file.recipe.content_type,
    "file_name": lambda file: file.name,
    "media_type": lambda file: file.recipe.content_type.partition("/")[0],
    "container": lambda file: extension_of(file.recipe.content_type),
    "format": lambda file: extension_of(file.recipe.content_type),
}
_RESOLUTION: dict[str, Field] = {"resolution": lambda file: f"{file.recipe.width}x{file.recipe.height}"}
_TEXTS_OF = {Kind.PICTURE: _RESOLUTION, Kind.FILM: _RESOLUTION}
_SIZE: dict[str, Field] = {"width": lambda file: file.recipe.width, "height": lambda file: file.recipe.height}
_DURATION: dict[str, Field] = {"duration": lambda file: file.recipe.duration}
_NUMBERS_OF: dict[Kind, dict[str, Field]] = {
    Kind.PICTURE: _SIZE,
    Kind.FILM: {
        **_SIZE,
        **_DURATION,
        "fps": lambda file: file.recipe.fps,
        "num_frames": _frames,
        "frame_count": _frames,
    },
    Kind.SOUND: {
        **_DURATION,
        "sample_rate": lambda file: _SAMPLE_RATES.get(file.recipe.content_type, wav.RATE),
        "channels": lambda _: 1,
    },
}
