"""Recipes of files."""

from __future__ import annotations

from falmock.synthesis.media.recipe import Recipe


def test_equal_recipes_have_one_url_and_others_do_not():
    recipe = Recipe("image/png", 1024, 768, seed=1, text="a cat")
    others = [recipe._replace(seed=2), recipe._replace(width=1), recipe._replace(text="a \ud800")]
    assert recipe.url("a.png") == Recipe("image/png", 1024, 768, seed=1, text="a cat").url("a.png")
    assert len({each.digest for each in (recipe, *others)}) == 4
    assert recipe.url("a.png").endswith(recipe.url_path("a.png"))
    assert recipe.url_path("a.png").endswith("a.png")
