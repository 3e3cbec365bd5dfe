"""A receiver of webhooks: a web server on loopback that records every POST and answers with chosen statuses."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from time import time
from typing import Any

SILENCE = 0
"""In place of a status: no answer, until the other side closes the connection."""
_PATIENCE = 60.0


@dataclass
class Delivered:
    """One POST: its headers with lower-case names, and when it came (`at` since the epoch, `moment` monotonic)."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time)
    moment: float = field(default_factory=monotonic)


class Hook:
    """One URL for webhooks. It answers with each status once, then always with the last."""

    def __init__(self, url: str, statuses: Sequence[int]) -> None:
        self.url = url
        self.posts: list[Delivered] = []
        self.hung_up = threading.Event()
        """Set when the sender of a post that gets no answer has closed its connection."""
        self._statuses = list(statuses)
        self._came = threading.Condition()

    def take(self, post: Delivered) -> int:
        with self._came:
            status = self._statuses[min(len(self.posts), len(self._statuses) - 1)]
            self.posts.append(post)
            self._came.notify_all()
        return status

    def wait(self, count: int = 1, seconds: float = _PATIENCE) -> list[Delivered]:
        """The posts so far, as soon as there are `count`."""
        with self._came:
            came = self._came.wait_for(lambda: len(self.posts) >= count, seconds)
        assert came, f"{len(self.posts)} of {count} webhooks came to {self.url}"
        return self.posts


class Receiver(ThreadingHTTPServer):
    """Hooks by their path."""

    daemon_threads = True

    def __init__(self, tls: Path | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._hooks: dict[str, Hook] = {}
        self.strange: list[str] = []
        """Other requests, such as one that follows a redirect."""
        scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.base = f"{scheme}://{host}:{self.server_port}"

    def hook(self, *statuses: int, query: str = "") -> Hook:
        """A new URL; by default it answers with 200."""
        path = f"/hooks/{len(self._hooks)}"
        hook = self._hooks[path] = Hook(f"{self.base}{path}{query}", statuses or (200,))
        return hook

    def of(self, path: str) -> Hook | None:
        return self._hooks.get(path.partition("?")[0])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients may close their connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hook = self.server.of(self.path)
        if hook is None:
            self.server.strange.append(f"POST {self.path}")
            self._answer(404)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = hook.take(Delivered(self.path, headers, body))
        if status == SILENCE:
            self.connection.settimeout(_PATIENCE)
            if self.connection.recv(1) == b"":
                hook.hung_up.set()
            self.close_connection = True
        else:
            self._answer(status)

    def do_GET(self) -> None:
        self.server.strange.append(f"GET {self.path}")
        self._answer(404)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.base}/elsewhere")
        self.send_header("Content-Length", "0" if status == 204 else "2")
        self.end_headers()
        if status != 204:
            self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def receiver(tls: Path | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """A running receiver. `tls` is a file with a certificate and its key; its URLs name `host`."""
    with Receiver(tls, host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
