"""What a client sends that takes falmock for one of fal's hosts, without I/O: the name in its TLS hello says for which."""

from __future__ import annotations

from collections.abc import Callable

from falmock.serving import client_hello
from falmock.serving.http_session import HEAD_TIME
from falmock.serving.session import Ending
from falmock.serving.session import Session
from falmock.serving.tunnel_session import TLS
from falmock.wire.hosts import normalize


class RedirectedSession:
    """Carries what `begin` returns for the host in the client's first bytes ("" for none); see `Session`."""

    is_socket = False
    reads = True

    def __init__(self, begin: Callable[[str], Session]) -> None:
        self.successor: Session | None = None
        self.ending = Ending.OPEN
        self.wake_at: float | None = None
        self._begin = begin
        self._data = b""

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        self._data += data
        if self.wake_at is None:
            self.wake_at = now + HEAD_TIME
        name = _name_in(self._data)
        if name is not None:
            self.successor = self._begin(normalize(name))
            self.successor.receive(self._data, now)

    def wake(self, now: float) -> None:
        """See `Session`."""
        if self.wake_at is not None and now >= self.wake_at:
            self.ending = Ending.CLOSE

    def gone(self) -> None:
        """See `Session`."""
        self.ending = Ending.ABORT

    def take(self) -> bytes:
        """See `Session`: nothing is sent before the host is known."""
        return b""


def _name_in(data: bytes) -> str | None:
    """The name in a TLS hello, "" for a client that names none; None if the hello is not complete."""
    if data[:1] != bytes((TLS,)):
        return ""
    try:
        return client_hello.read(data).name
    except client_hello.Incomplete:
        return None
    except client_hello.NotAHello:
        return ""
