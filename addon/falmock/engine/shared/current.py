"""The transaction that the views of shared state read from and write to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from typing import TypeVar

from falmock.engine.shared.behind import Behind
from falmock.engine.shared.job_calls import JobCalls
from falmock.engine.shared.known_jobs import KnownJobs
from falmock.engine.shared.transaction import Transaction

T = TypeVar("T")
_LOGS = 100
"""Of how many logs is remembered what they say about jobs."""
_READ, _SHORT = 2000, 4096
"""How many entries of logs are remembered as they were read, and how long (bytes) one may be."""


class Current:
    """Holds the transaction of the call that is being decided: one at a time, since deciding does not wait."""

    def __init__(self) -> None:
        self.under_way: Transaction | None = None
        """The transaction under way, if there is one."""
        self._read: OrderedDict[bytes, Any] = OrderedDict()
        self._job_calls: OrderedDict[str, JobCalls] = OrderedDict()
        self.jobs = KnownJobs()
        """What the bytes of jobs say."""
        self.behind: Behind = Behind()
        """What is appended to logs after the commits."""

    @property
    def transaction(self) -> Transaction:
        """The transaction under way. Raises RuntimeError if there is none: that is an error in the caller."""
        if self.under_way is None:
            raise RuntimeError("shared state is read or written outside a transaction")
        return self.under_way

    @property
    def is_deciding(self) -> bool:
        """Whether a transaction is under way."""
        return self.under_way is not None

    def decide(self, transaction: Transaction, decide: Callable[[float], T]) -> T:
        """What `decide` returns within a transaction, from its beginning to its end. Raises NotLoaded."""
        before, self.under_way = self.under_way, transaction
        try:
            transaction.begin()
            result = decide(transaction.now)
            transaction.end()
        finally:
            self.under_way = before
        return result

    def job_calls(self, log: str, last: int) -> JobCalls:
        """What was read of the calls in a log whose last entry has this number."""
        found = self._job_calls.pop(log, None)
        if found is None or found.last > last:  # another log has its name
            found = JobCalls()
        self._job_calls[log] = found
        if len(self._job_calls) > _LOGS:
            self._job_calls.popitem(last=False)
        return found

    def read_once(self, data: bytes, read: Callable[[bytes], T]) -> T:
        """What `read` returns for these bytes, which no other function reads: it is remembered, so nobody may change it."""
        found: T | None = self._read.get(data)
        if found is None:
            found = read(data)
            if len(data) <= _SHORT:
                self._read[data] = found
                if len(self._read) > _READ:
                    self._read.popitem(last=False)
        return found
