"""Files: what clients uploaded in this run, and the uploads under way. Content lives in memory, by digest."""

from __future__ import annotations

from collections import Counter
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from falmock.fixtures.model import Asset
from falmock.fixtures.model import Found
from falmock.wire import storage

LIMIT = 512 * 1024 * 1024
MAX_PENDING = 10_000


class NoRoom(Exception):
    """A file larger than everything that may be kept."""


class BadParts(ValueError):
    """A multipart upload that cannot be joined as asked; the text says why."""


@dataclass(slots=True)
class Upload:
    """A file URL that was promised: its name and type, and the parts that have come."""

    key: str
    name: str
    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)


class Assets:
    """Uploaded content, at most `limit` bytes of it (the oldest goes first), and the promised URLs.

    Fixture assets are looked up in the mapping that `find` is given, since they change with the fixtures.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._size = 0
        self._content: OrderedDict[str, Asset] = OrderedDict()
        self._promised: OrderedDict[str, Upload] = OrderedDict()
        self._filled: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._promises: Counter[tuple[str, str]] = Counter()

    def count_promise(self, name: str, content_type: str) -> int:
        """How many files of this name and type were promised before this one: it tells their URLs apart."""
        place = self._promises[name, content_type]
        self._promises[name, content_type] += 1
        return place

    def promise(self, key: str, name: str, content_type: str) -> Upload:
        """Note a file URL that was given out before its content came; `key` is `storage.asset_key` of its path."""
        upload = self._promised[key] = Upload(key, name, content_type)
        if len(self._promised) > MAX_PENDING:
            self._promised.popitem(last=False)
        return upload

    def promised(self, key: str) -> Upload | None:
        """The promise of this URL path, filled or not."""
        return self._promised.get(key)

    def put(self, content: bytes, name: str, content_type: str) -> Asset:
        """Keep some content. Raises NoRoom."""
        if len(content) > self.limit:
            raise NoRoom
        sha256 = storage.digest(content)
        asset = self._content.get(sha256)
        if asset is None:
            asset = self._content[sha256] = Asset(sha256, name, content_type, len(content), data=content)
            self._size += len(content)
            while self._size > self.limit:
                _, oldest = self._content.popitem(last=False)
                self._size -= oldest.size
        else:
            self._content.move_to_end(sha256)
        # The URL carries the name, and the same bytes may come again as another type.
        self._fill(storage.asset_key(storage.content_path(sha256, name)), sha256, content_type)
        return asset

    def fill(self, upload: Upload, content: bytes, content_type: str) -> Asset:
        """Keep the content of a promised URL. Raises NoRoom."""
        asset = self.put(content, upload.name, content_type)
        self._fill(upload.key, asset.sha256, content_type)
        upload.parts.clear()
        return asset

    def note(self, path: str, sha256: str, content_type: str) -> None:
        """Note which content a URL path of the real fal's stands for: it was uploaded there, or recorded."""
        self._fill(storage.asset_key(path), sha256, content_type)

    def _fill(self, key: str, sha256: str, content_type: str) -> None:
        self._filled[key] = (sha256, content_type)
        self._filled.move_to_end(key)
        if len(self._filled) > 2 * MAX_PENDING:
            self._filled.popitem(last=False)

    def join(self, upload: Upload, numbers: list[int]) -> bytes:
        """The content of a multipart upload from its parts, by number whatever the order told. Raises BadParts."""
        missing = sorted(set(numbers) - upload.parts.keys())
        if missing:
            raise BadParts(f"part {missing[0]} was not uploaded")
        if not numbers:
            raise BadParts("no parts were named")
        return b"".join(upload.parts[number] for number in sorted(set(numbers)))

    def digest_of(self, path: str) -> str | None:
        """The digest of the content that a URL path names, known or not any more; None where nothing tells it."""
        filled = self._filled.get(storage.asset_key(path))
        return filled[0] if filled else storage.digest_in_path(path)

    def find(self, path: str, fixtures: Mapping[str, Asset]) -> Found | None:
        """The file at a URL path, uploaded in this run or an asset of the fixtures."""
        sha256 = self.digest_of(path)
        if sha256 is None:
            return None
        asset = self._content.get(sha256) or fixtures.get(sha256)
        if asset is None:
            return None
        filled = self._filled.get(storage.asset_key(path))
        return Found(asset, filled[1] if filled else asset.content_type)
