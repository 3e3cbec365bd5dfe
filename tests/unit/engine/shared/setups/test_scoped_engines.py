"""The engines that a falmock keeps of the scopes in a store: few, and each as any falmock set it up."""

from __future__ import annotations

import pytest

from falmock.engine import scoped_engines
from falmock.engine.shared.setups.scoped_engines import SharedScopedEngines
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import run

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": "on disk"}}
ADDED = {"match": {"model": "a/b"}, "response": {"json": "added"}}
A, B = 0, 1


def kept(apps: Apps, app: int) -> SharedScopedEngines:
    engines = apps.apps[app].engines._scopes
    assert isinstance(engines, SharedScopedEngines)
    return engines


async def answer(apps: Apps, app: int, scope: str) -> object:
    return (await apps.asked(app, "POST", "https://fal.run/a/b", {}, x_falmock_scope=scope)).value


def test_what_was_set_up_outlives_the_engine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoped_engines, "LIMIT", 2)

    async def work() -> None:
        apps = Apps(FIXTURE)
        await apps.told(A, "POST", f"{CONTROL}/fixtures", ADDED, x_falmock_scope="one")
        assert await answer(apps, B, "one") == "added"
        first = apps.apps[B].engines._scopes
        for scope in ("two", "three", "one", "four"):
            assert await answer(apps, B, scope) == ("added" if scope == "one" else "on disk")
            assert len(list(kept(apps, B).here())) <= 1 + 2
        assert kept(apps, B) is first

    run(work())


def test_a_scope_that_another_dropped_is_not_there() -> None:
    async def work() -> None:
        apps = Apps(FIXTURE)
        await apps.told(A, "POST", f"{CONTROL}/fixtures", ADDED, x_falmock_scope="one")
        assert await answer(apps, B, "one") == "added"
        assert (await apps.told(A, "DELETE", f"{CONTROL}/scopes/one")).status == 200
        found = await apps.state(B).run(lambda _: kept(apps, B).existing("one"))
        assert found is None
        assert await answer(apps, B, "one") == "on disk"

    run(work())
