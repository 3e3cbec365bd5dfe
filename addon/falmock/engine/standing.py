"""How a falmock stands whose state is in a store: what health checks are told."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from falmock.engine.prepared import digest_of
from falmock.fixtures.matching.index import Index

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


@lru_cache(maxsize=2)
def fixtures_digest(index: Index) -> str:
    """The same for the same fixtures, wherever they are loaded."""
    digest = hashlib.sha256()
    for fixture in index.fixtures:
        rule = f"{fixture.label} {fixture.group} {fixture.match.sequence_index} {digest_of(fixture.answer)}\n"
        digest.update(rule.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_DIGITS]
