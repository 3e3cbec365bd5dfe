"""Where the state of one scope is kept: the keys of its records, by the scope's generation.

A reset begins a new generation. What belongs to an older one is not read any more, and ends with its time to live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeVar

from falmock.engine.shared import setup as setups
from falmock.engine.shared.behind import Behind
from falmock.engine.shared.current import Current
from falmock.engine.shared.job_calls import JobCalls
from falmock.engine.shared.known_jobs import KnownJobs
from falmock.engine.shared.needs import NotLoaded
from falmock.engine.shared.setup import COMMON_KEY
from falmock.engine.shared.setup import KEPT
from falmock.engine.shared.setup import NO_COMMON
from falmock.engine.shared.setup import NO_SETUP
from falmock.engine.shared.setup import Common
from falmock.engine.shared.setup import Setup
from falmock.engine.shared.setup import setup_key
from falmock.engine.shared.setup import tag
from falmock.engine.shared.transaction import Transaction

T = TypeVar("T")


class Place:
    """The place of one scope, "" for the shared one. `ttl` is how long (seconds) what is not used is kept."""

    def __init__(self, current: Current, scope: str, ttl: float) -> None:
        self._current = current
        self.scope = scope
        self.ttl = ttl
        self._tag = tag(scope)
        self._setup_key = setup_key(scope)
        self._start, self._now = (scope, "keys"), (scope, "setup")

    @property
    def transaction(self) -> Transaction:
        """The transaction under way."""
        found = self._current.under_way
        return self._current.transaction if found is None else found

    @property
    def is_deciding(self) -> bool:
        """Whether a transaction is under way."""
        return self._current.under_way is not None

    @property
    def behind(self) -> Behind:
        """What is appended to logs after the commits."""
        return self._current.behind

    @property
    def known_jobs(self) -> KnownJobs:
        """What the bytes of jobs say."""
        return self._current.jobs

    def job_calls(self, log: str, last: int) -> JobCalls:
        """See Current."""
        return self._current.job_calls(log, last)

    def read_once(self, data: bytes, read: Callable[[bytes], T]) -> T:
        """See Current."""
        return self._current.read_once(data, read)

    @property
    def kept(self) -> float:
        """How long (seconds) what is set up is kept: longer than the rest, or an old generation could come back."""
        return max(KEPT, 2 * self.ttl)

    # what is set up

    @property
    def common(self) -> Common:
        """What was set up in all scopes. Raises NotLoaded."""
        return self.transaction.value(COMMON_KEY, setups.common_of) or NO_COMMON

    @property
    def written(self) -> Setup:
        """The record of this scope as it was written, maybe before a reset of all scopes. Raises NotLoaded."""
        try:
            return self.transaction.value(self._setup_key, setups.setup_of) or NO_SETUP
        except NotLoaded as missing:
            raise NotLoaded(*missing.needed, COMMON_KEY) from None  # that is needed next

    @property
    def setup(self) -> Setup:
        """What was set up in this scope. Raises NotLoaded."""
        places = self.transaction.places
        found: Setup | None = places.get(self._now)
        if found is None:
            setup, epoch = self.written, self.common.epoch
            found = setup if setup.epoch == epoch else setup.renewed(epoch, is_named=bool(self.scope))
            places[self._now] = found
        return found

    def change(self, **fields: Any) -> None:
        """Set up something else in this scope. Raises NotLoaded."""
        self.put(self.setup._replace(**fields))

    def put(self, setup: Setup) -> None:
        """Write what is set up in this scope. Raises NotLoaded."""
        transaction = self.transaction
        transaction.put(
            self._setup_key, setups.setup_bytes(setup._replace(written=round(transaction.now, 3))), self.kept
        )

    def change_common(self, **fields: Any) -> None:
        """Set up something else for all scopes. Raises NotLoaded."""
        transaction = self.transaction
        common = self.common._replace(written=round(transaction.now, 3), **fields)
        transaction.put(COMMON_KEY, setups.common_bytes(common), self.kept)

    def reset(self) -> None:
        """Begin a new generation, in which nothing is set up. Raises NotLoaded."""
        setup = self.setup
        self.put(setup.renewed(setup.epoch, is_named=bool(self.scope)))

    # keys

    @property
    def generation(self) -> str:
        """What tells what belongs to this scope from what did before a reset. Raises NotLoaded."""
        setup = self.setup
        return f"{setup.epoch}.{setup.generation}"

    def key(self, kind: str, name: str = "") -> str:
        """The key of a record of this scope, in its generation. Raises NotLoaded."""
        places = self.transaction.places
        start = places.get(self._start)
        if start is None:
            start = places[self._start] = f"{{{self._tag}}}:{self.generation}:"
        return f"{start}{kind}:{name}" if name else f"{start}{kind}"

    def start(self, kind: str) -> str:
        """How the keys of records of a kind begin: what follows is the name of one. Raises NotLoaded."""
        return self.key(f"{kind}:")

    def common_key(self, kind: str, name: str = "") -> str:
        """The key of a record that all scopes share, until all are reset. Raises NotLoaded."""
        key = f"{{}}:{self.common.epoch}:{kind}"
        return f"{key}:{name}" if name else key
