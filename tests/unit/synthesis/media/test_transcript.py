"""Made transcripts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.media.recipe import Recipe
from falmock.synthesis.media.transcript import plain
from falmock.synthesis.media.transcript import srt
from falmock.synthesis.media.transcript import vtt

SPEECH = "It was a bright cold day in April, and the clocks were striking thirteen."
TALK = Recipe("application/x-subrip", duration=10.0, text=SPEECH)
_CUE = re.compile(r"(?:(\d+)\n)?(\d\d:\d\d:\d\d[.,]\d\d\d) --> (\d\d:\d\d:\d\d[.,]\d\d\d)\n(.*)\n")


def cues(text: str) -> list[tuple[float, float, str]]:
    found = []
    for place, cue in enumerate(text.removeprefix("WEBVTT\n\n").split("\n\n"), 1):
        match = _CUE.fullmatch(cue.rstrip("\n") + "\n")
        assert match is not None, cue
        number, *times, said = match.groups()
        assert number in (None, str(place))
        found.append((seconds(times[0]), seconds(times[1]), said))
    return found


def seconds(time: str) -> float:
    hours, minutes, rest = time.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_the_text_is_the_content():
    assert plain(Recipe("text/plain", text="Grüße\n")) == "Grüße\n".encode()
    assert plain(Recipe("application/json", text='{"a": 1}')) == b'{"a": 1}'
    assert plain(Recipe("text/plain", text="a\ud800b")) == b"a?b"


def test_subtitles_share_the_duration():
    assert srt(TALK).decode() == (
        "1\n00:00:00,000 --> 00:00:05,833\nIt was a bright cold day in April, and the\n\n"
        "2\n00:00:05,833 --> 00:00:10,000\nclocks were striking thirteen.\n"
    )
    assert cues(srt(TALK).decode()) == cues(vtt(TALK).decode())


@pytest.mark.parametrize("make", [srt, vtt])
@given(
    text=st.lists(st.text("abc,.é", min_size=1, max_size=60), min_size=1, max_size=40).map(" ".join),
    duration=st.floats(0.5, 5000),
)
@settings(max_examples=50, deadline=None)
def test_subtitles_say_the_whole_text_without_gaps(make, text, duration):
    found = cues(make(Recipe("text/vtt", duration=duration, text=text)).decode())
    assert " ".join(said for _, _, said in found).split() == text.split()
    assert found[0][0] == 0
    assert found[-1][1] == pytest.approx(duration, abs=0.001)
    assert [end for _, end, _ in found[:-1]] == [start for start, _, _ in found[1:]]
    assert all(len(said) <= 42 or " " not in said for _, _, said in found)


@pytest.mark.parametrize("duration", [0.0, -5.0, float("nan"), float("inf")])
def test_without_a_duration_subtitles_show_as_long_as_it_takes_to_say_them(duration):
    assert cues(srt(TALK._replace(duration=duration)).decode())[-1][1] == pytest.approx(len(SPEECH) * 0.07, abs=0.1)


def test_times_have_two_digits_for_hours():
    assert cues(srt(TALK._replace(duration=1e9)).decode())[-1][1] == 359_999


def test_without_a_text_there_are_no_subtitles():
    assert srt(TALK._replace(text=" \n")) == b""
    assert vtt(TALK._replace(text="")) == b"WEBVTT\n"


def test_a_text_cannot_break_out_of_its_subtitle():
    text = "one\n\n2\n00:00:00,000 --> 00:00:09,000\n<b>two</b> & three"
    assert "".join(said for *_, said in cues(vtt(TALK._replace(text=text)).decode())).count("-->") == 0
    assert b"&lt;b&gt;two&lt;/b&gt; &amp; three" in vtt(TALK._replace(text=text))
    assert len(cues(srt(TALK._replace(text=text)).decode())) == 2
