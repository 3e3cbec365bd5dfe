"""An app that makes and changes images with OpenAI's SDK, at OpenAI or at Azure.

It does what each line it reads asks, and prints a line with what it saw.

A line in is `[act, arguments]`; both ways it is JSON. Where the API is, and the key, is in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai

client = openai.AzureOpenAI() if "AZURE_OPENAI_ENDPOINT" in os.environ else openai.OpenAI()


def generate(**options: Any) -> Any:
    return told(lambda: client.images.generate(**options))


def edit(images: list[str], mask: str | None = None, **options: Any) -> Any:
    with ExitStack() as stack:
        opened: Any = [stack.enter_context(Path(image).open("rb")) for image in images]
        if mask is not None:
            options["mask"] = stack.enter_context(Path(mask).open("rb"))
        return told(lambda: client.images.edit(image=opened[0] if len(opened) == 1 else opened, **options))


def refer(**body: Any) -> Any:
    """An edit in JSON, for which the SDK has no method."""
    return told(lambda: client.post("/images/edits", body=body, cast_to=openai.types.ImagesResponse))


def told(call: Callable[[], openai.types.ImagesResponse]) -> Any:
    try:
        answer = call()
    except openai.APIStatusError as error:
        return {"raised": type(error).__name__, "status": error.status_code, "error": error.body}
    return [image.url or image.b64_json for image in answer.data or []]


def main() -> None:
    for line in sys.stdin:
        act, arguments = json.loads(line)
        print(json.dumps({"edit": edit, "generate": generate, "refer": refer}[act](**arguments)), flush=True)


if __name__ == "__main__":
    main()
