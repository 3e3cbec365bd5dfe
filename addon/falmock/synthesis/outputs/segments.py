"""Transcripts with times: the made sentence, word by word."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from falmock.synthesis.outputs.asked import Asked

_SECONDS_A_WORD = 0.4
_TEXTS = frozenset({"text", "word"})


def is_segment(properties: Mapping[str, Any]) -> bool:
    """Whether an object with these properties is a part of a transcript: a text and when it is said, or a `timestamp`."""
    return "timestamp" in properties or ("start" in properties and not _TEXTS.isdisjoint(properties))


def part(name: str) -> Callable[[Asked, int], Any] | None:
    """What makes this property of the segment at a place; None if it is no part of it. Times are in seconds."""
    return _PARTS.get(name)


def sample(name: str) -> Any:
    """A value such as this property has, far on in a transcript."""
    return _SAMPLES[name]


def _word(asked: Asked, at: int) -> str:
    return asked.said[at % len(asked.said)]


def _start(_asked: Asked, at: int) -> float:
    return round(at * _SECONDS_A_WORD, 2)


def _end(_asked: Asked, at: int) -> float:
    return round((at + 1) * _SECONDS_A_WORD, 2)


def _timestamp(asked: Asked, at: int) -> list[float]:
    return [_start(asked, at), _end(asked, at)]


_PARTS: dict[str, Callable[[Asked, int], Any]] = {
    "text": _word,
    "word": _word,
    "start": _start,
    "end": _end,
    "timestamp": _timestamp,
}
_SAMPLES: dict[str, Any] = {"text": "word", "word": "word", "start": 99.2, "end": 99.6, "timestamp": [99.2, 99.6]}
