"""How long what was set up is kept, how many scopes there are, and what looking at it costs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from falmock.engine import scoped_engines
from falmock.engine.shared.setup import KEPT
from falmock.engine.shared.setup import REFRESHED
from falmock.engine.shared.setups import known_scopes
from falmock.engine.shared.transaction import Transaction
from unit.engine.shared.two_apps import CONTROL
from unit.engine.shared.two_apps import Apps
from unit.engine.shared.two_apps import run
from unit.stores import Counting

ONE = {"match": {"model": "test/turns"}, "response": {"json": 1}}
IN_A = {"x_falmock_scope": "a"}
A, B = 0, 1
RUN = "https://fal.run/test/turns"
IMAGE = {
    "match": {"model": "test/image"},
    "response": {"json": {"$file": "dot.gif"}},
    "assets": {"dot.gif": base64.b64encode(b"GIF89a dot").decode()},
}


async def scopes(apps: Apps, app: int) -> list[str]:
    told = await apps.told(app, "GET", f"{CONTROL}/scopes")
    return [each["name"] for each in told.value["scopes"]]


async def set_up(apps: Apps) -> None:
    """Set up something of each kind in the scope a, and in all scopes."""
    await apps.told(A, "POST", f"{CONTROL}/fixtures", IMAGE, **IN_A)
    await apps.told(
        A, "PUT", f"{CONTROL}/faults", {"faults": [{"match": {"model": "x/y"}, "fault": {"latency": 1}}]}, **IN_A
    )
    await apps.told(A, "PUT", f"{CONTROL}/pace", {"pace": "manual"}, **IN_A)
    await apps.told(A, "POST", "/__aimock/fixtures", {"fixtures": [{**ONE, "response": {"json": 2}}]})


def test_what_is_used_is_kept_and_what_is_not_is_not() -> None:
    async def scenario() -> None:
        apps = Apps(ONE)
        await set_up(apps)
        await apps.asked(A, "POST", RUN, {}, x_falmock_scope="b")
        for number in range(8):
            apps.wait(KEPT / 3)
            told = await apps.asked(number, "POST", "https://fal.run/test/image", {}, **IN_A)
            assert (await apps.asked(number + 1, "GET", told.value)).body == b"GIF89a dot"
            assert (await apps.asked(number + 1, "POST", RUN, {}, **IN_A)).value == 2
            assert len((await apps.told(number, "GET", f"{CONTROL}/faults", **IN_A)).value["faults"]) == 1
        new = Apps(ONE)  # one that has seen nothing yet
        new.wait(apps.edges[0].time - new.edges[0].time)
        for app in new.apps:
            app.share(apps.store, b"x" * 32)
        assert (await new.asked(A, "POST", "https://fal.run/test/image", {}, **IN_A)).status == 200
        assert await scopes(apps, B) == ["", "a"]
        apps.wait(KEPT + 1)
        assert await scopes(apps, A) == [""]
        assert (await apps.asked(B, "POST", RUN, {}, **IN_A)).value == 1
        assert (await apps.asked(B, "POST", "https://fal.run/test/image", {}, **IN_A)).status == 404

    run(scenario())


def test_the_least_recently_used_scope_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_scopes, "LIMIT", 3)
    monkeypatch.setattr(scoped_engines, "LIMIT", 3)

    async def scenario(apps: Apps) -> list[Any]:
        told: list[Any] = []
        for number, name in enumerate("abcadeab"):
            apps.wait(2)
            told.append((await apps.asked(number, "POST", RUN, {}, x_falmock_scope=name)).value)
            told.append(await scopes(apps, number + 1))
        return told

    turns = [{**ONE, "response": {"json": turn}} for turn in (1, 2, 3)]
    alone = run(scenario(Apps(*turns, is_alone=True)))
    assert alone[-1] == ["", "e", "a", "b"]
    assert run(scenario(Apps(*turns))) == alone


def test_looking_at_what_is_set_up_costs_a_round_trip_at_most() -> None:
    async def scenario() -> None:
        apps = Apps(ONE)
        counted = apps.through(lambda store: Counting(store, "load", "commit", "ranged", "blob"))
        for app in (A, B):
            apps.state(app).calls.join = None

        async def trips(app: int, method: str, url: str, **headers: str) -> list[str]:
            counted[app].trips.clear()
            told = await apps.asked(app, method, url, {} if method == "POST" else None, **headers)
            assert told.status == 200
            return list(counted[app].trips)

        submit = "https://queue.fal.run/test/turns"
        assert await trips(A, "POST", RUN) == ["load"]  # nothing is known yet
        assert await trips(A, "POST", RUN) == ["load"]
        assert await trips(A, "POST", submit) == ["commit"]
        assert await trips(B, "POST", RUN, **IN_A) == ["load", "commit"]
        assert await trips(B, "POST", RUN, **IN_A) == ["load"]
        assert await trips(B, "POST", submit, **IN_A) == ["commit"]
        await set_up(apps)
        # What was set up is read once.
        assert await trips(B, "POST", submit, **IN_A) == ["commit", "load", "load", "commit"]
        assert await trips(B, "POST", submit, **IN_A) == ["commit"]
        assert await trips(B, "POST", RUN, **IN_A) == ["load"]

    run(scenario())


@pytest.mark.parametrize("headers", [{}, IN_A])
def test_each_call_is_decided_by_what_was_set_up_when_it_began(headers: dict[str, str]) -> None:
    """As calls that began before a change and after it are decided in any order."""

    async def scenario() -> None:
        apps = Apps(ONE)
        app = apps.apps[A]
        assert app.shared is not None
        scope = headers.get("x_falmock_scope", "")
        starts = []
        for answer in (1, 2):
            for _ in range(2):  # the first one in a scope begins it
                assert (await apps.asked(A, "POST", RUN, {}, **headers)).value == answer
            starts.append(app.shared.calls._starts[scope])
            await apps.told(B, "POST", f"{CONTROL}/fixtures", {**ONE, "response": {"json": 2}}, **headers)
        for place in (1, 0, 1, 1, 0, 0, 1):
            transaction = Transaction(apps.edges[A].time, {}, starts[place])
            engine = app.shared.current.decide(transaction, lambda _: app.engines.of(scope))
            assert len(engine.fixtures) == 1 + place
            assert not transaction.writes
        assert (await apps.asked(A, "POST", RUN, {}, **headers)).value == 2

    run(scenario())


def test_what_is_set_up_is_written_again_in_time_however_a_call_begins() -> None:
    async def scenario() -> None:
        apps = Apps(ONE)
        app = apps.apps[A]
        assert app.shared is not None
        await apps.told(A, "PUT", f"{CONTROL}/pace", {"pace": "manual"})
        for _ in range(2):
            await apps.asked(A, "POST", RUN, {})
        start = app.shared.calls._starts[""]
        for wait, is_written in ((1.0, False), (REFRESHED + 1.0, True), (1.0, False)):
            transaction = Transaction(apps.edges[A].time + wait, {}, start)
            app.shared.current.decide(transaction, lambda _: app.engines.of(""))
            assert ("{}:setup" in transaction.commit(1.0).puts) is is_written

    run(scenario())
