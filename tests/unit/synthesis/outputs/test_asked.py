"""What an input asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.outputs.asked import MOST_FILES
from falmock.synthesis.outputs.asked import Asked
from unit.synthesis.outputs.schemas import ID
from unit.synthesis.outputs.schemas import asked


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 1),
        ({"num_images": 3}, 3),
        ({"num_songs": "2"}, 2),
        ({"num_images": 0}, 1),
        ({"num_images": [5]}, 1),
        ({"n": 2.9}, 2),
    ],
)
def test_the_count(values: dict[str, Any], expected: int) -> None:
    assert asked(values).count == expected


def test_a_count_is_bounded_and_told() -> None:
    call = asked({"num_images": 10**9})
    assert call.count == MOST_FILES
    assert call.notes == [f"1,000,000,000 files were asked for, and {MOST_FILES} are made"]
    assert asked({"num_images": 5}, most_files=4).count == 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 5),
        ({"duration": "8s"}, 8),
        ({"duration": 10}, 10),
        ({"seconds_total": 30}, 30),
        ({"duration_ms": 2500}, 2.5),
        ({"num_frames": 81, "fps": 16}, 5.062),
        ({"num_frames": 48}, 2),
        ({"num_frames": 1}, 5),
        ({"duration": 4, "num_frames": 1000}, 4),
        ({"duration": "auto"}, 5),
        ({"duration": 0.001}, 0.1),
    ],
)
def test_how_long_a_film_is(values: dict[str, Any], expected: float) -> None:
    assert asked(values).film_seconds == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, 5), ({"text": "x" * 150}, 10), ({"text": "Hi"}, 1), ({"music_length_ms": 9000, "text": "x"}, 9)],
)
def test_how_long_a_sound_is(values: dict[str, Any], expected: float) -> None:
    assert asked(values).sound_seconds == expected


def test_what_is_too_long_or_too_large_is_bounded_and_told() -> None:
    call = asked({"duration": 1e9, "fps": 1e9, "image_size": {"width": 10**9, "height": 5}})
    assert (call.film_seconds, call.sound_seconds, call.fps) == (3600, 600, 240)
    assert (call.picture_size, call.film_size) == ((14142, 5), (8192, 4))
    assert call.notes == [
        "a film of 1e+09 s was asked for, and one of 3600 s is made",
        "a sound of 1e+09 s was asked for, and one of 600 s is made",
        "1000000000x5 was asked for, and 14142x5 is made",
        "1000000000x4 was asked for, and 8192x4 is made",
    ]
    call.note(call.notes[0])
    assert len(call.notes) == 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"prompt": "  a cat\non a mat "}, "a cat on a mat"),
        ({"prompt": "x" * 100}, "x" * 80),
        ({"prompt": "", "text": "hello"}, "hello"),
        ({"prompt": 5}, ""),
        ({"prompt": "\ud800!"}, "?!"),
        ({"messages": [{"content": "a"}, {"content": "b"}]}, "b"),
        ({"messages": [{"content": []}]}, ""),
        ({"messages": []}, ""),
        ({"messages": "x"}, ""),
    ],
)
def test_the_first_words(values: dict[str, Any], expected: str) -> None:
    assert asked(values).words == expected


def test_the_sentence_says_who_made_it_and_shows_the_prompt() -> None:
    assert asked({"prompt": "a cat"}).sentence == f'This text was made by falmock, not by {ID}, for "a cat".'
    assert asked().said[-3:] == ["without", "a", "prompt."]


def test_only_true_asks_for_data_uris() -> None:
    assert asked({"sync_mode": True}).sync
    assert not asked({"sync_mode": "yes"}).sync


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=5), st.randoms())
def test_the_order_of_keys_does_not_count(values: dict[str, Any], random: Any) -> None:
    items = list(values.items())
    random.shuffle(items)
    assert asked(dict(items)).seed == asked(values).seed


def test_another_input_or_model_has_another_seed() -> None:
    seeds = {asked({"prompt": "a"}).seed, asked({"prompt": "b"}).seed, Asked("fal-ai/x", {"prompt": "a"}, {}, 1).seed}
    assert len(seeds) == 3
    assert asked({"file": b"a"}).seed != asked({"file": b"b"}).seed
