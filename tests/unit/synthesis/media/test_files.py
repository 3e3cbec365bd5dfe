"""Made files of all kinds."""

from __future__ import annotations

import math
import sys
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from falmock.synthesis.media.files import CannotMake
from falmock.synthesis.media.files import can_make
from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.files import instead
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.formats import media

WITHOUT_PILLOW = (
    "image/png",
    "image/svg+xml",
    "video/mp4",
    "audio/wav",
    "audio/mpeg",
    "model/gltf-binary",
    "model/obj",
)
WITH_PILLOW = ("image/jpeg", "image/webp", "image/gif")
TEXTS = ("text/plain", "text/vtt", "application/x-subrip", "application/json")
WEIGHTS = "application/octet-stream"
SOME = Recipe("", 64, 48, 1.0, 24.0, 1, "a cat")


@pytest.fixture
def _no_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)


@pytest.mark.parametrize("kind", [*WITHOUT_PILLOW, *WITH_PILLOW, WEIGHTS])
def test_equal_recipes_give_equal_bytes_and_other_seeds_do_not(kind):
    recipe = SOME._replace(content_type=kind)
    assert can_make(kind)
    assert content_of(recipe) == content_of(recipe)
    assert content_of(recipe) != content_of(recipe._replace(seed=2))


@pytest.mark.parametrize("kind", [*WITHOUT_PILLOW, *WITH_PILLOW])
def test_the_content_is_of_its_type(kind):
    sniffed = media.sniffed(content_of(SOME._replace(content_type=kind)))
    assert sniffed == (kind if kind not in ("image/svg+xml", "model/obj") else media.DEFAULT)
    assert media.extension_of(kind) != "bin"


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_of_the_text(kind):
    assert b"a cat" in content_of(SOME._replace(content_type=kind))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("image/jpg", "image/jpeg"),
        ("IMAGE/PNG", "image/png"),
        ("audio/mp3", "audio/mpeg"),
        ("audio/x-wav", "audio/wav"),
        ("text/plain; charset=utf-8", "text/plain"),
    ],
)
def test_other_names_are_known(name, kind):
    assert can_make(name)
    assert media.sniffed(content_of(SOME._replace(content_type=name))) in (kind, media.DEFAULT)


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("video/webm", "video/mp4"),
        ("video/quicktime", "video/mp4"),
        ("audio/flac", "audio/wav"),
        ("audio/pcm", "audio/wav"),
        ("audio/aac", "audio/mpeg"),
        ("audio/ogg", "audio/mpeg"),
        ("image/avif", "image/png"),
        ("model/stl", "model/gltf-binary"),
        ("text/markdown", "text/plain"),
    ],
)
def test_what_cannot_be_made_has_something_in_its_place(kind, made):
    assert not can_make(kind)
    assert instead(kind) == made
    assert media.sniffed(content_of(SOME._replace(content_type=kind))) in (made, media.DEFAULT)


@pytest.mark.parametrize("kind", ["application/zip", "application/pdf", "font/woff", "", "nonsense"])
def test_what_nothing_fits_is_refused(kind):
    assert not can_make(kind)
    assert instead(kind) == ""
    with pytest.raises(CannotMake, match=f"no file of the type {kind!r} can be made"):
        content_of(SOME._replace(content_type=kind))


@pytest.mark.usefixtures("_no_pillow")
@pytest.mark.parametrize("kind", WITH_PILLOW)
def test_without_pillow_pictures_are_png(kind):
    assert not can_make(kind)
    assert instead(kind) == "image/png"
    assert media.sniffed(content_of(SOME._replace(content_type=kind))) == "image/png"


@pytest.mark.usefixtures("_no_pillow")
@pytest.mark.parametrize("kind", [*WITHOUT_PILLOW, *TEXTS, WEIGHTS])
def test_all_others_are_made_without_pillow(kind):
    assert can_make(kind)
    assert content_of(SOME._replace(content_type=kind))


def test_what_a_client_asks_for_is_bounded():
    huge = SOME._replace(content_type="video/mp4", width=10**9, height=1, duration=1e9, fps=1e9)
    assert len(content_of(huge)) < 10_000_000
    assert len(content_of(huge._replace(content_type="audio/mpeg"))) < 3_000_000
    image = Image.open(BytesIO(content_of(huge._replace(content_type="image/png"))))
    assert image.size == (14142, 1)


_NUMBERS = st.sampled_from([math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, -1.0, 0.0]) | st.floats()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*WITHOUT_PILLOW, *WITH_PILLOW, *TEXTS, WEIGHTS]),
    st.integers(-(10**9), 300),
    st.integers(max_value=300),
    _NUMBERS,
    _NUMBERS,
)
def test_any_numbers_make_a_file(content_type, width, height, duration, fps):
    recipe = Recipe(content_type, width, height, duration, fps, 1, "a cat sat")
    assert content_of(recipe) == content_of(recipe)
