"""Which outcomes of a log to write again after a crash, so that none is missing and none is there twice. No I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

from falmock.recording import document
from falmock.recording.document import NotAFixture
from falmock.recording.document import named_by
from falmock.recording.document import named_in
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from falmock.recording.uploads import File
from falmock.recording.uploads import url_key
from falmock.recording.values import Entry
from falmock.recording.write_ahead import records
from falmock.recording.write_ahead.records import Record

Before = tuple[str, str, list[Entry]]


class Replay(NamedTuple):
    """The outcomes to write again, by number, in their order. `missing` are those that were not in the fixture files.

    The others belong to the same matches and files: written again, they are as they were. `state` is what the writer knew
    before the first, {} if it knew nothing; `before` is what to put back to the fixture files before they are written again,
    as path, rule and entries.
    """

    outcomes: dict[int, Save | Link]
    missing: frozenset[int]
    state: Record
    before: list[Before]


def replay_of(found: list[Record], assets: str) -> Replay:
    """What to write again of a log with these records, whose contents are in the folder `assets`."""
    done = {number for record in found for number in record.get("done", ())}
    state: Record = next((record["state"] for record in found if "state" in record), {})
    every = {
        record[records.NUMBER]: records.to_outcome(record, assets) for record in found if records.is_outcome(record)
    }
    befores: dict[tuple[str, str], Before] = {}
    for record in found:
        for before in record.get("before", ()):
            befores.setdefault((before[0], before[1]), before)
    missing = frozenset(every.keys() - done)
    if not missing:
        return Replay({}, missing, state, [])
    files = {key: File(*file) for key, file in state.get("files", ())}
    files |= file_map(outcome for outcome in every.values() if isinstance(outcome, Link))
    names: dict[Any, set[str]] = {number: _names(outcome, files) for number, outcome in every.items()}
    names |= {key: {before[1], *named_in(before[2])} for key, before in befores.items()}
    chosen = _connected(names, missing)
    return Replay(
        {number: outcome for number, outcome in every.items() if number in chosen},
        missing,
        state,
        [before for key, before in befores.items() if key in chosen],
    )


def _connected(names: dict[Any, set[str]], first: Iterable[Any]) -> set[Any]:
    """The first, and all that share a match or a file with one of those."""
    chosen, known, size = set(first), set[str](), -1
    while len(chosen) > size:
        size = len(chosen)
        known.update(*(names[one] for one in chosen))
        chosen.update(one for one, named in names.items() if not known.isdisjoint(named))
    return chosen


def file_map(links: Iterable[Link]) -> dict[str, File]:
    """The files whose content became known, by what fixtures name them with: the key of the URL, and the digest."""
    found: dict[str, File] = {}
    for link in links:
        file = File(link.url, link.content.sha256, link.content.size, link.content_type)
        found[url_key(link.url)] = found[f"sha256:{file.sha256}"] = file
    return found


def _names(outcome: Save | Link, files: dict[str, File]) -> set[str]:
    """The rules of an outcome, before and after its files are linked, and the files that it names."""
    if isinstance(outcome, Link):
        return {url_key(outcome.url), f"sha256:{outcome.content.sha256}"}
    named = named_by(outcome)
    entry = outcome.entry
    rules = set()
    with contextlib.suppress(NotAFixture):  # it is told when it is written
        rules.add(document.group_of(entry))
        for key in named & files.keys():
            entry = document.linked(entry, files[key])
        rules.add(document.group_of(entry))
    return named | rules
