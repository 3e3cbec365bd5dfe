"""What falmock says of an input is what a real FastAPI app says of it, by classes written by hand."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.synthesis.checks import core_schema
from falmock.synthesis.checks import envelope
from falmock.synthesis.checks.detail import body_of
from falmock.synthesis.checks.input_check import InputCheck
from falmock.synthesis.checks.input_check import input_check
from falmock.wire.formats import jsontext
from unit.synthesis.checks.drawn_inputs import TIMES
from unit.synthesis.checks.drawn_inputs import URLS
from unit.synthesis.checks.drawn_inputs import Drawer
from unit.synthesis.checks.judge import Judge
from unit.synthesis.checks.judge import comparable
from unit.synthesis.checks.written_models import ENDPOINT
from unit.synthesis.checks.written_models import WRITTEN

INPUTS = {
    "missing and null": [{}, {"prompt": None, "num_images": None, "seed": None}],
    "numbers as texts": [
        {"prompt": "a", "num_images": text} for text in ("2", "2.0", "two", "٣", "1e0", "", "9" * 5000)
    ],
    "numbers": [{"prompt": "a", "num_images": number} for number in (0, 1, 4, 5, 2.0, 2.5, True, 1e300)],
    "large seeds": [{"prompt": "a", "seed": number} for number in (2**64, 10**30, -(2**63) - 1, str(2**64), 1e30)],
    "no numbers": [
        {"prompt": "a", "guidance_scale": text} for text in ("NaN", "inf", "-Infinity", "3.5", " 3 ", "1_0")
    ],
    "truth values": [{"prompt": "a", "sync_mode": text} for text in ("yes", "maybe", 1, 2, "", None, "OFF", 0.0)],
    "unknown keys": [{"prompt": "a", "promt": 1, "_sa_x": 2}, {"promt": "a", "_sa_x": {"_sa_y": 1}}],
}


def said(check: InputCheck, raw: bytes) -> tuple[int, bytes]:
    """falmock's answer to a body."""
    value = envelope.parsed(raw)
    if isinstance(value, envelope.Refused):
        return value.status, jsontext.dump_model(value.body)
    checked = check.check(value)
    return (422, jsontext.dump_model(body_of(checked.problems))) if checked.problems else (200, b"{}")


def compare(judge: Judge, check: InputCheck, value: Any) -> None:
    raw = json.dumps(value).encode()
    status, body = judge.answer(raw)
    own_status, own_body = said(check, raw)
    if status == 500:  # FastAPI cannot express its own answer
        assert own_status == 422
        assert jsontext.loads(own_body)["detail"]
        return
    assert (own_status, own_body) == (status, body)
    if judge.accepted is not None:
        expected = comparable(judge.accepted.model_dump(warnings=False))
        assert repr(check.check(json.loads(raw)).value) == repr(expected)


@pytest.mark.parametrize("name", WRITTEN)
def test_drawn_inputs(name: str) -> None:
    written = WRITTEN[name]
    check = input_check(written.document, ENDPOINT)
    with Judge(written.model) as judge:

        @settings(max_examples=60)
        @given(random=st.randoms(use_true_random=False))
        def drawn(random: Random) -> None:
            compare(judge, check, Drawer(written.document, random).body(written.schema))

        drawn()


FIELDS = [("URLs", "image_url", URLS), ("URLs", "any_url", URLS), ("binary and uuid4", "style_id", TIMES)]


@pytest.mark.parametrize(("name", "field", "texts"), FIELDS)
def test_texts_with_a_format(name: str, field: str, texts: tuple[str, ...]) -> None:
    written = WRITTEN[name]
    check = input_check(written.document, ENDPOINT)
    with Judge(written.model) as judge:
        for text in texts:
            compare(judge, check, {"image_url": "https://a.b", field: text})


@pytest.mark.parametrize("name", INPUTS)
def test_written_inputs(name: str) -> None:
    written = next(iter(WRITTEN.values()))
    check = input_check(written.document, ENDPOINT)
    with Judge(written.model) as judge:
        for value in INPUTS[name]:
            compare(judge, check, value)


def test_every_feature_is_one_of_the_translation() -> None:
    for written in WRITTEN.values():
        assert core_schema.translation(written.document, ENDPOINT).core["type"] == "definitions"
