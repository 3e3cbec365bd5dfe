"""Where the state of one scope is kept: the keys of its records, by the scope's generation.

A reset begins a new generation. What belongs to an older one is not read any more, and ends with its time to live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeVar

from falmock.engine.shared.behind import Behind
from falmock.engine.shared.current import Current
from falmock.engine.shared.setup import Setup
from falmock.engine.shared.setup import setup_key
from falmock.engine.shared.transaction import Transaction

T = TypeVar("T")


class Place:
    """The place of one scope, "" for the shared one. `ttl` is how long (seconds) what is not used is kept."""

    def __init__(self, current: Current, scope: str, ttl: float) -> None:
        self._current = current
        self.scope = scope
        self.ttl = ttl

    @property
    def transaction(self) -> Transaction:
        """The transaction under way."""
        return self._current.transaction

    @property
    def is_deciding(self) -> bool:
        """Whether a transaction is under way."""
        return self._current.is_deciding

    @property
    def behind(self) -> Behind:
        """What is appended to logs after the commits."""
        return self._current.behind

    def read_once(self, data: bytes, read: Callable[[bytes], T]) -> T:
        """See Current."""
        return self._current.read_once(data, read)

    @property
    def setup(self) -> Setup:
        """What was set up in this scope. Raises NotLoaded."""
        return setup_of(self.transaction, self.scope)

    def change(self, **fields: Any) -> None:
        """Set up something else in this scope. Raises NotLoaded."""
        self.transaction.put(setup_key(self.scope), Setup(*self.setup._replace(**fields)).data, self.ttl)

    def reset(self) -> None:
        """Begin a new generation, in which nothing is set up. Raises NotLoaded."""
        setup = self.setup
        self.transaction.put(setup_key(self.scope), Setup(setup.generation + 1).data, self.ttl)

    def key(self, kind: str, name: str = "") -> str:
        """The key of a record of this scope, in its generation. Raises NotLoaded."""
        key = f"{{{self.scope}}}:{self.setup.generation}:{kind}"
        return f"{key}:{name}" if name else key


def setup_of(transaction: Transaction, scope: str) -> Setup:
    """What was set up in a scope, as a transaction sees it. Raises NotLoaded."""
    return transaction.value(setup_key(scope), Setup.read) or Setup.NONE
