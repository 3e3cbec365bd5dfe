"""The whole app, driven without a flow: calls, doors, uploads, and the log of misses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import falmock.app
from falmock.app import App
from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.edge import Needs
from falmock.engine import replies
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.gateway.door import Ask
from falmock.gateway.door import Doors
from falmock.gateway.door import FalCall
from falmock.wire.message import Content
from falmock.wire.message import Request
from falmock.wire.message import content_of
from unit.apps import TestEdge
from unit.apps import app_of
from unit.proxy.loopback import until

RUN = Request("POST", "fal.run", "/a/b", "", {"content-type": "application/json"}, b"{}")
REQUEST = Request("GET", "127.0.0.1", "/mine", "", {}, b"")
ANSWER = Reply(200, (), b"answered", "answered")


class Door:
    """A door that answers with what `act` returns."""

    name = "the only one"

    def __init__(self, act: Callable[[], Awaitable[Reply | FalCall]]) -> None:
        self._act = act

    def claims(self, request: Request) -> bool:
        return request.path in ("/mine", "/__falmock/mine")

    async def answer(self, request: Request, ask: Ask, now: float) -> Reply | FalCall:  # noqa: ARG002
        return await self._act()


def only_door(act: Callable[[], Awaitable[Reply | FalCall]]) -> App:
    """An app whose only door does this."""
    app = app_of()
    app._doors = Doors(app.engines, [Door(act)])
    return app


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(falmock.app, "LOOKS_AGAIN", 0.001)


def left_over() -> set[str]:
    """The tasks that the test did not start itself."""
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def test_an_answer_that_takes_its_time() -> None:
    async def takes_time() -> None:
        looked: list[bool] = []
        is_enough = asyncio.Event()

        async def act() -> Reply:
            await is_enough.wait()
            return ANSWER

        def is_there() -> bool:
            looked.append(True)
            if len(looked) == 3:
                is_enough.set()
            return True

        assert await only_door(act).answer(REQUEST, Client(is_direct=True, is_there=is_there)) == ANSWER

    asyncio.run(takes_time())


def test_a_door_stops_when_its_client_goes_and_is_let_finish() -> None:
    done: list[str] = []

    async def act() -> Reply:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)  # long enough for another check of the client: the end is not cut short
            done.append("cancelled the job")
        return ANSWER

    async def goes() -> None:
        reply = await only_door(act).answer(REQUEST, Client(is_direct=True, is_there=lambda: False))
        assert isinstance(reply, Reply)
        assert (reply.status, done) == (499, ["cancelled the job"])
        assert left_over() == set()

    asyncio.run(goes())


def test_a_door_that_fails_is_a_500_with_one_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def act() -> Reply:
        raise ValueError("no")

    reply = asyncio.run(only_door(act).answer(REQUEST, Client(is_direct=True, is_there=lambda: True)))
    assert isinstance(reply, Reply)
    assert (reply.status, list(json.loads(reply.body))) == (500, ["detail", "message", "error"])
    assert caplog.text.count("Traceback") == 1
    assert "falmock: GET 127.0.0.1/mine failed" in caplog.text


def test_no_header_of_an_answer_has_control_characters() -> None:
    async def act() -> Reply:
        return Reply(200, ((b"x-any", b" a\r\nb: c\x00"),), b"", "a reason")

    reply = asyncio.run(only_door(act).answer(REQUEST, Client(is_direct=True, is_there=lambda: True)))
    assert isinstance(reply, Reply)
    assert reply.headers == ((b"x-any", b"a%0D%0Ab: c%00"),)


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.REPLAY, 500), (Mode.AUTO, 500), (Mode.RECORD, None), (Mode.PASSTHROUGH, None)]
)
def test_when_falmock_fails_only_what_would_go_to_fal_anyway_goes_there(
    monkeypatch: pytest.MonkeyPatch, mode: Mode, status: int | None
) -> None:
    app = app_of(mode=mode)

    def fail(*_: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(app, "_handle", fail)
    answer = asyncio.run(app.answer(Request("POST", "fal.run", "/a/b", "", {}, b"{}")))
    assert (answer.status if isinstance(answer, Reply) else None) == status
    assert isinstance(answer, ForwardedCall if status is None else Reply)


def test_when_mitmproxy_ends_so_does_the_door() -> None:
    async def ends() -> None:
        began = asyncio.Event()

        async def act() -> Reply:
            began.set()
            await asyncio.Event().wait()
            return ANSWER

        answering = asyncio.ensure_future(only_door(act).answer(REQUEST, Client(is_direct=True, is_there=lambda: True)))
        await began.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        await asyncio.sleep(0)
        assert left_over() == set()

    asyncio.run(ends())


def test_a_path_that_no_door_is_for() -> None:
    reply = asyncio.run(
        only_door(lambda: asyncio.sleep(0, ANSWER)).answer(REQUEST._replace(path="/other"), Client(is_direct=True))
    )
    assert isinstance(reply, Reply)
    assert (reply.status, b"the only one" in bytes(reply.body)) == (404, True)  # type: ignore[arg-type]


# calls that doors make


def ask(*fixtures: dict[str, Any], request: Request = RUN, **config: Any) -> tuple[Reply, list[str]]:
    """The answer to a call that a door makes, and the misses that were logged."""
    logged: list[str] = []
    app = app_of(*fixtures, **config)
    app.misses.tell = lambda miss: logged.append(miss.text)  # type: ignore[method-assign]
    return asyncio.run(app.ask(request)), logged


def test_what_a_fixture_answers() -> None:
    reply, logged = ask({"match": {"model": "a/b"}, "response": {"json": {"a": 1}}})
    assert (reply.status, reply.body, reply.fixture, logged) == (200, b'{"a":1}', "test.json#0", [])


def test_the_time_it_takes_is_over() -> None:
    queue = {"started": 0.01, "completed": 0.02}
    slow = {"match": {"model": "a/b"}, "response": {"json": {}}, "queue": queue}
    reply, _ = ask(slow, pace=parse_pace("recorded"))
    assert (reply.status, reply.delay) == (200, 0.0)


def test_a_miss_is_logged() -> None:
    reply, logged = ask()
    assert reply.status == 404
    assert reply.miss is not None
    assert logged == [reply.miss.text]


def test_a_stream_is_no_whole_answer() -> None:
    streamed = {"match": {"model": "a/b/stream"}, "response": {"json": {}}, "stream": [{"json": {"a": 1}}]}
    reply, _ = ask(
        streamed, request=RUN._replace(path="/a/b/stream", headers={**RUN.headers, "accept": "text/event-stream"})
    )
    assert reply.status == 501


def test_a_file_comes_as_bytes_while_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "_assets").mkdir()
    asset = tmp_path / "_assets" / "a.png"
    asset.write_bytes(b"png")
    (tmp_path / "a.json").write_text('{"fixtures": [{"match": {"model": "a/b"}, "response": {"file": "a.png"}}]}')
    app = app_of(index=FixtureLoader([str(tmp_path)]).load().index)
    assert asyncio.run(app.ask(RUN)).body == b"png"
    asset.unlink()
    assert asyncio.run(app.ask(RUN)).status == 500


def test_several_at_once() -> None:
    begun: list[int] = []

    async def call(number: int) -> Reply:
        begun.append(number)
        await asyncio.sleep(0)
        assert begun == [1, 2]  # the other did not wait for this one
        return Reply(number, (), b"", "")

    async def both() -> list[Reply]:
        return await falmock.app._together([call(1), call(2)])

    assert [reply.status for reply in asyncio.run(both())] == [1, 2]


def test_who_watches_a_job_hears_that_it_was_cancelled() -> None:
    edge = TestEdge()
    app = app_of({"match": {"model": "a/b"}, "response": {"json": {}}}, edge=edge, pace=parse_pace("manual"))
    asyncio.run(app.ask(RUN._replace(host="queue.fal.run")))
    (job,) = app.engines.common.scope.jobs.all(0.0)
    assert edge.woken == []
    asyncio.run(app.ask(Request("PUT", "queue.fal.run", f"/a/b/requests/{job.request_id}/cancel", "", {}, b"")))
    assert edge.woken == [job.request_id]


# uploads


STORAGE = "v3.fal.media"


class Uploads:
    """An app and its folder of uploaded files."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.edge = TestEdge(folder)
        self.app = app_of(edge=self.edge, **config)

    def ask(self, method: str, path: str, body: bytes = b"", content: Content | None = None) -> Reply:
        headers = {"content-type": "text/plain", "content-length": "2000000"}
        request = Request(method, STORAGE, path, "", headers, body, content)
        answer = asyncio.run(self.app.answer(request))
        assert isinstance(answer, Reply)
        return answer

    def begin(self) -> str:
        """The path of an upload in parts."""
        answer = self.ask("POST", "/files/upload/multipart")
        assert isinstance(answer.body, bytes)
        return str(json.loads(answer.body)["access_url"]).removeprefix("https://v3b.fal.media")

    def part(self, text: bytes) -> Content:
        """A part on disk."""
        file = self.folder / f"part-{text.decode()}"
        file.write_bytes(text)
        return content_of(text)._replace(data=None, file=str(file))


