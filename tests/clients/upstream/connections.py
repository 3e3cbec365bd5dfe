"""HTTP/1.1 over TLS on loopback, a thread for each connection."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from clients.upstream import troubles
from clients.upstream.messages import Answer
from clients.upstream.messages import Asked
from clients.upstream.messages import nginx
from clients.upstream.sockets import Gone
from clients.upstream.sockets import Line

TLS_HELLO = b"\x16"
STOP_SECONDS = 10
BODILESS = (204, 304)
Handle = Callable[[Asked], tuple[Answer, str | None]]
"""What to answer, and the kind of trouble in which the answer goes out."""
Sessions = Callable[[Asked], Callable[[Line], None] | None]
"""What goes on on a socket, None where there is none: the request is then answered as any other."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Speak TLS if the client does."""
        if self.request.recv(1, socket.MSG_PEEK) == TLS_HELLO:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        """Say goodbye and close; after a reset there is nothing left to close."""
        super().finish()
        with suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)
        self.connection.close()

    def handle_one_request(self) -> None:
        """Answer a request of any method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        asked = self._asked()
        if asked.headers.get("upgrade", "").lower() == "websocket" and self._talk(asked):
            return
        try:
            answer, trouble = self.server.answer(asked)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with us is shown at the end
            self.server.failures.append(error)
            answer, trouble = nginx(500), None
        if self.server.wait(0):
            self.close_connection = True
            return
        try:
            if trouble is None:
                self._send(asked, answer)
            else:
                self.close_connection = True
                troubles.happen(trouble, self._head(answer), answer.content, self.wfile.write, self.server.wait)
        except troubles.Reset:
            troubles.reset(self.connection)
        except OSError:
            self.close_connection = True  # the client is gone
        except Exception as error:  # noqa: BLE001 - as above
            self.server.failures.append(error)
            self.close_connection = True

    def _talk(self, asked: Asked) -> bool:
        """Hold a session on a socket, if there is one at this place."""
        session = self.server.session(asked)
        if session is None:
            return False
        self.close_connection = True
        try:
            session(Line(self.connection, asked, self.server.wait))
        except Gone:
            """So be it."""
        except Exception as error:  # noqa: BLE001 - as above
            self.server.failures.append(error)
        return True

    def _asked(self) -> Asked:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        target = self.path
        if "://" in target:
            target = "/" + target.split("/", 3)[3]
        path, _, query = target.partition("?")
        host = headers.get("host", "").partition(":")[0].lower()
        return Asked(self.command, host, path, query, headers, self._body(), self.client_address[0])

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Trailers."""
        return b"".join(chunks)

    def _head(self, answer: Answer) -> bytes:
        headers = [*answer.headers, ("Date", self.date_time_string())]
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in headers)]
        return "".join(f"{line}\r\n" for line in lines).encode("latin-1")

    def _send(self, asked: Asked, answer: Answer) -> None:
        head, empty = self._head(answer), asked.method == "HEAD"
        if answer.status in BODILESS:
            self.wfile.write(head + b"\r\n")
        elif isinstance(answer.body, bytes):
            head += b"Content-Length: %d\r\n\r\n" % len(answer.body)
            self.wfile.write(head if empty else head + answer.body)
        elif answer.length is not None:
            self.wfile.write(head + b"Content-Length: %d\r\n\r\n" % answer.length)
            for piece in () if empty else answer.body:
                self.wfile.write(piece)
        else:
            self.wfile.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
            for piece in () if empty else answer.body:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"" if empty else b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: what counts is in `seen`."""


class Server(ThreadingHTTPServer):
    """Listens on a free port of loopback, with the certificate in a file."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificate: Path, answer: Handle, session: Sessions) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.session = session
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.maximum_version = ssl.TLSVersion.TLSv1_2  # see openssl.cnf
        self.tls.load_cert_chain(certificate)
        self.tls.set_alpn_protocols(["http/1.1"])
        self.failures: list[BaseException] = []
        """What broke in here, which tests should look at: to the client it was a 500 of nginx."""
        self.connections = 0
        """How many there were so far."""
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()

    def server_bind(self) -> None:
        """Bind without http.server's reverse look-up of our own name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def wait(self, seconds: float) -> bool:
        """Let time pass, but no longer than the server lives; whether it is stopping."""
        return self._stopping.wait(seconds)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # TLS takes the descriptor over: a second one is kept, to wake whoever reads when the server stops.
        with socket.socket(fileno=socket.dup(request.fileno())) as handle:
            with self._changed:
                self._open.add(handle)
                self.connections += 1
            try:
                super().process_request_thread(request, client_address)
            finally:
                with self._changed:
                    self._open.discard(handle)
                    self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients may go away."""

    def stop(self) -> None:
        """Stop at once, whatever is going on; to be called when `serve_forever` runs."""
        self._stopping.set()
        self.shutdown()
        with self._changed:
            for handle in self._open:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, STOP_SECONDS)
        self.server_close()
