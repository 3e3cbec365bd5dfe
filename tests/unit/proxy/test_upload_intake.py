from __future__ import annotations

import asyncio
import gzip
import json
import tempfile
import time
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
from falmock.engine.effects import Join
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.engine import SPOOLED_ABOVE
from falmock.engine.engines import Engines
from falmock.fixtures.matching.index import Index
from falmock.proxy import flows
from falmock.proxy import upload_intake
from falmock.proxy.upload_intake import UploadIntake
from falmock.serving.effect_source import Upload
from falmock.wire.message import Content
from falmock.wire.message import content_of
from unit.proxy.loopback import until
from unit.proxy.mitm import mitmproxy

HOST = "v3.fal.media"
BIG = str(2**21)


class Stage:
    """Takes what the origin would be given."""

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

    def __init__(self, folder: Path, responder: Stage | None = None) -> None:
        self.folder = folder
        self.engine = Engines(Config(mode=Mode.REPLAY), Index(), lambda _: "id")
        self.responder = responder or Stage()
        self.intake = UploadIntake(self.engine, self.responder)  # type: ignore[arg-type]

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
    conversation.intake.stop()
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
        post(content_encoding="br"),
        post(b"/files/upload/multipart"),
        tflow.tflow(req=tutils.treq(host=HOST, method=b"POST", path=b"/files/upload")),
    ],
    ids=["small", "an encoding we do not read in pieces", "no file", "its body is here"],
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

    monkeypatch.setattr(talk.engine, "handle", fail)
    with pytest.raises(RuntimeError, match="bug"):
        talk.upload(post(), b"hello")
    assert talk.files == []


def test_a_mode_that_changes_on_the_way(talk: Conversation) -> None:
    upload = talk.begin(post())
    assert upload is not None
    talk.engine.use_config(Config(mode=Mode.PASSTHROUGH))
    upload.sink.write(b"hello")

    async def answer() -> Reply:
        return await upload.answer(upload.sink.content())

    assert asyncio.run(answer()).status == 503
    assert talk.files == []


def test_a_fault_that_resets_the_connection(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = Reply(0, (), b"", "x", delivery=Delivery(reset=ResetPoint.BEFORE_HEADERS))
    monkeypatch.setattr(talk.engine, "handle", lambda *_: reply)
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
    talk = Conversation(tmp_path, Stage(OSError("no ports")))
    assert talk.begin(post()) is None
    assert "no ports" in caplog.text
    assert talk.files == []
    talk.intake.stop()


def test_parts_are_joined(talk: Conversation) -> None:
    started = flows.read(post(b"/files/upload/multipart"), HOST)
    path = told(_reply(talk.engine.handle(started, 1.0)))["access_url"].removeprefix("https://v3b.fal.media")
    for number, part in ((2, b"two"), (1, b"one")):
        arrival = talk.intake._depot.upload("")
        arrival.write(part)
        put = started._replace(method="PUT", path=f"{path}/{number}", content=arrival.content())
        assert _reply(talk.engine.handle(put, 1.0)).status == 200
    complete = started._replace(path=f"{path}/complete", body=b'{"parts": [{"partNumber": 2}, {"partNumber": 1}]}')
    join = talk.engine.handle(complete, 1.0)
    assert isinstance(join, Join)
    assert asyncio.run(talk.intake.join(complete, join)).status == 200
    assert [file.read_bytes() for file in talk.files] == [b"onetwo"]
    *_, entry = talk.engine.common.scope.journal.entries
    assert (entry.path, entry.status) == (f"{path}/complete", 200)


def test_parts_that_cannot_be_joined(talk: Conversation) -> None:
    join = Join("/x", (content_of(b"x"), Content("0" * 64, 1, file="/no/such/file")), "joined")
    reply = asyncio.run(talk.intake.join(flows.read(post(), HOST), join))
    assert reply.status == 507
    assert talk.files == []
    assert [entry.status for entry in talk.engine.common.scope.journal.entries] == [507]


def test_parts_that_nobody_goes_on_with_are_removed(talk: Conversation) -> None:
    talk.engine.use_config(Config(mode=Mode.REPLAY, job_ttl=0.2))
    started = flows.read(post(b"/files/upload/multipart"), HOST)
    path = told(_reply(talk.engine.handle(started, 1.0)))["access_url"].removeprefix("https://v3b.fal.media")
    arrival = talk.intake._depot.upload("")
    arrival.write(b"one")
    put = started._replace(method="PUT", path=f"{path}/1", content=arrival.content())

    async def wait() -> None:
        talk.engine.handle(put, time.time())
        talk.intake.clear()
        assert len(talk.files) == 1
        await until(lambda: not talk.files)
        assert talk.intake._timer is None
        talk.engine.handle(put._replace(content=content_of(b"more")), time.time())
        talk.intake.clear()
        talk.intake.stop()
        assert talk.intake._timer is None

    asyncio.run(wait())


def _reply(effect: object) -> Reply:
    assert isinstance(effect, Reply)
    return effect
