"""What goes on on sockets: realtime sessions, an app's own sockets, and runs over a socket."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import msgpack  # type: ignore[import-untyped, unused-ignore]

from clients.upstream import models
from clients.upstream.messages import Asked
from clients.upstream.messages import compact
from clients.upstream.models import Run
from clients.upstream.sockets import Gone
from clients.upstream.sockets import Line
from clients.upstream.sockets import Silent

IDLE = 60.0
CHUNK = 1000
WORK = 0.02
"""Seconds that a result takes."""

Session = Callable[[Line, float], None]
"""A socket's life; the number is how long it may be idle (seconds)."""


def text(line: Line, value: Any) -> None:
    line.send(compact(value).decode())


def _end(line: Line, value: Any) -> None:
    """Close with this as the last message."""
    line.close(last=compact(value).decode())


def unauthorized(line: Line) -> None:
    """A token that is none of ours, is too old, or is for another app."""
    _end(line, {"status": "error", "error": "Unauthorized"})


def realtime(line: Line, idle: float) -> None:
    """One result for each input, with a picture in it and how long it took."""
    _session(line, idle, _unary)


def counting(line: Line, idle: float) -> None:
    """Several results for each input: as many as `to` says."""
    _session(line, idle, _count)


def _session(line: Line, idle: float, answer: Callable[[Line, dict[str, Any]], None]) -> None:
    while True:
        try:
            given = _input(line.receive(idle))
        except Silent:
            return _over(line)
        except ValueError as error:
            return _broken(line, error)
        if "crash" in given:
            return line.close(1011, "internal error")
        if "wrong" in given:
            return _broken(line, RuntimeError(str(given["wrong"])))
        answer(line, given)
        if "last" in given:
            return _over(line)


def _input(message: str | bytes) -> dict[str, Any]:
    value = json.loads(message) if isinstance(message, str) else msgpack.unpackb(message)
    if not isinstance(value, dict):
        raise ValueError(f"Input should be a valid dictionary, found {type(value).__name__}")  # noqa: TRY004
    return value


def _over(line: Line) -> None:
    _end(line, {"type": "x-fal-error", "error": "TIMEOUT", "reason": "no inputs, reconnect when needed!"})


def _broken(line: Line, error: Exception) -> None:
    _end(line, {"type": "x-fal-error", "error": "INTERNAL_ERROR", "reason": str(error)})


def _unary(line: Line, given: dict[str, Any]) -> None:
    line.pause(float(given.get("seconds", WORK)))
    if "silent" in given:
        return
    made = _digest(given)
    image = models.picture(made) + bytes(int(given.get("bytes", 0)))
    result = {
        "images": [{"content": image, "content_type": "image/png", "width": 8, "height": 8}],
        "seed": models.seed_of(made),
        "time": models.seconds_of(made),
        "prompt": given.get("prompt", ""),
        "small": made[:4],
    }
    if "request_id" in given:
        result["request_id"] = given["request_id"]
    told = {"type": "x-fal-message", "action": "timings", "timing": round(models.seconds_of(made), 4)}
    line.send(msgpack.packb(result), compact(told).decode())


def _count(line: Line, given: dict[str, Any]) -> None:
    for number in range(int(given.get("to", 3))):
        line.pause(WORK)
        line.send(msgpack.packb({"number": number, "of": given.get("name", "")}))


def _digest(given: dict[str, Any]) -> bytes:
    told = json.dumps(given, sort_keys=True, default=lambda data: base64.b64encode(data).decode())
    return hashlib.sha256(told.encode()).digest()


def raw(line: Line, idle: float) -> None:
    """Greets, and says everything again, texts and bytes; `bye` and `crash` end it."""
    line.send("hello")
    line.ping(b"are you there")
    while True:
        try:
            message = line.receive(idle)
        except Silent:
            return line.close()
        if message == "bye":
            return line.close(1000, "as you wish")
        if message == "crash":
            return line.close(1011, "crashed")
        line.send(message)


def run_socket(line: Line, begun: Callable[[Asked, str, Any], Run], refuse: Callable[[Run], Any]) -> None:
    """Runs of an endpoint, one after the other (PROTOCOL.md section 5.4)."""
    endpoint = line.asked.path.strip("/")
    while True:
        try:
            message = line.receive(IDLE)
        except Silent:
            return line.close()
        body = message if isinstance(message, bytes) else message.encode()
        run = begun(replace(line.asked, method="POST", body=body), endpoint, json.loads(body))
        found = models.find(endpoint)
        answer = found.make(run) if found else refuse(run)
        started = time.monotonic()
        headers: dict[str, str] = {}
        for name, value in answer.headers:
            headers[name.lower()] = "; ".join(filter(None, (headers.get(name.lower()), value)))
        meta = {"request_id": run.request_id, "status": answer.status}
        text(line, {"type": "start", **meta, "headers": headers})
        as_text = "json" in headers.get("content-type", "") or headers.get("content-type", "").startswith("text/")
        pieces = [answer.body] if isinstance(answer.body, bytes) else answer.body
        for piece in pieces:
            if as_text:
                line.send(piece.decode())
            else:
                for start in range(0, len(piece), CHUNK):
                    line.send(piece[start : start + CHUNK])
        text(line, {"type": "end", **meta, "time_to_first_byte_seconds": round(time.monotonic() - started, 4)})


ROUTES: tuple[tuple[str, Session], ...] = (
    ("test/realtime/realtime", realtime),
    ("test/counting/realtime", counting),
    ("test/raw/ws", raw),
    ("test/raw/ws/*", raw),
)


def find(endpoint: str) -> Session | None:
    """What goes on on the sockets of an endpoint."""
    return next((found for glob, found in ROUTES if fnmatchcase(endpoint, glob)), None)


__all__ = ["Gone", "find", "run_socket", "unauthorized"]
