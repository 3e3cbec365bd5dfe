"""What of the captures reaches the recording, and what is told."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import io
from mitmproxy.addons.readfile import ReadFile
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from falmock.proxy.record import captures
from falmock.proxy.record import importing
from falmock.proxy.record.importing import CaptureImport
from falmock.proxy.record.progress import Progress
from falmock.recording.captures.capture import BETWEEN
from falmock.recording.tally import Tally
from falmock.redaction.redactor import Redactor
from unit.proxy.mitm import mitmproxy
from unit.proxy.record.test_capture_files import har
from unit.proxy.record.test_capture_files import put


class Recording:
    """A recording that counts."""

    def __init__(self) -> None:
        self.recorder = SimpleNamespace(redactor=Redactor())
        self.counts: Counter[str] = Counter()
        self.tally = Tally()
        self.settled = 0

    async def settle(self) -> None:
        self.settled += 1


class Options:
    """mitmproxy as the import sees it: its options, and the flows that it is given."""

    def __init__(self, **options: Any) -> None:
        self.options = SimpleNamespace(**{"rfile": None, "readfile_filter": None, "server": True, **options})
        self.master = self
        self.loaded: list[str] = []

    async def load_flow(self, flow: Any) -> None:
        self.loaded.append(flow.request.path)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(captures, "take_entry", lambda _, entry, label: found.append(f"{label} {entry.request.path}"))
    return found


def run(
    path: Path | tuple[Path, ...], monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[CaptureImport, Recording, list[str]]:
    seen, recording = Options(**options), Recording()
    monkeypatch.setattr(importing, "ctx", seen)
    paths = [str(each) for each in (path if isinstance(path, tuple) else (path,))]
    work = CaptureImport(recording, paths)  # type: ignore[arg-type]
    asyncio.run(work.run())
    return work, recording, seen.loaded


def flow_file(path: Path, *paths: str) -> Path:
    with path.open("wb") as opened:
        writer = io.FlowWriter(opened)
        for each in paths:
            flow = tflow.tflow(resp=True)
            flow.request.path = each
            writer.add(flow)
    return path


def test_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[str]) -> None:
    path = put(tmp_path / "any.name", har())
    work, recording, _ = run(path, monkeypatch)
    assert (taken, work.failed, recording.settled) == ([f"{path} /a/b"], 0, 1)


def test_flow_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = flow_file(tmp_path / "a.flow", "/one", "/two")
    assert run(path, monkeypatch)[2] == ["/one", "/two"]
    assert run(path, monkeypatch, readfile_filter="~u two")[2] == ["/two"]
    path.write_bytes(path.read_bytes()[:-5])
    work, _, loaded = run(path, monkeypatch)
    assert (work.failed, loaded) == (1, ["/one"])


@pytest.mark.parametrize("written", [b"1:x~", b"0:]", b"4:true!", b"0:}", b"9:7:version;}", b"12:7:version;0:]}"])
def test_a_flow_file_that_holds_something_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, written: bytes
) -> None:
    path = flow_file(tmp_path / "a.flow", "/one")
    path.write_bytes(path.read_bytes() + written)
    work, _, loaded = run(path, monkeypatch)
    assert (work.failed, loaded) == (1, ["/one"])
    assert "expected a flow file of mitmproxy, found: " in caplog.text
    of_socket = tflow.twebsocketflow().get_state()
    whole, said = of_socket["websocket"], of_socket["websocket"]["messages"][0]
    for part in (
        {"client_conn": {}},
        {"metadata": None},
        {"request": of_socket["request"] | {"timestamp_start": 1e300}},
        {"websocket": whole | {"messages": [(*said[:2], None, *said[3:])]}},
        {"websocket": whole | {"messages": [(*said[:3], " ", *said[4:])]}},
        {"websocket": whole | {"messages": [(*said[:3], float("nan"), *said[4:])]}},
    ):
        path.write_bytes(tnetstring.dumps(of_socket | part))
        assert run(path, monkeypatch)[0].failed == 1
    path.write_bytes(tnetstring.dumps(of_socket))
    assert run(path, monkeypatch)[0].failed == 0


def test_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put(tmp_path / "a.har", b"{")
    put(tmp_path / "b.har", har())
    flow_file(tmp_path / "c.flow", "/c")
    work, recording, loaded = run(tmp_path, monkeypatch)
    assert (taken, loaded, work.failed, recording.settled) == ([f"{tmp_path / 'b.har'} /a/b"], ["/c"], 1, 3)
    assert caplog.messages[0].startswith(f"falmock: {tmp_path / 'a.har'} cannot be imported: expected a HAR")
    assert caplog.messages[-1] == f"falmock: read 2 of 3 captures in {tmp_path}"


def test_several_are_one_recording_hars_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A HAR names files beside it, which a shell's `*` names as well."""
    caplog.set_level(logging.INFO)
    attached = put(tmp_path / "a.json", b"{}")
    one, two = put(tmp_path / "one.har", har(_file="a.json")), put(tmp_path / "folder" / "two.har", har())
    work, recording, _ = run((attached, tmp_path / "gone", two.parent, one), monkeypatch)
    assert taken == [f"{two} /a/b", f"{one} /a/b"]
    assert (work.failed, recording.settled) == (1, 3)
    assert caplog.messages[-1].startswith("falmock: read 2 of 3 captures in ")


def test_a_folder_without_captures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(tmp_path, monkeypatch)[0].failed == 1
    assert "expected a folder with captures (.har, " in caplog.text


@pytest.mark.usefixtures("taken")
def test_long_work_tells_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(importing, "Progress", lambda: Progress(iter(range(0, 1000, 10)).__next__))
    put(tmp_path / "a.har", har())
    put(tmp_path / "b.har", har())
    run(tmp_path, monkeypatch)
    assert "falmock: importing 1 of 2 captures, 0 calls to fal so far" in caplog.messages
    run(tmp_path / "a.har", monkeypatch)
    assert f"falmock: importing {tmp_path / 'a.har'}, 0 calls to fal so far" in caplog.messages


@pytest.mark.parametrize("path", ["a.har", "folder"])
def test_what_mitmproxy_is_asked_to_read(path: str) -> None:
    with mitmproxy(ReadFile()) as context:
        assert (importing.sources(), importing.only_imported()) == ([], "")
        context.options.update(rfile=path)
        assert (importing.sources(), importing.only_imported()) == ([path], "")
        context.options.update(server=False)
        assert importing.only_imported() == path
        context.options.update(rfile=f"{path}{BETWEEN}b")
        assert (importing.sources(), importing.only_imported()) == ([path, "b"], f"{path}, b")
        context.options.update(rfile="-")
        assert importing.sources() == []
