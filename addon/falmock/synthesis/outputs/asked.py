"""What one input asks for, and what is made because of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from falmock.synthesis.media.limits import MAX_FILM_SECONDS
from falmock.synthesis.media.limits import MAX_FILM_SIDE
from falmock.synthesis.media.limits import MAX_FPS
from falmock.synthesis.media.limits import MAX_IMAGE_SIDE
from falmock.synthesis.media.limits import MAX_SOUND_SECONDS
from falmock.synthesis.media.limits import MIN_FPS
from falmock.synthesis.media.limits import USUAL_FPS
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.outputs import sizes
from falmock.synthesis.outputs.kinds import Kind
from falmock.synthesis.outputs.numbers import first_number
from falmock.wire.image_sizes import Size

MOST_FILES = 32
"""How many files one answer has at most, whatever its input asks for."""
MOST_INLINE_PIXELS = 64_000_000
"""How many pixels the files have together that stand in the answer itself, by `sync_mode`."""
MOST_WORDS = 80
"""How many characters of a prompt are shown."""
_SECONDS = 5.0
_LEAST_FRAMES = 8
_CHARACTERS_A_SECOND = 15
_COUNTS = ("num_images", "num_outputs", "num_samples", "num_videos", "num_songs", "n")
_DURATIONS = (
    "duration",
    "duration_seconds",
    "seconds_total",
    "seconds",
    "video_length",
    "length",
    "audio_length",
    "audio_duration",
)
_MILLISECONDS = ("duration_ms", "music_length_ms")
_RATES = ("fps", "frames_per_second", "frame_rate", "output_fps", "target_fps")
_FRAMES = ("num_frames", "number_of_frames", "frames")
_TEXTS = (
    "prompt",
    "text",
    "input",
    "gen_text",
    "script",
    "question",
    "query",
    "lyrics_prompt",
    "lyrics",
    "caption",
    "instruction",
)

_text_of = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=repr).encode


class Asked:
    """One call: `given` is its input, `text` what is equal for equal inputs, and `values` the input with the model's defaults.

    Everything is bounded, whatever the input asks for, and `notes` says where. Equal inputs ask for equal things.
    """

    def __init__(
        self, endpoint: str, given: Mapping[str, Any], values: Mapping[str, Any], most_files: int, text: str = ""
    ) -> None:
        self.endpoint = endpoint
        self.given = given
        self.values = values
        self.notes: list[str] = []
        self.files: dict[str, Recipe] = {}
        self.inlined = 0
        self.types: dict[tuple[Kind, str], str] = {}
        self.pixels_left = MOST_INLINE_PIXELS
        self._most_files = most_files
        canonical = f"{endpoint}\n{text or _text_of(given)}"
        self.seed = int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:8], "big")
        """A number that stands for the input: 64 bits of its digest."""

    @cached_property
    def count(self) -> int:
        """How many files a list of them has."""
        number = first_number(self.values, _COUNTS)
        if number is None or number <= 1:
            return 1
        if number > self._most_files:
            self.note(f"{number:,.0f} files were asked for, and {self._most_files} are made")
        return int(min(number, self._most_files))

    @cached_property
    def words(self) -> str:
        """The first words of the prompt, on one line; empty if the input has no text."""
        for name in _TEXTS:
            value = self.values.get(name)
            if isinstance(value, str) and value:
                return _one_line(value)
        messages = self.values.get("messages")
        last = messages[-1] if isinstance(messages, list) and messages else None
        content = last.get("content") if isinstance(last, Mapping) else None
        return _one_line(content) if isinstance(content, str) else ""

    @cached_property
    def sentence(self) -> str:
        """The text that stands for what a model would say: it says that it is made."""
        about = f'"{self.words}"' if self.words else "an input without a prompt"
        return f"This text was made by falmock, not by {self.endpoint}, for {about}."

    @cached_property
    def said(self) -> list[str]:
        """The words of the sentence: what transcripts consist of."""
        return self.sentence.split()

    @cached_property
    def sync(self) -> bool:
        """Whether the files are wanted in the answer itself, as data URIs."""
        return self.values.get("sync_mode") is True

    @cached_property
    def picture_size(self) -> Size:
        """Width and height of pictures, in pixels."""
        return self._within(sizes.picture_size(self.values), MAX_IMAGE_SIDE)

    @cached_property
    def film_size(self) -> Size:
        """Width and height of films, in pixels."""
        return self._within(sizes.film_size(self.values), MAX_FILM_SIDE)

    @cached_property
    def fps(self) -> float:
        """The frames of a film in a second."""
        return min(max(first_number(self.values, _RATES) or USUAL_FPS, MIN_FPS), MAX_FPS)

    @cached_property
    def film_seconds(self) -> float:
        """The length of films: by the duration, or by the number of frames."""
        seconds = self._seconds()
        if seconds is None:
            frames = first_number(self.values, _FRAMES)
            # Fewer frames are those between two of the input.
            seconds = _SECONDS if frames is None or frames < _LEAST_FRAMES else frames / self.fps
        return self._limited(seconds, MAX_FILM_SECONDS, "film")

    @cached_property
    def sound_seconds(self) -> float:
        """The length of sounds: by the duration, or by the length of the text that is spoken."""
        seconds = self._seconds()
        if seconds is None:
            text = self.values.get("text")
            seconds = len(text) / _CHARACTERS_A_SECOND if isinstance(text, str) and text else _SECONDS
        return self._limited(max(seconds, 1.0), MAX_SOUND_SECONDS, "sound")

    def note(self, text: str) -> None:
        """Remember what was not honoured; once."""
        if text not in self.notes:
            self.notes.append(text)

    def _within(self, size: Size, most: int) -> Size:
        width, height = min(size[0], most), min(size[1], most)
        if (width, height) != size:
            self.note(f"{size[0]}x{size[1]} was asked for, and {width}x{height} is made")
        return width, height

    def _seconds(self) -> float | None:
        seconds = first_number(self.values, _DURATIONS)
        if seconds is None:
            milliseconds = first_number(self.values, _MILLISECONDS)
            seconds = None if milliseconds is None else milliseconds / 1000
        return seconds

    def _limited(self, seconds: float, most: float, what: str) -> float:
        if seconds > most:
            self.note(f"a {what} of {seconds:g} s was asked for, and one of {most:g} s is made")
            return most
        return round(max(seconds, 0.1), 3)


def _one_line(text: str) -> str:
    """The first words on one line, without lone surrogates, which no file can have."""
    return " ".join(text[:MOST_WORDS].split()).encode("utf-8", "replace").decode()
