"""The whole app on a store that others share: every kind of call, while the store is there and while it is away."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
from pathlib import Path
from typing import Any

import pytest

from falmock.edge import Client
from falmock.edge import ForwardedCall
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.sharing import replicas
from falmock.wire.message import Request
from unit.engine.shared.files.uploading import Replicas
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import run
from unit.stores import Away
from unit.stores import Slow

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"images": [{"url": "https://v3.fal.media/files/a/b.png"}]}}}
RUN = Request("POST", "fal.run", "/a/b", "", {"content-type": "application/json"}, b"{}")
A, B = 0, 1


def test_each_call_waits_for_the_store_and_is_refused_while_it_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        apps = Apps(FIXTURE)
        store, _ = apps.through(Away)
        job = (await apps.asked(A, "POST", "https://queue.fal.run/a/b", {})).value["response_url"]
        calls: list[tuple[Any, str, str, Any]] = [
            (apps.asked, "POST", "https://fal.run/a/b", {}),
            (apps.asked, "GET", job, None),
            (apps.told, "POST", "/v1/images/generations", {"model": "a/b", "prompt": "a cat"}),
            (apps.told, "GET", f"{CONTROL}/journal", None),
            (apps.told, "POST", "/__aimock/fixtures", {"fixtures": []}),
            (apps.told, "GET", "/nobodys", None),
        ]
        expected = [200, 200, 200, 200, 200, 404]
        key = {"authorization": "Key kid:a-long-secret"}
        for is_away in (False, True, False):
            store.is_away = is_away
            told = [await ask(A, method, url, body, **key) for ask, method, url, body in calls]
            assert [each.status for each in told] == ([503] * 6 if is_away else expected), told
            if is_away:
                assert all(b"falmock cannot answer this now: no route to the store" in each.body for each in told)
                assert list(told[0].value) == ["detail", "message"]

    with caplog.at_level(logging.INFO):
        run(work())
    assert [record.message for record in caplog.records if "shared state" in record.message] == [
        "falmock: the shared state is not available: no route to the store",
        "falmock: the shared state is available again",
    ]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.PASSTHROUGH])
def test_nothing_goes_to_fal_because_the_store_is_away(mode: Mode) -> None:
    async def work() -> None:
        apps = Apps(mode=mode)
        store, _ = apps.through(Away)
        assert isinstance(await apps.apps[A].answer(RUN), ForwardedCall)
        store.is_away = True
        told = await apps.apps[A].answer(RUN)
        assert isinstance(told, Reply)
        assert told.status == 503

    run(work())


def test_a_job_is_looked_at_each_time() -> None:
    def form(apps: Apps, url: str) -> object:
        host, _, path = url.removeprefix("https://").partition("/")
        return apps.apps[A].form_of(Request("GET", host, f"/{path}", "", {}, b""), Client())

    async def work() -> None:
        for is_alone in (True, False):
            apps = Apps(FIXTURE, is_alone=is_alone)
            job = (await apps.asked(A, "POST", "https://queue.fal.run/a/b", {})).value["status_url"]
            assert (form(apps, job) is None) is not is_alone, "others may have moved it"

    run(work())


def test_what_no_door_is_for_is_in_the_journal_of_all() -> None:
    async def work() -> None:
        apps = Apps(FIXTURE)
        assert (await apps.told(A, "GET", "/nobodys")).status == 404
        (entry,) = (await apps.told(B, "GET", f"{CONTROL}/journal")).value["entries"]
        assert (entry["path"], entry["status"]) == ("/nobodys", 404)

    run(work())


def test_calls_of_a_door_are_in_the_state_of_all() -> None:
    async def work() -> None:
        turns = [{"match": {"model": "a/b"}, "response": {"json": {"images": [{"url": url}]}}} for url in ("1", "2")]
        apps = Apps(*turns)
        made = [
            await apps.told(app, "POST", "/v1/images/generations", {"model": "a/b", "prompt": "x"}) for app in (A, B)
        ]
        assert [each.value["data"][0]["url"][-1] for each in made] == ["1", "2"]

    run(work())


def test_what_is_decided_again_asks_fal_once() -> None:
    """One of aimock's older routes waits for what fal says; the error that it takes at the same time is contested."""

    async def work() -> None:
        apps = Apps(mode=Mode.PASSTHROUGH)
        apps.through(lambda store: Slow(store, itertools.cycle((0, 1, 2))))
        await apps.told(A, "POST", "/__aimock/error", {"status": 418})
        told = await asyncio.gather(*(apps.told(app, "POST", "/fal/queue/submit/a/b", {}) for app in (A, B) * 3))
        assert sorted(each.status for each in told) == [200] * 5 + [418]
        assert sum(len(edge.forwarded) for edge in apps.edges) == 5

    run(work())
    gc.collect()


@pytest.mark.parametrize("fails", [False, True])
def test_parts_of_an_upload_are_joined(tmp_path: Path, *, fails: bool) -> None:
    async def work() -> None:
        shared = Replicas(tmp_path)
        url, complete, parts = await shared.multipart((A, B), [b"one-", b"two"], spooled=True)
        if fails:
            shared.edges[B].join = full  # type: ignore[method-assign]
        done = await shared.send(B, "POST", complete, parts)
        assert done.status == (507 if fails else 200), done
        if not fails:
            assert (await shared.send(A, "GET", url)).body == b"one-two"
        await shared.leave()

    async def full(_: object) -> Any:
        raise OSError("No space left on device")

    asyncio.run(work())


def test_one_that_leaves_has_written_what_it_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "ALIVE", 6.0)

    async def work() -> None:
        apps = Apps(FIXTURE)
        leaving, left = apps.apps
        for app in apps.apps:
            app.join()
            assert isinstance(await app.answer(RUN), Reply)
        await leaving.leave()
        leaving.stop()
        apps.wait(4)  # it looks who is there, every three seconds at least
        told = await apps.told(B, "GET", f"{CONTROL}/journal")
        assert [entry["number"] for entry in told.value["entries"]] == [1, 2]
        (replica,) = (await apps.told(B, "GET", f"{CONTROL}/health")).value["replicas"]
        assert replica["id"] == apps.state(B).replicas.own
        await left.leave()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(work())
