"""What happens to a flow: it is answered, or forwarded to fal."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.proxy import flows
from falmock.proxy.clients import Clients
from falmock.proxy.flows import FORWARDED
from falmock.proxy.handler import FlowHandler
from falmock.proxy.handler import is_direct
from falmock.proxy.origin.delivery import Responder
from falmock.wire.formats import jsontext
from falmock.wire.message import Request
from unit.apps import app_of

ONE = {"match": {"model": "a/b"}, "response": {"json": {"a": 1}}}
RUN = Request("POST", "fal.run", "/a/b", "", {"content-type": "application/json"}, b"{}")


class OnlyDoor:
    """A door that has `result` for every request."""

    name = "the only one"

    def __init__(self, result: Reply | FalCall | Exception) -> None:
        self._result = result

    def claims(self, _: Request) -> bool:
        return True

    async def answer(self, *_: object) -> Reply | FalCall:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


class Rig:
    """A handler with an engine that has one fixture, and doors with one answer."""

    def __init__(self, mode: Mode = Mode.REPLAY, behind: Any = None) -> None:
        self.app = app_of(ONE, mode=mode)
        self.app._doors = Doors(self.app.engines, [OnlyDoor(behind)])
        self.answering = FlowHandler(self.app, Clients(), Responder(lambda _: None))

    def answer(self, path: str = "/a/b", body: bytes = b"{}", **headers: str) -> http.HTTPFlow:
        flow = flow_to(f"https://fal.run{path}", body, **headers)
        asyncio.run(self.answering.answer(flow, "fal.run"))
        return flow

    def answer_direct(self, path: str = "/x") -> http.HTTPFlow:
        flow = flow_to(f"http://127.0.0.1:8080{path}", b"")
        asyncio.run(self.answering.answer_direct(flow, RUN._replace(path=path.partition("?")[0])))
        return flow


def flow_to(url: str, body: bytes, **headers: str) -> http.HTTPFlow:
    flow = tflow.tflow(req=tutils.treq())
    fields = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    flow.request = http.Request.make("POST", url)
    flow.request.headers.update(
        fields
    )  # `make` would encode the body, and drop an encoding that mitmproxy does not know
    flow.request.raw_content = body
    return flow


def seen(flow: http.HTTPFlow) -> tuple[int, bytes | None]:
    assert flow.response is not None
    return flow.response.status_code, flow.response.content


def test_what_a_fixture_answers_is_on_the_flow() -> None:
    flow = Rig().answer()
    assert seen(flow) == (200, b'{"a":1}')
    assert FORWARDED not in flow.metadata
    assert not is_direct(flow)


def test_a_miss_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert seen(Rig().answer("/a/c"))[0] == 404
    assert "no fixture answers this call to a/c" in caplog.text


def test_what_goes_on_to_fal_has_no_answer_and_no_headers_of_ours() -> None:
    flow = Rig(Mode.RECORD).answer(x_falmock_fault="missing", x_falmock_scope="mine", x_other="kept")
    assert flow.response is None
    assert flow.metadata[FORWARDED] == "fal.run"
    assert flow.metadata["falmock.why"]
    assert flow.comment == f"falmock: {flow.metadata['falmock.why']}"
    assert [name for name in flow.request.headers if name.startswith("x-")] == ["x-other"]


def test_in_auto_only_a_miss_does() -> None:
    rig = Rig(Mode.AUTO)
    assert seen(rig.answer())[0] == 200
    flow = rig.answer("/a/c")
    assert (flow.response, flow.metadata[FORWARDED]) == (None, "fal.run")


BODIES = [
    (b"no gzip", "gzip", 400),
    (b"x", ", ".join(["gzip"] * 6), 400),
    (gzip.compress(bytes(101), mtime=0), "gzip", 413),
    (bytes(101), "", 413),
]


@pytest.mark.parametrize(("mode", "answered"), [(Mode.REPLAY, True), (Mode.AUTO, False), (Mode.RECORD, False)])
@pytest.mark.parametrize(("body", "encoding", "status"), BODIES)
def test_a_body_that_cannot_be_read(
    mode: Mode,
    answered: bool,  # noqa: FBT001
    body: bytes,
    encoding: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jsontext, "MAX_BYTES", 100)
    flow = Rig(mode).answer(body=body, **({"content_encoding": encoding} if encoding else {}))
    assert (FORWARDED in flow.metadata) != answered
    if answered:
        assert seen(flow)[0] == status
    else:
        assert (flow.request.raw_content, flow.request.headers.get("content-encoding", "")) == (body, encoding)


@pytest.mark.parametrize(("mode", "answered"), [(Mode.REPLAY, True), (Mode.AUTO, True), (Mode.PASSTHROUGH, False)])
def test_nothing_of_ours_fails_open_or_gets_in_the_way(
    mode: Mode,
    answered: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(mode)
    monkeypatch.setattr(rig.app.engines, "of", lambda *_: 1 / 0)
    flow = rig.answer("/a/b?fal_jwt_token=ksecret")
    assert (FORWARDED in flow.metadata) != answered
    if answered:
        status, body = seen(flow)
        assert status == 500
        assert b"falmock failed to answer this request" in (body or b"")
    else:
        assert flow.response is None
    assert "ZeroDivisionError" in caplog.text
    assert "ksecret" not in caplog.text


@pytest.mark.parametrize(("mode", "answered"), [(Mode.REPLAY, True), (Mode.AUTO, True), (Mode.RECORD, False)])
def test_a_request_that_we_fail_to_read_is_not_a_badly_encoded_one(
    mode: Mode,
    answered: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(flows, "read", lambda *_: int("no number"))
    flow = Rig(mode).answer()
    assert (FORWARDED in flow.metadata) != answered
    if answered:
        assert seen(flow)[0] == 500
    else:
        assert flow.response is None
    assert "ValueError" in caplog.text


@pytest.mark.parametrize(
    ("path", "names"),
    [("/v1/images/edits?x=1", ["error"]), ("/openai/models", ["error"]), ("/x", ["detail", "message", "error"])],
)
def test_a_door_that_fails_is_told_in_the_form_of_its_clients(path: str, names: list[str]) -> None:
    status, body = seen(Rig(behind=ValueError("broken")).answer_direct(path))
    found = json.loads(body or b"")
    assert (status, list(found), found["error"]["type"]) == (500, names, "server_error")


def test_a_door_answers_a_direct_request() -> None:
    flow = Rig(behind=Reply(418, (), b"tea", "a reason")).answer_direct()
    assert is_direct(flow)
    assert seen(flow) == (418, b"tea")


def test_a_door_that_fails_is_told() -> None:
    assert seen(Rig(behind=RuntimeError("broken")).answer_direct())[0] == 500


def left(effect: Reply | Stream) -> Reply | Stream:
    return effect._replace(headers=(*effect.headers, (b"x-door", b"left")))


def test_a_door_sees_the_answer_to_what_it_sends_on() -> None:
    flow = Rig(behind=FalCall(RUN, left)).answer_direct()
    assert seen(flow) == (200, b'{"a":1}')
    assert flow.response is not None
    assert flow.response.headers["x-door"] == "left"


def test_a_door_sees_fals_answer_too_once() -> None:
    rig = Rig(Mode.PASSTHROUGH, FalCall(RUN, left))
    flow = rig.answer_direct()
    assert (flow.request.pretty_url, flow.metadata[FORWARDED], flow.response) == (
        "https://fal.run/a/b",
        "fal.run",
        None,
    )
    for times in (1, 0):
        flow.response = http.Response.make(200)
        rig.answering.rewrite_head(flow)
        assert len(flow.response.headers.get_all("x-door")) == times


def test_a_flow_that_is_dropped_leaves_nothing() -> None:
    rig = Rig(Mode.PASSTHROUGH, FalCall(RUN, left))
    flow = rig.answer_direct()
    assert len(rig.answering._rewrites) == 1
    del flow
    gc.collect()
    assert len(rig.answering._rewrites) == 0
