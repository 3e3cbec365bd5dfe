"""An app that talks on sockets: with the fal client, sync and async, and without it.

It does what each line it reads asks, `[act, arguments]`, and prints a line with what it saw. A conversation is a list
of steps: `["send", message]` and `["receive"]`; what was received is told. Bytes are `{"$bytes": base64}` both ways.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import fal_client
from fal_client.client import RealtimeError
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from with_bytes import as_json
from with_bytes import with_bytes

Steps = list[list[Any]]
LOOP = asyncio.Runner()
KEY = {"Authorization": f"Key {os.environ['FAL_KEY']}"}


def realtime(app: str, steps: Steps, **options: Any) -> Any:
    with fal_client.realtime(app, **options) as connection:
        return _through(steps, connection.send, connection.recv)


def realtime_async(app: str, steps: Steps, **options: Any) -> Any:
    async def talk() -> Any:
        seen: list[Any] = []
        async with fal_client.realtime_async(app, **options) as connection:
            for step, *given in steps:
                if step == "send":
                    await connection.send(*given)
                    continue
                try:
                    seen.append(await connection.recv())
                except RealtimeError as error:
                    seen.append(_told(error))
        return seen

    return LOOP.run(talk())


def ws_connect(app: str, steps: Steps, **options: Any) -> Any:
    with fal_client.ws_connect(app, **options) as connection:
        return _through(steps, connection.send, connection.recv)


def ws_connect_async(app: str, steps: Steps, **options: Any) -> Any:
    async def talk() -> Any:
        seen: list[Any] = []
        async with fal_client.ws_connect_async(app, **options) as connection:
            for step, *given in steps:
                if step == "send":
                    await connection.send(*given)
                else:
                    seen.append(await connection.recv())
        return seen

    return LOOP.run(talk())


def raw(url: str, steps: Steps, *, key: bool = True, deflate: bool = True) -> Any:
    """With a WebSocket library alone; which extensions were agreed on, and what was received."""
    compression = "deflate" if deflate else None
    try:
        with connect(url, additional_headers=KEY if key else None, compression=compression) as connection:
            extensions = [extension.name for extension in connection.protocol.extensions]
            return {"extensions": extensions, "seen": _through(steps, connection.send, connection.recv)}
    except InvalidStatus as error:
        return {"status": error.response.status_code, "body": error.response.body}


def runs(app: str, inputs: list[Any]) -> Any:
    """Runs over one socket, all asked before the first answer is read, as `fal.apps.ws` reads them."""
    with connect(f"wss://ws.fal.run/{app}", additional_headers=KEY) as connection:
        for arguments in inputs:
            connection.send(json.dumps(arguments))
        return [_run(connection.recv) for _ in inputs]


def _run(recv: Callable[[], str | bytes]) -> Any:
    start = _meta(recv())
    assert start is not None
    assert start["type"] == "start", start
    parts: list[str | bytes] = []
    while (end := _meta(part := recv())) is None:
        parts.append(part)
    assert end["type"] == "end", end
    assert end["request_id"] == start["request_id"]
    return {"status": start["status"], "headers": start["headers"], "parts": parts}


def _meta(message: str | bytes) -> dict[str, Any] | None:
    """The message, where it is one about an answer and no part of it."""
    try:
        value = json.loads(message) if isinstance(message, str) else None
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and "type" in value and "request_id" in value else None


def _through(steps: Steps, send: Callable[..., Any], receive: Callable[[], Any]) -> list[Any]:
    seen: list[Any] = []
    for step, *given in steps:
        if step == "send":
            send(*given)
            continue
        try:
            seen.append(receive())
        except (RealtimeError, ConnectionClosed) as error:
            seen.append(_told(error))
    return seen


def _told(error: Exception) -> Any:
    if isinstance(error, ConnectionClosed):
        return {"closed": error.rcvd.code if error.rcvd else None, "reason": error.rcvd.reason if error.rcvd else None}
    return {"raised": type(error).__name__, "message": str(error)}


ACTS = {act.__name__: act for act in (realtime, realtime_async, ws_connect, ws_connect_async, raw, runs)}


def main() -> None:
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps(ACTS[act](**with_bytes(arguments)), default=as_json), flush=True)
    LOOP.close()


if __name__ == "__main__":
    main()
