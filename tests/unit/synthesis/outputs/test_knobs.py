"""Whatever an input asks for in sizes, counts, lengths and formats: an output that fits, in bounded time and space."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.outputs.asked import MOST_FILES
from falmock.synthesis.outputs.made import Made
from falmock.synthesis.outputs.made import OutputMaker
from falmock.wire.model_document import model_document
from unit.synthesis.outputs.schemas import ID

_FILE = {"title": "File", "type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}}
_FILM = {**_FILE, "properties": {**_FILE["properties"], "fps": {"type": "number"}, "num_frames": {"type": "integer"}}}
_NUMBERS = ("duration", "duration_ms", "fps", "num_frames")
_OUTPUT = {
    "type": "object",
    "required": ["images", "video", "audio", "srt", "seed", "seeds", "anything", *_NUMBERS],
    "properties": {
        "images": {"type": "array", "items": {**_FILE, "title": "Image"}},
        "video": _FILM,
        "audio": {**_FILE, "title": "Audio"},
        "srt": _FILE,
        "seed": {"type": "integer"},
        "seeds": {"type": "array", "items": {"type": "integer"}},
        "anything": {},
        **{name: {"type": "number"} for name in _NUMBERS},
    },
}
_KNOBS = {
    "num_images num_outputs num_samples num_videos num_songs n seed seeds anything": None,
    "duration duration_seconds seconds_total seconds video_length length audio_length audio_duration": None,
    "duration_ms music_length_ms fps frames_per_second frame_rate output_fps target_fps": None,
    "num_frames number_of_frames frames width height image_size video_size size resolution target_resolution": None,
    "aspect_ratio ratio resolution_mode output_format video_format audio_format format audio_setting sync_mode": None,
}
NAMES = [name for names in _KNOBS for name in names.split()]
_TEXTS = (
    "inf -inf nan NaN Infinity 1e999 1e308 -1 0 0:0 16:0 99999:0.001 1e3x1e3 999999999x999999999 0p 0.5k 99999k s 5s"
)
EXTREME = st.one_of(
    st.sampled_from(
        [math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -0.0, 0, -1, 2**63, 10**400, True, False, None]
    ),
    st.sampled_from(_TEXTS.split()),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
)
VALUES = st.one_of(
    EXTREME,
    st.lists(EXTREME, max_size=3),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("width", "height", "format"), EXTREME)),
)
INPUTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
DOCUMENT = model_document(
    ID, "text-to-image", {"type": "object", "properties": {name: {} for name in NAMES}}, _OUTPUT, ""
)
BY_SCHEMA = OutputMaker(DOCUMENT, ID)
GUESSED = [OutputMaker(None, f"fal-ai/x/{name}") for name in ("text-to-image", "text-to-video", "text-to-speech")]
_QUICK = 500_000


def _is_sound(made: Made | None) -> None:
    """The output is JSON, in bounds, and its files can be made."""
    assert made is not None
    json.dumps(made.payload, allow_nan=False)
    assert len(made.files) <= MOST_FILES + 3
    for recipe in made.files.values():
        limited = within_limits(recipe)
        assert math.isfinite(recipe.duration)
        assert math.isfinite(recipe.fps)
        assert (limited.width, limited.height) >= (0, 0)
    for recipe in list(made.files.values())[-3:]:
        if recipe.width * recipe.height <= _QUICK and recipe.duration <= 60:
            content_of(recipe)


@settings(max_examples=300, deadline=None)
@given(sent=INPUTS, accepted=st.none() | INPUTS)
def test_an_output_is_made_whatever_is_asked_for(sent: dict[str, Any], accepted: dict[str, Any] | None) -> None:
    # Large pictures in the answer itself take long.
    sent = {name: value for name, value in sent.items() if name != "sync_mode"}
    accepted = accepted and {name: value for name, value in accepted.items() if name != "sync_mode"}
    _is_sound(BY_SCHEMA.make(sent, accepted))
    for maker in GUESSED:
        _is_sound(maker.make(sent, accepted))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [math.inf, math.nan, -1, 0, 1e308, 10**400, "inf", "nan", True])
def test_each_alone(name: str, value: Any) -> None:
    for sent, accepted in (
        ({name: value}, None),
        ({}, {name: value}),
        ({name: {"width": value, "height": value}}, None),
    ):
        _is_sound(BY_SCHEMA.make(sent, accepted))
