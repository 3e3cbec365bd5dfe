"""The files that clients uploaded, in a store: the same registry as `engine.files.registry`, which all replicas share.

What a path holds, what was promised and which parts came are records. The content lies beside them by its digest, and is
written before the record that names it: who finds the record finds the content. Files are of all scopes, so no reset
forgets them; what nobody uses ends with its time to live.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial

from falmock.engine.files.registry import LIMIT
from falmock.engine.files.registry import MAX_PENDING
from falmock.engine.files.registry import Assets
from falmock.engine.files.registry import BadParts
from falmock.engine.files.registry import NoRoom
from falmock.engine.files.registry import PromisedUpload
from falmock.engine.shared.current import Current
from falmock.engine.shared.errors import FileElsewhere
from falmock.engine.shared.files import records
from falmock.engine.shared.files.contents import FileContents
from falmock.engine.shared.files.copies import LocalContents
from falmock.engine.shared.files.forms import HELD
from falmock.engine.shared.files.forms import PATH
from falmock.engine.shared.files.forms import Filled
from falmock.engine.shared.files.forms import Held
from falmock.engine.shared.files.forms import PathForm
from falmock.engine.shared.files.made import SharedMadeFiles
from falmock.engine.shared.files.promised import PromisedFiles
from falmock.engine.shared.files.records import FileRecords
from falmock.fixtures.model import Asset
from falmock.fixtures.model import Found
from falmock.wire import storage
from falmock.wire.message import Content

BLOB_LIMIT = 64 * 1024 * 1024
"""How large (bytes) a file may be that is kept in the store itself."""
_LISTED = "content"


class SharedAssets(Assets):
    """See Assets. `ttl` returns how long (seconds) a file is kept that nobody uses; `hide` takes secrets out of a text.

    `limit` is how large (bytes) a file may be.
    """

    def __init__(
        self,
        current: Current,
        ttl: Callable[[], float],
        hide: Callable[[str], str],
        limit: int = BLOB_LIMIT,
    ) -> None:
        super().__init__(limit)
        self._records = FileRecords(current, ttl)
        self._contents = FileContents(self._records)
        self.local: LocalContents = self._contents.local
        """Copies of content that is in the store itself."""
        self._promised_files = PromisedFiles(self._records, self._contents)
        self._noted: OrderedDict[str, Filled] = OrderedDict()
        self._count = 0
        self.made: SharedMadeFiles = SharedMadeFiles(self._records)
        self.made.hide = hide

    def use_folder(self, place: str) -> None:
        """Content is in a folder of this name that all replicas share, not in the store; `limit` is for that in memory."""
        self._contents.place, self.limit = place, LIMIT

    # promises

    def count_promise(self, name: str, content_type: str) -> int:
        """See Assets. Raises NotLoaded."""
        return self._promised_files.count(name, content_type)

    def is_taken(self, key: str) -> bool:
        """See Assets. Raises NotLoaded."""
        return self._promised_files.is_taken(key)

    def promise(self, key: str, name: str, content_type: str) -> PromisedUpload:
        """See Assets. The path must be one that is not taken."""
        return self._promised_files.promise(key, PromisedUpload(key, name, content_type))

    def promise_recorded(self, key: str, upload_key: str, name: str, content_type: str) -> None:
        """See Assets. Raises NotLoaded."""
        self._promised_files.promise_recorded(key, upload_key, name, content_type)

    def promised(self, key: str) -> PromisedUpload | None:
        """See Assets. Its parts are without their content. Raises NotLoaded."""
        return self._promised_files.get(key)

    def is_filled(self, upload: PromisedUpload) -> bool:
        """See Assets. Raises NotLoaded."""
        record = self._path(upload.key)
        return record is not None and (record.served if upload.is_recorded else record.filled) is not None

    # content

    def put(self, content: Content, name: str, content_type: str) -> Asset:
        """See Assets. Raises NoRoom, NotLoaded."""
        self._check_room(content, content.size)
        key = storage.asset_key(storage.content_path(content.sha256, name))
        self._records.expect(("content", content.sha256), ("file", key))
        held = self._held(content.sha256) or Held(name, content_type, content.size, 0.0)
        self._hold(content, held)
        self._fill(key, content.sha256, content_type)
        return Asset(content.sha256, held.name, held.content_type, content.size, content.data, content.file)

    def _check_room(self, content: Content, size: int) -> None:
        if size > self.limit and not (self._contents.place and content.file is not None):
            raise NoRoom

    def _held(self, sha256: str) -> Held | None:
        return self._records.read("content", sha256, HELD)

    def _hold(self, content: Content, held: Held) -> None:
        """Keep a content for some time more."""
        self._contents.write(content)
        form = held._replace(since=self._records.now, place=self._contents.place)
        self._records.write("content", content.sha256, HELD.write(form))
        self._records.note(_LISTED, content.sha256, 2 * MAX_PENDING)

    def fill(self, upload: PromisedUpload, content: Content, content_type: str) -> Asset:
        """See Assets. Raises NoRoom, NotLoaded."""
        key = storage.asset_key(storage.content_path(content.sha256, upload.name))
        self._records.expect(("file", upload.key), ("parts", upload.key), ("content", content.sha256), ("file", key))
        asset = self.put(content, upload.name, content_type)
        self._fill(upload.key, asset.sha256, content_type, only_served=upload.is_recorded)
        if upload.parts:
            self._promised_files.forget_parts(upload)
            for part in upload.parts.values():
                if part.sha256 != content.sha256:
                    self._records.transaction.later(partial(self.local.forget, part.sha256))
        return asset

    def note(self, path: str, sha256: str, content_type: str) -> None:
        """See Assets. What a recording learned is known to the one falmock that records."""
        self._noted[storage.asset_key(path)] = Filled(sha256, content_type)
        if len(self._noted) > 2 * MAX_PENDING:
            self._noted.popitem(last=False)

    def _path(self, key: str) -> PathForm | None:
        """What a path holds; it is kept for some time more."""
        record = self._records.read("file", key, PATH)
        if record is not None and self._records.is_old(record.since):
            self._write_path(record)
        return record

    def _write_path(self, record: PathForm) -> None:
        form = record._replace(since=self._records.now)
        self._records.write("file", record.key, PATH.write(form))
        self._records.note("file", records.key_of("file", record.key), 2 * MAX_PENDING)

    def _fill(self, key: str, sha256: str, content_type: str, *, only_served: bool = False) -> None:
        record, filled = self._records.read("file", key, PATH) or PathForm(key), Filled(sha256, content_type)
        self._write_path(record._replace(served=filled) if only_served else record._replace(filled=filled))

    # parts

    def add_part(self, upload: PromisedUpload, number: int, content: Content, now: float) -> None:  # noqa: ARG002
        """See Assets. Raises NoRoom."""
        others = sum(part.size for place, part in upload.parts.items() if place != number)
        self._check_room(content, content.size + (0 if self._contents.place else others))
        upload.parts[number] = Content(content.sha256, content.size)
        self._contents.write(content)
        self._promised_files.write_parts(upload)

    def in_order(self, upload: PromisedUpload, numbers: list[int]) -> list[Content]:
        """See Assets. Raises BadParts, NotLoaded."""
        parts = super().in_order(upload, numbers)
        found = self._contents.load(parts)
        for number, part in zip(sorted(set(numbers)), parts, strict=True):
            if found[part.sha256] is None:
                raise BadParts(f"part {number} is not kept any more: upload it again")
        return [whole for part in parts if (whole := found[part.sha256]) is not None]

    # files on disk: those of copies, and those that came with requests

    def release(self, content: Content) -> None:
        """See Assets. Within a transaction it is done when that is committed."""
        self._contents.release(content)

    @property
    def is_tidy(self) -> bool:
        """See Assets."""
        return self.local.is_tidy

    def take_dropped(self) -> list[str]:
        """See Assets."""
        return self.local.take_dropped()

    @property
    def unfinished_since(self) -> float | None:
        """When the least recently used copy was used; None if there is none on disk. Parts end with their time to live."""
        return self.local.unused_since

    def forget_unfinished(self, before: float) -> None:
        """Forget the copies on disk that were last used then or earlier."""
        self.local.forget_unused(before)

    # lookup

    def named_in(self, paths: Iterable[str]) -> list[str]:
        """The keys of the records that tell what these URL paths hold, to load them together."""
        keys = [storage.asset_key(path) for path in paths if storage.digest_in_path(path) is None]
        return [records.key_of(kind, key) for key in keys for kind in ("file", "made")]

    def expect(self, paths: Iterable[str]) -> None:
        """See Assets. Raises NotLoaded for all that is not loaded."""
        paths = list(paths)
        keys = {storage.asset_key(path): storage.digest_in_path(path) for path in paths}
        self._records.transaction.load_together([*self.named_in(paths), *(records.key_of("file", key) for key in keys)])
        for key in keys:
            record = self._records.read("file", key, PATH)
            if record is not None and record.serves is not None:
                keys[key] = record.serves.sha256
        known = [sha256 for sha256 in keys.values() if sha256 is not None]
        self._records.expect(*((kind, sha256) for sha256 in known for kind in ("content", "made-as")))

    def digest_of(self, path: str) -> str | None:
        """See Assets. A path that has the digest needs no record. Raises NotLoaded."""
        key = storage.asset_key(path)
        noted = self._noted.get(key)
        known = storage.digest_in_path(path) if noted is None else noted.sha256
        if known is not None:
            return known
        self._records.expect(("file", key), ("made", key))
        record = self._path(key)
        if record is not None and record.filled is not None:
            held = self._held(record.filled.sha256) if self._records.is_old(record.since) else None
            if held is not None:
                self._use(record.filled.sha256, held)
            return record.filled.sha256
        made = self.made.find(path)
        return None if made is None else made.sha256

    def find(self, path: str, fixtures: Mapping[str, Asset]) -> Found | None:
        """See Assets. Raises NotLoaded."""
        key, sha256 = storage.asset_key(path), storage.digest_in_path(path)
        if sha256 is not None and sha256 in fixtures:
            return Found(fixtures[sha256], fixtures[sha256].content_type)
        kinds = (("made", key),) if sha256 is None else (("content", sha256), ("made-as", sha256))
        self._records.expect(("file", key), *kinds)
        record = self._path(key)
        filled = self._noted.get(key) if record is None else record.serves
        sha256 = sha256 if filled is None else filled.sha256
        asset = self.made.find(path) if sha256 is None else self.content(sha256, fixtures)
        if asset is None:
            return None
        return Found(asset, asset.content_type if filled is None else filled.content_type)

    def content(self, sha256: str, fixtures: Mapping[str, Asset]) -> Asset | None:
        """See Assets. Its content may have to be `loaded`. Raises NotLoaded."""
        known = fixtures.get(sha256) or self.added_assets.get(sha256)
        if known is not None:
            return known
        self._records.expect(("content", sha256), ("made-as", sha256))
        held = self._held(sha256)
        if held is None:
            return self.made.by_digest(sha256)
        if self._records.is_old(held.since):
            self._use(sha256, held)
        return self._asset(sha256, held)

    def _use(self, sha256: str, held: Held) -> None:
        """Keep a content that is used for some time more, if it is where this falmock looks."""
        if held.place == self._contents.place:
            self._hold(Content(sha256, held.size), held)

    def _asset(self, sha256: str, held: Held) -> Asset:
        copy = self._contents.copy(sha256) or Content(sha256, held.size)
        return Asset(sha256, held.name, held.content_type, held.size, copy.data, copy.file)

    def loaded(self, assets: Sequence[Asset], most: int | None = None) -> list[Asset]:
        """See Assets. A file whose content is lost stays without it. Raises NotLoaded, FileElsewhere."""
        found = self._contents.load(assets, math.inf if most is None else most)
        if most is None:
            for sha256 in (sha256 for sha256, content in found.items() if content is None):
                self._check_place(sha256)
        return [
            asset
            if (content := found.get(asset.sha256)) is None
            else asset._replace(data=content.data, file=content.file)
            for asset in assets
        ]

    def _check_place(self, sha256: str) -> None:
        """Raises FileElsewhere if a content that is not found is where this falmock does not look, and NotLoaded."""
        held = self._held(sha256)
        if held is not None and held.place != self._contents.place:
            where = "another folder than the one of this falmock" if self._contents.place else "a folder"
            raise FileElsewhere(
                f"this file is in {where if held.place else 'the store, and the files of this falmock are in a folder'}: "
                "let all falmocks of a store have the same ?files=FOLDER in fal_store, or none"
            )

    @property
    def uploads(self) -> list[Asset]:
        """See Assets: those that were used last are the first. They may have to be `loaded`. Raises NotLoaded."""
        digests = self._records.listed(_LISTED)
        self._records.expect(*(("content", sha256) for sha256 in digests))
        held = {sha256: self._held(sha256) for sha256 in digests}
        return [self._asset(sha256, about) for sha256, about in held.items() if about is not None]

    @property
    def keys_of(self) -> dict[str, list[str]]:
        """See Assets. Raises NotLoaded."""
        keys: dict[str, list[str]] = {}
        for record in self._records.all_of("file", PATH):
            for filled in (record.filled, record.served):
                if filled is not None:
                    keys.setdefault(filled.sha256, []).append(record.key)
        return keys

    def has_room(self, content: Content) -> bool:
        """See Assets: there is room for all that is not too large."""
        return content.size <= self.limit

    def too_large(self, size: int) -> str:
        """See Assets."""
        text = f"An upload of {size} bytes, more than the {self.limit} kept in "
        if self._contents.place:
            return text + "memory"
        return (
            text
            + "the store: give all falmocks a folder that they share for larger files, by ?files=FOLDER in fal_store"
        )

    @property
    def count(self) -> int:
        """See Assets. Outside a transaction, what the last one found."""
        if self._records.is_deciding:
            self._count = len(self._records.listed(_LISTED))
        return self._count + len(self.added_assets) + len(self.made)
