"""Transcripts with times."""

from __future__ import annotations

from falmock.synthesis.outputs.segments import is_segment
from falmock.synthesis.outputs.segments import part
from falmock.synthesis.outputs.segments import sample
from unit.synthesis.outputs.schemas import asked


def test_what_a_part_of_a_transcript_looks_like() -> None:
    assert is_segment({"text": {}, "timestamp": {}})
    assert is_segment({"word": {}, "start": {}, "end": {}})
    assert is_segment({"timestamp": {}, "speaker": {}})
    assert not is_segment({"text": {}})
    assert not is_segment({"start": {}, "end": {}})


def test_each_part_is_a_word_with_its_time() -> None:
    call = asked({"prompt": "a cat"})
    found = {name: made(call, 1) for name in ("text", "word", "start", "end", "timestamp") if (made := part(name))}
    assert found == {"text": "text", "word": "text", "start": 0.4, "end": 0.8, "timestamp": [0.4, 0.8]}
    assert {name: type(each) for name, each in found.items()} == {name: type(sample(name)) for name in found}
    assert part("speaker") is None


def test_after_the_last_word_comes_the_first() -> None:
    call = asked()
    word = part("text")
    assert word is not None
    assert word(call, len(call.said)) == "This"
