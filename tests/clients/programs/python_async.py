"""An app that uses the async fal client. It does what each line it reads asks, and prints a line with what it saw.

A line in is `[act, arguments]`; both ways it is JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable
from contextlib import aclosing
from typing import Any

import fal_client
import httpx
from httpx_sse import SSEError
from telling import downloaded
from telling import told


async def attempt(call: Awaitable[Any]) -> Any:
    try:
        return told(await call)
    except fal_client.FalClientError as error:
        return told(error)


async def run(app: str, arguments: Any, **options: Any) -> Any:
    return await attempt(fal_client.run_async(app, arguments, **options))


async def subscribe(app: str, arguments: Any, **options: Any) -> Any:
    updates: list[fal_client.Status] = []
    result = await attempt(fal_client.subscribe_async(app, arguments, on_queue_update=updates.append, **options))
    return {"updates": [told(update) for update in updates], "result": result}


async def stream(app: str, arguments: Any, enough: int = -1, **options: Any) -> Any:
    """Read a stream; after `enough` events leave it."""
    events: list[Any] = []
    try:
        async with aclosing(fal_client.stream_async(app, arguments, **options)) as stream:
            async for event in stream:
                events.append(event)
                if len(events) == enough:
                    break
    except (SSEError, json.JSONDecodeError) as error:
        return {"events": events, "raised": type(error).__name__, "message": str(error)}
    return {"events": events}


async def submit(apps: list[str]) -> Any:
    """Submit to each app, and come back for the answer with nothing but the request id."""
    seen = {}
    for app in apps:
        handle = await fal_client.submit_async(app, {})
        seen[app] = {
            "id": handle.request_id,
            "urls": [handle.response_url, handle.status_url, handle.cancel_url],
            "status": told(await fal_client.status_async(app, handle.request_id)),
            "result": await fal_client.result_async(app, handle.request_id),
            "result again": await handle.get(),
        }
    return seen


async def cancel(app: str, *, look: bool = True) -> Any:
    """Submit and cancel; `look` asks for the status in between."""
    handle = await fal_client.submit_async(app, {})
    return {
        "before": told(await handle.status()) if look else None,
        "cancel": await attempt(handle.cancel()),
        "after": told(await handle.status()),
        "result": await attempt(handle.get()),
        "cancel again": await attempt(handle.cancel()),
    }


async def order(app: str, webhook: str, arguments: Any, *, stop: bool = False) -> Any:
    """Submit, ask to be told of the end, and ask no more; `stop` cancels."""
    handle = await fal_client.submit_async(app, arguments, webhook_url=webhook)
    if stop:
        await handle.cancel()
    return handle.request_id


async def ask_after(app: str, request_id: str) -> Any:
    return {
        "status": await attempt(fal_client.status_async(app, request_id)),
        "result": await attempt(fal_client.result_async(app, request_id)),
        "cancel": await attempt(fal_client.cancel_async(app, request_id)),
    }


async def upload(path: str) -> Any:
    return await fal_client.upload_file_async(path)


async def upload_text(text: str, **options: Any) -> Any:
    return await fal_client.upload_async(text, "text/plain", **options)


async def restyle(app: str, path: str) -> Any:
    """Upload a picture and have it changed."""
    url = await fal_client.upload_file_async(path)
    return await attempt(fal_client.run_async(app, {"image_url": url}))


async def download(url: str, headers: dict[str, str]) -> Any:
    async with httpx.AsyncClient() as client:
        answer = await client.get(url, headers=headers)
    return downloaded(answer)


ACTS = {
    act.__name__: act
    for act in (run, subscribe, stream, submit, cancel, order, ask_after, upload, upload_text, restyle, download)
}


async def main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        act, arguments = json.loads(line)
        print(json.dumps(await ACTS[act](**arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
