"""The files that clients uploaded in this run, and the uploads under way. Content is in memory or on disk, by digest.

The edge owns the files on disk and passes them with a request. The engine lists those that it does not keep, or no
longer keeps, in `take_dropped`; the edge removes them.
"""

from __future__ import annotations

from collections import Counter
from collections import OrderedDict
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from falmock.engine.files.added import AddedAssets
from falmock.engine.files.content_pool import ContentPool
from falmock.engine.files.made import MadeFiles
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Found
from falmock.wire import storage
from falmock.wire.message import Content

LIMIT = 512 * 1024 * 1024
DISK_LIMIT = 16 * 1024 * 1024 * 1024
MAX_PENDING = 10_000


class NoRoom(Exception):
    """The content is larger than the memory limit."""


class BadParts(ValueError):
    """The parts of a multipart upload cannot be joined; the text says why."""


@dataclass(slots=True)
class PromisedUpload:
    """A file URL issued before its content: the name, the media type, and the parts received so far.

    `is_recorded`: the URL is from a recording that does not have the content, so recorded inputs have the URL itself.
    """

    key: str
    name: str
    content_type: str
    is_recorded: bool = False
    parts: dict[int, Content] = field(default_factory=dict)


class Assets:
    """Uploaded content, and the promised URLs.

    In memory, at most `limit` bytes of content and `limit` bytes of parts are kept; on disk, `disk_limit` bytes, unless
    a single upload is larger. The oldest are dropped first, on disk unfinished parts before whole files. `find` takes
    the fixture assets as a mapping, since they change with the fixtures.
    """

    def __init__(self, limit: int = LIMIT, disk_limit: int = DISK_LIMIT) -> None:
        self.limit = limit
        self.disk_limit = disk_limit
        self._memory = ContentPool()
        self._disk = ContentPool()
        self._parts_on_disk = 0
        self._parts_in_memory = 0
        self._unfinished: OrderedDict[str, float] = OrderedDict()
        self._files: set[str] = set()
        self._dropped: list[str] = []
        self._promised: OrderedDict[str, PromisedUpload] = OrderedDict()
        self._filled: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._only_served: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._promises: Counter[tuple[str, str]] = Counter()
        self.added_assets: AddedAssets = AddedAssets()
        """The files of added fixtures, of all scopes."""
        self.made: MadeFiles = MadeFiles()
        """The files in made answers."""

    # promises

    def count_promise(self, name: str, content_type: str) -> int:
        """How many files of this name and type were promised before: this number makes their URLs differ."""
        place = self._promises[name, content_type]
        self._promises[name, content_type] += 1
        return place

    def is_taken(self, key: str) -> bool:
        """Whether a URL path was promised before."""
        return key in self._promised

    def promise(self, key: str, name: str, content_type: str) -> PromisedUpload:
        """Note a file URL that is issued before its content comes; `key` is `storage.asset_key` of its path."""
        return self._promise(key, PromisedUpload(key, name, content_type))

    def promise_recorded(self, key: str, upload_key: str, name: str, content_type: str) -> None:
        """Note a file URL that a recording issued; its content goes to the path with `upload_key`.

        It is served at the URL. Calls with the URL keep matching by it, as they were recorded.
        """
        if key not in self._promised:
            upload = self._promise(key, PromisedUpload(key, name, content_type, is_recorded=True))
            self._promise(upload_key, upload)

    def _promise(self, key: str, upload: PromisedUpload) -> PromisedUpload:
        self._promised[key] = upload
        if len(self._promised) > MAX_PENDING:
            _, forgotten = self._promised.popitem(last=False)
            self._forget_parts(forgotten, forgotten.parts)
        return upload

    def promised(self, key: str) -> PromisedUpload | None:
        """The promised upload for this URL path, filled or not; None if there is none."""
        return self._promised.get(key)

    def is_filled(self, upload: PromisedUpload) -> bool:
        """Whether the content of a promised URL was uploaded."""
        return upload.key in (self._only_served if upload.is_recorded else self._filled)

    # content

    def put(self, content: Content, name: str, content_type: str) -> Asset:
        """Keep content. Raises NoRoom."""
        asset = self._kept(content.sha256)
        if asset is None:
            asset = Asset(content.sha256, name, content_type, content.size, content.data, content.file)
            self._keep(asset)
        # The URL has the name, and the same bytes may be uploaded again with another type.
        self._fill(storage.asset_key(storage.content_path(asset.sha256, name)), asset.sha256, content_type)
        return asset

    def _kept(self, sha256: str) -> Asset | None:
        """The content with this digest, marked as the newest; None if there is none."""
        for pool in (self._memory, self._disk):
            asset = pool.content.get(sha256)
            if asset is not None:
                pool.content.move_to_end(sha256)
                return asset
        return None

    def _keep(self, asset: Asset) -> None:
        if asset.file is None:
            if asset.size > self.limit:
                raise NoRoom
            self._memory.add(asset)
            while self._memory.size > self.limit:
                self._memory.pop_oldest()
            return
        self._files.add(asset.file)
        self._disk.add(asset)
        self._make_room(None)

    def fill(self, upload: PromisedUpload, content: Content, content_type: str) -> Asset:
        """Keep the content of a promised URL. Raises NoRoom."""
        asset = self.put(content, upload.name, content_type)
        self._fill(upload.key, asset.sha256, content_type, only_served=upload.is_recorded)
        self._forget_parts(upload, upload.parts)
        return asset

    def note(self, path: str, sha256: str, content_type: str) -> None:
        """Note the content of a URL path on the real fal, uploaded there or recorded."""
        self._fill(storage.asset_key(path), sha256, content_type)

    def _fill(self, key: str, sha256: str, content_type: str, *, only_served: bool = False) -> None:
        table = self._only_served if only_served else self._filled
        table[key] = (sha256, content_type)
        table.move_to_end(key)
        if len(table) > 2 * MAX_PENDING:
            table.popitem(last=False)

    # parts

    @property
    def unfinished_since(self) -> float | None:
        """When the last part of the longest idle unfinished upload came (seconds since the epoch); None if there is none."""
        return next(iter(self._unfinished.values()), None)

    def forget_unfinished(self, before: float) -> None:
        """Forget the parts of uploads whose last part came at `before` (seconds since the epoch) or earlier."""
        while (since := self.unfinished_since) is not None and since <= before:
            upload = self._promised[next(iter(self._unfinished))]
            self._forget_parts(upload, upload.parts)

    def add_part(self, upload: PromisedUpload, number: int, content: Content, now: float) -> None:
        """Keep one part; it replaces an earlier one with this number. Raises NoRoom."""
        if content.data is not None:
            others = (part for place, part in upload.parts.items() if place != number)
            if content.size + _in_memory(others) > self.limit:
                raise NoRoom
        if number in upload.parts:
            self._forget_parts(upload, [number])
        upload.parts[number] = content
        self._unfinished[upload.key] = now
        self._unfinished.move_to_end(upload.key)
        if content.file is not None:
            self._files.add(content.file)
            self._parts_on_disk += content.size
            self._make_room(upload)
        else:
            self._parts_in_memory += content.size
            self._make_room_in_memory()

    def in_order(self, upload: PromisedUpload, numbers: list[int]) -> list[Content]:
        """These parts of an upload, sorted by number. Raises BadParts."""
        missing = sorted(set(numbers) - upload.parts.keys())
        if missing:
            raise BadParts(f"part {missing[0]} was not uploaded")
        if not numbers:
            raise BadParts("no parts were named")
        return [upload.parts[number] for number in sorted(set(numbers))]

    def _forget_parts(self, upload: PromisedUpload, numbers: Iterable[int]) -> None:
        for number in list(numbers):
            part = upload.parts.pop(number)
            if part.file is not None:
                self._parts_on_disk -= part.size
                self._drop(part.file)
            else:
                self._parts_in_memory -= part.size
        if not upload.parts:
            self._unfinished.pop(upload.key, None)

    def _make_room_in_memory(self) -> None:
        """Forget parts until those in memory are within the limit; the parts of the last used upload stay."""
        while self._parts_in_memory > self.limit and len(self._unfinished) > 1:
            upload = self._promised[next(iter(self._unfinished))]
            self._forget_parts(upload, upload.parts)

    # files

    def _make_room(self, under_way: PromisedUpload | None) -> None:
        """Drop files until the disk limit holds; the parts of the upload `under_way` stay."""
        if self._disk.size + self._parts_on_disk <= self.disk_limit:
            return
        for upload in self._promised.values():
            if upload is not under_way and self._disk.size + self._parts_on_disk > self.disk_limit:
                self._forget_parts(upload, upload.parts)
        while self._disk.size + self._parts_on_disk > self.disk_limit and len(self._disk.content) > 1:
            self._drop(self._disk.pop_oldest().file or "")

    def _drop(self, file: str) -> None:
        self._files.discard(file)
        self._dropped.append(file)

    def release(self, content: Content) -> None:
        """Drop the file of a request that was answered, unless it was kept."""
        if content.file is not None and content.file not in self._files:
            self._dropped.append(content.file)

    @property
    def is_tidy(self) -> bool:
        """Whether no file waits to be removed, and no upload for its end."""
        return not self._dropped and not self._unfinished

    def take_dropped(self) -> list[str]:
        """The files that are no longer used, since the last call."""
        dropped, self._dropped = self._dropped, []
        return dropped

    # lookup

    @property
    def uploads(self) -> list[Asset]:
        """The content that was uploaded and is kept, the newest first; that on disk is after that in memory."""
        return [asset for pool in (self._memory, self._disk) for asset in reversed(pool.content.values())]

    @property
    def keys_of(self) -> dict[str, list[str]]:
        """The keys of the URL paths at which content is served, or was on the real fal, by its digest."""
        keys: dict[str, list[str]] = {}
        for key, (sha256, _) in (*self._filled.items(), *self._only_served.items()):
            keys.setdefault(sha256, []).append(key)
        return keys

    def loaded(self, assets: Sequence[Asset], most: int | None = None) -> list[Asset]:
        """These files with their content, which a file in a store may lack; of more than `most` bytes only the first."""
        del most
        return list(assets)

    def too_large(self, size: int) -> str:
        """Why content of this size is not kept (see NoRoom)."""
        return f"An upload of {size} bytes, more than the {self.limit} kept in memory"

    def has_room(self, content: Content) -> bool:
        """Whether content in memory can be kept without dropping any other."""
        return content.sha256 in self._memory.content or self._memory.size + content.size <= self.limit

    def named_in(self, paths: Iterable[str]) -> list[str]:
        """The keys of the records of a store that tell what these URL paths hold; none here."""
        del paths
        return []

    def expect(self, paths: Iterable[str]) -> None:
        """These URL paths will be looked up: what a store has of them is loaded at once."""

    def digest_of(self, path: str) -> str | None:
        """The digest of the content that a URL path names, kept or not; None if it is unknown."""
        filled = self._filled.get(storage.asset_key(path))
        if filled:
            return filled[0]
        known = storage.digest_in_path(path)
        made = self.made.find(path) if known is None else None
        return known if made is None else made.sha256

    def find(self, path: str, fixtures: Mapping[str, Asset]) -> Found | None:
        """The file at a URL path, uploaded in this run or an asset of the fixtures; None if there is none."""
        key = storage.asset_key(path)
        filled = self._only_served.get(key) or self._filled.get(key)
        sha256 = filled[0] if filled else storage.digest_in_path(path)
        asset = self.made.find(path) if sha256 is None else self.content(sha256, fixtures)
        if asset is None:
            return None
        return Found(asset, filled[1] if filled else asset.content_type)

    @property
    def count(self) -> int:
        """How many files there are, beside those of the fixtures on disk."""
        return len(self._memory.content) + len(self._disk.content) + len(self.added_assets) + len(self.made)

    def content(self, sha256: str, fixtures: Mapping[str, Asset]) -> Asset | None:
        """The content with this digest, uploaded in this run or an asset of the fixtures; None if there is none."""
        asset = self._memory.content.get(sha256) or self._disk.content.get(sha256) or fixtures.get(sha256)
        return asset or self.added_assets.get(sha256) or self.made.by_digest(sha256)


def _in_memory(parts: Iterable[Content]) -> int:
    return sum(part.size for part in parts if part.data is not None)
