"""How falmock stands: in memory as ever; with a store also how that is, and who shares it."""

from __future__ import annotations

import asyncio

import pytest

from falmock.gateway.control.door import openapi_document
from falmock.sharing import replicas
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.gateway.steering import Steered
from unit.stores import Away

ALWAYS = {"status", "version", "mode", "pace", "fixtures", "scopes", "inspector", "connect"}
FIXTURE = {"match": {"model": "t/e"}, "response": {"json": {"n": 1}}}


def test_in_memory_there_is_no_more_than_before() -> None:
    steered = Steered(FIXTURE)
    assert set(steered.ask("GET", "/health")) == ALWAYS
    assert steered.ask("GET", "/health", ready="true")["status"] == "ok"


def test_the_document_says_what_may_be_missing() -> None:
    described = openapi_document()["paths"]["/__falmock/health"]["get"]
    schema = described["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(schema["required"]) == ALWAYS
    assert set(schema["properties"]) - ALWAYS == {"ready", "replica", "replicas", "store"}
    assert "503" in described["responses"]


def test_those_who_share_a_store() -> None:
    async def test() -> None:
        apps = Apps(FIXTURE)
        await apps.asked(0, "POST", "https://fal.run/t/e", {}, x_falmock_scope="one")
        told = [(await apps.told(app, "GET", f"{CONTROL}/health")).value for app in (0, 1)]
        assert [each["ready"] for each in told] == [True, True]
        assert (told[0]["fixtures"], told[1]["scopes"]) == (1, 1)
        assert {each["id"] for each in told[1]["replicas"]} == {each["replica"] for each in told}
        assert len({each["fixtures"] for each in told[1]["replicas"]}) == 1
        store = {"address": "", "state": "up", "reason": "", "lag": 0.0, "waiting": 0, "dropped": 0}
        assert told[1]["store"] == store

    asyncio.run(test())


@pytest.mark.parametrize("is_new", [True, False])
def test_while_the_store_is_away(monkeypatch: pytest.MonkeyPatch, *, is_new: bool) -> None:
    monkeypatch.setattr(replicas, "ALIVE", 6.0)

    async def test() -> None:
        apps = Apps(FIXTURE)
        store, _ = apps.through(Away)
        if not is_new:
            await apps.asked(0, "POST", "https://fal.run/t/e", {})
        store.is_away = True
        assert (await apps.asked(0, "POST", "https://queue.fal.run/t/e", {})).status == 503
        if not is_new:
            apps.wait(10)  # it tells that it is there, and cannot
            assert (await apps.asked(0, "POST", "https://fal.run/t/e", {})).status == 503
        told = await apps.told(0, "GET", f"{CONTROL}/health")
        assert (told.status, told.value["status"], told.value["ready"], told.value["fixtures"]) == (200, "ok", False, 1)
        assert (told.value["store"]["state"], told.value["store"]["reason"]) == ("away", "no route to the store")
        assert (await apps.told(0, "GET", f"{CONTROL}/health?ready=true")).status == 503
        assert (await apps.told(0, "GET", f"{CONTROL}/openapi.json")).status == 200
        ready = await apps.told(0, "GET", "/ready")
        assert (ready.status, ready.value) == (503, {"status": "not ready"})
        assert (await apps.told(0, "GET", "/health")).value == {"status": "ok"}
        store.is_away = False
        apps.wait(10)
        assert (await apps.asked(0, "POST", "https://fal.run/t/e", {})).status == 200
        assert (await apps.told(0, "GET", "/ready")).value == {"status": "ready"}
        assert (await apps.told(0, "GET", f"{CONTROL}/health?ready=true")).status == 200

    asyncio.run(test())