def test_parts_are_joined(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = uploads.begin()
    for number, part in ((2, b"two"), (1, b"one")):
        assert uploads.ask("PUT", f"{path}/{number}", content=uploads.part(part)).status == 200
    complete = b'{"parts": [{"partNumber": 2}, {"partNumber": 1}]}'
    assert uploads.ask("POST", f"{path}/complete", complete).status == 200
    assert (tmp_path / "whole").read_bytes() == b"onetwo"
    assert sorted(Path(file).name for file in uploads.edge.removed) == ["part-one", "part-two"]
    *_, entry = uploads.app.engines.common.scope.journal.entries
    assert (entry.path, entry.status) == (f"{path}/complete", 200)


def test_parts_that_cannot_be_joined(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = uploads.begin()
    for number, part in ((1, b"one"), (2, b"two")):
        uploads.ask("PUT", f"{path}/{number}", content=uploads.part(part))
    (tmp_path / "part-one").unlink()
    complete = b'{"parts": [{"partNumber": 1}, {"partNumber": 2}]}'
    assert uploads.ask("POST", f"{path}/complete", complete).status == 507
    assert not (tmp_path / "whole").exists()
    *_, entry = uploads.app.engines.common.scope.journal.entries
    assert (entry.path, entry.status) == (f"{path}/complete", 507)


def test_parts_that_nobody_goes_on_with_are_removed(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, job_ttl=0.2)
    path = uploads.begin()
    part = uploads.part(b"one")
    request = Request("PUT", STORAGE, f"{path}/1", "", {"content-type": "text/plain"}, b"", part)

    async def wait() -> None:
        await uploads.app.answer(request)
        assert uploads.edge.removed == []
        uploads.edge.time += 1
        await until(lambda: uploads.edge.removed == [part.file])
        assert uploads.app._tidy_timer is None
        await uploads.app.answer(request._replace(content=uploads.part(b"more")))
        assert uploads.app._tidy_timer is not None
        uploads.app.stop()
        assert uploads.app._tidy_timer is None

    asyncio.run(wait())


# what a call comes to


def test_a_call_is_answered_and_noted_whoever_carries_it() -> None:
    app = app_of({"match": {"model": "a/b"}, "response": {"json": {"a": 1}}})
    answer = asyncio.run(app.answer(RUN))
    assert isinstance(answer, Reply)
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    (entry,) = app.engines.common.scope.journal.entries
    assert (entry.path, entry.status) == ("/a/b", 200)


def test_a_call_belongs_to_its_scope() -> None:
    app = app_of({"match": {"model": "a/b"}, "response": {"json": 1}})
    request = RUN._replace(scope="mine")
    assert app.needs(request) == Needs("mine")
    asyncio.run(app.answer(request))
    assert len(app.engines.of("mine").scope.journal) == 1
    assert len(app.engines.common.scope.journal) == 0


def test_what_goes_on_to_fal() -> None:
    answer = asyncio.run(app_of(mode=Mode.PASSTHROUGH).answer(RUN))
    assert isinstance(answer, ForwardedCall)
    assert (answer.request, answer.rewrite) == (RUN, None)


def test_a_door_has_the_real_fal_asked() -> None:
    edge = TestEdge()
    reply = asyncio.run(app_of(edge=edge, mode=Mode.PASSTHROUGH).ask(RUN))
    assert (reply.body, edge.forwarded) == (b"fal's own", [RUN])


def test_a_door_rewrites_what_the_parts_came_to(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = uploads.begin()
    uploads.ask("PUT", f"{path}/1", content=uploads.part(b"one"))
    complete = Request("POST", STORAGE, f"{path}/complete", "", {}, b'{"parts": [{"partNumber": 1}]}')
    uploads.app._doors = Doors(uploads.app.engines, [Door(lambda: asyncio.sleep(0, FalCall(complete, marked)))])
    answer = asyncio.run(uploads.app.answer(REQUEST, Client(is_direct=True)))
    assert isinstance(answer, Reply)
    *_, entry = uploads.app.engines.common.scope.journal
    assert (answer.status, entry.status) == (299, 299)


def marked(effect: Reply | Stream) -> Reply | Stream:
    """An answer as a door rewrites it."""
    return effect._replace(status=299)


def test_a_door_rewrites_what_fal_answered() -> None:
    assert asyncio.run(app_of(mode=Mode.PASSTHROUGH).ask(RUN, marked)).status == 299


def test_a_door_may_keep_a_call_from_fal() -> None:
    app = only_door(
        lambda: asyncio.sleep(0, FalCall(RUN, marked, lambda forward: replies.problem(503, "no", forward.why)))
    )
    app.engines.use_config(Config(mode=Mode.PASSTHROUGH))
    answer = asyncio.run(app.answer(REQUEST, Client(is_direct=True)))
    assert isinstance(answer, Reply)
    assert (answer.status, answer.why) == (299, "passthrough")
    assert [(entry.path, entry.status) for entry in app.engines.common.scope.journal] == [("/a/b", 299)]


def test_other_fixtures_miss_anew(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    app = app_of()
    for _ in range(2):
        app.fixtures.load(FixtureLoader([str(tmp_path)]))
        for _ in range(2):
            asyncio.run(app.answer(RUN))
    assert len([text for text in caplog.messages if "no fixture answers this call to a/b" in text]) == 2


def test_a_warning_is_logged_once_for_whole_answers_and_streams(caplog: pytest.LogCaptureFixture) -> None:
    app = app_of({"match": {}, "response": {"json": 1}})

    async def main() -> list[str]:
        submit = RUN._replace(host="queue.fal.run", path="/a/b")
        answer = await app.answer(submit)
        assert isinstance(answer, Reply)
        assert isinstance(answer.body, bytes)
        request_id = json.loads(answer.body)["request_id"]
        seen = []
        for path in ("/status", "/status", "/status/stream", "/status/stream"):
            url = f"/other/app/requests/{request_id}{path}"
            told = await app.answer(Request("GET", "queue.fal.run", url, "", {}, b""))
            assert isinstance(told, Reply | Stream)
            seen.append(told.warning)
        return seen

    warnings = asyncio.run(main())
    logged = [record.getMessage() for record in caplog.records if "another app" in record.getMessage()]
    assert logged == [f"falmock: {warning}" for warning in dict.fromkeys(warnings)]
    assert len(logged) == 2


@pytest.mark.parametrize("mode", [Mode.REPLAY, Mode.PASSTHROUGH])
def test_what_is_written_on_a_flow_has_no_secret(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a-long-secret-of-ours"
    app = app_of(mode=mode)
    app.redactor.learn_value(secret)
    effect: Reply | Forward = Forward(secret)
    if mode is Mode.REPLAY:
        effect = Reply(200, (), b"", secret, fault=secret, warning=secret, progress=secret)
    monkeypatch.setattr(app, "_handle", lambda *_: effect)
    answer = asyncio.run(app.answer(RUN))
    shown = answer.forward if isinstance(answer, ForwardedCall) else answer
    assert isinstance(shown, type(effect))
    assert secret not in str(shown)
    assert shown.why == "[hidden]"
