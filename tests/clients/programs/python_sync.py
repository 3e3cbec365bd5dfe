"""An app that uses the sync fal client. It does what each line it reads asks, and prints a line with what it saw.

A line in is `[act, arguments]`; both ways it is JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import fal_client
import httpx
from httpx_sse import SSEError
from telling import downloaded
from telling import told


def attempt(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return told(call(*args, **options))
    except fal_client.FalClientError as error:
        return told(error)


def run(app: str, arguments: Any, **options: Any) -> Any:
    return attempt(fal_client.run, app, arguments, **options)


def subscribe(app: str, arguments: Any, **options: Any) -> Any:
    updates: list[fal_client.Status] = []
    result = attempt(fal_client.subscribe, app, arguments, on_queue_update=updates.append, **options)
    return {"updates": [told(update) for update in updates], "result": result}


def stream(app: str, arguments: Any, enough: int = -1, **options: Any) -> Any:
    """Read a stream; after `enough` events leave it."""
    events: list[Any] = []
    try:
        for event in fal_client.stream(app, arguments, **options):
            events.append(event)
            if len(events) == enough:
                break
    except (SSEError, json.JSONDecodeError) as error:
        return {"events": events, "raised": type(error).__name__, "message": str(error)}
    return {"events": events}


def submit(apps: list[str]) -> Any:
    """Submit to each app, and come back for the answer with nothing but the request id."""
    seen = {}
    for app in apps:
        handle = fal_client.submit(app, {})
        seen[app] = {
            "id": handle.request_id,
            "urls": [handle.response_url, handle.status_url, handle.cancel_url],
            "status": told(fal_client.status(app, handle.request_id)),
            "result": fal_client.result(app, handle.request_id),
            "result again": handle.get(),
        }
    return seen


def cancel(app: str, *, look: bool = True) -> Any:
    """Submit and cancel; `look` asks for the status in between."""
    handle = fal_client.submit(app, {})
    return {
        "before": told(handle.status()) if look else None,
        "cancel": attempt(handle.cancel),
        "after": told(handle.status()),
        "result": attempt(handle.get),
        "cancel again": attempt(handle.cancel),
    }


def order(app: str, webhook: str, arguments: Any, *, stop: bool = False) -> Any:
    """Submit, ask to be told of the end, and ask no more; `stop` cancels."""
    handle = fal_client.submit(app, arguments, webhook_url=webhook)
    if stop:
        handle.cancel()
    return handle.request_id


def ask_after(app: str, request_id: str) -> Any:
    return {
        "status": attempt(fal_client.status, app, request_id),
        "result": attempt(fal_client.result, app, request_id),
        "cancel": attempt(fal_client.cancel, app, request_id),
    }


def upload(path: str) -> Any:
    return fal_client.upload_file(path)


def upload_text(text: str, **options: Any) -> Any:
    return fal_client.upload(text, "text/plain", **options)


def restyle(app: str, path: str) -> Any:
    """Upload a picture and have it changed."""
    url = fal_client.upload_file(path)
    return attempt(fal_client.run, app, {"image_url": url})


def download(url: str, headers: dict[str, str]) -> Any:
    answer = httpx.get(url, headers=headers)
    return downloaded(answer)


ACTS = {
    act.__name__: act
    for act in (run, subscribe, stream, submit, cancel, order, ask_after, upload, upload_text, restyle, download)
}


def main() -> None:
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps(ACTS[act](**arguments)), flush=True)


if __name__ == "__main__":
    main()
