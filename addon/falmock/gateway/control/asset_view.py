"""The files that falmock has, as the control API shows them: what they are by their first bytes, and who refers to them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from urllib.parse import quote

from falmock.engine.engine import Engine
from falmock.fixtures.model import Asset
from falmock.gateway.control.operation import FixturesOnDisk
from falmock.gateway.control.operation import closed
from falmock.gateway.control.operation import or_null
from falmock.wire import storage
from falmock.wire.formats import clips
from falmock.wire.formats import media
from falmock.wire.formats import pixels
from falmock.wire.hosts import CDN_HOST

HEAD = 64 * 1024
"""How many bytes of an image are read for its size."""
NEWEST = 20
"""How many files of made answers, the newest ones, are made to be listed."""
MOST = 50
"""How many URLs and fixtures are listed of one file."""
MOST_LOADED = 32 * 1024 * 1024
"""How many bytes are loaded from a store to show a page of files; those beyond are shown as unknown until then."""
_SHOWN = ("image/", "audio/", "video/")
UPLOAD, FIXTURE, MADE = "upload", "fixture", "made"

SCHEMA = closed(
    sha256={"type": "string", "description": "The digest of its content, in hex."},
    type={"type": "string", "description": "Its media type by its first bytes; application/octet-stream if unknown."},
    declared={"type": "string", "description": "The media type that it was uploaded with, or that its name suggests."},
    size={"type": "integer", "minimum": 0, "description": "Bytes."},
    name={"type": "string"},
    origin={
        "enum": [UPLOAD, FIXTURE, MADE],
        "description": "Uploaded, or added by this API; a file of fixtures; or made for a synthesized answer.",
    },
    urls={"type": "array", "items": {"type": "string"}, "description": f"Its URLs on the CDN, at most {MOST}."},
    width={**or_null("integer"), "description": "Pixels; null if not known."},
    height=or_null("integer"),
    duration={**or_null("number"), "description": "Seconds; null if not known."},
    used_by={
        "type": "array",
        "items": {"type": "string"},
        "description": f"The ids of the fixtures of this scope that refer to it, at most {MOST}.",
    },
    shows={"type": "boolean", "description": "Whether it is an image, sound or film that a page may show."},
)


class HeldAsset(NamedTuple):
    """A file, where it came from, and the keys (`storage.asset_key`) of its URLs."""

    asset: Asset
    origin: str
    keys: tuple[str, ...] = ()


def held_by(engine: Engine) -> dict[str, HeldAsset]:
    """All files by digest: uploads, made files, then those of the fixtures of this scope."""
    assets = engine.scope.assets
    keys = assets.keys_of
    held = {each.sha256: HeldAsset(each, UPLOAD, tuple(keys.get(each.sha256, ()))) for each in assets.uploads}
    for key, asset in assets.made.listed(NEWEST).items():
        _add(held, HeldAsset(asset, MADE, (key,)))
    for asset in sorted(engine.assets.values(), key=lambda asset: (asset.name, asset.sha256)):
        key = storage.asset_key(storage.content_path(asset.sha256, asset.name))
        _add(held, HeldAsset(asset, FIXTURE, (key, *keys.get(asset.sha256, ()))))
    return held


def _add(held: dict[str, HeldAsset], new: HeldAsset) -> None:
    known = held.setdefault(new.asset.sha256, new)
    if known is not new:
        held[new.asset.sha256] = known._replace(keys=(*known.keys, *new.keys))


def load(engine: Engine, page: Sequence[HeldAsset]) -> None:
    """Have what is needed to show these files: a store may not have given their content yet."""
    engine.scope.assets.loaded([held.asset for held in page], MOST_LOADED)


def view(engine: Engine, disk: FixturesOnDisk) -> Callable[[HeldAsset], dict[str, Any]]:
    """Shows a file as JSON."""
    users = engine.index.users

    def shown(held: HeldAsset) -> dict[str, Any]:
        (asset,) = engine.scope.assets.loaded([held.asset], 0)
        read = reader(asset, disk)
        kind = media.sniffed(read(0, HEAD))
        clip = clips.clip_of(kind, read, asset.size)
        width, height = pixels.size_of(read(0, HEAD)) or clip.size or (None, None)
        return {
            "sha256": asset.sha256,
            "type": kind,
            "declared": asset.content_type,
            "size": asset.size,
            "name": asset.name,
            "origin": held.origin,
            "urls": [_url(key) for key in list(dict.fromkeys(held.keys))[:MOST]],
            "width": width,
            "height": height,
            "duration": None if clip.seconds is None else round(clip.seconds, 3),
            "used_by": list(users.get(asset.sha256, ()))[:MOST],
            "shows": may_show(kind),
        }

    return shown


def reader(asset: Asset, disk: FixturesOnDisk) -> clips.Read:
    """Reads a file in memory or on disk."""
    data, file = asset.data, asset.file
    if file is None:  # in memory, or not loaded
        return lambda start, stop: (data or b"")[start:stop]
    return lambda start, stop: disk.read(file, start, stop)


def may_show(media_type: str) -> bool:
    """Whether a page may show a file of this type by its first bytes. No type that is found so can have a script and be shown."""
    return media_type.startswith(_SHOWN)


def _url(key: str) -> str:
    return f"https://{CDN_HOST}{quote(key, errors='replace')}"
