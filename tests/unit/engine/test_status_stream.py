"""A job's status as a stream: another view of the same job."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.effects import Reply
from falmock.engine.pace import parse_pace
from falmock.wire import jsontext
from falmock.wire.sse import Parser
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import paced
from unit.engine.calls import read

CAT = {"prompt": "a cat"}


def events(reply: Reply) -> list[Any]:
    assert reply.status == 200
    assert header(reply, "content-type") == "text/event-stream; charset=utf-8"
    assert isinstance(reply.body, bytes)
    return [jsontext.loads(event.data.encode()) for event in Parser().feed(reply.body)]


def seen(reply: Reply) -> list[tuple[str, Any, list[str]]]:
    """Of each event the state, the place in the queue and the new log lines."""
    return [
        (event["status"], event.get("queue_position"), [log["message"] for log in event["logs"] or []])
        for event in events(reply)
    ]


def test_every_change_once_each_line_once_and_it_takes_as_long_as_the_job() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    reply = client.send("GET", f"{job}/status/stream?logs=1")
    assert seen(reply) == [
        ("IN_QUEUE", 1, []),
        ("IN_QUEUE", 0, []),
        ("IN_PROGRESS", None, []),
        ("IN_PROGRESS", None, ["half"]),
        ("COMPLETED", None, []),
    ]
    assert reply.delay == pytest.approx(6, abs=1e-4)
    assert events(reply)[-1]["metrics"] == {"inference_time": 4.25}
    assert reply.fixture == "test.json#0"


def test_it_begins_where_the_job_is_and_moves_it_by_the_clock_alone() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 2.5
    reply = client.send("GET", f"{job}/status/stream")
    assert seen(reply) == [("IN_PROGRESS", None, []), ("COMPLETED", None, [])]
    assert reply.delay == pytest.approx(3.5, abs=1e-4)
    assert client.status(job)["status"] == "IN_PROGRESS"
    client.now += reply.delay
    assert read(client.send("GET", job))["seed"] == 15738016505585340234


def test_without_logs_none_are_told() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    for query in ("", "?logs=0"):
        assert all(event["logs"] is None for event in events(client.send("GET", f"{job}/status/stream{query}")))


def test_instant_is_over_at_once() -> None:
    client = Client(FLUX)
    reply = client.send("GET", f"{client.job('fal-ai/flux/dev', CAT)}/status/stream?logs=1")
    assert (seen(reply), reply.delay) == ([("COMPLETED", None, ["half"])], 0)


def test_by_polls_the_stream_moves_the_job_to_its_end() -> None:
    client = Client(FLUX, pace=parse_pace("polls:1,3"))
    job = client.job("fal-ai/flux/dev", CAT)
    reply = client.send("GET", f"{job}/status/stream?logs=1")
    assert [state for state, _, _ in seen(reply)] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert reply.delay == 0
    assert client.send("GET", job).status == 200


def test_a_job_whose_start_deadline_passes() -> None:
    client = paced()
    job = read(client.submit("fal-ai/flux/dev", CAT, x_fal_request_timeout="1.5"))["response_url"]
    reply = client.send("GET", f"{job}/status/stream")
    assert [state for state, _, _ in seen(reply)] == ["IN_QUEUE", "IN_QUEUE", "COMPLETED"]
    assert events(reply)[-1]["error_type"] == "request_timeout"
    assert reply.delay == pytest.approx(1.5, abs=1e-4)


def test_a_job_that_waits_to_be_cancelled_is_told_to_be_polled_until_it_is() -> None:
    client = Client({**FLUX, "queue": {"started": 1, "cancelled": 2}}, pace=parse_pace("recorded"))
    job = client.job("fal-ai/flux/dev", CAT)
    refused = client.send("GET", f"{job}/status/stream")
    assert refused.status == 501
    assert "waits to be cancelled is not streamed: poll it" in read(refused)["detail"]
    client.send("PUT", f"{job}/cancel")
    assert [state for state, _, _ in seen(client.send("GET", f"{job}/status/stream"))] == ["COMPLETED"]


def test_an_unknown_job() -> None:
    reply = Client(FLUX).send("GET", "https://queue.fal.run/a/b/requests/x/status/stream")
    assert (reply.status, read(reply)) == (404, {"status": "NOT_FOUND"})


@given(st.floats(0, 1), st.floats(0, 8), st.sampled_from(["recorded", "x3", "x7.3", "1.87s", "instant", "polls:2,5"]))
def test_who_streams_and_who_polls_see_one_story(begun: float, elapsed: float, pace: str) -> None:
    streaming, polling = (Client(FLUX, pace=parse_pace(pace)) for _ in range(2))
    for client in (streaming, polling):
        client.now += begun
    jobs = [client.job("fal-ai/flux/dev", CAT) for client in (streaming, polling)]
    for client in (streaming, polling):
        client.now += elapsed
    told = events(streaming.send("GET", f"{jobs[0]}/status/stream?logs=1"))
    polls = [polling.status(jobs[1], "?logs=1")]
    while polls[-1]["status"] != "COMPLETED":
        polling.now += 0.01
        polls.append(polling.status(jobs[1], "?logs=1"))
    assert told[-1]["status"] == "COMPLETED"
    assert [log["message"] for event in told for log in event["logs"] or []] == [
        log["message"] for log in polls[-1]["logs"]
    ]
    order = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    places = [order.index(event["status"]) for event in told]
    assert places == sorted(places)
    assert {order[place] for place in places} >= {poll["status"] for poll in polls[1:]}


@pytest.mark.parametrize("origin", ["https://app.example"])
def test_a_page_may_read_it(origin: str) -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    reply = client.send("GET", f"{job}/status/stream", headers={"origin": origin})
    assert header(reply, "access-control-allow-origin") == "*"
