"""What a client sends through a tunnel, without I/O: TLS or plain HTTP, as the first byte shows."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from falmock.serving.session import Ending
from falmock.serving.session import Session
from falmock.serving.tls_session import TlsFailure
from falmock.serving.tls_session import TlsSession

TLS = 0x16
"""The first byte of a TLS connection."""


class TunnelSession:
    """Carries `inner` over TLS if its client begins so; see `Session`."""

    def __init__(self, context: ssl.SSLContext, inner: Session, failed: Callable[[TlsFailure], None]) -> None:
        self._session = inner
        self._context = context
        self._failed = failed
        self._has_begun = False

    @property
    def wake_at(self) -> float | None:
        """See `Session`."""
        return self._session.wake_at

    @property
    def ending(self) -> Ending:
        """See `Session`."""
        return self._session.ending

    @property
    def reads(self) -> bool:
        """See `Session`."""
        return self._session.reads

    @property
    def is_socket(self) -> bool:
        """See `Session`."""
        return self._session.is_socket

    @property
    def successor(self) -> Session | None:
        """See `Session`."""
        return self._session if self._has_begun else None

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if not self._has_begun and data:
            self._has_begun = True
            if data[0] == TLS:
                self._session = TlsSession(self._context, self._session, self._failed)
        self._session.receive(data, now)

    def wake(self, now: float) -> None:
        """See `Session`."""
        self._session.wake(now)

    def gone(self) -> None:
        """See `Session`."""
        self._session.gone()

    def take(self) -> bytes:
        """See `Session`."""
        return self._session.take()
