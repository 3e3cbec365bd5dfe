"""Media types by file name. Our own short table: the system's differs from machine to machine."""

from __future__ import annotations

import re

_BY_EXTENSION = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "pcm": "audio/pcm",
    "glb": "model/gltf-binary",
    "json": "application/json",
    "txt": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "zip": "application/zip",
    "pdf": "application/pdf",
    "safetensors": "application/octet-stream",
}
DEFAULT = "application/octet-stream"
# Printable ASCII only: what a client calls a media type comes back in a header.
_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+([ \t]*;[ \t]*[\w!#$&^.+-]+=(\"[ !#-\[\]-~]*\"|[!#-:<-~]+))*", re.ASCII)


def type_of(name: str) -> str:
    """The media type a file name suggests."""
    return _BY_EXTENSION.get(name.rpartition(".")[2].lower(), DEFAULT)


def extension_of(content_type: str) -> str:
    """The usual extension of a media type, without the dot; `bin` for an unknown one."""
    plain = content_type.partition(";")[0].strip().lower()
    return next((extension for extension, known in _BY_EXTENSION.items() if known == plain), "bin")


def is_type(text: str) -> bool:
    """Whether the text is a media type, safe to put in a header."""
    return _TYPE.fullmatch(text) is not None
