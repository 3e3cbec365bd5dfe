"""Sizes that inputs ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.outputs import sizes
from falmock.wire.image_sizes import Size


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (1024, 1024)),
        ({"image_size": "square_hd"}, (1024, 1024)),
        ({"image_size": "square"}, (512, 512)),
        ({"image_size": "portrait_4_3"}, (768, 1024)),
        ({"image_size": "portrait_16_9"}, (576, 1024)),
        ({"image_size": "landscape_4_3"}, (1024, 768)),
        ({"image_size": "landscape_16_9"}, (1024, 576)),
        ({"image_size": {"width": 640, "height": 480}}, (640, 480)),
        ({"image_size": {"width": "640", "height": 480.0}}, (640, 480)),
        ({"image_size": {"width": 640}}, (1024, 1024)),
        ({"image_size": "1536x1024"}, (1536, 1024)),
        ({"size": "1024*1536"}, (1024, 1536)),
        ({"image_size": "auto_2K"}, (2048, 2048)),
        ({"image_size": "auto"}, (1024, 1024)),
        ({"width": 300, "height": 200}, (300, 200)),
        ({"width": 300}, (1024, 1024)),
        ({"aspect_ratio": "16:9"}, (1360, 768)),
        ({"aspect_ratio": "9:16", "resolution": "2K"}, (1536, 2736)),
        ({"aspect_ratio": "1:1", "resolution": "4K"}, (4096, 4096)),
        ({"aspect_ratio": "auto", "resolution": "0.5K"}, (512, 512)),
        ({"aspect_ratio": "landscape"}, (1360, 768)),
        ({"aspect_ratio": "0:0"}, (1024, 1024)),
        ({"resolution": 512}, (512, 512)),
        ({"resolution": "high"}, (1024, 1024)),
        ({"resolution": "800x600"}, (800, 600)),
        ({"image_size": 5, "aspect_ratio": [], "resolution": {}}, (1024, 1024)),
    ],
)
def test_a_picture(values: dict[str, Any], expected: Size) -> None:
    assert sizes.picture_size(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (1280, 720)),
        ({"resolution": "480p"}, (854, 480)),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        ({"resolution": "720p", "aspect_ratio": "1:1"}, (720, 720)),
        ({"resolution": "4k"}, (3840, 2160)),
        ({"resolution": "2K"}, (2560, 1440)),
        ({"resolution": "3K"}, (1920, 1080)),
        ({"resolution": "512P", "aspect_ratio": "auto"}, (910, 512)),
        ({"aspect_ratio": "2.35:1"}, (1692, 720)),
        ({"video_size": "landscape_16_9"}, (1024, 576)),
        ({"video_size": {"width": 641, "height": 1}}, (640, 2)),
        ({"resolution": "768x512"}, (768, 512)),
    ],
)
def test_a_film(values: dict[str, Any], expected: Size) -> None:
    assert sizes.film_size(values) == expected


ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "1x1", "9:16", "0:5", "1:99999", "99999:1", "4K", "99999p", "auto", "square", "9" * 999])
    | st.fixed_dictionaries({"width": st.integers() | st.text(), "height": st.floats() | st.none()})
)
NAMES = (
    "image_size",
    "video_size",
    "size",
    "width",
    "height",
    "aspect_ratio",
    "resolution",
    "target_resolution",
    "ratio",
)


@given(st.dictionaries(st.sampled_from(NAMES), ANY))
def test_whatever_is_asked_for_has_a_size(values: dict[str, Any]) -> None:
    assert min(sizes.picture_size(values)) >= 1
    width, height = sizes.film_size(values)
    assert min(width, height) >= 2
    assert width % 2 == height % 2 == 0
