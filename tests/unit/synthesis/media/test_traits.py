"""What tells made files apart."""

from __future__ import annotations

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import fraction
from falmock.synthesis.media.traits import mark
from falmock.synthesis.media.traits import traits

CAT = Recipe("image/png", 1024, 768, seed=1, text="a cat")


def test_the_look_depends_on_seed_and_text_alone():
    assert traits(CAT) == traits(CAT._replace(content_type="video/mp4", width=5, height=5, duration=5.0, fps=5.0))
    assert len({traits(CAT), traits(CAT._replace(seed=2)), traits(CAT._replace(text="a dog"))}) == 3


def test_a_text_may_have_lone_surrogates_and_a_seed_any_size():
    assert len(traits(CAT._replace(text="\ud800", seed=-(10**400)))) == 32


def test_fractions_are_spread_over_their_range():
    found = [fraction(CAT._replace(seed=seed), place) for seed in range(50) for place in range(16)]
    assert all(0 <= each < 1 for each in found)
    assert min(found) < 0.02
    assert max(found) > 0.98
    assert len(set(found)) > 780


def test_the_mark_names_falmock_and_the_whole_recipe():
    assert mark(CAT) == f"falmock {CAT.digest}"
    assert mark(CAT) != mark(CAT._replace(width=5))
