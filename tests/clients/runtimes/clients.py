"""Clients of Python. Each name in the arguments is a client that makes one call; prints how each went."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

URL = "https://fal.run/acme/plain"
SOCKET = "wss://fal.run/acme/talks/realtime"
MESSAGE = '{"prompt": "hi"}'
TIMEOUT = 20


def with_requests() -> Any:
    import requests

    return requests.post(URL, json={}, timeout=TIMEOUT).json()


def with_httpx() -> Any:
    import httpx

    return httpx.post(URL, json={}, timeout=TIMEOUT).json()


def with_urllib() -> Any:
    from urllib.request import Request
    from urllib.request import urlopen

    with urlopen(Request(URL, b"{}", {"content-type": "application/json"}), timeout=TIMEOUT) as answer:
        return json.load(answer)


def with_urllib3() -> Any:
    import urllib3

    return urllib3.PoolManager(retries=False, timeout=TIMEOUT).request("POST", URL, json={}).json()


def with_aiohttp() -> Any:
    import aiohttp

    async def call() -> Any:
        async with aiohttp.ClientSession() as session, session.post(URL, json={}) as answer:
            return await answer.json()

    return asyncio.run(call())


def with_aiohttp_socket() -> Any:
    import aiohttp

    async def call() -> Any:
        async with aiohttp.ClientSession() as session, session.ws_connect(SOCKET) as socket:
            await socket.send_str(MESSAGE)
            return await socket.receive_json()

    return asyncio.run(call())


def with_websockets() -> Any:
    from websockets.sync.client import connect

    with connect(SOCKET, open_timeout=TIMEOUT) as socket:
        socket.send(MESSAGE)
        return json.loads(socket.recv(TIMEOUT))


def outcome(name: str) -> str:
    try:
        return json.dumps(globals()[f"with_{name}"]())
    except Exception as error:  # noqa: BLE001 - whatever a client raises
        return f"failed: {type(error).__name__}: {error}"


if __name__ == "__main__":
    print(json.dumps({name: outcome(name) for name in sys.argv[1:]}))
