from __future__ import annotations

import json

import pytest

from falmock.engine import scoped_engines
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.index import Index
from unit.engine.calls import Client
from unit.engine.calls import read
from unit.engine.hooked import CAT
from unit.engine.hooked import QUICK
from unit.engine.hooked import WAITS
from unit.engine.hooked import Hooked
from unit.engine.hooked import paced


def kinds(client: Hooked, scope: str) -> list[str]:
    return [entry.kind for entry in client.engines.peek(scope).scope.journal]


def in_scope(client: Hooked, scope: str) -> Hooked:
    client.engine = client.engines.of(scope)
    return client


def test_what_is_said_of_a_webhook() -> None:
    client = Hooked(QUICK)
    assert client.ask("acme/quick").why.endswith("; fal_webhook goes to 127.0.0.1")
    assert client.edge.woken == 1
    refused = client.ask("acme/quick", hook="https://fal.run/x")
    assert refused.why.endswith("; fal_webhook is not delivered: fal.run is a host of fal's")
    assert client.edge.warnings == [f"job {read(refused)['request_id']}: {refused.why.rpartition('; ')[2]}"]
    client.edge.broken = "no key"
    assert client.ask("acme/quick").status == 500
    alone = Client(QUICK).submit("acme/quick?fal_webhook=http%3A%2F%2F127.0.0.1")
    assert alone.why.endswith("; fal_webhook is not delivered: no edge posts webhooks")


def test_a_webhook_of_a_scope_is_noted_there() -> None:
    client = in_scope(paced(max_jobs=2), "mine")
    client.order("acme/quick")
    client.answer(*client.at(1))
    assert (kinds(client, "mine"), kinds(client, "")) == (["", "webhook"], [])
    for _ in range(2):
        client.order("acme/waits")
    assert client.ask("acme/waits").status == 507


def test_a_webhook_under_way_of_a_scope_that_was_dropped_is_not_noted_in_the_next_of_its_name() -> None:
    client = in_scope(paced(), "mine")
    client.order("acme/quick")
    (post,) = client.at(1)
    client.engines.drop("mine")
    in_scope(client, "mine").order("acme/quick")
    client.answer(post, 500)
    assert kinds(client, "mine") == [""]
    again, _ = sorted(client.at(20), key=lambda each: each.attempt, reverse=True)
    assert (again.request_id, again.body) == (post.request_id, post.body)


def test_after_a_reset_a_webhook_under_way_is_tried_again() -> None:
    client = paced()
    client.order("fal-ai/flux/dev", CAT)
    (post,) = client.at(7)
    client.engines.reset("")
    client.answer(post, 500)
    (again,) = client.at(30)
    assert (again.attempt, again.body) == (2, post.body)


@pytest.mark.parametrize("scope", ["", "mine"])
def test_what_is_posted_is_the_answer_of_the_fixture_as_it_was_at_the_submit(scope: str) -> None:
    client = in_scope(paced(max_jobs=1), scope)
    client.ask("acme/quick", x_falmock_fault='{"webhook": "late"}')
    client.submit("acme/quick")  # there is room for one job
    assert len(client.engine.scope.jobs) == 1
    client.engines.use_fixtures(Index())
    (post,) = client.at(9)
    assert json.loads(post.body)["payload"] == {"done": True}


def test_a_job_that_is_gone_before_its_deadline_is_posted_then() -> None:
    client = Hooked(QUICK, pace=parse_pace("polls:1,2"), job_ttl=10.0)
    client.ask("acme/quick", x_falmock_fault='{"webhook": "late"}', x_fal_request_timeout="60")
    client.now += 30
    client.submit("acme/quick")
    assert len(client.engine.scope.jobs) == 1
    client.engines.use_fixtures(Index())
    (post,) = client.at(70)
    assert json.loads(post.body)["error"] == "Invalid status code: 504"


def test_a_job_that_a_stream_of_its_status_ends_is_posted() -> None:
    client = paced("polls:1,2")
    told = client.listen("GET", f"{client.order('acme/quick')}/status/stream")
    woken = client.edge.woken
    told.wait()
    assert client.edge.woken == woken + 1
    client.now += 1
    assert len(client.due()) == 1


def test_a_scope_stays_while_its_webhooks_are_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoped_engines, "LIMIT", 2)
    client = in_scope(Hooked(QUICK, WAITS, pace=parse_pace("recorded")), "first")
    client.order("acme/waits")
    for name in ("second", "third", "fourth"):
        client.engines.of(name)
    assert client.engines.names == ["first", "fourth"]
    client.answer(*client.at(61))
    client.engines.of("fifth")
    assert client.engines.names == ["fourth", "fifth"]


def test_at_the_pace_instant_a_job_can_be_cancelled_until_its_webhook_is_due() -> None:
    client = Hooked(QUICK)
    job, other = client.order("acme/quick"), client.order("acme/quick")
    assert client.next() == 0.1
    client.now += 0.05
    assert client.send("PUT", f"{job}/cancel").status == 200
    first, second = sorted(client.at(0.1), key=lambda post: post.request_id)
    assert json.loads(first.body)["error"] == "Invalid status code: 499"
    assert json.loads(second.body)["payload"] == {"done": True}
    assert client.send("PUT", f"{other}/cancel").status == 400
    assert client.status(other)["status"] == "COMPLETED"


def test_a_webhook_of_a_job_that_made_room_is_posted() -> None:
    client = Hooked(QUICK, max_jobs=1)
    client.ask("acme/quick", x_falmock_fault='{"webhook": "late"}')
    client.submit("acme/quick")
    client.engines.use_fixtures(Index())
    (post,) = client.at(9)
    assert json.loads(post.body)["payload"] == {"done": True}
