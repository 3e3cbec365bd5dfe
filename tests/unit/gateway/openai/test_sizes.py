from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.openai import sizes
from falmock.gateway.openai.model_inputs import Field
from falmock.gateway.openai.model_inputs import Inputs
from falmock.wire.image_sizes import PRESETS

TEXT = frozenset({"string"})
NUMBER = Field(frozenset({"integer"}))
EITHER = {"image_size": Field(frozenset({"object", "string"}), tuple(PRESETS))}
ONLY_PRESETS = {"image_size": Field(TEXT, tuple(PRESETS))}
LIKE_OPENAI = {"image_size": Field(TEXT, ("auto", "1024x1024", "1536x1024", "1024x1536"))}
RATIOS = {"aspect_ratio": Field(TEXT, ("auto", "21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16"))}


@pytest.mark.parametrize(
    ("inputs", "size", "expected"),
    [
        (EITHER, (1024, 1024), {"image_size": "square_hd"}),
        (EITHER, (1024, 768), {"image_size": "landscape_4_3"}),
        (EITHER, (1536, 1024), {"image_size": {"width": 1536, "height": 1024}}),
        ({"image_size": Field()}, (512, 512), {"image_size": {"width": 512, "height": 512}}),
        (ONLY_PRESETS, (256, 256), {"image_size": "square"}),
        (ONLY_PRESETS, (1792, 1024), {"image_size": "landscape_16_9"}),
        (ONLY_PRESETS, (1024, 1536), {"image_size": "portrait_4_3"}),
        (LIKE_OPENAI, (1536, 1024), {"image_size": "1536x1024"}),
        (LIKE_OPENAI, (1792, 1024), {"image_size": "1536x1024"}),
        ({"width": NUMBER, "height": NUMBER}, (640, 480), {"width": 640, "height": 480}),
        ({"width": NUMBER, "height": NUMBER, **RATIOS}, (640, 480), {"width": 640, "height": 480}),
        (RATIOS, (1024, 1024), {"aspect_ratio": "1:1"}),
        (RATIOS, (1536, 1024), {"aspect_ratio": "3:2"}),
        (RATIOS, (1024, 1792), {"aspect_ratio": "9:16"}),
        ({"aspect_ratio": Field(TEXT)}, (1536, 1024), {"aspect_ratio": "3:2"}),
        ({"size": Field(TEXT, ("1024*1024", "768*1024"))}, (512, 512), {"size": "1024*1024"}),
        ({"size": Field(TEXT)}, (512, 256), {"size": "512x256"}),
        ({"aspect_ratio": Field(TEXT, ("auto",))}, (512, 256), None),
        ({"aspect_ratio": Field(TEXT, ("1:0", "0:1"))}, (512, 256), None),
        ({"width": NUMBER}, (512, 256), None),
        ({}, (512, 256), None),
    ],
)
def test_a_size_in_the_words_of_a_model(inputs: Inputs, size: tuple[int, int], expected: Any) -> None:
    assert sizes.inputs_for(size, inputs) == expected


SIDES = st.integers(1, 20000)


@given(SIDES, SIDES, st.sampled_from([EITHER, ONLY_PRESETS, LIKE_OPENAI, RATIOS]))
def test_a_model_is_asked_for_what_it_knows(width: int, height: int, inputs: Inputs) -> None:
    ((name, value),) = (sizes.inputs_for((width, height), inputs) or {}).items()
    assert value in inputs[name].choices or value == {"width": width, "height": height}


@given(SIDES, SIDES)
def test_what_lies_is_not_made_to_stand(width: int, height: int) -> None:
    near = sizes.nearest(PRESETS, (width, height))
    assert near is not None
    wide, high = PRESETS[near]
    if width > 1.3 * height:
        assert wide > high
    if height > 1.3 * width:
        assert high > wide


@given(st.lists(st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.integers())))
def test_any_choices_can_be_read(choices: list[Any]) -> None:
    near = sizes.nearest(choices, (3, 2))
    assert near is None or near in choices
