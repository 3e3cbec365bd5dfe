"""The texts of made answers: they say that they are made, and show the prompt's first words."""

from __future__ import annotations

import json
from typing import Any

from falmock.synthesis.outputs.asked import Asked

_MOST_PARTS = 3


def content(content_type: str, asked: Asked) -> str:
    """What is in a made text file: JSON where it is such a file, else the sentence, of which subtitles are made."""
    if content_type == "application/json":
        return json.dumps({"made_by": "falmock", "endpoint": asked.endpoint, "prompt": asked.words})
    return asked.sentence


def events(payload: Any) -> tuple[Any, ...]:
    """The events of a stream that ends with this output.

    An output that says whether it is `partial`, as those of language models do, comes in growing parts. Of any other
    there is one event: what a model tells on its way is not known.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("partial"), bool):
        return (payload,)
    whole = {**payload, "partial": False}
    text = payload.get("output")
    words = text.split(" ") if isinstance(text, str) else []
    parts = min(_MOST_PARTS, len(words))
    growing = [" ".join(words[: len(words) * (at + 1) // parts]) for at in range(parts)]
    return (*({**payload, "output": each, "partial": True} for each in growing), whole)
