"""Made PNG files, as Pillow reads them."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from falmock.synthesis.media.picture import picture
from falmock.synthesis.media.png import png
from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.traits import mark
from falmock.wire.formats import media

CAT = Recipe("image/png", 512, 384, seed=1, text="a cat")


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def test_a_png_is_the_picture_of_its_recipe():
    image = opened(png(CAT))
    drawn = picture(CAT)
    expected = b"".join(drawn.palette[3 * place : 3 * place + 3] for place in b"".join(drawn.rows))
    assert (image.format, image.size) == ("PNG", (512, 384))
    assert image.info["Comment"] == mark(CAT)
    assert image.convert("RGB").tobytes() == expected


def test_the_text_is_seen():
    images = (opened(png(each)).convert("RGB") for each in (CAT, CAT._replace(text="")))
    count = [{color: times for times, color in image.getcolors()}[255, 255, 255] for image in images]
    assert count[0] > count[1] + 500
    assert count[1] > 100  # the size


@given(st.integers(1, 300), st.integers(1, 300), st.integers(), st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_png_of_any_size_can_be_read(width, height, seed, text):
    recipe = Recipe("image/png", width, height, seed=seed, text=text)
    data = png(recipe)
    image = opened(data)
    assert image.size == (width, height)
    assert media.sniffed(data) == "image/png"


@pytest.mark.parametrize(("width", "height"), [(14142, 3), (3, 14142)])
def test_the_longest_sides_can_be_read(width, height):
    assert opened(png(Recipe("image/png", width, height, text="a cat"))).size == (width, height)


def test_a_png_is_small():
    assert len(png(CAT._replace(width=1024, height=1024))) < 60_000


def test_equal_recipes_give_equal_bytes_and_others_do_not():
    assert png(CAT) == png(CAT)
    assert len({png(each) for each in (CAT, CAT._replace(seed=2), CAT._replace(text="b"), CAT._replace(width=9))}) == 4
