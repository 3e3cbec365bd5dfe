"""An app that makes images and videos by way of Hugging Face's client, with a fal key or a token of Hugging Face's.

A line in is `[act, arguments]`, a line out is what it saw; both are JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from huggingface_hub import InferenceClient


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def act(name: str, *, key: str, model: str, prompt: str) -> Any:
    client = InferenceClient(provider="fal-ai", api_key=key)
    try:
        if name == "video":
            return {"sha256": sha256(client.text_to_video(prompt, model=model))}
        image = client.text_to_image(prompt, model=model)
    except Exception as error:  # noqa: BLE001 - an app shows whatever it gets
        return {"raised": type(error).__name__, "message": str(error)}
    return {"sha256": sha256(image.fp.getvalue())}


for line in sys.stdin:
    name, arguments = json.loads(line)
    print(json.dumps(act(name, **arguments)), flush=True)
