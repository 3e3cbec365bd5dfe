"""Made pictures as pixels."""

from __future__ import annotations

import tracemalloc

import pytest

from falmock.synthesis.media.picture import luminance
from falmock.synthesis.media.picture import picture
from falmock.synthesis.media.picture import shades
from falmock.synthesis.media.recipe import Recipe

CAT = Recipe("image/png", 300, 200, seed=1, text="a cat")


def pixels(recipe: Recipe) -> bytes:
    return b"".join(picture(recipe).rows)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 50), (50, 1), (300, 200), (7, 900)])
def test_a_picture_has_its_size(width, height):
    drawn = picture(Recipe("image/png", width, height, text="a cat"))
    rows = list(drawn.rows)
    assert (drawn.width, drawn.height, len(drawn.palette)) == (width, height, 768)
    assert [len(row) for row in rows] == [width] * height


def test_white_text_can_be_read_on_every_colour_of_every_picture():
    for seed in range(60):
        for color in shades(CAT._replace(seed=seed)):
            contrast = 1.05 / (luminance(tuple(part / 255 for part in color)) + 0.05)
            assert contrast >= 4.5, (seed, color)


def test_luminance_is_that_of_srgb():
    assert luminance((1, 1, 1)) == pytest.approx(1)
    assert luminance((0, 0, 0)) == 0
    assert luminance((1, 0, 0)) == pytest.approx(0.2126)
    assert luminance((0.5, 0.5, 0.5)) == pytest.approx(0.2140, abs=1e-4)


def test_the_hues_are_not_one():
    for seed in range(60):
        first, *_, last = shades(CAT._replace(seed=seed))
        assert sum(abs(a - b) for a, b in zip(first, last, strict=True)) > 60


def test_a_picture_shows_many_colours_and_its_text():
    seen = set(pixels(CAT))
    assert 255 in seen
    assert len(seen) > 200
    assert 255 not in pixels(Recipe("image/png", 20, 20, seed=1))


def test_text_and_seed_change_the_picture():
    assert pixels(CAT) == pixels(CAT)
    assert len({pixels(CAT), pixels(CAT._replace(seed=2)), pixels(CAT._replace(text="a dog"))}) == 3


def test_the_waves_fall_one_way_or_the_other():
    """A slanted gradient gets lighter or darker from top to bottom."""
    ways = set()
    for seed in range(12):
        first, *_, last = picture(Recipe("image/png", 5, 200, seed=seed)).rows
        ways.add(first[0] < last[0])
    assert ways == {True, False}


def test_a_large_picture_takes_no_more_memory_than_its_rows():
    drawn = picture(Recipe("image/png", 2000, 4000, text="a cat"))
    tracemalloc.start()
    for row in drawn.rows:
        assert len(row) == 2000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000
