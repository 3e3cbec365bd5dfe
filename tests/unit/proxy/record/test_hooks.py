"""Which flows the recording in progress gets, and when its fixtures are replayed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from falmock.engine.config import Mode
from falmock.proxy.flows import FORWARDED
from falmock.proxy.record import captures
from falmock.proxy.record import hooks
from falmock.proxy.record.hooks import RecordingHooks
from unit.apps import app_of


class Recording:
    """A recording that keeps the calls it gets."""

    is_writing = True

    def __init__(self, heard: list[str], *, delivers: bool = False) -> None:
        self._heard = heard
        self._delivers = delivers

    def __getattr__(self, name: str) -> Any:
        return lambda _, *host: self._heard.append(" ".join([name, *map(str, host)]))

    def is_delivery(self, _: http.HTTPFlow) -> bool:
        return self._delivers

    async def settle(self) -> None:
        self._heard.append("settle")


class Rig:
    """A recording that is listened for, or none, and fixtures that are looked at."""

    def __init__(self, mode: Mode = Mode.RECORD, *, records: bool = True, delivers: bool = False) -> None:
        self.heard: list[str] = []
        self.current = Recording(self.heard, delivers=delivers) if records else None
        app = app_of(mode=mode)
        app.fixtures = self  # type: ignore[assignment]
        self.listening = RecordingHooks(app, self)  # type: ignore[arg-type]

    async def look(self) -> None:
        self.heard.append("look")

    def hears(self, what: str, flow: http.HTTPFlow) -> list[str]:
        """The calls for a flow after this event."""
        done = getattr(self.listening, what)(flow)
        if done is not None:
            asyncio.run(done)
        heard, self.heard[:] = list(self.heard), []
        return heard


def flow_of(host: str | None = "fal.run", *, live: bool = True, socket: bool = False) -> http.HTTPFlow:
    flow = tflow.twebsocketflow() if socket else tflow.tflow(resp=True)
    flow.live = live
    if host is not None:
        flow.metadata[FORWARDED] = host
    return flow


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The flows from a file that were used."""
    names: list[str] = []
    monkeypatch.setattr(captures, "take_flow", lambda *taken: names.append(f"flow {taken[2]}"))
    monkeypatch.setattr(captures, "take_socket", lambda *taken: names.append(f"socket {taken[2]}"))
    return names


def test_what_goes_on_to_fal_is_heard() -> None:
    rig = Rig()
    assert rig.hears("answer_began", flow_of()) == ["responseheaders"]
    assert rig.hears("answered", flow_of()) == ["response fal.run"]
    assert rig.hears("broke_off", flow_of()) == ["error fal.run"]
    assert rig.hears("said", flow_of(socket=True)) == ["websocket_message fal.run"]
    assert rig.hears("hung_up", flow_of(socket=True)) == ["websocket_end fal.run"]


def test_what_is_paid_for_in_auto_is_replayed_when_the_app_hears_of_it() -> None:
    rig = Rig(Mode.AUTO)
    assert rig.hears("answered", flow_of()) == ["response fal.run", "settle", "look"]
    assert rig.hears("hung_up", flow_of(socket=True)) == ["websocket_end fal.run", "settle", "look"]
    assert rig.current is not None
    rig.current.is_writing = False
    assert rig.hears("answered", flow_of()) == ["response fal.run"]


def test_an_answer_does_not_wait_for_ever_for_its_recording(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 0.01)
    rig = Rig(Mode.AUTO)
    assert rig.current is not None
    rig.current.settle = lambda: asyncio.sleep(3600)  # type: ignore[method-assign]
    assert rig.hears("answered", flow_of()) == ["response fal.run"]
    assert "is not on disk after 0.01 s" in caplog.text


def test_what_fails_while_it_is_written_is_told_to_mitmproxy() -> None:
    rig = Rig(Mode.AUTO)
    rig.look = lambda: asyncio.sleep(0, 1 / 0)  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        rig.hears("answered", flow_of())


def test_what_falmock_answers_is_not_recorded(imported: list[str]) -> None:
    rig = Rig()
    assert rig.hears("answered", flow_of(None)) == []
    assert rig.hears("said", flow_of(None, socket=True)) == []
    assert rig.hears("hung_up", flow_of(None, socket=True)) == []
    assert imported == []


def test_a_webhook_that_fal_delivers_is() -> None:
    assert Rig(delivers=True).hears("answered", flow_of(None)) == ["delivery"]


def test_flows_from_a_file_are_made_use_of(imported: list[str]) -> None:
    rig = Rig()
    flow, socket = flow_of(None, live=False), flow_of(None, live=False, socket=True)
    flow.request.host = socket.request.host = "queue.fal.run"
    flow.request.headers["host"] = socket.request.headers["host"] = "queue.fal.run"
    assert rig.hears("said", flow_of(live=False, socket=True)) == []
    rig.hears("answered", flow)
    rig.hears("hung_up", socket)
    assert imported == ["flow queue.fal.run", "socket queue.fal.run"]
    flow.is_replay = "request"
    rig.hears("answered", flow)
    assert len(imported) == 2


def test_nothing_is_heard_without_a_recording(imported: list[str]) -> None:
    rig = Rig(records=False)
    for what in ("answer_began", "answered", "broke_off", "said", "hung_up"):
        assert rig.hears(what, flow_of(socket=what in ("said", "hung_up"))) == []
    assert imported == []


@pytest.mark.parametrize(
    ("kind", "streams"), [("application/json", False), ("image/png", True), ("text/event-stream", True)]
)
def test_what_passes_by_streams_unless_it_is_json(kind: str, streams: bool) -> None:  # noqa: FBT001
    flow = flow_of()
    assert flow.response is not None
    flow.response.headers["content-type"] = kind
    Rig(records=False).hears("answer_began", flow)
    assert bool(flow.response.stream) == streams


@pytest.mark.parametrize(
    ("host", "header", "heard"),
    [
        ("fal.run", None, ["requestheaders fal.run"]),
        (None, None, ["requestheaders address"]),
        ("fal.run", "missing", []),
        (None, "missing", ["requestheaders address"]),
    ],
)
def test_requests_are_heard_that_no_fault_is_asked_for(host: str | None, header: str | None, heard: list[str]) -> None:
    rig, flow = Rig(), flow_of(None)
    if header is not None:
        flow.request.headers["x-falmock-fault"] = header
    assert rig.current is not None
    rig.listening.request_began(flow, host, rig.current)  # type: ignore[arg-type]
    assert rig.heard == heard
