"""Messages of clients on the sockets of an app: each step has frames that can be sent, and none shows a planted secret."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from falmock.engine.effects import Socket
from falmock.wire.formats import frames
from fuzz.apps import Caller
from fuzz.apps import app
from fuzz.apps import converse
from fuzz.harness import clock
from fuzz.harness import logged
from fuzz.harness import run
from fuzz.oracles import check_answer
from fuzz.oracles import check_hidden
from fuzz.oracles import shown
from fuzz.strategies import json_texts
from fuzz.strategies import msgpack_messages
from fuzz.strategies.texts import TEXTS

_PATHS = st.sampled_from(
    [
        *(
            ("fal.run", "/a/g/realtime"),
            ("fal.run", "/a/b/realtime"),
            ("fal.run", "/x/y/realtime"),
            ("ws.fal.run", "/a/b"),
        ),
        *(
            ("fal.run", "/a/b/ws"),
            ("ws.fal.run", "/a/f"),
            ("fal.run", "/a/e/stream"),
            ("queue.fal.run", "/a/b/realtime"),
        ),
    ]
)
_RUN = json_texts.OBJECTS.map(json_texts.json.dumps)
CASES = st.fixed_dictionaries(
    {
        "where": _PATHS,
        "query": st.just("") | TEXTS | TEXTS.map("max_buffering={}".format) | TEXTS.map("fal_jwt_token={}".format),
        "fault": st.none()
        | st.sampled_from(['{"socket":{"close":4000,"after":1}}', '{"socket":{"midFrame":true}}', "nginx_503"]),
        "messages": st.lists(msgpack_messages.BYTES | _RUN | json_texts.TEXT | TEXTS, max_size=5),
    }
)


async def _talk(case: dict[str, Any]) -> None:
    caller = Caller(app())
    host, path = case["where"]
    headers = {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    if case["fault"] is not None:
        headers["x-falmock-fault"] = case["fault"]
    with logged() as log:
        answer = await caller.call("GET", host, path, case["query"], headers, b"")
        check_answer(answer, faulty=case["fault"] is not None)
        if isinstance(answer, Socket):
            for frame in converse(answer, case["messages"], clock()):
                _check_frame(frame)
        check_hidden(*shown(caller.app, answer))
        await caller.check_journal()
    check_hidden(log.text)
    caller.app.stop()


def _check_frame(frame: frames.Frame) -> None:
    if isinstance(frame, frames.Text):
        frame.text.encode()
    elif isinstance(frame, frames.Close):
        assert frames.is_sendable(frame.code)
        assert len(frame.reason.encode()) <= frames.MAX_REASON
    elif isinstance(frame, frames.Ping):
        assert len(frame.payload) <= frames.MAX_CONTROL


def check(case: dict[str, Any]) -> None:
    run(_talk(case))
