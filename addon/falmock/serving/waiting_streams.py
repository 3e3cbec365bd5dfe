"""The streams that report on jobs, and are woken when those change."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

from falmock.engine.effects import EVERY_JOB


class Wakeable(Protocol):
    """A connection that plays a stream."""

    def wake(self) -> None:
        """Something changed that its stream reports."""


class WaitingStreams:
    """The connections whose streams report on a job, by its request id."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Wakeable]] = defaultdict(set)

    def listen(self, key: str, connection: Wakeable) -> None:
        """Let `wake(key)` wake this connection from now on; does nothing for an empty key."""
        if key:
            self._listeners[key].add(connection)

    def stop_listening(self, key: str, connection: Wakeable) -> None:
        """Let `wake(key)` no longer wake this connection."""
        listeners = self._listeners.get(key)
        if listeners is not None:
            listeners.discard(connection)
            if not listeners:
                del self._listeners[key]

    def wake(self, key: str) -> None:
        """The job with this request id changed, or any job (EVERY_JOB): wake the streams that report on it."""
        keys = tuple(self._listeners) if key == EVERY_JOB else (key,)
        for connection in tuple(connection for each in keys for connection in self._listeners.get(each, ())):
            connection.wake()
