"""A job's status as a stream: another view of the same job."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import End
from falmock.engine.jobs.pace import Retry
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.jobs.status_stream import BETWEEN_POLLS
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import Listener
from unit.engine.calls import header
from unit.engine.calls import paced
from unit.engine.calls import read

CAT = {"prompt": "a cat"}
UNTIL_CANCELLED = {**FLUX, "queue": {"started": 1, "cancelled": 2}}
NEVER_STARTED = {**FLUX, "queue": {"cancelled": 2, "positions": [{"at": 0, "position": 3}, {"at": 1, "position": 2}]}}
NOT_STOPPED = {**FLUX, "queue": {**FLUX["queue"], "cancel": "ignored"}}


def follow(client: Client, job: str, query: str = "?logs=1") -> Listener:
    return client.listen("GET", f"{job}/status/stream{query}")


def seen(listener: Listener) -> list[tuple[str, Any, list[str]]]:
    """The state, the queue position and the new log lines of each event."""
    return [
        (event["status"], event.get("queue_position"), [log["message"] for log in event["logs"] or []])
        for event in listener.data
    ]


def states(listener: Listener) -> list[str]:
    return [state for state, _, _ in seen(listener)]


def test_every_change_once_each_line_once_when_it_comes() -> None:
    client = paced()
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).wait()
    assert seen(listener) == [
        ("IN_QUEUE", 1, []),
        ("IN_QUEUE", 0, []),
        ("IN_PROGRESS", None, []),
        ("IN_PROGRESS", None, ["half"]),
        ("COMPLETED", None, []),
    ]
    assert [at for at, _ in listener.pieces] == pytest.approx([0, 1, 2, 3, 6], abs=1e-4)
    assert listener.end is End.WHOLE
    assert listener.data[-1]["metrics"] == {"inference_time": 4.25}


def test_the_answer_is_an_event_stream_about_this_job() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    stream = follow(client, job).stream
    assert (stream.status, stream.fixture, stream.delay) == (200, "test.json#0", 0)
    assert header(stream, "content-type") == "text/event-stream; charset=utf-8"
    assert job.endswith(stream.key)


def test_it_begins_where_the_job_is_and_shows_the_job_that_polls_show() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 2.5
    listener = follow(client, job, "").look()
    assert states(listener) == ["IN_PROGRESS"]
    assert client.status(job)["status"] == "IN_PROGRESS"
    assert states(listener.wait()) == ["IN_PROGRESS", "COMPLETED"]
    assert listener.open_for == pytest.approx(3.5, abs=1e-4)
    assert read(client.send("GET", job))["seed"] == 15738016505585340234


def test_who_asks_late_is_told_what_was_meanwhile() -> None:
    client = paced()
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).look()
    client.now += 60
    assert seen(listener.look())[1:] == [
        ("IN_QUEUE", 0, []),
        ("IN_PROGRESS", None, []),
        ("IN_PROGRESS", None, ["half"]),
        ("COMPLETED", None, []),
    ]
    assert listener.end is End.WHOLE


def test_without_logs_none_are_told() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    listeners = [follow(client, job, query) for query in ("", "?logs=0")]
    for listener in listeners:
        assert all(event["logs"] is None for event in listener.wait().data)


def test_instant_is_over_at_once() -> None:
    client = Client(FLUX)
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).look()
    assert (seen(listener), listener.end) == ([("COMPLETED", None, ["half"])], End.WHOLE)


def test_by_polls_each_step_is_one() -> None:
    client = Client(FLUX, pace=parse_pace("polls:2,4"))
    job = client.job("fal-ai/flux/dev", CAT)
    listener = follow(client, job).wait()
    assert [(state, place) for state, place, _ in seen(listener)] == [
        ("IN_QUEUE", 2),
        ("IN_QUEUE", 1),
        ("IN_PROGRESS", None),
        ("COMPLETED", None),
    ]
    assert listener.open_for == pytest.approx(4 * BETWEEN_POLLS, abs=1e-4)
    assert client.send("GET", job).status == 200


def test_a_job_whose_start_deadline_passes() -> None:
    client = paced()
    job = read(client.submit("fal-ai/flux/dev", CAT, x_fal_request_timeout="1.5"))["response_url"]
    listener = follow(client, job).wait()
    assert states(listener) == ["IN_QUEUE", "IN_QUEUE", "COMPLETED"]
    assert listener.data[-1]["error_type"] == "request_timeout"
    assert listener.open_for == pytest.approx(1.5, abs=1e-4)


def test_a_job_that_loses_its_runner_goes_back_and_no_line_is_told_twice() -> None:
    client = paced()
    url = client.job("fal-ai/flux/dev", CAT)
    job = client.engine.scope.jobs.get(url.rpartition("/")[2], client.now)
    assert job is not None
    job.schedule = job.schedule._replace(retries=(Retry(3.5, 4.5),))
    listener = follow(client, url).wait()
    assert seen(listener)[3:] == [
        ("IN_PROGRESS", None, ["half"]),
        ("IN_QUEUE", 0, []),
        ("IN_PROGRESS", None, []),
        ("COMPLETED", None, []),
    ]


# cancelling


@pytest.mark.parametrize("pace", ["recorded", "polls:1,2"])
@pytest.mark.parametrize(
    ("fixture", "before"), [(UNTIL_CANCELLED, "IN_PROGRESS"), (NEVER_STARTED, "IN_QUEUE")], ids=["running", "queued"]
)
def test_a_job_that_waits_to_be_cancelled_is_silent_until_it_is(fixture: Any, before: str, pace: str) -> None:
    client = Client(fixture, pace=parse_pace(pace))
    job = client.job("fal-ai/flux/dev", CAT)
    listener = follow(client, job).wait()
    assert (states(listener)[-1], listener.end) == (before, End.OPEN)
    assert client.send("PUT", f"{job}/cancel").wakes == listener.stream.key
    told = len(listener.pieces)
    assert (states(listener.look())[told:], listener.end) == (["COMPLETED"], End.WHOLE)


def test_by_polls_a_job_that_never_starts_comes_to_the_head_of_the_queue() -> None:
    client = Client(NEVER_STARTED, pace=parse_pace("polls:2,4"))
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).wait()
    assert [place for _, place, _ in seen(listener)] == [2, 1, 0]
    assert listener.end is End.OPEN


def test_a_cancel_ends_the_stream_of_a_job_under_way() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    listener = follow(client, job).look()
    client.now += 2.5
    client.send("PUT", f"{job}/cancel")
    client.now += 0.25
    assert states(listener.look()) == ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert listener.data[-1]["error_type"] == "client_cancelled"
    assert listener.end is End.WHOLE


def test_who_looks_long_after_a_cancel_is_told_of_nothing_that_it_prevented() -> None:
    client = paced()
    job = client.job("fal-ai/flux/dev", CAT)
    listener = follow(client, job).look()
    client.now += 1.5
    client.send("PUT", f"{job}/cancel")
    client.now += 60
    assert states(listener.look()) == ["IN_QUEUE", "IN_QUEUE", "COMPLETED"]
    assert listener.data[-1]["error_type"] == "client_cancelled"


def test_a_cancel_that_the_app_ignores_changes_nothing() -> None:
    client = Client(NOT_STOPPED, pace=parse_pace("recorded"))
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 2.5
    listener = follow(client, job, "").look()
    client.send("PUT", f"{job}/cancel")
    assert states(listener.look()) == ["IN_PROGRESS"]
    assert states(listener.wait()) == ["IN_PROGRESS", "COMPLETED"]
    assert listener.open_for == pytest.approx(3.5, abs=1e-4)


def test_a_cancel_that_comes_too_late_wakes_nobody() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.status(job)
    reply = client.send("PUT", f"{job}/cancel")
    assert (reply.status, reply.wakes) == (400, None)


# the table of jobs


def test_a_stream_keeps_its_job() -> None:
    client = paced(job_ttl=1.5)
    job = client.job("fal-ai/flux/dev", CAT)
    assert states(follow(client, job, "").wait()) == ["IN_QUEUE", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


@pytest.mark.parametrize("pace", ["recorded", "polls:2,4"])
def test_a_stream_of_a_job_that_is_forgotten_goes_on_to_the_end(pace: str) -> None:
    client = Client(FLUX, pace=parse_pace(pace), job_ttl=0.5)
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).look()
    client.now += 1
    assert states(listener.wait())[-1] == "COMPLETED"
    assert listener.end is End.WHOLE


@pytest.mark.parametrize(("fixture", "pace"), [(FLUX, "manual"), (UNTIL_CANCELLED, "recorded")])
def test_a_stream_of_a_job_that_nothing_can_end_any_more_breaks_off(fixture: Any, pace: str) -> None:
    client = Client(fixture, pace=parse_pace(pace))
    listener = follow(client, client.job("fal-ai/flux/dev", CAT)).wait()
    told = states(listener)
    client.engine.reset()
    assert (listener.look().end, states(listener)) == (End.CUT, told)


def test_an_unknown_job() -> None:
    reply = Client(FLUX).send("GET", "https://queue.fal.run/a/b/requests/x/status/stream")
    assert (reply.status, read(reply)) == (404, {"status": "NOT_FOUND"})


def test_a_page_may_read_it() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    stream = client.listen("GET", f"{job}/status/stream", headers={"origin": "https://app.example"}).stream
    assert header(stream, "access-control-allow-origin") == "*"


# any life at any pace

TIMES = st.floats(0, 4)
PACES = st.sampled_from(["recorded", "x3", "x7.3", "1.87s", "instant", "polls:2,5"])


@st.composite
def lives(draw: st.DrawFn) -> dict[str, Any]:
    queue: dict[str, Any] = {
        "positions": [
            {"at": at, "position": place} for place, at in enumerate(sorted(draw(st.lists(TIMES, max_size=3))))
        ],
        "logs": [{"at": at, "message": str(line)} for line, at in enumerate(sorted(draw(st.lists(TIMES, max_size=4))))],
        "cancel": draw(st.sampled_from(["honoured", "ignored"])),
    }
    started = draw(TIMES)
    return {**FLUX, "queue": {**queue, "started": started, "completed": started + draw(TIMES)}}


@settings(max_examples=200)
@given(lives(), PACES, st.lists(st.floats(0, 3), max_size=6), st.none() | st.integers(0, 5), st.floats(1.1, 5))
def test_any_life_is_told_in_order_to_its_end_and_once(
    life: dict[str, Any], pace: str, waits: list[float], cancel: int | None, deadline: float
) -> None:
    client = Client(life, pace=parse_pace(pace))
    job = read(client.submit("fal-ai/flux/dev", CAT, x_fal_request_timeout=str(deadline)))["response_url"]
    client.now += waits.pop() if waits else 0
    listener = follow(client, job)
    for number, wait in enumerate(waits):
        if listener.end is End.OPEN:
            listener.look()
        client.now += wait
        if number == cancel:
            client.send("PUT", f"{job}/cancel")
    if listener.end is End.OPEN:
        listener.wait()
    assert listener.end is End.WHOLE
    told = states(listener)
    order = ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert [order.index(state) for state in told] == sorted(order.index(state) for state in told)
    assert told.count("COMPLETED") == 1
    last = client.status(job, "?logs=1")
    lines = [log for event in listener.data for log in event["logs"] or []]
    assert lines == last["logs"]
    assert {**listener.data[-1], "logs": last["logs"]} == last
    told_twice = [
        (before, after)
        for before, after in zip(listener.data, listener.data[1:], strict=False)
        if before == after and not after["logs"]
    ]
    assert told_twice == []


@given(st.floats(0, 1), st.floats(0, 8), PACES)
def test_who_streams_and_who_polls_see_one_story(begun: float, elapsed: float, pace: str) -> None:
    streaming, polling = (Client(FLUX, pace=parse_pace(pace)) for _ in range(2))
    for client in (streaming, polling):
        client.now += begun
    jobs = [client.job("fal-ai/flux/dev", CAT) for client in (streaming, polling)]
    for client in (streaming, polling):
        client.now += elapsed
    listener = follow(streaming, jobs[0]).wait()
    polls = [polling.status(jobs[1], "?logs=1")]
    while polls[-1]["status"] != "COMPLETED":
        polling.now += 0.01
        polls.append(polling.status(jobs[1], "?logs=1"))
    assert [log["message"] for event in listener.data for log in event["logs"] or []] == [
        log["message"] for log in polls[-1]["logs"]
    ]
    assert set(states(listener)) >= {poll["status"] for poll in polls[1:]}
