"""What faults make of deliveries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.request import WebhookPost
from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from unit.engine.calls import read
from unit.engine.hooked import HOOK
from unit.engine.hooked import Hooked
from unit.engine.hooked import field
from unit.engine.hooked import paced


def test_twice_and_late() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.schedule.register(job, "", webhook.target(HOOK), DeliveryPlan((0.0, 5.0)))
    (first,) = client.at(1)
    client.answer(first)
    assert client.next() == 5
    (second,) = client.at(5)
    assert (second.key != first.key, second.body, second.attempt) == (True, first.body, 1)


def test_never() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.schedule.register(job, "", webhook.target(HOOK), DeliveryPlan(()))
    assert client.next() is None


def test_late_after_a_cancel() -> None:
    client = paced()
    client.submit("acme/waits")
    (job,) = client.engine.scope.jobs._live.values()
    client.schedule.register(job, "", webhook.target(HOOK), DeliveryPlan((5.0,)))
    client.now += 2
    client.send("PUT", f"https://queue.fal.run/acme/waits/requests/{job.request_id}/cancel")
    assert client.next() == 7
    assert client.at(6.9) == []
    assert len(client.at(7.1)) == 1


def test_a_forged_signature_is_another_one() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.schedule.register(job, "", webhook.target(HOOK), DeliveryPlan(forged=True))
    (post,) = client.at(1)
    assert field(post, "Signature") == "01fe"


def out_of_order(client: Hooked, endpoint: str = "acme/quick", seconds: float = 30) -> str:
    """The request id of a new job whose webhook lets a later one go first."""
    fault = json.dumps({"webhook": {"kind": "out-of-order", "seconds": seconds}})
    return str(read(client.ask(endpoint, x_falmock_fault=fault))["request_id"])


def ids(posts: Sequence[WebhookPost]) -> list[str]:
    return [post.request_id for post in posts]


def test_one_out_of_order_comes_once_a_later_one_is_delivered() -> None:
    client = paced()
    held = out_of_order(client)
    later = client.order("acme/quick")
    (post,) = client.at(1)
    assert later.endswith(post.request_id)
    assert client.at(2) == []
    client.answer(post)
    assert ids(client.at(2)) == [held]


def test_one_out_of_order_waits_for_a_delivery_and_no_longer_than_it_may() -> None:
    client = paced()
    held = out_of_order(client)
    client.order("acme/quick")
    (post,) = client.at(1)
    client.answer(post, 500)
    assert client.next() == 16
    client.answer(*client.at(16), 410)
    assert client.next() == 30
    assert ids(client.at(30)) == [held]


def test_one_out_of_order_is_not_held_where_the_later_job_was_over_first() -> None:
    client = paced()
    held = out_of_order(client, "acme/waits")
    client.order("acme/quick")
    client.answer(*client.at(1))
    assert client.next() == 60
    assert ids(client.at(60.1)) == [held]


def test_one_out_of_order_whose_job_waits_for_polls() -> None:
    client = paced("polls:1,2")
    job = read(client.ask("acme/quick", x_falmock_fault='{"webhook": "out-of-order"}'))
    later = client.order("acme/quick")
    for _ in range(2):
        client.status(later)
    client.answer(*client.at(1))
    assert client.at(2) == []
    for _ in range(2):
        client.status(job["response_url"])
    assert ids(client.at(2)) == [job["request_id"]]


def test_of_a_row_that_is_out_of_order_the_first_one_comes_last() -> None:
    client = paced()
    first, second, third = (out_of_order(client) for _ in range(3))
    one, two = client.at(1)
    assert ids([one, two]) == [second, third]
    client.answer(one)
    assert ids(client.at(1)) == [first]
    fourth, fifth = (out_of_order(client) for _ in range(2))
    (post,) = client.at(2)
    client.answer(post)
    assert ids([post, *client.at(2)]) == [fifth, fourth]


def test_a_webhook_of_another_scope_or_of_an_earlier_job_is_no_later_one() -> None:
    client = paced()
    client.order("acme/quick")
    held = out_of_order(client)
    client.engine = client.engines.of("other")
    client.order("acme/quick")
    client.engine = client.engines.common
    first, other = client.at(1)
    client.answer(first)
    client.answer(other)
    assert client.at(29) == []
    assert ids(client.at(30)) == [held]


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 4), st.sampled_from([200, 500, 410])), min_size=1, max_size=8))
def test_each_is_posted_and_none_too_early_whatever_is_out_of_order(jobs: list[tuple[bool, float, int]]) -> None:
    client = paced()
    order: list[str] = []
    yields: dict[str, float] = {}
    posted: list[str] = []
    delivered: list[str] = []

    def look() -> None:
        for post in client.due():
            if post.attempt == 1:
                posted.append(post.request_id)
                later = set(delivered) & set(order[order.index(post.request_id) + 1 :])
                assert post.request_id not in yields or later or client.now >= yields[post.request_id]
            status = jobs[order.index(post.request_id)][2]
            if client.answer(post, status).outcome is AttemptOutcome.DELIVERED:
                delivered.append(post.request_id)

    for strikes, pause, _ in jobs:
        is_first = not client.schedule._yielding
        order.append(out_of_order(client, seconds=5) if strikes else client.order("acme/quick").rpartition("/")[2])
        if strikes and is_first:
            yields[order[-1]] = client.now + 5
        client.now += pause
        look()
    for _ in range(60):
        client.now += 0.1
        look()
    assert sorted(posted) == sorted(order)


def test_a_scope_that_is_forgotten_holds_nothing() -> None:
    client = paced()
    out_of_order(client)
    client.engine.reset()
    assert (len(client.schedule), client.next()) == (0, None)
    client.order("acme/quick")
    client.answer(*client.at(1))


def test_the_journal_names_the_fault_of_a_webhook() -> None:
    client = paced()
    client.ask("acme/quick", x_falmock_fault='{"webhook": "bad-signature"}')
    client.order("acme/quick")
    for post in client.at(1):
        client.answer(post)
    assert [entry.fault for entry in client.engine.scope.journal.entries[-2:]] == ["webhook bad-signature", None]
