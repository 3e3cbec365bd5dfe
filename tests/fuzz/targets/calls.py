"""Calls to fal's hosts, one after the other: each gets an answer that can be sent, and no planted secret shows."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st

from falmock.engine.effects import Socket
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import converse
from fuzz.apps import is_faulty
from fuzz.harness import clock
from fuzz.harness import logged
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.oracles import shown
from fuzz.strategies import http_requests
from fuzz.strategies import msgpack_messages
from fuzz.strategies.texts import TEXTS

CASES = st.fixed_dictionaries(
    {
        "calls": st.lists(http_requests.CALLS, min_size=1, max_size=4),
        "messages": st.lists(msgpack_messages.BYTES | TEXTS | st.just('{"prompt":"a"}'), max_size=3),
        "pace": st.sampled_from(["instant", "recorded", "polls:1,2", "manual", "x10", "3s"]),
    }
)


async def _calls(case: dict[str, Any]) -> None:
    caller = Caller(app(pace=case["pace"]))
    with logged() as log:
        for each in case["calls"]:
            call = http_requests.call(each, caller.job)
            answer = await caller.call(**call)
            check_answer(answer, faulty=is_faulty(answer, call["headers"]))
            if isinstance(answer, Socket):
                converse(answer, case["messages"], clock())
            check_hidden(*shown(caller.app, answer))
            await asyncio.sleep(1)
        await caller.check_journal()
    check_hidden(log.text)
    caller.app.stop()


def check(case: dict[str, Any]) -> None:
    run(_calls(case))
