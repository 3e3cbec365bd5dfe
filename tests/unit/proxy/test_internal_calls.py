from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from falmock.engine.config import Config
from falmock.engine.effects import Reply
from falmock.engine.engines import Engines
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.matching.miss import Miss
from falmock.proxy import internal_calls
from falmock.proxy.internal_calls import InternalCalls
from falmock.wire.formats.uuid7 import uuid7
from falmock.wire.message import Request
from unit.engine.calls import index_of

RUN = Request("POST", "fal.run", "/a/b", "", {"content-type": "application/json"}, b"{}")


def _nobody(request_id: str) -> None:
    raise AssertionError(f"{request_id} was woken")


def ask(*fixtures: dict[str, Any], request: Request = RUN, **config: Any) -> tuple[Reply, list[Miss]]:
    """The answer, and the misses that were logged."""
    engines = Engines(Config(**config), index_of(*fixtures), lambda now: uuid7(now, 1))
    missed: list[Miss] = []
    return asyncio.run(InternalCalls(engines, missed.append, _nobody).ask(request)), missed


def test_what_a_fixture_answers() -> None:
    reply, missed = ask({"match": {"model": "a/b"}, "response": {"json": {"a": 1}}})
    assert (reply.status, reply.body, reply.fixture, missed) == (200, b'{"a":1}', "test.json#0", [])


def test_the_time_it_takes_is_over() -> None:
    queue = {"started": 0.01, "completed": 0.02}
    slow = {"match": {"model": "a/b"}, "response": {"json": {}}, "queue": queue}
    reply, _ = ask(slow, pace=parse_pace("recorded"))
    assert (reply.status, reply.delay) == (200, 0.0)


def test_a_miss_is_logged() -> None:
    reply, missed = ask()
    assert reply.status == 404
    assert [reply.miss] == missed


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
    engines = Engines(Config(), FixtureLoader([str(tmp_path)]).load().index, lambda now: uuid7(now, 1))
    door = InternalCalls(engines, lambda _: None, _nobody)
    assert asyncio.run(door.ask(RUN)).body == b"png"
    asset.unlink()
    assert asyncio.run(door.ask(RUN)).status == 500


def test_several_at_once() -> None:
    begun: list[int] = []

    async def call(number: int) -> Reply:
        begun.append(number)
        await asyncio.sleep(0)
        assert begun == [1, 2]  # the other did not wait for this one
        return Reply(number, (), b"", "")

    async def both() -> list[Reply]:
        return await internal_calls.together([call(1), call(2)])

    assert [reply.status for reply in asyncio.run(both())] == [1, 2]


def test_who_watches_a_job_hears_that_it_was_cancelled() -> None:
    engines = Engines(Config(pace=parse_pace("manual")), index_of(), lambda now: uuid7(now, 1))
    engines.use_fixtures(index_of({"match": {"model": "a/b"}, "response": {"json": {}}}))
    woken: list[str] = []
    door = InternalCalls(engines, lambda _: None, woken.append)
    asyncio.run(door.ask(RUN._replace(host="queue.fal.run")))
    (job,) = engines.common.scope.jobs.all(0.0)
    assert woken == []
    asyncio.run(door.ask(Request("PUT", "queue.fal.run", f"/a/b/requests/{job.request_id}/cancel", "", {}, b"")))
    assert woken == [job.request_id]
