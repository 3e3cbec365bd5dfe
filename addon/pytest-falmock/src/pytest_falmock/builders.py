"""Entries of fixture files for the usual answers, with the files that they name. falmock checks them."""

from __future__ import annotations

import mimetypes
import os
import struct
import zlib
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import TypedDict
from typing import Unpack

Media = str | os.PathLike[str]
"""A file by its path, or by an `http:`, `https:` or `data:` URL."""
SIDE = 1024
"""The width and height of an image whose size is unknown, in pixels."""
_URLS = ("http://", "https://", "data:")
_PNG = b"\x89PNG\r\n\x1a\n"
_KEYS = {"prompt": "userMessage", "sequence_index": "sequenceIndex"}


class When(TypedDict, total=False):
    """Further conditions on the calls that an entry answers: all that are set must hold."""

    prompt: str
    """A part of the prompt."""
    input: Mapping[str, Any]
    """What the input must contain."""
    exact: bool
    """Whether that is the whole input."""
    sequence_index: int
    """The number of the call that it answers, from 0."""


@dataclass(frozen=True)
class Draft:
    """An entry, and the content of the files that it names."""

    entry: dict[str, Any]
    assets: dict[str, bytes] = field(default_factory=dict)


def run(model: str, json: Any, *, status: int = 200, **when: Unpack[When]) -> dict[str, Any]:
    """The answer of a model to any kind of call."""
    response: dict[str, Any] = {"json": json}
    if status != 200:
        response["status"] = status
    return {"match": _match(model, when), "response": response}


def error(model: str, error: str | Mapping[str, Any], **when: Unpack[When]) -> dict[str, Any]:
    """An error of a model, by its name or as in the key `error` of a fault."""
    return {"match": _match(model, when), "fault": {"error": error}}


def image(
    model: str, images: Sequence[Media], *, size: tuple[int, int] | None, seed: int, **when: Unpack[When]
) -> Draft:
    """The answer of an image model; without images it has one, gray."""
    width, height = size or (8, 8)
    files = [_File.of(each) for each in images] or [_File("image.png", "image/png", _gray(width, height))]
    outputs = []
    for file in files:
        width, height = size or file.size or (SIDE, SIDE)
        outputs.append({"url": file.url, "width": width, "height": height, "content_type": file.content_type})
    json = {
        "images": outputs,
        "timings": {"inference": 0},
        "seed": seed,
        "has_nsfw_concepts": [False] * len(outputs),
        "prompt": when.get("prompt", ""),
    }
    return _draft(run(model, json, **when), files)


def video(model: str, video: Media, *, seed: int, **when: Unpack[When]) -> Draft:
    """The answer of a video model."""
    file = _File.of(video)
    return _draft(run(model, {"video": file.described, "seed": seed}, **when), [file])


def audio(model: str, audio: Media, **when: Unpack[When]) -> Draft:
    """The answer of an audio model."""
    file = _File.of(audio)
    return _draft(run(model, {"audio": file.described}, **when), [file])


def _match(model: str, when: When) -> dict[str, Any]:
    return {"model": model, **{_KEYS.get(key, key): value for key, value in when.items()}}


def _draft(entry: dict[str, Any], files: Sequence[_File]) -> Draft:
    return Draft(entry, {file.name: file.content for file in files if file.content is not None})


@dataclass(frozen=True)
class _File:
    """An output file of a model. Without `content` it is at the URL `name`."""

    name: str
    content_type: str
    content: bytes | None = None

    @classmethod
    def of(cls, given: Media) -> _File:
        text = os.fspath(given)
        if text.startswith(_URLS):
            kind = (
                text[5:].partition(";")[0].partition(",")[0]
                if text.startswith("data:")
                else _type_of(text.partition("?")[0])
            )
            return cls(text, kind)
        path = Path(text)
        return cls(path.name, _type_of(path.name), path.read_bytes())

    @property
    def url(self) -> Any:
        return self.name if self.content is None else {"$file": self.name}

    @property
    def size(self) -> tuple[int, int] | None:
        if self.content is None or not self.content.startswith(_PNG) or len(self.content) < 24:
            return None
        width, height = struct.unpack_from(">II", self.content, 16)
        return int(width), int(height)

    @property
    def described(self) -> dict[str, Any]:
        name = self.name if self.content is not None else self.name.partition("?")[0].rpartition("/")[2]
        length = 0 if self.content is None else len(self.content)
        return {"url": self.url, "content_type": self.content_type, "file_name": name, "file_size": length}


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _gray(width: int, height: int) -> bytes:
    """A PNG."""
    rows = (b"\x00" + b"\x80" * width) * height
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return _PNG + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
