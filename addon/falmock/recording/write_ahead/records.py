"""The records of a write-ahead log: one line of JSON each, with a checksum before it.

An outcome (`save`, `link`), with its number, that is not in the fixture files yet; `done`: the numbers of those that are;
`state`: what the writer knew when the outcomes before it were dropped; `before`: what it then replaced in the fixture
files, as path, rule and entries. A log holds no secrets.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.outcome import contents_of
from falmock.recording.uploads import url_key
from falmock.wire.formats import jsontext
from falmock.wire.message import Content

NUMBER = "number"
"""The key of the number of an outcome."""
Record = dict[str, Any]
Redact = Callable[[str], str]


def line_of(record: Record) -> bytes:
    """The line of a record."""
    text = jsontext.dump_exact(record, indent=None).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


class LogContent(NamedTuple):
    """The records of a log. `damaged` lines are not what was written; a last one that is not whole does not count."""

    records: list[Record]
    damaged: int


def read(raw: bytes) -> LogContent:
    """Read a log, to its end."""
    *lines, torn = raw.split(b"\n")
    records = [_read_line(line) for line in lines]
    if records and records[-1] is None and not torn:  # after a loss of power, the end may be there in parts
        records.pop()
    good = [record for record in records if record is not None]
    return LogContent(good, len(records) - len(good))


def _read_line(line: bytes) -> Record | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    return jsontext.object_of(text, exact=True)


def of_outcome(outcome: Save | Link, redact: Redact) -> Record:
    """The record of an outcome. Its entry has no secrets; of what else it consists, `redact` takes them out."""
    contents = [
        {"sha256": content.sha256, "size": content.size, "file": _name_of(content.file), "type": content_type}
        for content, content_type in contents_of(outcome)
    ]
    if isinstance(outcome, Link):
        return {"link": redact(url_key(outcome.url)), "contents": contents}
    record = {"save": outcome.entry, "name": outcome.name, "asked": outcome.asked}
    parts = {
        "urls": [redact(key) for key in outcome.urls],
        "links": sorted(map(redact, outcome.links)),
        "contents": contents,
        "cut": outcome.is_cut,
    }
    return record | {key: value for key, value in parts.items() if value}


def _name_of(file: str | None) -> str | None:
    return None if file is None else file.replace("\\", "/").rpartition("/")[2]


def to_outcome(record: Record, assets: str) -> Save | Link:
    """The outcome of a record. Its contents are temporary files in the folder `assets`.

    Files that were to be fetched at the end of the recording stay URLs.
    """
    contents = tuple(
        (Content(one["sha256"], one["size"], file=_place_of(one["file"], assets)), one["type"])
        for one in record.get("contents", ())
    )
    if "link" in record:
        return Link(record["link"], *contents[0])
    match = record["save"]["match"]
    return Save(
        record["save"],
        record["name"],
        f"a call to {match.get('model') or match.get('path') or 'fal'}",
        float(record["asked"]),
        {key: key for key in record.get("urls", ())},
        contents,
        is_cut=record.get("cut", False),
        links=frozenset(record.get("links", ())),
    )


def _place_of(name: str | None, assets: str) -> str | None:
    return None if name is None else f"{assets}/{_name_of(name)}"


def of_done(numbers: Iterable[int]) -> Record:
    """The record that outcomes are in the fixture files."""
    return {"done": sorted(numbers)}


def is_outcome(record: Record) -> bool:
    """Whether a record is an outcome, which has a number."""
    return "save" in record or "link" in record
