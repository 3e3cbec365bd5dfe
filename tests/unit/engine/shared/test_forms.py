"""What is written of jobs and answers is read again as it was; what a newer release wrote is not guessed at."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.jobs.job import Job
from falmock.engine.jobs.job import WebhookAttempt
from falmock.engine.jobs.job import WebhookAttempts
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.pace import schedule
from falmock.engine.shared import forms
from falmock.engine.shared.errors import UnknownForm
from falmock.fixtures.model import Answer
from falmock.fixtures.model import CancelAnswer
from falmock.fixtures.model import JobUrls
from falmock.fixtures.model import Log
from falmock.fixtures.model import Worded
from falmock.wire.errors import ErrorSpec
from falmock.wire.lifecycle import State
from unit.engine.some_job import TIMELINE
from unit.engine.some_job import job

TEXT = st.text(max_size=20)
TIMES = st.one_of(st.just(math.inf), st.floats(0, 2e9))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
LOGS = st.builds(
    Log, TIMES, TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | st.dictionaries(TEXT, JSON, max_size=2)
)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    made = job(
        draw(st.sampled_from(["instant", "recorded", "polls:1,2"])), draw(TEXT), deadline=draw(TIMES), at=draw(TIMES)
    )
    logs = tuple(draw(st.lists(LOGS, max_size=3)))
    made.logs, made.schedule = logs, schedule(parse_pace("recorded"), TIMELINE._replace(logs=logs))
    made.failure = draw(
        st.none()
        | st.builds(
            ErrorSpec,
            TEXT,
            st.none() | TEXT,
            st.none() | st.tuples(TEXT, st.integers(0, 9)),
            st.none() | st.dictionaries(TEXT, JSON, max_size=2),
            st.dictionaries(TEXT, JSON, max_size=2),
            st.none() | st.integers(100, 599),
        )
    )
    made.cancel_answer = draw(st.none() | st.builds(CancelAnswer, st.integers(100, 599), JSON))
    made.urls = draw(st.sampled_from([made.urls, JobUrls("a/requests/ID", others=("b", "c"))]))
    made.moves = tuple(draw(st.lists(st.tuples(st.sampled_from(State), TIMES), max_size=3)))
    made.webhook = draw(st.sampled_from([None, WebhookAttempts("host")]))
    if made.webhook is not None:
        made.webhook.attempts.append(WebhookAttempt(1.5, draw(st.none() | st.integers(100, 599)), draw(TEXT)))
    made.state, made.ended = draw(st.sampled_from(State)), draw(st.none() | TIMES)
    made.held, made.unseen, made.erased = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    return made


@given(jobs(), st.none() | st.builds(forms.Drawn, TEXT, TEXT))
def test_jobs(made: Job, drawn: forms.Drawn | None) -> None:
    values = forms.job_values(forms.job_bytes(made, drawn))
    assert (values.job(), values.injected) == (made, drawn)


def test_every_field_of_a_job_is_kept_or_known_not_to_be() -> None:
    assert set(Job.__slots__) - set(forms.NOT_KEPT) == set(forms.JobForm._fields)


@given(
    st.builds(
        Answer,
        st.integers(100, 599),
        TEXT,
        st.binary(max_size=50),
        headers=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
        units=st.none() | TEXT,
        error=st.none() | TEXT,
        error_type=st.none() | TEXT,
        template=st.none(),
        is_synthesized=st.booleans(),
        asset=st.none() | TEXT,
        worded=st.none() | st.builds(Worded, TEXT, st.none() | TEXT, st.none() | TEXT | st.floats(allow_nan=False)),
    )
)
def test_answers(answer: Answer) -> None:
    assert forms.answer_of(forms.answer_bytes(answer)) == answer


@pytest.mark.parametrize("data", [b"", b"\x02" + b"\x90", b"\x01garbage", b"\x01"])
def test_what_cannot_be_read(data: bytes) -> None:
    with pytest.raises(UnknownForm, match="the store has a job"):
        forms.job_values(data)


def test_a_newer_form_says_what_to_do() -> None:
    newer: Any = b"\x09" + forms.job_bytes(job(), None)[1:]
    with pytest.raises(UnknownForm, match="form 9, and this falmock knows form 1: let all falmocks of a store have"):
        forms.job_values(newer)
