"""Text in XML and WebVTT."""

from __future__ import annotations

from xml.sax.saxutils import unescape

from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.media.markup import escaped


@given(st.text(st.sampled_from("&<>;altg amp"), max_size=30))
def test_a_reader_has_the_text_again(text):
    assert not {*"<>"} & {*escaped(text)}
    assert unescape(escaped(text)) == text
