"""Files of mitmproxy's flows: read as far as they can be, and what is recorded of them can be loaded."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import strategies as st
from mitmproxy import exceptions
from mitmproxy import http
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from falmock.proxy import flows
from falmock.proxy.record import capture_files
from falmock.proxy.record import sockets
from fuzz.strategies import json_texts
from fuzz.strategies.mutation import mutated
from fuzz.strategies.texts import TEXTS
from fuzz.strategies.texts import utf8
from fuzz.targets.captures import check_saved
from unit.fixtures.build import replaced
from unit.fixtures.mutate import places
from unit.recording.exchanges import recorder


def _plain(value: Any) -> Any:
    """Tuples as lists, as they are in a file."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _state(**parts: Any) -> Any:
    flow = tflow.twebsocketflow() if parts.pop("socket", False) else tflow.tflow(resp=True)
    flow.request = http.Request.make(
        parts.get("method", "POST"), parts["url"], parts.get("body", b"{}"), {"content-type": "application/json"}
    )
    return _plain(flow.get_state())


_STATES = (
    _state(url="https://fal.run/a/b"),
    _state(url="https://queue.fal.run/a/b"),
    _state(url="https://queue.fal.run/a/b/requests/id-1/status", method="GET", body=b""),
    _state(url="https://v3.fal.media/files/upload", body=b"\x89PNG"),
    _state(url="https://fal.run/a/g/realtime", method="GET", socket=True),
)
_ODD = (
    json_texts.SCALARS | TEXTS.map(utf8) | st.sampled_from([[], {}, b"\xff", b"{}", b"gzip", "fal.run", [[b"a", b"b"]]])
)


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    state = draw(st.sampled_from(_STATES))
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        state = replaced(state, draw(st.sampled_from(places(state))), draw(_ODD))
    try:
        return bytes(tnetstring.dumps(state))
    except UnicodeEncodeError:
        return b"4:true!"


_WRITABLE = _files()
CASES = _WRITABLE | mutated(_WRITABLE, (b"0:]", b"0:}", b"9999:", b"~"), 2)


def check(raw: bytes) -> None:
    recording = recorder()
    try:
        for flow in capture_files.flows_in(io.BytesIO(raw)):
            if not isinstance(flow, http.HTTPFlow) or flow.response is None:
                continue
            host = flows.host_of(flow.request, recording.hosts)
            if host is None:
                continue
            check_saved(recording.note(flows.exchange(flow, host)))
            if flow.websocket is not None:
                check_saved(recording.note_session(sockets.session(flow, host)))
    except exceptions.FlowReadException:
        pass
    check_saved(recording.finish())
