"""An app that makes images with OpenAI's SDK, sync or async, at OpenAI or at Azure.

It does what each line it reads asks, and prints a line with what it saw.

A line in is `[act, arguments]`; both ways it is JSON. Where the API is, and the key, is in the environment.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import sys
import warnings
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx
import openai

# Version 3 of the SDK calls variations deprecated.
warnings.filterwarnings("ignore", "deprecated", DeprecationWarning)
IS_AZURE = "AZURE_OPENAI_ENDPOINT" in os.environ
sync = openai.AzureOpenAI() if IS_AZURE else openai.OpenAI()
anew = openai.AsyncAzureOpenAI() if IS_AZURE else openai.AsyncOpenAI()


def told(answer: openai.types.ImagesResponse) -> Any:
    images = [
        {
            "url": image.url,
            "content": image.b64_json and digest(base64.b64decode(image.b64_json)),
            "prompt": image.revised_prompt,
        }
        for image in answer.data or []
    ]
    return {"created": answer.created, "images": images, "id": answer._request_id}


def refused(error: openai.APIStatusError) -> Any:
    return {
        "raised": type(error).__name__,
        "status": error.status_code,
        "error": error.body,
        "id": error.request_id,
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def attempt(call: Awaitable[Any]) -> Any:
    try:
        return told(await call)
    except openai.APIStatusError as error:
        return refused(error)


def generate(**options: Any) -> Any:
    try:
        return told(sync.images.generate(**options))
    except openai.APIStatusError as error:
        return refused(error)


async def generate_async(**options: Any) -> Any:
    return await attempt(anew.images.generate(**options))


def event_told(event: Any) -> Any:
    told = event.to_dict()
    return told | {"b64_json": digest(base64.b64decode(event.b64_json))}


def stream(**options: Any) -> Any:
    try:
        return [event_told(event) for event in sync.images.generate(stream=True, **options)]
    except openai.APIStatusError as error:
        return refused(error)


async def stream_async(**options: Any) -> Any:
    try:
        return [event_told(event) async for event in await anew.images.generate(stream=True, **options)]
    except openai.APIStatusError as error:
        return refused(error)


def vary(image: str, **options: Any) -> Any:
    return told(sync.images.create_variation(image=Path(image), **options))


async def vary_async(image: str, **options: Any) -> Any:
    return told(await anew.images.create_variation(image=Path(image), **options))


def whole(**options: Any) -> Any:
    """An answer with all that it tells beside the images."""
    answer = sync.images.generate(**options).to_dict()
    return answer | {"data": len(answer["data"]), "created": 0}


def impatient(seconds: float, **options: Any) -> Any:
    try:
        return told(sync.with_options(timeout=seconds, max_retries=0).images.generate(**options))
    except openai.APITimeoutError as error:
        return {"raised": type(error).__name__}


def models() -> Any:
    return [model.id for model in sync.models.list()]


async def models_async() -> Any:
    return [model.id async for model in anew.models.list()]


def model(wanted: str) -> Any:
    try:
        return sync.models.retrieve(wanted).to_dict()
    except openai.APIStatusError as error:
        return refused(error)


async def model_async(wanted: str) -> Any:
    try:
        return (await anew.models.retrieve(wanted)).to_dict()
    except openai.APIStatusError as error:
        return refused(error)


def show(url: str) -> Any:
    """What a page sees that shows the image."""
    answer = httpx.get(url)
    return {"status": answer.status_code, "type": answer.headers["content-type"], "content": digest(answer.content)}


ACTS = {act.__name__: act for act in (generate, models, model, stream, vary, show, whole, impatient)}
ACTS |= {act.__name__: act for act in (generate_async, models_async, model_async, stream_async, vary_async)}


async def main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        act, arguments = json.loads(line)
        seen = ACTS[act](**arguments)
        print(json.dumps(await seen if asyncio.iscoroutine(seen) else seen), flush=True)
    await anew.close()
    sync.close()


if __name__ == "__main__":
    asyncio.run(main())
