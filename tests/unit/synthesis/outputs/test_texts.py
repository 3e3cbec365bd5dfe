"""Texts of made answers, and events of streams."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.synthesis.outputs.texts import content
from falmock.synthesis.outputs.texts import events
from unit.synthesis.outputs.schemas import ID
from unit.synthesis.outputs.schemas import asked


def test_what_is_in_a_made_text_file() -> None:
    call = asked({"prompt": 'a "cat"'})
    assert json.loads(content("application/json", call)) == {"made_by": "falmock", "endpoint": ID, "prompt": 'a "cat"'}
    assert content("application/x-subrip", call) == call.sentence


def test_the_text_of_a_language_model_grows() -> None:
    whole = {"output": "a b c d", "partial": False, "error": None}
    assert events(whole) == (
        {"output": "a", "partial": True, "error": None},
        {"output": "a b", "partial": True, "error": None},
        {"output": "a b c d", "partial": True, "error": None},
        whole,
    )
    assert events({"output": "a", "partial": True}) == (
        {"output": "a", "partial": True},
        {"output": "a", "partial": False},
    )


@pytest.mark.parametrize("payload", [{"images": []}, {"output": "a b"}, [1], None, {"partial": "x", "output": "a"}])
def test_any_other_output_is_the_only_event(payload: Any) -> None:
    assert events(payload) == (payload,)


def test_a_partial_output_without_a_text_comes_at_once() -> None:
    assert events({"partial": False, "outputs": []}) == ({"partial": False, "outputs": []},)


@given(st.text())
def test_each_event_continues_the_one_before(text: str) -> None:
    told = events({"output": text, "partial": False})
    assert told[-1] == {"output": text, "partial": False}
    assert all(after["output"].startswith(before["output"]) for before, after in pairwise(told))
