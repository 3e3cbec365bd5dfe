"""How a falmock stands whose state is in a store: what health checks are told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from falmock.engine.prepared import digest_of
from falmock.fixtures.fault import Rule
from falmock.fixtures.matching.index import Index
from falmock.wire.formats import jsontext

_DIGITS = 16


class StoreStanding(NamedTuple):
    """The store: its address without a password, and whether it answered last.

    `reason` says why it did not, "" if it did. `lag` is how long (seconds) the oldest entry of the journal waits to be
    written, `waiting` how many do, `dropped` how many were lost.
    """

    address: str
    is_up: bool
    reason: str
    lag: float
    waiting: int
    dropped: int


class Replica(NamedTuple):
    """One falmock of a store. `fixtures` is the digest of its fixtures; times are in seconds since the epoch.

    `seen` is when it last told that it is there, `lag` that of its journal then.
    """

    id: str
    version: str
    fixtures: str
    started: float
    seen: float
    lag: float


class Standing(NamedTuple):
    """`own` is the id of this falmock among `replicas`, which are those seen last. `unready` says why it should get no calls now, "" if it should."""

    own: str
    store: StoreStanding
    replicas: tuple[Replica, ...]
    unready: str


def fixtures_digest(index: Index, rules: Iterable[Rule] = ()) -> str:
    """The same for the same fixtures and fault rules, wherever their files are; what has a fault is counted by the name of its file."""
    digest = hashlib.sha256()
    for fixture in index.fixtures:
        parts = (fixture.group, fixture.match.sequence_index, fixture.timeline, fixture.streamed, fixture.frames)
        fault = fixture.fault and (fixture.fault, fixture.label)
        digest.update(_digest(f"{digest_of(fixture.answer)} {fault} {fixture.per_call} {parts}"))
    for name, document in sorted(index.schemas.items()):
        digest.update(_digest(f"{name} {jsontext.dump_shown(document)}"))
    digest.update(_digest(repr(sorted(index.prices.items()))))
    for rule in rules:
        digest.update(_digest(f"{rule.source} {jsontext.dump_shown(dict(rule.written))}"))
    return digest.hexdigest()[:_DIGITS]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
