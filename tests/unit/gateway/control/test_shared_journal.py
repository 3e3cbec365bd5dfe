"""The journal that several falmocks share, as the control API shows it at any of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

import pytest

from falmock.engine import journal
from falmock.engine.shared import journal as shared_journal
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps

SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
FIXTURE = {"match": {"model": "t/e"}, "response": {"json": {"n": 1}}}


def run(test: Callable[[Apps], Awaitable[None]], *fixtures: dict[str, Any], **config: Any) -> Apps:
    apps = Apps(*(fixtures or (FIXTURE,)), **config)
    asyncio.run(test(apps))  # type: ignore[arg-type]
    return apps


async def ask(apps: Apps, app: int, path: str, body: Any = None, method: str = "") -> Any:
    told = await apps.told(app, method or ("GET" if body is None else "POST"), f"{CONTROL}{path}", body)
    assert told.status in (200, 201, 406), told
    return told.value


async def call(apps: Apps, app: int, body: Any = None, url: str = "https://fal.run/t/e") -> Any:
    apps.wait(1)
    return await apps.asked(app, "POST", url, {} if body is None else body)


def test_calls_of_all_are_in_the_order_of_their_times() -> None:
    async def test(apps: Apps) -> None:
        for number in range(6):
            await call(apps, number % 2, {"n": number})
        for app in (0, 1):
            page = await ask(apps, app, "/journal")
            assert [each["input"]["n"] for each in page["entries"]] == list(range(6))
            assert (page["calls"], page["kept"]) == (6, 6)
            assert sorted(each["number"] for each in page["entries"]) == list(range(1, 7))

    run(test)


def test_a_call_by_its_number() -> None:
    async def test(apps: Apps) -> None:
        for number in range(3):
            await call(apps, number % 2, {"n": number})
        for entry in (await ask(apps, 0, "/journal"))["entries"]:
            assert (await ask(apps, 1, f"/journal/{entry['number']}"))["entry"] == entry
        told = await apps.told(0, "GET", f"{CONTROL}/journal/4")
        assert (told.status, "1 to 3 are kept" in told.value["message"]) == (404, True)

    run(test)


def test_a_job_has_the_number_of_its_submit_its_input_and_the_looks_of_clients() -> None:
    async def test(apps: Apps) -> None:
        await call(apps, 1)
        submitted = await call(apps, 0, {"prompt": "a cat"}, "https://queue.fal.run/t/e")
        request_id = submitted.value["request_id"]
        times = []
        for app in (1, 0):
            apps.wait(1)
            times.append(apps.edges[0].time)
            await apps.asked(app, "GET", f"https://queue.fal.run/t/e/requests/{request_id}/status")
        for app in (0, 1):
            (job,) = (await ask(apps, app, "/jobs"))["jobs"]
            entry = (await ask(apps, app, f"/journal/{job['number']}"))["entry"]
            assert (entry["call"], entry["request_id"], job["poll_times"]) == ("submit", request_id, times)
            assert (await ask(apps, app, f"/jobs/{request_id}/result"))["input"] == {"prompt": "a cat"}
        polls = (await ask(apps, 0, "/journal?call=status"))["entries"]
        assert [each["endpoint"] for each in polls] == ["t/e", "t/e"]

    run(test)


def test_no_secret_is_in_the_store_and_verify_takes_any_for_it() -> None:
    async def test(apps: Apps) -> None:
        await call(apps, 0, {"api_key": "key-by-its-name", "prompt": f"with {SECRET}"})
        await call(apps, 0, {"api_key": "key-by-its-name"}, "https://fal.run/t/missed")
        expected = {"endpoint": "t/e", "input": {"api_key": "key-by-its-name", "prompt": f"with {SECRET}"}, "times": 1}
        assert (await ask(apps, 1, "/verify", {"calls": [expected]}))["ok"]
        wrong = {"endpoint": "t/e", "input": {"prompt": "without"}}
        told = json.dumps(await ask(apps, 1, "/verify", {"calls": [wrong]}))
        assert SECRET not in told

    apps = run(test)
    dump = repr([list(log.entries) for log in apps.store._logs.values()]) + repr(apps.store._values)
    assert "[hidden]" in dump
    for secret in (SECRET, "key-by-its-name"):
        assert secret not in dump


def test_a_fixture_from_a_call_matches_any_value_where_a_secret_was() -> None:
    async def test(apps: Apps) -> None:
        body = {"api_key": "key-by-its-name", "prompt": "a cat"}
        await call(apps, 0, body, "https://fal.run/t/new")
        made = await ask(apps, 1, "/fixtures/from", {"call": 1, "response": {"json": {"made": 1}}})
        assert json.loads(made["fixtures"][0]["input"]) == {"api_key": {"$any": True}, "prompt": "a cat"}
        assert (await call(apps, 0, body, "https://fal.run/t/new")).value == {"made": 1}
        await call(apps, 0, {"prompt": f"draw {SECRET}"}, "https://fal.run/t/new")
        told = await apps.told(
            0, "POST", f"{CONTROL}/fixtures/from", {"call": 3, "input": "prompt", "response": {"json": 1}}
        )
        assert (told.status, "has a secret" in told.value["message"]) == (409, True)

    run(test)


def test_a_miss_has_its_nearest_fixtures_at_all() -> None:
    fixture = {"match": {"model": "t/e", "input": {"prompt": "a cat"}}, "response": {"json": {"url": "x"}}}

    async def test(apps: Apps) -> None:
        for app in (0, 1, 0):
            await call(apps, app, {"prompt": "a dog"})
        for app in (0, 1):
            (miss,) = (await ask(apps, app, "/misses"))["misses"]
            assert (miss["count"], sorted(miss["numbers"]), miss["nearest"][0]["fixture"]) == (
                3,
                [1, 2, 3],
                "test.json#0",
            )
            assert miss["nearest"][0]["differences"][0]["found"] == '"a dog"'

    run(test, fixture)


@pytest.mark.parametrize("how", ["/journal", "/reset"])
def test_a_new_journal_begins_at_one(how: str) -> None:
    async def test(apps: Apps) -> None:
        for app in (0, 1):
            await call(apps, app)
        await ask(apps, 1, how, method="DELETE" if how == "/journal" else "POST")
        for app in (0, 1):
            assert (await ask(apps, app, "/journal"))["calls"] == 0
            assert (await ask(apps, app, "/scopes"))["scopes"][0]["calls"] == 0
            assert [each["used"] for each in (await ask(apps, app, "/fixtures"))["fixtures"]] == [False]
        await call(apps, 0)
        (entry,) = (await ask(apps, 1, "/journal"))["entries"]
        assert entry["number"] == 1

    run(test)


def test_what_is_no_longer_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_journal, "LIMIT", 4)

    async def test(apps: Apps) -> None:
        await call(apps, 0, url="https://fal.run/t/missed")
        for number in range(6):
            await call(apps, number % 2)
        page = await ask(apps, 1, "/journal")
        assert (page["calls"], page["kept"], len(page["entries"])) == (7, 4, 4)
        verdict = await ask(apps, 0, "/verify", {"calls": [{"endpoint": "t/e"}], "nothing_unmatched": True})
        text = verdict["text"]
        assert "the first 3 of 7 calls are no longer kept" in text
        assert "found none for 1" in text, "the number of misses is of all calls"

    run(test)
    assert journal.LIMIT == 1000


def test_the_journals_of_scopes_are_apart() -> None:
    async def test(apps: Apps) -> None:
        await apps.asked(0, "POST", "https://fal.run/t/e", {}, x_falmock_scope="one")
        await apps.asked(1, "POST", "https://fal.run/t/e", {})
        assert [(await ask(apps, 0, f"/journal?scope={name}"))["calls"] for name in ("", "one", "two")] == [1, 1, 0]

    run(test)


def test_aimocks_journal() -> None:
    async def test(apps: Apps) -> None:
        await call(apps, 0)
        await call(apps, 1)
        assert len((await apps.told(0, "GET", "/__aimock/journal")).value) == 2
        await apps.told(1, "POST", "/__aimock/reset/journal")
        assert (await apps.told(0, "GET", "/__aimock/journal")).value == []

    run(test)


def test_a_call_to_no_door_is_noted_without_a_transaction() -> None:
    async def test(apps: Apps) -> None:
        assert (await apps.told(0, "POST", "/nothing", {})).status == 404
        (entry,) = (await ask(apps, 1, "/journal"))["entries"]
        assert (entry["path"], entry["status"]) == ("/nothing", 404)

    run(test)


def test_adding_a_fixture_asks_nobody_for_his_journal() -> None:
    async def test(apps: Apps) -> None:
        await call(apps, 1)
        await ask(apps, 0, "/fixtures", FIXTURE)
        assert await apps.store.bounds("{}:control") == (1, 0)

    run(test)
