"""How large made files may be."""

from __future__ import annotations

import math

import pytest

from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.media.recipe import Recipe

HUGE = Recipe("", 10**9, 10**9, 1e9, 1e9, 5, "text")


@pytest.mark.parametrize(
    ("content_type", "size"),
    [
        ("image/png", (14142, 14142)),
        ("IMAGE/SVG+XML; charset=utf-8", (14142, 14142)),
        ("image/jpeg", (8192, 8192)),
        ("image/webp", (8192, 8192)),
        ("video/mp4", (8192, 8192)),
    ],
)
def test_sizes_are_bounded(content_type, size):
    limited = within_limits(HUGE._replace(content_type=content_type))
    assert (limited.width, limited.height) == size


def test_an_image_in_memory_keeps_its_shape_when_it_is_made_smaller():
    limited = within_limits(Recipe("image/jpeg", 14000, 7000))
    assert limited.width / limited.height == pytest.approx(2, rel=1e-3)
    assert 0.999 * 2**26 < limited.width * limited.height <= 2**26
    assert within_limits(Recipe("image/jpeg", 8192, 8192))[1:3] == (8192, 8192)


@pytest.mark.parametrize("pixels", [0, -5])
def test_an_image_has_a_pixel_and_a_film_has_two_a_side(pixels):
    assert within_limits(Recipe("image/png", pixels, pixels))[1:3] == (1, 1)
    assert within_limits(Recipe("video/mp4", pixels, pixels))[1:3] == (2, 2)


@pytest.mark.parametrize(("asked", "given"), [(1, 2), (2, 2), (3, 2), (1081, 1080), (1080, 1080), (8193, 8192)])
def test_the_sides_of_a_film_are_even(asked, given):
    assert within_limits(Recipe("video/mp4", asked, 720, 5.0, 24.0)).width == given
    assert within_limits(Recipe("video/mp4", 720, asked, 5.0, 24.0)).height == given


@pytest.mark.parametrize(
    ("asked", "of_film", "of_sound"),
    [(1e9, 3600, 600), (math.inf, 3600, 600), (math.nan, 0, 0.2), (-5, 0, 0.2), (0, 0, 0.2), (7.25, 7.25, 7.25)],
)
def test_durations_are_bounded(asked, of_film, of_sound):
    assert within_limits(Recipe("video/mp4", 2, 2, asked)).duration == of_film
    assert within_limits(Recipe("audio/wav", duration=asked)).duration == of_sound


@pytest.mark.parametrize(
    ("asked", "given"), [(0, 24), (-1, 24), (math.nan, 24), (1e9, 240), (math.inf, 240), (0.001, 0.1), (29.97, 29.97)]
)
def test_frame_rates_are_bounded(asked, given):
    assert within_limits(Recipe("video/mp4", 2, 2, 1.0, asked)).fps == given


def test_what_is_within_limits_stays_as_it_is():
    for content_type in ("image/png", "video/mp4", "audio/mpeg", "model/gltf-binary", "text/plain", "image/jpeg", ""):
        recipe = Recipe(content_type, 640, 480, 5.0, 30.0, 3, "text")
        assert within_limits(recipe) == recipe
