"""The load of `scripts/bench replicas`, in a process of its own: queue jobs on kept-alive connections, each answer read and checked.

It costs little beside a falmock: sockets and epoll without an event loop, and requests that are made once. `PORT CONNECTIONS
SECONDS` are its arguments; it prints `{"calls": ..., "seconds": ..., "wrong": [...]}`.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time

APP = "fal-ai/fast-sdxl"
BODY = b'{"prompt": "a photo of cat number 0"}'
POLLS = 3
_PATIENCE = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"request_id": "([0-9a-f-]{36})"')
_HEAD = b"Host: 127.0.0.1\r\nx-fal-target-host: queue.fal.run\r\nAuthorization: Key kid:ksecret\r\n"
_SUBMIT = (
    f"POST /fal/{APP} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n".encode()
    + _HEAD
    + b"\r\n"
    + BODY
)
_STATUS = b"GET /fal/%b/requests/%%b/status HTTP/1.1\r\n%b\r\n" % (APP.encode(), _HEAD)
_RESULT = b"GET /fal/%b/requests/%%b HTTP/1.1\r\n%b\r\n" % (APP.encode(), _HEAD)


class Client:
    """One connection: a submit, polls and the result, again and again. `wrong` takes what is not as expected."""

    def __init__(self, port: int, wrong: list[str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)  # a request fits into what the kernel takes at once
        self._receive, self._send = self.socket.recv, self.socket.send
        self._wrong = wrong
        self._received = b""
        self._step = 0
        self._id = b""
        self._poll = b""

    def begin(self) -> None:
        """Submit a job."""
        self._step = 0
        self._send(_SUBMIT)

    def readable(self) -> int:
        """Take in what came, and ask on. Returns how many answers that were, -1 for the last one of a job."""
        data = self._receive(65536)
        if not data:
            raise ConnectionError("it ended a connection")
        if self._received:
            data = self._received + data
        end = data.find(b"\r\n\r\n")
        found = _LENGTH.search(data, 0, end + 2) if end >= 0 else None
        if found is None or len(data) < end + 4 + int(found[1]):
            self._received = data
            return 0
        self._received = b""
        return self._answered(data)

    def _answered(self, data: bytes) -> int:
        step = self._step
        if step == 0:
            submitted = _ID.search(data)
            is_right = submitted is not None
            self._id = submitted[1] if submitted else b""
            self._poll = _STATUS % self._id
        elif step <= POLLS:
            is_right = b'"COMPLETED"' in data and self._id in data
        else:
            is_right = b'"seed": 1' in data or b'"seed":1' in data
        if not is_right:
            self._wrong.append(f"step {step}: {data[:300]!r}")
            return -1
        self._step = step = step + 1
        if step > POLLS + 1:
            return -1
        self._send(self._poll if step <= POLLS else _RESULT % self._id)
        return 1


def run(port: int, connections: int, seconds: float) -> dict[str, object]:
    """The load on a port. No job is begun after so many seconds."""
    wrong: list[str] = []
    poll = select.epoll()
    clients = {client.socket.fileno(): client for client in (Client(port, wrong) for _ in range(connections))}
    for number in clients:
        poll.register(number, select.EPOLLIN)
    calls = 0
    started = time.monotonic()
    until = started + seconds
    for client in clients.values():
        client.begin()
    while clients and not wrong:
        ready = poll.poll(_PATIENCE)
        if not ready:
            wrong.append(f"no answer in {_PATIENCE:g} s")
        for number, _ in ready:
            client = clients[number]
            answers = client.readable()
            calls += abs(answers)
            if answers >= 0:
                continue
            if time.monotonic() < until:
                client.begin()
            else:
                poll.unregister(number)
                clients.pop(number).socket.close()
    return {"calls": calls, "seconds": time.monotonic() - started, "wrong": wrong[:5]}


if __name__ == "__main__":
    port, connections, seconds = sys.argv[1:]
    print(json.dumps(run(int(port), int(connections), float(seconds))))
