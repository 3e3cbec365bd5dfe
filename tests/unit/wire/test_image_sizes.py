"""The size of an image that an input asks for."""

from __future__ import annotations

import math
from typing import Any

import pytest

from falmock.wire.image_sizes import PRESETS
from falmock.wire.image_sizes import side_asked


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"image_size": "landscape_16_9"}, (1024, 576)),
        ({"image_size": "portrait_4_3", "width": 7, "height": 7}, (768, 1024)),
        ({"image_size": {"width": 640, "height": 480.0}}, (640, 480)),
        ({"image_size": {"width": 640}, "height": 7}, (640, None)),
        ({"image_size": "1536x1024"}, (1536, 1024)),
        ({"image_size": "auto"}, (None, None)),
        ({"image_size": "0x5"}, (None, None)),
        ({"image_size": "1024 * 1536"}, (1024, 1536)),
        ({"image_size": "1024x" + "1" * 50}, (None, None)),
        ({"image_size": None, "width": 512, "height": 256}, (512, 256)),
        ({"width": 512}, (512, None)),
        ({"width": "512", "height": True}, (None, None)),
        ({"width": 0, "height": -1}, (None, None)),
        ({"width": 1.5, "height": 10**30}, (None, 10**30)),
        ({"image_size": {"width": math.inf, "height": math.nan}}, (None, None)),
        ({"width": 1e308, "height": -math.inf}, (int(1e308), None)),
        ({}, (None, None)),
        (None, (None, None)),
        ([1], (None, None)),
    ],
)
def test_the_size_that_an_input_asks_for(given: Any, size: tuple[int | None, int | None]) -> None:
    assert (side_asked(given, "width"), side_asked(given, "height")) == size


def test_every_preset_is_a_size() -> None:
    for name, size in PRESETS.items():
        assert (side_asked({"image_size": name}, "width"), side_asked({"image_size": name}, "height")) == size
