"""The numbers of outputs that say how large or how long what was made is."""

from __future__ import annotations

from collections.abc import Callable

from falmock.synthesis.outputs.asked import Asked

Measure = Callable[[Asked], float]

_OF_SOUNDS: dict[str, Measure] = {
    "duration": lambda asked: asked.sound_seconds,
    "duration_ms": lambda asked: asked.sound_seconds * 1000,
}
_OF_FILMS: dict[str, Measure] = {
    "duration": lambda asked: asked.film_seconds,
    "duration_ms": lambda asked: asked.film_seconds * 1000,
    "fps": lambda asked: asked.fps,
    "num_frames": lambda asked: asked.film_seconds * asked.fps,
}


def of(name: str, *, sound: bool) -> Measure | None:
    """What measures this for an output with a sound, or with a film; None if it is no measure."""
    return (_OF_SOUNDS if sound else _OF_FILMS).get(name)
