from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import flow
from mitmproxy import http
from mitmproxy.exceptions import FlowReadException
from mitmproxy.io import FlowWriter
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from falmock.proxy.record import capture_files
from falmock.proxy.record.capture_files import CaptureReader
from falmock.proxy.record.capture_files import find
from falmock.proxy.record.capture_files import flows_in
from falmock.proxy.record.capture_files import is_flow_file
from falmock.proxy.record.capture_files import is_har
from falmock.recording.captures.capture import NotACapture
from falmock.recording.exchange import Exchange


def har(**content: Any) -> bytes:
    entry = {
        "startedDateTime": "2026-03-04T10:00:00Z",
        "request": {"method": "GET", "url": "https://fal.run/a/b", "headers": []},
        "response": {"status": 200, "headers": [], "content": content},
    }
    return json.dumps({"log": {"entries": [entry]}}).encode()


def one(path: Path, reader: CaptureReader | None = None) -> Exchange:
    (found,) = (reader or CaptureReader()).read(path)
    assert isinstance(found, Exchange)
    return found


def put(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_captures_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.json", "a.yml", "z.HAR", "deep/c.har.zip", "deep/d.flow", "e.png", ".hidden.har", ".git/f.har"):
        put(tmp_path / name)
    found = find(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in found.captures]
    assert names == ["a.yml", "b.json", "deep/c.har.zip", "deep/d.flow", "z.HAR"]
    assert [name for name in names if is_har(Path(name))] == ["deep/c.har.zip", "z.HAR"]
    assert (found.others, found.problems) == (2, [])


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (problem,) = find(tmp_path / "gone").problems
    assert problem == f"{tmp_path / 'gone'}: cannot be read: No such file or directory"


def test_what_is_a_flow_file(tmp_path: Path) -> None:
    assert is_flow_file(put(tmp_path / "a.flow", b"12:whatever"))
    assert not any(is_flow_file(put(tmp_path / "b", content)) for content in (b"{", b"", b"version: 1", b"12"))
    with pytest.raises(FileNotFoundError):
        is_flow_file(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.har")
    with pytest.raises(NotACapture, match="found a pipe, a socket or a device"):
        is_flow_file(tmp_path / "pipe.har")


def flow_file(*flows: flow.Flow) -> io.BytesIO:
    opened = io.BytesIO()
    writer = FlowWriter(opened)
    for one_flow in flows:
        writer.add(one_flow)
    opened.seek(0)
    return opened


def test_the_flows_of_a_flow_file() -> None:
    flows = [tflow.tflow(resp=True), tflow.ttcpflow(), tflow.twebsocketflow()]
    assert [found.id for found in flows_in(flow_file(*flows))] == [one_flow.id for one_flow in flows]


def odd_times(value: float) -> http.HTTPFlow:
    found = tflow.tflow(resp=True)
    found.request.timestamp_end = value
    return found


def odd_message() -> http.HTTPFlow:
    found = tflow.twebsocketflow()
    assert found.websocket is not None
    found.websocket.messages[0].timestamp = -1
    return found


@pytest.mark.parametrize("found", [odd_times(-1), odd_times(float("inf")), odd_times(1e12), odd_message()])
def test_times_out_of_range_are_refused(found: http.HTTPFlow) -> None:
    with pytest.raises(FlowReadException, match=r"ValueError: the time .* is out of range"):
        list(flows_in(flow_file(tflow.tflow(), found)))


@pytest.mark.parametrize("content", [b"12:whatever", b"1:x,", b"2:{}}"])
def test_what_is_no_flow_is_refused(content: bytes) -> None:
    with pytest.raises(FlowReadException):
        list(flows_in(io.BytesIO(content)))


def test_flows_whose_parts_have_another_type_are_refused() -> None:
    found = tflow.tflow().get_state()
    found["metadata"] = [1]
    with pytest.raises(FlowReadException, match="TypeError: expected metadata of a flow as an object, found list"):
        list(flows_in(io.BytesIO(tnetstring.dumps(found))))
    found = tflow.twebsocketflow().get_state()
    found["websocket"]["messages"] = [[1, True, "text", 1.0, False, False]]
    with pytest.raises(FlowReadException):
        list(flows_in(io.BytesIO(tnetstring.dumps(found))))


def test_a_file_beside_a_har_is_read_and_is_no_capture(tmp_path: Path) -> None:
    put(tmp_path / "one.json", b'{"n":1}')
    put(tmp_path / "below" / "two.json", b'{"n":2}')
    reader = CaptureReader()
    assert one(put(tmp_path / "a.har", har(_file="one.json")), reader).body == b'{"n":1}'
    assert one(put(tmp_path / "b.har", har(_file="below/two.json")), reader).body == b'{"n":2}'
    assert reader.attached == {(tmp_path / "one.json").resolve(), (tmp_path / "below" / "two.json").resolve()}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gone.json", "the HAR names the file 'gone.json', which cannot be read: No such file or directory"),
        ("../secret", "the HAR names '../secret', which is not below its folder"),
        ("/etc/passwd", "the HAR names '/etc/passwd', which is not below its folder"),
        ("link", "the HAR names 'link', which is not below its folder"),
        (".", "the HAR names the file '.', which cannot be read: Is a directory"),
    ],
)
def test_no_file_outside_of_the_folder_is_read(tmp_path: Path, name: str, why: str) -> None:
    put(tmp_path / "secret", b"secret")
    path = put(tmp_path / "hars" / "a.har", har(_file=name))
    (tmp_path / "hars" / "link").symlink_to(tmp_path / "secret")
    found = one(path)
    assert (found.body, found.lost) == (b"", why)


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in files.items():
            opened.writestr(name.replace("_", "."), content)
    return path


def test_a_zip_holds_a_har_and_its_files(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.har.zip", har_har=har(_file="x.json"), x_json=b"{}")
    assert one(path).body == b"{}"
    path = zipped(tmp_path / "b.zip", har_har=har(_file="gone.json"))
    assert one(path).lost == "the HAR names the file 'gone.json', which is not in the zip"


def test_a_zip_that_is_none_or_holds_no_har(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = CaptureReader()
    with pytest.raises(NotACapture, match="found a zip that cannot be read"):
        reader.read(put(tmp_path / "a.zip", b"PK\x03\x04..."))
    with pytest.raises(NotACapture, match="expected a zip with one HAR, found 0 in it"):
        reader.read(zipped(tmp_path / "b.zip", x_json=b"{}"))
    with pytest.raises(NotACapture, match="expected a zip with one HAR, found 2 in it"):
        reader.read(zipped(tmp_path / "c.zip", a_har=b"{}", b_har=b"{}"))
    path = zipped(tmp_path / "d.zip", a_har=har())
    path.write_bytes(path.read_bytes().replace(b"fal.run", b"fal.ruN", 1))
    with pytest.raises(NotACapture, match=r"expected a zip with a HAR: 'a\.har' in the zip cannot be read: Bad CRC"):
        reader.read(path)
    monkeypatch.setattr(capture_files, "MAX_FILE", 10)
    with pytest.raises(NotACapture, match="in the zip is larger than"):
        reader.read(zipped(tmp_path / "e.zip", a_har=har()))
