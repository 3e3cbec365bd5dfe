"""An app that listens to streams and talks on sockets, with the sync fal client and without.

It does what each line it reads asks, `[act, arguments]`, and prints a line with what it saw. Bytes are
`{"$bytes": base64}` both ways.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from contextlib import ExitStack
from typing import Any

import fal_client
import httpx
from fal_client.client import RealtimeError
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from with_bytes import as_json
from with_bytes import with_bytes


def stream(app: str, arguments: Any, **options: Any) -> Any:
    """The events, and how it ended where not well."""
    events: list[Any] = []
    try:
        events.extend(fal_client.stream(app, arguments, **options))
    except httpx.HTTPError as error:
        events.append(type(error).__name__)
    return events


def realtime(app: str, steps: list[Any], **options: Any) -> Any:
    """Sends, receives and waits; what was received."""
    seen: list[Any] = []
    try:
        with fal_client.realtime(app, **options) as connection:
            for step, *given in steps:
                if step == "send":
                    connection.send(given[0])
                elif step == "wait":
                    time.sleep(given[0])
                else:
                    seen.append(connection.recv())
    except RealtimeError as error:
        seen.append({"raised": "RealtimeError", "message": str(error)})
    return seen


def ws(app: str, messages: list[Any], path: str = "") -> Any:
    """Greeted once, an answer to each message, and the end."""
    with fal_client.ws_connect(app, path=path) as connection:
        seen: list[Any] = [connection.recv()]
        try:
            for message in messages:
                connection.send(message)
                seen.append(connection.recv(10))
        except ConnectionClosed as closed:
            seen.append({"code": closed.rcvd.code, "reason": closed.rcvd.reason} if closed.rcvd else "gone")
        return seen


def runs(app: str, inputs: list[Any]) -> Any:
    """Runs over a socket of ws.fal.run, all asked at once; the answer of each: status, headers, body."""
    key = {"Authorization": f"Key {os.environ['FAL_KEY']}"}
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    with connect(f"wss://ws.fal.run/{app}", additional_headers=key, ssl=context) as connection:
        for given in inputs:
            connection.send(json.dumps(given))
        return [_run(connection) for _ in inputs]


def _run(connection: Any) -> Any:
    start: dict[str, Any] = {}
    parts: list[Any] = []
    while True:
        message = connection.recv(10)
        value = json.loads(message) if isinstance(message, str) and '"request_id"' in message else {}
        if value.get("type") == "start":
            start = value
        elif value.get("type") == "end":
            assert value["request_id"] == start["request_id"]
            body = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
            return {"status": start["status"], "type": start["headers"].get("content-type"), "body": body}
        else:
            parts.append(message)


def chat(arguments: Any) -> Any:
    """The data of the events that an OpenAI-compatible endpoint sends."""
    url = "https://fal.run/openrouter/router/openai/v1/chat/completions"
    key = {"Authorization": f"Key {os.environ['FAL_KEY']}"}
    with httpx.stream("POST", url, json=arguments, headers=key, timeout=30) as answer:
        return [line for line in answer.iter_lines() if line.startswith("data:")]


def raw(path: str, arguments: Any, accept: str = "text/event-stream") -> Any:
    """A stream as it comes: status, content type, and the whole."""
    headers = {"Authorization": f"Key {os.environ['FAL_KEY']}", "Accept": accept}
    with httpx.stream("POST", f"https://fal.run/{path}", json=arguments, headers=headers, timeout=30) as answer:
        return {"status": answer.status_code, "type": answer.headers["content-type"], "body": answer.read()}


def handshake(app: str) -> str:
    """How a socket that is not accepted is refused."""
    try:
        with fal_client.realtime(app) as connection:
            return str(connection.recv())
    except InvalidStatus as error:
        return str(error)


_open = ExitStack()


def open_(app: str, inputs: list[Any]) -> Any:
    """Send all, hear one result, and leave the socket open."""
    connection = _open.enter_context(fal_client.realtime(app))
    for given in inputs:
        connection.send(given)
    return connection.recv()


ACTS = {act.__name__.rstrip("_"): act for act in (stream, realtime, ws, runs, chat, raw, handshake, open_)}


def main() -> None:
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps(ACTS[act](**with_bytes(arguments)), default=as_json), flush=True)


if __name__ == "__main__":
    main()
