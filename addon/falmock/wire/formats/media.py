"""Media types by file name and by content, from short tables: the system's table differs between machines."""

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
    "obj": "model/obj",
    "json": "application/json",
    "txt": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "zip": "application/zip",
    "pdf": "application/pdf",
    "bin": "application/octet-stream",
    "safetensors": "application/octet-stream",
}
DEFAULT = "application/octet-stream"
_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"glTF", "model/gltf-binary"),
    (0, b"%PDF", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)
"""Offset, bytes there and media type; the first match counts."""
# Printable ASCII only: a client's media type is sent back in a header.
_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+([ \t]*;[ \t]*[\w!#$&^.+-]+=(\"[ !#-\[\]-~]*\"|[!#-:<-~]+))*", re.ASCII)


def type_of(name: str) -> str:
    """The media type that a file name suggests."""
    return _BY_EXTENSION.get(name.rpartition(".")[2].lower(), DEFAULT)


def media_type(content_type: str) -> str:
    """The media type in a Content-Type, in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def extension_of(content_type: str) -> str:
    """The usual extension of a media type, without the dot; `bin` for an unknown one."""
    plain = media_type(content_type)
    return next((extension for extension, known in _BY_EXTENSION.items() if known == plain), "bin")


def sniffed(data: bytes) -> str:
    """The media type that the first bytes of a file suggest."""
    return next((kind for at, sign, kind in _SIGNATURES if data[at : at + len(sign)] == sign), DEFAULT)


def is_type(text: str) -> bool:
    """Whether the text is a media type, safe to put in a header."""
    return _TYPE.fullmatch(text) is not None
