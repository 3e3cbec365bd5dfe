"""The file URLs that were issued before their content, in a store, and the parts that came since."""

from __future__ import annotations

from falmock.engine.files.registry import PromisedUpload
from falmock.engine.shared.files.contents import FileContents
from falmock.engine.shared.files.forms import COUNT
from falmock.engine.shared.files.forms import PARTS
from falmock.engine.shared.files.forms import PROMISE
from falmock.engine.shared.files.forms import PartForm
from falmock.engine.shared.files.forms import PromiseForm
from falmock.engine.shared.files.records import FileRecords
from falmock.engine.shared.files.records import key_of
from falmock.wire.message import Content

MOST = 10_000
"""How many URL paths are promised at once; the least recently used are forgotten first."""


class PromisedFiles:
    """The promises of all replicas. `contents` has the parts."""

    def __init__(self, records: FileRecords, contents: FileContents) -> None:
        self._records = records
        self._contents = contents

    def count(self, name: str, content_type: str) -> int:
        """How many files of this name and type were promised before. Raises NotLoaded."""
        transaction, key = self._records.transaction, key_of("promises", f"{name}\n{content_type}")
        place = transaction.value(key, COUNT.read) or 0
        transaction.put(key, COUNT.write(place + 1), self._records.ttl)
        return place

    def is_taken(self, key: str) -> bool:
        """Whether a URL path was promised, or holds a file: its count may have ended before it. Raises NotLoaded."""
        is_free = self._records.transaction.is_free
        return not (is_free(key_of("promise", key)) and is_free(key_of("file", key)))

    def promise(self, key: str, upload: PromisedUpload) -> PromisedUpload:
        """Have the content of an upload come to the URL path with this key."""
        form = PromiseForm(upload.key, upload.name, upload.content_type, upload.is_recorded, self._records.now)
        self._records.write("promise", key, PROMISE.write(form))
        self._records.note("promise", key_of("promise", key), MOST)
        return upload

    def promise_recorded(self, key: str, upload_key: str, name: str, content_type: str) -> None:
        """As `Assets.promise_recorded`. Raises NotLoaded."""
        self._records.expect(("promise", key), ("promise", upload_key))
        if self._records.read("promise", key, PROMISE) is None:
            upload = self.promise(key, PromisedUpload(key, name, content_type, is_recorded=True))
            self.promise(upload_key, upload)

    def get(self, key: str) -> PromisedUpload | None:
        """The promised upload for this URL path; None if there is none. Raises NotLoaded."""
        self._records.expect(("promise", key), ("parts", key))
        form = self._records.read("promise", key, PROMISE)
        if form is None:
            return None
        parts = self._records.read("parts", form.key, PARTS) or {}
        contents = {number: Content(part.sha256.hex(), part.size) for number, part in parts.items()}
        upload = PromisedUpload(form.key, form.name, form.content_type, form.is_recorded, contents)
        if self._records.is_old(form.since):
            self.promise(key, upload)
            for content in contents.values():
                self._contents.write(content)
            if contents:
                self.write_parts(upload)
        return upload

    def write_parts(self, upload: PromisedUpload) -> None:
        """Keep the list of the parts that came."""
        parts = {number: PartForm(bytes.fromhex(part.sha256), part.size) for number, part in upload.parts.items()}
        self._records.write("parts", upload.key, PARTS.write(parts))

    def forget_parts(self, upload: PromisedUpload) -> None:
        """The upload is complete: forget the list of its parts."""
        self._records.write("parts", upload.key, None)
