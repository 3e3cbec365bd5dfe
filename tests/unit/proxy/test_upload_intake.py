from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.test import tutils

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Delivery
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.files.spooling import SPOOLED_ABOVE
from falmock.proxy import upload_intake
from falmock.proxy.origin.tickets import Upload
from falmock.proxy.upload_intake import UploadIntake
from falmock.serving import spool
from falmock.serving.edge import ServingEdge
from falmock.serving.upload_spool import SpoolFolder
from unit.apps import app_of
from unit.proxy.mitm import mitmproxy

HOST = "v3.fal.media"
BIG = str(2**21)


class Origin:
    """Keeps what the origin would get."""

    def __init__(self, problem: OSError | None = None) -> None:
        self.problem = problem
        self.upload: Upload | None = None

    async def take(self, flow: http.HTTPFlow, upload: Upload) -> None:
        if self.problem is not None:
            raise self.problem
        self.upload = upload
        flow.request.stream = True


class Conversation:
    """An intake with an engine in replay, and the folder for temporary files."""

    def __init__(self, folder: Path, responder: Origin | None = None) -> None:
        self.folder = folder
        self.responder = responder or Origin()
        self.uploads = SpoolFolder()
        self.app = app_of(edge=ServingEdge(None, self.uploads))  # type: ignore[arg-type]
        self.intake = UploadIntake(self.app, self.responder, self.uploads)  # type: ignore[arg-type]

    def begin(self, flow: http.HTTPFlow) -> Upload | None:
        asyncio.run(self.intake.begin(flow, HOST))
        return self.responder.upload

    def upload(self, flow: http.HTTPFlow, body: bytes) -> Reply:
        upload = self.begin(flow)
        assert upload is not None
        assert flow.request.stream is True
        upload.sink.write(body)

        async def answer() -> Reply:
            return await upload.answer(upload.sink.content())

        return asyncio.run(answer())

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Conversation]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    conversation = Conversation(tmp_path)
    yield conversation
    if conversation.responder.upload is not None:
        conversation.responder.upload.sink.drop()
    conversation.app.stop()
    conversation.uploads.stop()
    assert list(tmp_path.iterdir()) == []


def post(path: bytes = b"/files/upload", **headers: str) -> http.HTTPFlow:
    fields = {"content-type": "text/plain", "content-length": BIG, **headers}
    packed = http.Headers([(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()])
    flow = tflow.tflow(req=tutils.treq(host=HOST, method=b"POST", path=path, headers=packed))
    flow.request.data.content = None
    return flow


def told(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def test_an_upload_goes_to_disk_and_is_answered(talk: Conversation) -> None:
    flow = post()
    reply = talk.upload(flow, b"hello")
    assert (reply.status, list(told(reply))) == (200, ["access_url"])
    assert [path.read_bytes() for path in talk.files] == [b"hello"]
    assert flow.comment == "falmock: no fixture (upload stored)"


@pytest.mark.parametrize(
    "flow",
    [
        post(content_length="10"),
        post(content_encoding="compress"),
        post(b"/files/upload/multipart"),
        tflow.tflow(req=tutils.treq(host=HOST, method=b"POST", path=b"/files/upload")),
    ],
    ids=["small", "an encoding that is not known", "no file", "its body is here"],
)
def test_what_does_not_go_to_disk(talk: Conversation, flow: http.HTTPFlow) -> None:
    assert talk.begin(flow) is None
    assert flow.request.stream is False
    assert talk.files == []


@pytest.mark.parametrize(
    ("method", "length", "large"),
    [
        ("POST", str(SPOOLED_ABOVE + 1), True),
        ("PUT", None, True),
        ("PUT", str(SPOOLED_ABOVE), False),
        ("GET", None, False),
        ("OPTIONS", None, False),
    ],
)
def test_which_requests_are_looked_at(method: str, length: str | None, large: object) -> None:
    headers = http.Headers(**({} if length is None else {"content-length": length}))
    assert upload_intake.may_be_large(tutils.treq(method=method.encode(), headers=headers)) is large


def test_an_encoded_upload(talk: Conversation) -> None:
    assert talk.upload(post(content_encoding="gzip"), gzip.compress(b"hello")).status == 200
    assert [path.read_bytes() for path in talk.files] == [b"hello"]


def test_an_upload_that_is_not_encoded_as_it_says(talk: Conversation) -> None:
    reply = talk.upload(post(content_encoding="gzip"), b"hello")
    assert reply.status == 400
    assert told(reply)["detail"].startswith("The body is not encoded as its headers say: ")
    assert talk.files == []


def test_a_refused_upload_is_removed(talk: Conversation) -> None:
    assert talk.upload(post(x_fal_file_name="../x"), b"hello").status == 422
    assert talk.files == []


def test_an_engine_that_fails(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(talk.app, "_handle", fail)
    assert talk.upload(post(), b"hello").status == 500
    assert talk.files == []


def test_a_mode_that_changes_on_the_way(talk: Conversation) -> None:
    upload = talk.begin(post())
    assert upload is not None
    talk.app.engines.use_config(Config(mode=Mode.PASSTHROUGH))
    upload.sink.write(b"hello")

    async def answer() -> Reply:
        return await upload.answer(upload.sink.content())

    assert asyncio.run(answer()).status == 503
    assert talk.files == []


def test_a_fault_that_resets_the_connection(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Reply(0, (), b"", "x", delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS))
    monkeypatch.setattr(talk.app, "_handle", lambda *_: reply)
    flow = post()
    with mitmproxy():
        sent = talk.upload(flow, b"hello")
    assert flow.error is not None
    # mitmproxy waits for headers before it kills a flow whose request went out: they have to come.
    assert (sent.status, sent.delivery) == (502, None)


def test_a_disk_that_is_full(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falmock.recording.disk.atomic.temporary", lambda folder: folder / "missing" / "x")
    reply = talk.upload(post(), b"hello")
    assert reply.status == 507
    assert "No such file or directory" in told(reply)["detail"]
    assert "TMPDIR" in told(reply)["detail"]


def test_no_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert Conversation(tmp_path).begin(post()) is None
    assert "kept in memory, since it cannot be kept on disk" in caplog.text


def test_nothing_can_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    talk = Conversation(tmp_path, Origin(OSError("no ports")))
    assert talk.begin(post()) is None
    assert "no ports" in caplog.text
    assert talk.files == []
    talk.uploads.stop()


def test_a_short_compressed_upload_goes_to_disk_too(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "FILE_LIMIT", 1000)
    packed = gzip.compress(bytes(100_000))
    flow = post(content_encoding="gzip", content_length=str(len(packed)))
    assert upload_intake.may_be_large(flow.request)
    reply = talk.upload(flow, packed)
    assert reply.status == 413
    assert "bytes of gzip, expected at most" in told(reply)["detail"]
    assert talk.files == []
