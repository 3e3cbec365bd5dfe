"""Added fixtures and fault rules as records of a store: their source, from which every falmock reads them again.

A record is named by the digest of its content, so it never changes, and each falmock reads it once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Mapping
from typing import Generic
from typing import NamedTuple
from typing import TypeVar

from falmock.engine.additions import Batch
from falmock.engine.additions import Source
from falmock.engine.shared.errors import FixtureLost
from falmock.engine.shared.forms import Form
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Record
from falmock.engine.shared.transaction import Transaction
from falmock.fixtures.fault import Rule
from falmock.fixtures.format import codec
from falmock.fixtures.format.entry import MissingAsset
from falmock.fixtures.format.fault_rules import read_rules
from falmock.fixtures.model import Asset
from falmock.wire import storage
from falmock.wire.formats import jsontext

T = TypeVar("T")
_DIGITS = 32
MOST, MOST_BYTES = 1000, 256 * 1024 * 1024
"""How many records are remembered as they were read, and how many bytes of their sources."""
FindFile = Callable[[str], Asset | None]
"""The file with this digest, of those that this falmock has on disk."""


class FileForm(NamedTuple):
    """A file of a batch. Without `data` it is one that every falmock has beside its fixtures."""

    sha256: str
    name: str
    content_type: str
    size: int
    data: bytes | None


class BatchForm(NamedTuple):
    """A batch: its name, the JSON of its fixtures, its files, and the digests of those by the names in the JSON."""

    name: str
    document: bytes
    files: tuple[FileForm, ...]
    named: bytes


class RulesForm(NamedTuple):
    """Fault rules: their name, and the JSON of their file."""

    name: str
    document: bytes


_BATCH = Form("batch of fixtures", 1, BatchForm)
_RULES = Form("set of fault rules", 1, RulesForm)


class Remembered(Generic[T]):
    """What was read from records, by their digests; the least recently used ones are forgotten."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._size = 0

    def __contains__(self, digest: str) -> bool:
        return digest in self._values

    def __getitem__(self, digest: str) -> T:
        self._values.move_to_end(digest)
        return self._values[digest][0]

    def add(self, digest: str, value: T, size: int) -> str:
        """Remember the value of a record of `size` bytes, and return its digest."""
        self._size += size - (self._values.pop(digest)[1] if digest in self._values else 0)
        self._values[digest] = value, size
        while len(self._values) > MOST or (self._size > MOST_BYTES and len(self._values) > 1):
            self._size -= self._values.popitem(last=False)[1][1]
        return digest


class Batches:
    """Reads and writes the records. `find_file` finds files on disk."""

    def __init__(self, find_file: FindFile) -> None:
        self._find_file = find_file
        self._batches: Remembered[Batch] = Remembered()
        self._rules: Remembered[tuple[Rule, ...]] = Remembered()

    # writing

    def batch(self, name: str, batch: Batch, source: Source) -> tuple[str, bytes]:
        """The digest and the bytes of the record of a batch, which was read from this source."""
        files = tuple(
            FileForm(asset.sha256, _text(asset.name), asset.content_type, asset.size, asset.data)
            for asset in sorted(batch.assets.values())
        )
        data = _BATCH.write(BatchForm(name, _json(source.document), files, _json(source.files)))
        return self._batches.add(storage.digest(data)[:_DIGITS], batch, len(data)), data

    def rules(self, rules: tuple[Rule, ...]) -> tuple[str, bytes]:
        """The digest and the bytes of the record of fault rules."""
        name = rules[0].source.rpartition("#")[0]
        document = {"faults": [rule.written for rule in rules]}
        data = _RULES.write(RulesForm(name, _json(document)))
        return self._rules.add(storage.digest(data)[:_DIGITS], rules, len(data)), data

    # reading

    def batches(self, transaction: Transaction, keys: Mapping[str, str]) -> list[Batch]:
        """The batches with these digests, whose records have these keys. Raises NotLoaded, FixtureLost, UnknownForm."""
        return self._all(transaction, keys, self._batches, self._batch_of)

    def load_together(self, transaction: Transaction, keys: Mapping[str, str]) -> None:
        """Raises NotLoaded with all those of these batches that have to be loaded."""
        _needed(transaction, keys, self._batches)

    def rules_of(self, transaction: Transaction, digest: str, key: str) -> tuple[Rule, ...]:
        """The fault rules with this digest, whose record has this key. Raises NotLoaded, FixtureLost, UnknownForm."""
        return self._all(transaction, {digest: key}, self._rules, _rules_of)[0]

    def _all(
        self, transaction: Transaction, keys: Mapping[str, str], known: Remembered[T], read: Callable[[bytes], T]
    ) -> list[T]:
        records = _needed(transaction, keys, known)
        new: dict[str, T] = {}
        for digest, record in records.items():
            data = transaction.need(record)
            if data is None:
                raise FixtureLost(
                    "The store has lost fixtures or faults that were added: reset the scope, and add them again"
                )
            new[digest] = read(data)
        found = [new[digest] if digest in new else known[digest] for digest in keys]
        for digest, value in new.items():
            known.add(digest, value, len(transaction.need(records[digest])))
        return found

    def _batch_of(self, data: bytes) -> Batch:
        form = _BATCH.read(data)
        assets = {file.sha256: self._asset(file) for file in form.files}
        named = jsontext.loads(form.named)

        def find(name: str) -> Asset:
            return assets[named[name]]

        read = codec.check(jsontext.loads_exact(form.document), form.name, find, _content)
        if read.problems:
            raise FixtureLost(
                f"Added fixtures cannot be read by this falmock: {read.problems[0]}: let all falmocks of a store have the same version"
            )
        return Batch(tuple(read.fixtures), assets)

    def _asset(self, file: FileForm) -> Asset:
        if file.data is not None:
            return Asset(*file)
        found = self._find_file(file.sha256)
        if found is None:
            raise FixtureLost(
                f"An added fixture has the file {file.name!r}, which this falmock does not have beside its fixtures: "
                "all falmocks of a store must have the same fixtures"
            )
        return Asset(file.sha256, file.name, file.content_type, file.size, found.data, found.file)


def _needed(transaction: Transaction, keys: Mapping[str, str], known: Remembered[T]) -> dict[str, Record]:
    """The records, by their digests, of those that are not remembered. Raises NotLoaded."""
    records = {digest: Record(key) for digest, key in keys.items() if digest not in known}
    missing = [record for record in records.values() if not transaction.has_loaded(record)]
    if missing:
        raise NotLoaded(*missing)
    return records


def _rules_of(data: bytes) -> tuple[Rule, ...]:
    form = _RULES.read(data)
    read = read_rules(form.document, form.name)
    if read.problems:
        raise FixtureLost(
            f"Added faults cannot be read by this falmock: {read.problems[0]}: let all falmocks of a store have the same version"
        )
    return read.rules


def _content(asset: Asset) -> bytes:
    if asset.data is None:
        raise MissingAsset("a file on disk")
    return asset.data


def _json(value: object) -> bytes:
    return jsontext.dump_exact(value, indent=None).encode()


def _text(name: str) -> str:
    """A name of a file as the store can have it."""
    return name.encode("utf-8", "replace").decode()
