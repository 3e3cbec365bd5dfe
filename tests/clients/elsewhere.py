"""Servers that are not fal: they answer every request and record what they get.

As a program it serves inside a network namespace: `elsewhere.py IP:PORT=ANSWER IP:PORT...` starts a name server that
answers with ANSWER, then web servers. It prints a line for each event.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from ipaddress import IPv4Address
from socketserver import BaseRequestHandler
from socketserver import BaseServer
from socketserver import TCPServer
from socketserver import ThreadingUDPServer
from typing import Any
from typing import TypeVar

BODY = b"this is another host"
A = 1


class Witness(BaseServer):
    """A server that records events."""

    aloud = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen: list[str] = []

    def happened(self, what: str) -> None:
        self.seen.append(what)
        if self.aloud:
            print(what, flush=True)


class Handler(BaseHTTPRequestHandler):
    """Answers GET and POST, also in absolute form, so it can act as a proxy."""

    protocol_version = "HTTP/1.1"
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.happened(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: what counts is in `seen`."""


class Elsewhere(Witness, ThreadingHTTPServer):
    """A web server on loopback."""

    daemon_threads = True

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without http.server's reverse lookup of the host name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]

    @property
    def url(self) -> str:
        return f"http://{self.server_name}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.happened(f"connection to {self.server_name}:{self.server_port}")
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: connections without HTTP are recorded, not reported."""


class NamesHandler(BaseRequestHandler):
    """Answers a query of any type with one address."""

    server: Names

    def handle(self) -> None:
        query, connection = self.request
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        self.server.happened(f"name {'.'.join(labels)}")
        question = query[12 : at + 5]
        is_address = question[-4:-2] == bytes([0, A])
        record = b"\xc0\x0c" + question[-4:] + bytes([0, 0, 0, 60, 0, 4]) + self.server.answer.packed
        head = query[:2] + b"\x81\x80\0\1" + bytes([0, is_address]) + bytes(4)
        connection.sendto(head + question + (record if is_address else b""), self.client_address)


class Names(Witness, ThreadingUDPServer):
    """A name server that resolves every name to one address."""

    daemon_threads = True

    def __init__(self, answer: str, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__((host, port), NamesHandler)
        self.answer = IPv4Address(answer)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


Server = TypeVar("Server", bound=BaseServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run a server in the background."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main(names: str, *addresses: str) -> None:
    """Serve until killed, and print events."""
    where, _, answer = names.partition("=")
    servers: list[Witness] = [Names(answer, *_address(where)), *(Elsewhere(*_address(text)) for text in addresses)]
    with ExitStack() as stack:
        for server in servers:
            server.aloud = True
            stack.enter_context(serving(server))
        print("ready", flush=True)
        signal.pause()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main(*sys.argv[1:])
