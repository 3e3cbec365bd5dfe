"""A relay before a store, which is slow, hangs or leads elsewhere when a test says so."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path


class Relay:
    """Takes connections at a Unix socket and hands them on to another."""

    def __init__(self, target: str, path: str) -> None:
        self.target = target
        self.socket = path
        self.delay = 0.0
        """How long (seconds) each answer takes longer."""
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._lines: set[socket.socket] = set()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def hang(self) -> None:
        """No answer passes, and no connection ends."""
        self._may_pass.clear()

    def go_on(self) -> None:
        """All that was held back passes."""
        self._may_pass.set()

    def lead_to(self, target: str) -> None:
        """From now on to this one; connections to the other end."""
        self.target = target
        self.cut()

    def cut(self) -> None:
        """End all connections."""
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.go_on()
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._relay, args=(near,), daemon=True).start()

    def _relay(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            with suppress(OSError):
                far.connect(self.target)
                self._lines |= {near, far}
                asking = threading.Thread(target=self._pass, args=(near, far, lambda: 0.0), daemon=True)
                asking.start()
                self._pass(far, near, lambda: self.delay)
                asking.join()
            self._lines -= {near, far}

    def _pass(self, source: socket.socket, sink: socket.socket, delay: Callable[[], float]) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                time.sleep(delay())
                self._may_pass.wait()
                sink.sendall(data)
        for line in (source, sink):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(target: str) -> Iterator[Relay]:
    """A relay before the store at this Unix socket."""
    with tempfile.TemporaryDirectory(prefix="fm") as folder:  # a socket's path must be short
        relay = Relay(target, str(Path(folder) / "relay.sock"))
        try:
            yield relay
        finally:
            relay.close()
