"""Made films. Their pictures are tested in tests/clients/test_media.py, with FFmpeg and Chromium."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.film import film
from falmock.synthesis.media.h264 import Size
from falmock.synthesis.media.limits import within_limits
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats import media
from unit.synthesis.media import boxes
from unit.synthesis.media.h264_reader import added
from unit.synthesis.media.h264_reader import macroblocks
from unit.synthesis.media.h264_reader import sequence

CLIP = Recipe("video/mp4", 1280, 720, 5.0, 24.0, 1, "a cat")


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0, 30), st.floats(0.1, 120), st.integers())
@settings(max_examples=60, deadline=None)
def test_size_duration_and_frame_rate_are_those_of_the_recipe(width, height, duration, fps, seed):
    recipe = within_limits(Recipe("video/mp4", width, height, duration, fps, seed))
    data = film(recipe)
    found = boxes.film(data)
    assert media.sniffed(data) == "video/mp4"
    assert (found.width, found.height) == sequence(found.parameters[0])[2:4] == (recipe.width, recipe.height)
    assert abs(found.duration - duration) <= 0.51 / fps or len(found.times) == 1
    assert len(found.times) == pytest.approx(max(1, duration * fps), abs=0.6 + duration * fps / 1e4)


@pytest.mark.parametrize(
    ("fps", "duration"), [(30000 / 1001, 1001 / 1000), (23.976, 12.5125), (0.5, 4), (1, 8), (240, 1)]
)
def test_frame_rates_are_exact(fps, duration):
    found = boxes.film(film(CLIP._replace(fps=fps, duration=duration)))
    assert len(found.times) / found.duration == pytest.approx(fps, rel=1e-6)


def test_the_usual_fractions_of_television_are_kept():
    found = boxes.film(film(CLIP._replace(fps=30000 / 1001)))
    assert found.times[30] == 1001 * 30 / 30000


@pytest.mark.parametrize(("fps", "seconds"), [(24.0, 3.5), (30.0, 3.5), (0.5, 4), (0.1, 20)])
def test_a_player_can_go_to_every_round_of_the_hues(fps, seconds):
    found = boxes.film(film(CLIP._replace(fps=fps, duration=20.0)))
    assert [found.times[key] for key in found.keys] == [place * seconds for place in range(math.ceil(20 / seconds))]
    assert {found.samples[key][4] for key in found.keys} == {0x65}
    assert {sample[4] for place, sample in enumerate(found.samples) if place not in found.keys} == {0x61}


def test_a_film_has_a_frame_at_least():
    assert boxes.film(film(CLIP._replace(duration=0.0))).times == [0]


def test_a_film_in_full_hd_is_small():
    assert len(film(CLIP._replace(width=1920, height=1080, duration=8.0))) < 40_000


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    assert film(CLIP) == film(CLIP)
    others = [CLIP, CLIP._replace(seed=2), CLIP._replace(text="a dog"), CLIP._replace(duration=6.0)]
    assert len({film(each) for each in others}) == 4
    assert len({boxes.film(film(each)).samples[0] for each in others[:3]}) == 3


@pytest.mark.parametrize("seed", range(30))
def test_the_hues_go_round_and_no_sample_leaves_its_range(seed):
    """One that did would not come back to where it began."""
    first, *others = boxes.film(film(CLIP._replace(width=96, height=16, seed=seed))).samples[:84]
    (bars,) = macroblocks(first[4:], Size(96, 16))
    moved = [(0, 0, 0)]
    for sample in others:
        luma, blue, red = added(sample[4:])
        moved.append((moved[-1][0] + luma, moved[-1][1] + blue, moved[-1][2] + red))
    seen = [[tuple(map(int, bar.split(","))) for bar in bars]]
    seen += [[tuple(map(sum, zip(bar, by, strict=True))) for bar in seen[0]] for by in moved]
    assert all(30 <= part <= 225 for bars in seen for bar in bars for part in bar)
    assert len(set(moved)) > 70
    assert max(map(abs, moved[-1])) < 10
    assert min(by[1] for by in moved) < max(by[1] for by in moved) - 80
