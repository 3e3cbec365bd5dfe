"""What is recorded answers the same call again: any input, with any number, text and secret in it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from falmock.fixtures.format import codec
from falmock.fixtures.matching.index import Index
from falmock.recording import document
from falmock.recording.exchange import Exchange
from falmock.recording.outcome import Save
from falmock.wire.formats import jsontext
from falmock.wire.message import Request
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.strategies import json_texts
from fuzz.strategies.texts import SECRETS
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import utf8
from unit.fixtures.build import find_asset
from unit.recording.exchanges import recorder

_VALUES = st.recursive(
    json_texts.SCALARS
    | st.sampled_from(
        [*SECRETS, *(f"https://x.test/a.png?token={each}&w=1" for each in SECRETS), "a[hidden]b", "[hidden]"]
    )
    | st.sampled_from(["data:image/png;base64,AAAA", "data:,x", '{"a": 1}', "2026-01-01T00:00:00Z", "$any"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts.KEYS, inner, max_size=3),
    max_leaves=8,
)
_INPUTS = st.dictionaries(json_texts.KEYS, _VALUES, max_size=4)
_BODIES = (
    _INPUTS.map(json.dumps).map(str.encode)
    | json_texts.RAW
    | _INPUTS.map(lambda value: utf8(json.dumps(value, ensure_ascii=False)))
)
CASES = st.fixed_dictionaries(
    {
        "sent": _BODIES,
        "answered": _VALUES.map(json.dumps).map(str.encode) | json_texts.RAW | st.binary(max_size=20),
        "type": st.sampled_from(["application/json"] * 3 + ["text/plain", "image/png", ""]),
        "status": st.sampled_from([200, 200, 200, 422, 404, 400]),
        "query": st.just("") | TEXTS,
    }
)

_TOLD = ("asset", "is too large: numbers are compared")
"""Parts of the problems that a recording may have: its files are not here, and a number that no fixture can match."""


def check(case: dict[str, Any]) -> None:
    recording = recorder()
    headers = {"content-type": "application/json", "authorization": f"Key {SECRETS[0]}", "cookie": f"s={SECRETS[2]}"}
    request = Request("POST", "fal.run", "/a/b", case["query"], headers, case["sent"])
    recording.redactor.learn_value(SECRETS[1])
    exchange = Exchange(request, 1.0, case["status"], {"content-type": case["type"]}, case["answered"], 2.0)
    saves = [outcome for outcome in recording.note(exchange) if isinstance(outcome, Save)]
    for save in saves:
        raw = document.render({"fixtures": [save.entry]})
        check_hidden(raw.decode())
        decoded = codec.decode(raw, "f.json", find_asset)
        problems = [problem for problem in decoded.problems if not any(map(problem.message.__contains__, _TOLD))]
        assert not problems, f"its recording does not load, {problems[0]}"
        assert document.render(jsontext.loads_exact(raw)) == raw
        if not decoded.problems:
            run(_replayed(Index(decoded.fixtures, decoded.assets), request, case["status"]))


async def _replayed(index: Index, request: Request, status: int) -> None:
    caller = Caller(app(index=index))
    answer = await caller.app.answer(request)
    check_answer(answer, faulty=True)
    assert getattr(answer, "miss", None) is None, f"its recording does not answer it, {answer.why}"
    assert getattr(answer, "status", 0) == status
    caller.app.stop()
