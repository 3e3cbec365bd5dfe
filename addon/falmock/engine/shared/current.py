"""The transaction that the views of shared state read from and write to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from falmock.engine.shared.transaction import Transaction


class Current:
    """Holds the transaction of the call that is being decided: one at a time, since deciding does not wait."""

    def __init__(self) -> None:
        self._transaction: Transaction | None = None

    @property
    def transaction(self) -> Transaction:
        """The transaction under way. Raises RuntimeError if there is none: that is an error in the caller."""
        if self._transaction is None:
            raise RuntimeError("shared state is read or written outside a transaction")
        return self._transaction

    @property
    def is_deciding(self) -> bool:
        """Whether a transaction is under way."""
        return self._transaction is not None

    @contextmanager
    def using(self, transaction: Transaction) -> Iterator[None]:
        """Decide within a transaction, from its beginning."""
        before, self._transaction = self._transaction, transaction
        transaction.begin()
        try:
            yield
        finally:
            self._transaction = before
