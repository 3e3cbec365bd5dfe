"""TLS around a session, without I/O: by two memory buffers, which cost less than asyncio's own TLS transport."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress

from falmock.serving import client_hello
from falmock.serving.client_hello import ClientHello
from falmock.serving.session import Ending
from falmock.serving.session import Session

HANDSHAKE_TIME = 60.0
"""How long (seconds) a handshake may take, from its first byte on."""
_PIECE = 64 * 1024
_HTTP1 = b"http/1.1"
_NO_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))
"""The fatal alert `no_application_protocol` (RFC 7301, section 3.2)."""


class TlsFailure(ValueError):
    """Why no TLS connection came about: `hello` is what its client began with, None if that was none."""

    def __init__(self, why: str, hello: ClientHello | None, *, is_h2_only: bool = False) -> None:
        super().__init__(why)
        self.hello = hello
        self.is_h2_only = is_h2_only


class TlsSession:
    """The server's side of TLS around `inner`; see `Session`. `failed` is called if the handshake fails."""

    successor = None

    def __init__(self, context: ssl.SSLContext, inner: Session, failed: Callable[[TlsFailure], None]) -> None:
        self.ending = Ending.OPEN
        self._inner = inner
        self._failed = failed
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False
        self._until: float | None = None
        """When the handshake must have ended."""
        self._greeting: bytes | None = b""
        """The bytes that came before the hello was read; None after that."""
        self._hello: ClientHello | None = None

    @property
    def wake_at(self) -> float | None:
        """See `Session`."""
        return self._inner.wake_at if self._is_open else self._until

    @property
    def reads(self) -> bool:
        """See `Session`."""
        return self._inner.reads

    @property
    def is_socket(self) -> bool:
        """See `Session`."""
        return self._inner.is_socket

    def receive(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if self.ending is not Ending.OPEN and self.ending is not Ending.HALF:
            return
        if self._until is None:
            self._until = now + HANDSHAKE_TIME
        if self._greeting is not None and not self._greet(data):
            return
        self._incoming.write(data)
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open, self._hello = True, None
            while plain := self._tls.read(_PIECE):
                self._inner.receive(plain, now)
                if not self._incoming.pending and not self._tls.pending():
                    break  # to read once more would only raise SSLWantReadError
            else:
                self.ending = Ending.CLOSE  # its client closes
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            if not self._is_open:
                self._failed(TlsFailure(error.reason or str(error), self._hello))
            self.ending = Ending.CLOSE
        self._encrypt()

    def _greet(self, data: bytes) -> bool:
        """Look at the hello before OpenSSL does, which accepts a client that wants HTTP/2 alone, and then not its HTTP."""
        self._greeting = (self._greeting or b"") + data
        try:
            self._hello = client_hello.read(self._greeting)
        except client_hello.Incomplete:
            return True
        except client_hello.NotAHello:
            self._hello = None
        self._greeting = None
        if self._hello is None or not self._hello.protocols or _HTTP1 in self._hello.protocols:
            return True
        names = ", ".join(name.decode("latin-1") for name in self._hello.protocols)
        self._failed(TlsFailure(f"its client speaks only {names}", self._hello, is_h2_only=True))
        self._outgoing.write(_NO_PROTOCOL)
        self.ending = Ending.CLOSE
        return False

    def wake(self, now: float) -> None:
        """See `Session`."""
        if self._is_open:
            self._inner.wake(now)
            self._encrypt()
        elif self._until is not None and now >= self._until and self.ending is Ending.OPEN:
            self._failed(TlsFailure("its handshake did not end in time", self._hello))
            self.ending, self._until = Ending.CLOSE, None

    def gone(self) -> None:
        """See `Session`."""
        if not self._is_open and self.ending is Ending.OPEN and self._hello is not None:
            self._failed(TlsFailure("it disconnected during the handshake", self._hello))
        self.ending = Ending.ABORT
        self._inner.gone()

    def take(self) -> bytes:
        """See `Session`."""
        return self._outgoing.read()

    def _encrypt(self) -> None:
        if not self._is_open:
            return
        if data := self._inner.take():
            self._tls.write(data)
        ending = self._inner.ending
        if ending is not self.ending and ending is not Ending.OPEN:
            if ending in (Ending.CLOSE, Ending.HALF):
                with suppress(ssl.SSLError):  # it wants the client's own close, which is not waited for
                    self._tls.unwrap()
            self.ending = ending
