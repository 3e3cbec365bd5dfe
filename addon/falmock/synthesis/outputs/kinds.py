"""What kind of file an output has, and in which format, from what its schema says."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from falmock.wire.formats.media import DEFAULT
from falmock.wire.formats.media import type_of


class Kind(enum.Enum):
    """Kinds of made files; the value is the media type that is made if nothing says another one."""

    PICTURE = "image/png"
    FILM = "video/mp4"
    SOUND = "audio/wav"
    MESH = "model/gltf-binary"
    DATA = "application/json"
    WEIGHTS = "application/octet-stream"
    ARCHIVE = "application/zip"


_BY_TOP = {"image": Kind.PICTURE, "video": Kind.FILM, "audio": Kind.SOUND, "model": Kind.MESH, "text": Kind.DATA}
_BY_TYPE = {"application/json": Kind.DATA, "application/zip": Kind.ARCHIVE, "application/x-subrip": Kind.DATA}
_BY_EXTENSION = {
    "safetensors": Kind.WEIGHTS,
    "fbx": Kind.MESH,
    "usdz": Kind.MESH,
    "stl": Kind.MESH,
    "ply": Kind.MESH,
}
_BY_WORD = {
    word: kind
    for kind, words in (
        (Kind.ARCHIVE, "zip archive"),
        (Kind.WEIGHTS, "lora safetensors embedding weights latents"),
        (Kind.DATA, "json config captions srt metadata text"),
        (Kind.PICTURE, "image mask texture thumbnail preview picture photo frame map spritesheet visualization"),
        (Kind.FILM, "video movie animation"),
        (Kind.MESH, "glb mesh model obj fbx usdz ply stl 3d splat scene world"),
        (Kind.SOUND, "audio sound speech voice music song vocals drums bass guitar piano target residual other"),
    )
    for word in words.split()
}
_CLASSES = (("image", Kind.PICTURE), ("video", Kind.FILM), ("audio", Kind.SOUND))
_MOST_URL = 2048
_LIGHT = frozenset({"image/png", "image/jpeg", "image/svg+xml"})
_FORMAT = re.compile(r"\(\.([a-z0-9]{2,5})\)")
_PLAIN = frozenset({str, type(None)})
_FORMAT_INPUTS = {
    Kind.PICTURE: ("output_format", "image_format", "format"),
    Kind.FILM: ("output_format", "video_output_type", "video_format", "format"),
    Kind.SOUND: ("output_format", "audio_format", "format", "audio_setting"),
}


def kind_of_type(content_type: str) -> Kind | None:
    """The kind of files of a media type."""
    return _BY_TYPE.get(content_type) or _BY_TOP.get(content_type.partition("/")[0])


def kind_of_url(url: str) -> tuple[Kind, str] | None:
    """Kind and media type of the file that an example's URL names; None if its extension says nothing."""
    name = url[:_MOST_URL].partition("?")[0].partition("#")[0].rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    content_type = type_of(f".{extension}")
    kind = _BY_EXTENSION.get(extension) or (None if content_type == DEFAULT else kind_of_type(content_type))
    if kind is None:
        return None
    usual = content_type == DEFAULT or (kind is Kind.PICTURE and content_type not in _LIGHT)
    return kind, kind.value if usual else content_type


def kind_by_name(name: str, title: str) -> Kind | None:
    """The kind of a file by its class (`Image`, `VideoFile`), or by the name of its property."""
    known = title.lower()
    for word, kind in _CLASSES:
        if word in known and "output" not in known.removesuffix("-output"):
            return kind
    # The last word says what it is: a `mask_video` is a video, and a `mask_1_mesh` a mesh.
    words = reversed(name.lower().replace("-", "_").split("_"))
    kinds = (_BY_WORD.get(word) or _BY_WORD.get(word.removesuffix("s")) for word in words)
    return next((kind for kind in kinds if kind is not None), None)


def asked_type(kind: Kind, values: Mapping[str, Any]) -> str | None:
    """The media type that an input asks for, by `output_format` and the like; None if it says nothing of this kind."""
    for name in _FORMAT_INPUTS.get(kind, ()):
        value = values.get(name)
        if value.__class__ not in _PLAIN and isinstance(value, Mapping):
            value = value.get("format")
        content_type = _type_of_format(kind, value[:40].lower()) if isinstance(value, str) else None
        if content_type is not None:
            return content_type
    return None


@lru_cache(maxsize=256)
def _type_of_format(kind: Kind, text: str) -> str | None:
    """The media type of a format such as `mp3_44100_128` or `MP4 (.mp4)`; None if it is not of this kind."""
    inner = _FORMAT.search(text)
    content_type = type_of("." + (inner[1] if inner else text.partition("_")[0]))
    is_film = kind is Kind.FILM and content_type == "image/gif"
    return content_type if is_film or kind_of_type(content_type) is kind else None
