"""Made pictures that Pillow writes."""

from __future__ import annotations

import sys
from io import BytesIO

import pytest
from PIL import Image
from PIL import ImageChops
from PIL import ImageStat
from PIL import features

from falmock.synthesis.media import pillow
from falmock.synthesis.media.png import png
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats import media
from falmock.wire.formats.pixels import size_of

CAT = Recipe("", 320, 200, seed=1, text="a cat")
KINDS = sorted(pillow.CONTENT_TYPES)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_picture_that_a_png_shows(kind):
    data = pillow.encoded(kind, CAT)
    image, expected = (Image.open(BytesIO(each)).convert("RGB") for each in (data, png(CAT)))
    off = ImageStat.Stat(ImageChops.difference(image, expected))
    assert media.sniffed(data) == kind
    assert image.size == size_of(data) == (320, 200)
    assert max(off.mean) < 4  # lossy formats blur text


@pytest.mark.parametrize("kind", KINDS)
def test_equal_recipes_give_equal_bytes_and_others_do_not(kind):
    assert pillow.encoded(kind, CAT) == pillow.encoded(kind, CAT)
    assert pillow.encoded(kind, CAT) != pillow.encoded(kind, CAT._replace(seed=2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3)])
def test_any_shape_can_be_made(kind, size):
    assert size_of(pillow.encoded(kind, Recipe(kind, *size, text="a cat"))) == size


def test_what_it_has_is_what_pillow_has(monkeypatch):
    assert [kind for kind in KINDS if pillow.has(kind)] == KINDS
    monkeypatch.setattr(features, "check", lambda _: False)
    assert [kind for kind in KINDS if pillow.has(kind)] == ["image/gif"]


def test_without_pillow_it_has_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert not any(map(pillow.has, KINDS))
