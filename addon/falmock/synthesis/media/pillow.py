"""Pictures in formats that Pillow writes: JPEG, WebP and GIF. It is an extra, `falmock[media]`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from falmock.synthesis.media.picture import picture
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark

_FEATURES = {"image/jpeg": "jpg", "image/webp": "webp", "image/gif": None}
"""What Pillow calls the library that a content type needs; None where it needs none."""
_OPTIONS: dict[str, dict[str, Any]] = {
    "image/jpeg": {"format": "JPEG", "quality": 80},
    "image/webp": {"format": "WEBP", "quality": 70, "method": 0},
    "image/gif": {"format": "GIF"},
}
CONTENT_TYPES = frozenset(_OPTIONS)
_DESCRIPTION = 0x010E
"""Exif's tag ImageDescription."""


def has(content_type: str) -> bool:
    """Whether Pillow is installed and writes this content type."""
    try:
        from PIL import features
    except ImportError:
        return False
    feature = _FEATURES[content_type]
    return feature is None or bool(features.check(feature))


def encoded(content_type: str, recipe: Recipe) -> bytes:
    """The same picture as in a PNG file. The bytes are equal as long as Pillow is the same."""
    from PIL import Image

    drawn = picture(recipe)
    image = Image.frombytes("P", (drawn.width, drawn.height), b"".join(drawn.rows))
    image.putpalette(drawn.palette)
    file = BytesIO()
    if content_type == "image/gif":
        image.save(file, comment=mark(recipe), **_OPTIONS[content_type])
    else:
        exif = Image.Exif()
        exif[_DESCRIPTION] = mark(recipe)
        image.convert("RGB").save(file, exif=exif, **_OPTIONS[content_type])
    return file.getvalue()
