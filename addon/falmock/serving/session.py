"""What every session of a connection has in common: bytes and times in; bytes, the next wake-up and the end out."""

from __future__ import annotations

import enum
from typing import Protocol


class Ending(enum.Enum):
    """How a session wants its connection to end, once all that it sent is on its way."""

    OPEN = "open"
    """Not at all."""
    HALF = "half"
    """Nothing more is sent; the client may still send, and what it sends is dropped."""
    CLOSE = "close"
    RESET = "reset"
    """By TCP RST."""
    ABORT = "abort"
    """At once: what is not sent yet is dropped."""


class Session(Protocol):
    """One connection without I/O. Times are in seconds since the epoch.

    After each call, its carrier sends what `take` returns, ends the connection as `ending` says, and calls `wake` at
    `wake_at`. It does not call `wake` while the client does not read what was sent, unless `is_socket`.
    """

    @property
    def wake_at(self) -> float | None:
        """When to call `wake`; None for never."""

    @property
    def ending(self) -> Ending:
        """Whether and how the connection ends."""

    @property
    def reads(self) -> bool:
        """Whether to go on to read from the client: what comes is used soon."""

    @property
    def is_socket(self) -> bool:
        """Whether it is a WebSocket by now, which is sent to without regard to what its client has read."""

    @property
    def successor(self) -> Session | None:
        """The session that carries on alone once `take` was called: this one only passed everything on to it."""

    def receive(self, data: bytes, now: float) -> None:
        """Bytes came from the client, split anywhere."""

    def wake(self, now: float) -> None:
        """The time `wake_at` has come, or something changed that is being reported."""

    def gone(self) -> None:
        """The connection is lost: drop what is under way."""

    def take(self) -> bytes:
        """The bytes to send, which are forgotten."""


class Over:
    """The session of a connection that is lost; see `Session`."""

    wake_at = None
    ending = Ending.ABORT
    reads = is_socket = False
    successor = None

    def receive(self, data: bytes, now: float) -> None:
        """Nothing is done with it."""

    def wake(self, now: float) -> None:
        """Nothing is due."""

    def gone(self) -> None:
        """It is gone already."""

    def take(self) -> bytes:
        """Nothing is to be sent."""
        return b""


OVER = Over()
