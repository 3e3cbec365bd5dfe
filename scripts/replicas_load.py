"""The load of `scripts/bench replicas`, in a process of its own: queue jobs on kept-alive connections, each answer read and checked.

It costs little beside a falmock: a protocol of asyncio's, and heads that are made once. `PORT CONNECTIONS SECONDS` are its
arguments; it prints `{"calls": ..., "seconds": ..., "wrong": [...]}`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass
from dataclasses import field

APP = "fal-ai/fast-sdxl"
BODY = b'{"prompt": "a photo of cat number 0"}'
POLLS = 3
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"request_id": "([0-9a-f-]{36})"')
_HEAD = b"Host: 127.0.0.1\r\nx-fal-target-host: queue.fal.run\r\nAuthorization: Key kid:ksecret\r\n"
_SUBMIT = (
    f"POST /fal/{APP} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n".encode()
    + _HEAD
    + b"\r\n"
    + BODY
)


@dataclass
class Load:
    """What came of it so far. Clients begin no job after `until`."""

    until: float
    calls: int = 0
    wrong: list[str] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection: a submit, polls and the result, again and again."""

    def __init__(self, load: Load, ended: asyncio.Future[None]) -> None:
        self._load = load
        self._ended = ended
        self._received = b""
        self._step = 0
        self._id = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_SUBMIT)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if blank and found is not None and len(rest) >= int(found[1]):
            self._received = b""
            self._answered(head, rest)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            if error is not None or time.monotonic() < self._load.until:
                self._load.wrong.append(f"the connection ended: {error}")
            self._ended.set_result(None)

    def _answered(self, head: bytes, body: bytes) -> None:
        self._load.calls += 1
        if self._step == 0:
            submitted = _ID.search(body)
            self._id = submitted[1] if submitted else b""
            is_right = submitted is not None
        elif self._step <= POLLS:
            is_right = b'"COMPLETED"' in body and self._id in body
        else:
            is_right = b'"seed": 1' in body or b'"seed":1' in body
        if not is_right:
            self._load.wrong.append(f"step {self._step}: {head[:20]!r} {body[:200]!r}")
        self._step = 0 if self._step > POLLS or not self._id else self._step + 1
        if self._step:
            path = b"/fal/%b/requests/%b" % (APP.encode(), self._id)
            action = b"/status" if self._step <= POLLS else b""
            self._transport.write(b"GET %b%b HTTP/1.1\r\n%b\r\n" % (path, action, _HEAD))
        elif time.monotonic() < self._load.until:
            self._transport.write(_SUBMIT)
        else:
            self._transport.close()


async def run(port: int, connections: int, seconds: float) -> dict[str, object]:
    """The load on a port."""
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    load = Load(started + seconds)
    ends = []
    for _ in range(connections):
        ends.append(loop.create_future())
        await loop.create_connection(lambda end=ends[-1]: Client(load, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return {"calls": load.calls, "seconds": time.monotonic() - started, "wrong": load.wrong[:5]}


if __name__ == "__main__":
    port, connections, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(run(int(port), int(connections), float(seconds)))))
