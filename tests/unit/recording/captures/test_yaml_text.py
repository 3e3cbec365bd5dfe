from __future__ import annotations

import warnings
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.recording.captures import yaml_text
from falmock.recording.captures.capture import NotACapture


@pytest.mark.parametrize(
    "plain", ["1e3", "yes", "0o14", "010", "1_000", "12:30:45", "2024-01-01", "2024-99-99", "=", ".inf"]
)
def test_a_text_without_quotes_is_that_text(plain: str) -> None:
    assert yaml_text.load(f"a: {plain}\n") == {"a": plain}


def test_bytes_nothing_and_aliases() -> None:
    assert yaml_text.load("a: !!binary aGk=\nb: null\nc: &x ['1']\nd: *x\n") == {
        "a": b"hi",
        "b": None,
        "c": ["1"],
        "d": ["1"],
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("!!python/object/apply:os.system ['true']", "in line 1: could not determine a constructor for the tag"),
        ("a: !!python/name:os.system ''", "could not determine a constructor"),
        ("a: 1\nb: [1, 2", "in line 2: expected ',' or ']'"),
        ("a: !!binary 'x'", "failed to decode base64"),
        ("? [a]\n: 1", "found a key that is not a plain value"),
        ("a: {<<: {b: 1}}", "found a key that is not a plain value"),
        ("a: 1\n--- 2", "found another document"),
        ("a: 1\na: 2", 'found duplicate key "a"'),
        ("a: \x07", "unacceptable character"),
        ("a: " + "[" * 5000, "nested too deep"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_one_line(text: str, found: str) -> None:
    with pytest.raises(NotACapture) as refused:
        yaml_text.load(text)
    told = str(refused.value)
    assert told.startswith("expected a cassette of vcrpy (YAML), found ")
    assert found in told
    assert "\n" not in told


def test_aliases_of_aliases_take_no_more_room_than_their_text() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + place)}: &{chr(98 + place)} [{','.join(['*' + chr(97 + place)] * 9)}]\n" for place in range(20)
    )
    assert len(yaml_text.load(bomb)) == 21


def test_an_anchor_that_is_used_again_names_the_later_value() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert yaml_text.load("a: &x [1]\nb: &x [2]\nc: *x") == {"a": ["1"], "b": ["2"], "c": ["2"]}


@given(st.text(max_size=40))
def test_any_text_is_loaded_or_refused(text: str) -> None:
    with suppress(NotACapture):
        yaml_text.load(text)
