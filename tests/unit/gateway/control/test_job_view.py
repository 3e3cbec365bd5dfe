"""What the control API shows of a job's course."""

from __future__ import annotations

import json
from typing import Any

from falmock.engine.effects import FileBody
from falmock.engine.jobs.job import LOOKS
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.index import Index
from falmock.fixtures.model import Price
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

TIMED = {**answering({"done": True}), "queue": {"started": 2, "completed": 6}}


def with_units(units: Any) -> dict[str, Any]:
    return {"match": {"model": "t/e"}, "response": {"json": {}, "billableUnits": units}}


def priced(steered: Steered) -> Steered:
    steered.engines.use_fixtures(Index(steered.engines.files.fixtures, prices={"t/e": Price(0.02, "images")}))
    return steered


def test_the_course_of_a_job() -> None:
    steered = Steered(TIMED, pace=parse_pace("recorded"))
    began = steered.now
    job = steered.submit("t/e")
    steered.now += 3
    steered.status("t/e", job)
    steered.now += 5
    steered.status("t/e", job)
    shown = steered.ask("GET", f"/jobs/{job}")
    states = [(each["state"], each["at"] - began) for each in shown["states"]]
    assert states == [("queued", 0), ("running", 2), ("finished", 6)]
    assert (shown["started"] - began, [at - began for at in shown["poll_times"]]) == (2, [3, 8])
    assert (shown["scope"], shown["number"], shown["webhook"], shown["cost"]) == ("", 1, None, None)
    assert (shown["synthesized"], shown["cancel_requested"]) == (None, False)


def test_a_job_in_a_scope() -> None:
    steered = Steered(TIMED)
    steered.run("t/e", scope="one")
    job = steered.submit("t/e", scope="one")
    shown = steered.ask("GET", f"/jobs/{job}", scope="one")
    assert (shown["scope"], shown["number"], shown["started"]) == ("one", 2, None)
    steered.ask("DELETE", "/journal", scope="one")
    assert steered.ask("GET", f"/jobs/{job}", scope="one")["number"] is None


def test_the_last_looks_alone_are_kept() -> None:
    steered = Steered(TIMED)
    job = steered.submit("t/e")
    for _ in range(LOOKS + 10):
        steered.now += 1
        steered.status("t/e", job)
    looks = steered.ask("GET", f"/jobs/{job}")["poll_times"]
    assert (len(looks), looks[-1]) == (LOOKS, steered.now)


def test_a_cancel() -> None:
    steered = Steered(TIMED)
    job = steered.submit("t/e")
    steered.call("PUT", f"https://queue.fal.run/t/e/requests/{job}/cancel")
    assert steered.ask("GET", f"/jobs/{job}")["cancel_requested"] is True


def test_a_cancel_that_comes_too_late_is_none() -> None:
    steered = Steered(TIMED)
    job = steered.submit("t/e")
    steered.status("t/e", job)
    steered.call("PUT", f"https://queue.fal.run/t/e/requests/{job}/cancel")
    assert steered.ask("GET", f"/jobs/{job}")["cancel_requested"] is False


class Edge:
    """Posts nothing by itself."""

    def public_key(self) -> bytes:
        return bytes(32)

    def sign(self, message: bytes) -> bytes:  # noqa: ARG002
        return bytes(64)

    def read(self, body: FileBody) -> bytes:
        raise AssertionError(body)

    def changed(self) -> None:
        pass

    def warn(self, text: str) -> None:
        assert text


def test_the_attempts_of_a_webhook() -> None:
    steered = Steered(TIMED, edge=Edge())
    url = "https://queue.fal.run/t/e?fal_webhook=http%3A%2F%2F127.0.0.1%3A9%2Fhook%3Ftoken%3Dsecret"
    reply: Any = steered.call("POST", url, {})
    job = json.loads(reply.body)["request_id"]
    assert steered.ask("GET", f"/jobs/{job}")["webhook"] == {"url": "127.0.0.1", "attempts": []}
    steered.now += 10
    (attempt,) = steered.engines.due_webhooks(steered.now)
    steered.engines.webhook_posted(attempt.key, 500, "", steered.now)
    (told,) = steered.ask("GET", f"/jobs/{job}")["webhook"]["attempts"]
    assert (told["at"], told["status"]) == (steered.now, 500)
    assert "attempt 1" in told["why"]


def test_a_webhook_that_is_refused() -> None:
    steered = Steered(TIMED, edge=Edge())
    reply: Any = steered.call("POST", "https://queue.fal.run/t/e?fal_webhook=https%3A%2F%2Ffal.run%2Fhook", {})
    shown = steered.ask("GET", f"/jobs/{json.loads(reply.body)['request_id']}")["webhook"]
    assert (shown["url"], [each["status"] for each in shown["attempts"]]) == ("fal.run", [None])


def test_what_it_would_have_cost() -> None:
    steered = priced(Steered(with_units(1.5)))
    job = steered.submit("t/e")
    assert steered.ask("GET", f"/jobs/{job}")["cost"] is None
    steered.status("t/e", job)
    assert steered.ask("GET", f"/jobs/{job}")["cost"] == {
        "units": 1.5,
        "unit_price": 0.02,
        "amount": 0.03,
        "currency": "USD",
        "unit": "images",
    }


def test_a_cost_that_is_not_known() -> None:
    for steered in (priced(Steered(TIMED)), Steered(with_units(1.5))):
        job = steered.submit("t/e")
        steered.status("t/e", job)
        assert steered.ask("GET", f"/jobs/{job}")["cost"] is None


def test_a_job_that_failed_by_hand_costs_nothing_that_is_known() -> None:
    steered = priced(Steered(with_units(1.5)))
    job = steered.submit("t/e")
    steered.ask("POST", f"/jobs/{job}/fail")
    assert steered.ask("GET", f"/jobs/{job}")["cost"] is None
