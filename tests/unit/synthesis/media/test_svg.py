"""Made SVG files."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def test_an_svg_has_its_size_and_shows_the_first_words_and_the_size():
    root = ET.fromstring(svg(Recipe("image/svg+xml", 1024, 768, text="a <cat> & a dog")))
    assert root.tag == f"{SVG}svg"
    assert root.attrib == {"width": "1024", "height": "768", "viewBox": "0 0 1024 768"}
    assert [text.text for text in root.iter(f"{SVG}text")] == ["a <cat> & a dog", "1024 x 768"]
    assert len({stop.get("stop-color") for stop in root.iter(f"{SVG}stop")}) == 5


@given(st.text(max_size=60) | st.sampled_from(["\0", "\x1b]", "\ud800", "\ufffe", "]]>", '"/><script>']), st.integers())
@settings(max_examples=100, deadline=None)
def test_any_text_gives_xml(text, seed):
    root = ET.fromstring(svg(Recipe("image/svg+xml", 640, 480, seed=seed, text=text)))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "desc", "defs", "linearGradient", "stop", "rect", "g", "text"),
    }


def test_seeds_change_it():
    recipe = Recipe("image/svg+xml", 640, 480)
    assert svg(recipe) == svg(recipe) != svg(recipe._replace(seed=1))
