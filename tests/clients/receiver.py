"""What an app has for webhooks to come to: a web server on loopback that remembers every POST, and answers as it is told."""

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
"""In the place of a status: no answer comes, until the other side hangs up."""
_PATIENCE = 60.0


@dataclass
class Delivered:
    """One POST: its headers with lower-case names, when it came by the clock and by a steady one."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time)
    moment: float = field(default_factory=monotonic)


class Hook:
    """One URL that webhooks come to, and what it answers: each status once, then the last for ever."""

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
        """The posts so far, once there are `count`."""
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
        """What else was asked for, such as the target of a redirect."""
        scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.base = f"{scheme}://{host}:{self.server_port}"

    def hook(self, *statuses: int, query: str = "") -> Hook:
        """A new URL, which answers 200 unless told otherwise."""
        path = f"/hooks/{len(self._hooks)}"
        hook = self._hooks[path] = Hook(f"{self.base}{path}{query}", statuses or (200,))
        return hook

    def of(self, path: str) -> Hook | None:
        return self._hooks.get(path.partition("?")[0])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to tell of."""


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
    """A running receiver; with TLS by the certificate and key in a file, and named `host`."""
    with Receiver(tls, host) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
