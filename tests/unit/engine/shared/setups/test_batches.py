"""Added fixtures and rules as records: what is read again is what was added."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.additions import Batch
from falmock.engine.additions import Source
from falmock.engine.shared.errors import FixtureLost
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.needs import Record
from falmock.engine.shared.setups import batches as module
from falmock.engine.shared.setups.batches import Batches
from falmock.engine.shared.transaction import Transaction
from falmock.fixtures.fault import Rule
from falmock.fixtures.format import codec
from falmock.fixtures.format.fault_rules import read_rules
from falmock.fixtures.model import Asset
from falmock.wire.formats import jsontext

FILE = Asset("a" * 64, "dot.gif", "image/gif", 3, data=b"dot")
ON_DISK = Asset("b" * 64, "disk.gif", "image/gif", 3, file="/here/disk.gif")
DOCUMENTS: list[bytes] = [
    b'{"fixtures": [{"match": {"model": "a/b"}, "response": {"json": {"image": {"$file": "dot.gif"}}}}]}',
    b"""{"fixtures": [
        {"match": {"model": "a/*", "input": {"n": 1.10, "s": {"$regex": "^x"}}}, "response": {"json": 1.10}},
        {"match": {"model": "a/b"}, "response": {"file": "disk.gif"}}
    ]}""",
    b'{"fixtures": [{"match": {"model": "a/b", "sequenceIndex": 1}, "response": {"json": "\\ud800 \xc3\xa9"}, "fault": {"latency": 2}}]}',
]


def added(raw: bytes) -> tuple[Batch, Source]:
    document, names = jsontext.loads_exact(raw), {}

    def find(name: str) -> Asset:
        names[name] = (FILE if name == FILE.name else ON_DISK).sha256
        return FILE if name == FILE.name else ON_DISK

    read = codec.check(document, "added/1", find)
    assert not read.problems
    return Batch(tuple(read.fixtures), read.assets), Source(document, names)


def loaded(key: str, data: bytes | None) -> Transaction:
    transaction = Transaction(0.0)
    transaction.loaded(Record(key), data)
    return transaction


@pytest.mark.parametrize("raw", DOCUMENTS)
def test_a_batch_is_read_again_as_it_was(raw: bytes) -> None:
    batch, source = added(raw)
    digest, data = Batches(lambda _: None).batch("added/1", batch, source)
    assert Batches({ON_DISK.sha256: ON_DISK}.get).batches(loaded("k", data), {digest: "k"}) == [batch]


@pytest.mark.parametrize(
    "rules",
    [
        {"faults": [{"fault": {"error": "runner_disconnected", "times": 2}}]},
        {
            "seed": "x",
            "faults": [
                {"match": {"call": "run"}, "fault": "runner_disconnected"},
                {"fault": {"latency": 1.5, "rate": 0.5}},
            ],
        },
        {
            "seed": 3,
            "faults": [{"match": {"input": {"n": {"$any": True}}}, "fault": {"seed": 4, "latency": 1}}],
        },
    ],
)
def test_rules_are_read_again_as_they_were(rules: Any) -> None:
    read = read_rules(jsontext.dump_exact(rules, indent=None).encode(), "added/3").rules
    digest, data = Batches(lambda _: None).rules(read)
    again = Batches(lambda _: None).rules_of(loaded("k", data), digest, "k")
    assert [meant(each) for each in again] == [meant(each) for each in read]
    assert again


def meant(rule: Rule) -> Any:
    """What a rule does: the seed of its file is that of each rule without its own."""
    selection = rule.fault.selection
    seed = rule.seed if selection.seed is None else selection.seed
    return rule.match, rule.fault._replace(selection=selection._replace(seed=seed)), rule.source, rule.written


def test_all_that_is_missing_is_loaded_at_once_and_only_once() -> None:
    batch, source = added(DOCUMENTS[0])
    records = Batches(lambda _: None)
    with pytest.raises(NotLoaded) as missing:
        records.batches(Transaction(0.0), {"x": "k", "y": "l"})
    assert missing.value.needed == (Record("k"), Record("l"))
    digest, _ = records.batch("added/1", batch, source)
    assert records.batches(Transaction(0.0), {digest: "k"}) == [batch]


@pytest.mark.parametrize("data", [None, "file"])
def test_what_cannot_be_read_says_why(data: str | None) -> None:
    batch, source = added(DOCUMENTS[1])
    digest, written = Batches(lambda _: None).batch("added/1", batch, source)
    expected = "lost fixtures" if data is None else "'disk.gif'"
    with pytest.raises(FixtureLost, match=expected):
        Batches(lambda _: None).batches(loaded("k", written if data else None), {digest: "k"})


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    known: module.Remembered[int] = module.Remembered()
    for number in range(4):
        known.add(str(number), number, 4)
    known.add("3", 3, 4)
    assert [str(number) in known for number in range(4)] == [False, False, True, True]
