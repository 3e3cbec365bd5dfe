"""What one falmock sets up is there at the other, with its next call."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from falmock.engine.effects import Socket
from falmock.fixtures.matching.index import Index
from falmock.wire.message import Request
from unit.engine.calls import index_of
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import run
from unit.engine.talks import UPGRADE
from unit.engine.talks import packed

TURNS = tuple({"match": {"model": "test/turns"}, "response": {"json": {"turn": turn}}} for turn in (1, 2, 3))
MINE = {"match": {"model": "test/turns"}, "response": {"json": {"turn": "mine"}}}
IN_A = {"x_falmock_scope": "a"}
IN_B = {"x_falmock_scope": "b"}
A, B = 0, 1


def both(scenario: Callable[[Apps], Any]) -> None:
    """What holds for two falmocks on one store holds for one with its state in memory: it is the one that is right."""
    run(scenario(Apps(*TURNS, is_alone=True)))
    run(scenario(Apps(*TURNS)))


async def turn(apps: Apps, app: int, **headers: str) -> Any:
    """What a run is answered with, by one of the apps."""
    told = await apps.asked(app, "POST", "https://fal.run/test/turns", {}, **headers)
    return told.value["turn"] if told.status == 200 else told.status


@pytest.mark.parametrize("headers", [{}, IN_A], ids=["shared scope", "named scope"])
def test_fixtures_added_at_one_answer_at_the_other(headers: dict[str, str]) -> None:
    async def scenario(apps: Apps) -> None:
        assert await turn(apps, B, **headers) == 1
        added = await apps.told(A, "POST", f"{CONTROL}/fixtures", MINE, **headers)
        assert (added.status, added.value["added"]) == (201, "1")
        assert await turn(apps, B, **headers) == "mine"
        assert await turn(apps, B, **{**headers, **IN_B}) == 1  # no other scope has it
        listed = await apps.told(B, "GET", f"{CONTROL}/fixtures?added=true", **headers)
        assert [each["id"] for each in listed.value["fixtures"]] == ["added/1#0"]
        again = await apps.told(
            B, "POST", f"{CONTROL}/fixtures", {**MINE, "response": {"json": {"turn": 5}}}, **headers
        )
        assert again.value["added"] == "2"
        assert await turn(apps, A, **headers) == 5
        removed = await apps.told(A, "DELETE", f"{CONTROL}/fixtures/2", **headers)
        assert removed.value == {"removed": ["added/2#0"]}
        assert await turn(apps, B, **headers) == "mine"
        await apps.told(B, "DELETE", f"{CONTROL}/fixtures", **headers)
        assert await turn(apps, A, **headers) == 1  # the sequence has begun anew

    both(scenario)


def test_files_of_added_fixtures_are_served_by_all() -> None:
    async def scenario(apps: Apps) -> None:
        body = {
            "match": {"model": "test/image"},
            "response": {"json": {"image": {"$file": "dot.gif"}}},
            "assets": {"dot.gif": base64.b64encode(b"GIF89a dot").decode()},
        }
        assert (await apps.told(A, "POST", f"{CONTROL}/fixtures", body, **IN_A)).status == 201
        told = await apps.asked(B, "POST", "https://fal.run/test/image", {}, **IN_A)
        url = told.value["image"]["url"] if isinstance(told.value["image"], dict) else told.value["image"]
        for app in (B, A):  # a URL has no scope
            assert (await apps.asked(app, "GET", url)).body == b"GIF89a dot"
        await apps.told(A, "DELETE", f"{CONTROL}/fixtures", **IN_A)
        for app in (B, A):
            assert (await apps.asked(app, "GET", url)).status == 404

    both(scenario)


def test_fixtures_added_to_all_scopes() -> None:
    async def scenario(apps: Apps) -> None:
        assert [await turn(apps, app, **IN_A) for app in (A, B)] == [1, 2]
        assert await turn(apps, A) == 1
        assert (await apps.told(A, "POST", "/__aimock/fixtures", {"fixtures": [MINE]})).value == {"added": 1}
        assert [await turn(apps, B, **headers) for headers in ({}, IN_A, IN_B)] == ["mine"] * 3
        await apps.told(B, "DELETE", "/__aimock/fixtures")
        # All scopes begin the sequence anew, also those that the one that removed them never saw.
        assert [await turn(apps, A, **headers) for headers in ({}, IN_A, IN_A)] == [1, 1, 2]

    both(scenario)


def test_faults_and_pace() -> None:
    async def scenario(apps: Apps) -> None:
        rules = {
            "seed": 3,
            "faults": [{"match": {"model": "test/*"}, "fault": {"error": "runner_disconnected", "times": 2}}],
        }
        set_at_a = await apps.told(A, "PUT", f"{CONTROL}/faults", rules, **IN_A)
        assert [await turn(apps, app, **IN_A) for app in (B, A, B, A)] == [503, 503, 1, 2]
        listed = await apps.told(B, "GET", f"{CONTROL}/faults", **IN_A)
        expected = [{**each, "struck": 2} for each in set_at_a.value["faults"]]
        assert listed.value["faults"] == expected
        await apps.told(B, "DELETE", f"{CONTROL}/faults", **IN_A)
        assert (await apps.told(A, "GET", f"{CONTROL}/faults", **IN_A)).value == {"faults": []}
        assert (await apps.told(A, "PUT", f"{CONTROL}/pace", {"pace": "manual"}, **IN_A)).value == {"pace": "manual"}
        assert await status(apps, B, **IN_A) == "IN_QUEUE"
        assert await status(apps, B, **IN_B) == "COMPLETED"
        await apps.told(B, "PUT", f"{CONTROL}/pace", {"pace": None}, **IN_A)
        assert await status(apps, A, **IN_A) == "COMPLETED"

    both(scenario)


async def status(apps: Apps, app: int, **headers: str) -> Any:
    """The state of a new job at one app, as the other sees it."""
    made = await apps.asked(app, "POST", "https://queue.fal.run/test/turns", {}, **headers)
    path = f"https://queue.fal.run/test/turns/requests/{made.value['request_id']}/status"
    return (await apps.asked(1 - app, "GET", path, **headers)).value["status"]


def test_scopes_and_resets() -> None:
    async def scenario(apps: Apps) -> None:

        async def names(app: int) -> list[str]:
            told = await apps.told(app, "GET", f"{CONTROL}/scopes")
            return [each["name"] for each in told.value["scopes"]]

        assert await names(A) == [""]
        assert (await apps.told(A, "PUT", f"{CONTROL}/scopes/a", {"pace": "manual"})).status == 201
        assert (await apps.told(B, "PUT", f"{CONTROL}/scopes/a")).status == 200
        assert await turn(apps, B, **IN_B) == 1
        assert await names(A) == await names(B) == ["", "a", "b"]
        apps.wait(2)
        assert await turn(apps, A, **IN_A) == 1
        assert await names(B) == ["", "b", "a"]
        assert (await apps.told(A, "DELETE", f"{CONTROL}/scopes/b")).status == 200
        assert (await apps.told(B, "DELETE", f"{CONTROL}/scopes/b")).status == 404
        assert await names(B) == ["", "a"]
        assert await turn(apps, B, **IN_B) == 1
        await apps.told(B, "POST", f"{CONTROL}/reset", **IN_A)
        assert await names(A) == ["", "b"]
        assert [await turn(apps, app, **IN_A) for app in (A, B, A)] == [1, 2, 3]
        assert await status(apps, A, **IN_A) == "COMPLETED"  # its pace went with the reset
        await apps.told(A, "POST", f"{CONTROL}/reset?all=true")
        assert await names(B) == [""]
        assert [await turn(apps, B, **headers) for headers in (IN_A, IN_B, {})] == [1, 1, 1]

    both(scenario)


def test_aliases() -> None:
    async def scenario(apps: Apps) -> None:
        worker = {"x_falmock_scope": "worker"}
        await apps.told(A, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": "one"})
        assert await turn(apps, B, **worker) == 1
        assert await turn(apps, B, x_falmock_scope="one") == 2
        await apps.told(B, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": "two"})
        assert await turn(apps, A, **worker) == 1
        await apps.told(A, "POST", f"{CONTROL}/reset?all=true")
        assert [await turn(apps, A, **worker), await turn(apps, B, x_falmock_scope="two")] == [
            1,
            2,
        ]  # it is an alias still
        await apps.told(B, "DELETE", f"{CONTROL}/scopes/two")
        assert [await turn(apps, A, **worker), await turn(apps, B, x_falmock_scope="two")] == [1, 1]
        await apps.told(B, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": "two"})
        await apps.told(A, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": None})
        assert await turn(apps, B, **worker) == 2
        await apps.told(B, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": "two"})
        await apps.told(A, "PUT", f"{CONTROL}/scopes/worker", {"alias_of": "worker"})  # of itself: of nothing
        assert await turn(apps, B, **worker) == 3

    both(scenario)


def test_two_changes_at_once_are_both_there() -> None:
    async def scenario(apps: Apps) -> None:
        bodies = [{"match": {"model": f"test/m{number}"}, "response": {"json": number}} for number in range(6)]
        added = await asyncio.gather(
            *(apps.told(number, "POST", f"{CONTROL}/fixtures", body, **IN_A) for number, body in enumerate(bodies))
        )
        assert sorted(each.value["added"] for each in added) == list("123456")
        for number in range(6):
            for app in (A, B):
                assert (await apps.asked(app, "POST", f"https://fal.run/test/m{number}", {}, **IN_A)).value == number

    both(scenario)


def test_aimocks_chaos_and_errors() -> None:
    async def scenario(apps: Apps) -> None:
        fal = {"x_fal_target_host": "fal.run"}

        async def statuses(*to: int, **headers: str) -> list[int]:
            return [(await apps.told(app, "POST", "/fal/test/turns", {}, **fal, **headers)).status for app in to]

        await apps.told(A, "POST", "/__aimock/error", {"status": 418})
        await apps.told(B, "POST", "/__aimock/error", {"status": 419})
        assert await statuses(B, B, A) == [418, 419, 200]
        await apps.told(A, "POST", "/__aimock/chaos", {"dropRate": 1})
        assert await statuses(B, A) == [500, 500]
        await apps.told(B, "POST", "/__aimock/chaos", {}, x_test_id="a")
        assert await statuses(A, x_test_id="a") == [200]
        await apps.told(B, "DELETE", "/__aimock/chaos")
        assert await statuses(A, B) == [200, 200]
        await apps.told(B, "POST", "/__aimock/chaos", {"dropRate": 1}, x_test_id="a")
        await apps.told(B, "POST", "/__aimock/reset")
        assert await statuses(A, x_test_id="a") == [200]

    both(scenario)


def test_a_miss_names_the_scope_that_would_answer() -> None:
    async def scenario(apps: Apps) -> None:
        only_there = {"match": {"model": "test/there"}, "response": {"json": 1}}
        await apps.told(A, "POST", f"{CONTROL}/fixtures", only_there, **IN_A)
        told = await apps.asked(B, "POST", "https://fal.run/test/there", {}, **IN_B)
        assert told.status == 404
        assert "answers this call: a." in told.body.decode()

    both(scenario)


def test_jobs_keep_the_results_of_fixtures_that_were_removed() -> None:
    async def scenario(apps: Apps) -> None:
        await apps.told(A, "POST", f"{CONTROL}/fixtures", MINE)
        made = await apps.asked(A, "POST", "https://queue.fal.run/test/turns", {})
        await apps.told(A, "DELETE", f"{CONTROL}/fixtures")
        url = made.value["response_url"]
        assert [(await apps.asked(app, "GET", url)).value for app in (B, A)] == [{"turn": "mine"}] * 2

    both(scenario)


def test_fixtures_may_have_other_names_elsewhere_but_no_other_content() -> None:
    async def scenario() -> None:
        apps = Apps(*TURNS)
        made = await apps.asked(A, "POST", "https://queue.fal.run/test/turns", {})
        url = made.value["response_url"]
        apps.apps[B].engines.use_fixtures(
            Index([each._replace(source="else.json") for each in index_of(*TURNS).fixtures])
        )
        assert (await apps.asked(B, "GET", url)).value == {"turn": 1}
        apps.apps[B].engines.use_fixtures(index_of(MINE))
        other = await apps.asked(A, "POST", "https://queue.fal.run/test/turns", {})
        told = await apps.asked(B, "GET", other.value["response_url"])
        assert told.status == 503
        assert "all falmocks of a store must have the same fixtures" in told.body.decode()

    run(scenario())


def test_an_open_socket_answers_by_what_is_set_up_by_then() -> None:
    async def scenario(apps: Apps) -> None:
        request = Request(
            "GET", "fal.run", "/test/turns/realtime", "", {**UPGRADE, "x-falmock-scope": "a"}, b"", scope="a"
        )
        socket = await apps.apps[-1].answer(request)
        assert isinstance(socket, Socket), socket
        talk = socket.conversation
        talk.opened(apps.edges[0].time)

        async def said(message: str) -> list[Any]:
            step = talk.received(message, apps.edges[0].time)
            frames = list(step.frames)
            for _ in range(20):
                await asyncio.sleep(0)
                apps.wait(0.1)
                frames += talk.due(apps.edges[0].time).frames
            return frames

        assert packed({"turn": 1}) in await said("{}")
        await apps.told(A, "POST", f"{CONTROL}/fixtures", MINE, **IN_A)
        assert packed({"turn": "mine"}) in await said("{}")

    both(scenario)
