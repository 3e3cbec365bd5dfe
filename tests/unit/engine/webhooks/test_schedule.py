from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.jobs.pace import parse_pace
from falmock.engine.webhooks import schedule
from falmock.engine.webhooks.delivery import HEAD_START
from falmock.engine.webhooks.request import WebhookPost
from falmock.wire import webhook
from falmock.wire.webhook import AttemptOutcome
from unit.engine.calls import Client
from unit.engine.calls import read
from unit.engine.hooked import CAT
from unit.engine.hooked import HOOK
from unit.engine.hooked import QUICK
from unit.engine.hooked import Hooked
from unit.engine.hooked import paced

JWKS = "/.well-known/jwks.json"

# when a job is over


def test_a_job_that_the_clock_ends_is_posted_then() -> None:
    client = paced()
    job = client.order("fal-ai/flux/dev", CAT)
    assert client.edge.woken == 1
    assert client.next() == 6
    assert client.at(5.9) == []
    (post,) = client.at(6.1)
    assert job.endswith(post.request_id)
    assert (post.attempt, post.tries, post.timeout) == (1, 31, 15)
    assert post.target == webhook.target(HOOK)
    assert post.body == webhook.body(
        post.request_id, 200, b'{"images":[],"seed":15738016505585340234,"prompt":"\xc3\xa9"}'
    )


def test_nobody_has_to_ask_after_the_job_and_asking_makes_no_second_post() -> None:
    client = paced()
    job = client.order("fal-ai/flux/dev", CAT)
    assert len(client.at(7)) == 1
    assert client.status(job)["status"] == "COMPLETED"
    assert client.at(8) == []
    assert client.next() is None


@pytest.mark.parametrize("pace", ["instant", "recorded"])
def test_an_app_knows_the_request_id_before_it_is_told_of_its_end(pace: str) -> None:
    client = paced(pace)
    client.order("acme/quick")
    assert client.at(0) == []
    assert client.next() == HEAD_START
    assert len(client.at(HEAD_START)) == 1


def test_a_job_that_polls_end_is_posted_after_the_last_of_them() -> None:
    client = paced("polls:1,2")
    job = client.order("acme/quick")
    client.now += 1
    assert client.status(job)["status"] == "IN_PROGRESS"
    assert client.at(2) == []
    woken = client.edge.woken
    assert client.status(job)["status"] == "COMPLETED"
    assert client.edge.woken > woken
    assert len(client.at(2)) == 1


def test_a_job_that_waits_for_polls_that_never_come_times_out() -> None:
    client = paced("polls:1,2")
    client.ask("acme/quick", x_fal_request_timeout="30")
    assert client.at(29) == []
    (post,) = client.at(31)
    assert json.loads(post.body)["error"] == "Invalid status code: 504"


def test_a_job_that_polls_have_started_waits_for_more_of_them() -> None:
    client = paced("polls:1,2")
    job = str(read(client.ask("acme/quick", x_fal_request_timeout="30"))["response_url"])
    client.status(job)
    assert client.at(31) == []
    assert client.next() is None
    client.status(job)
    assert len(client.at(31)) == 1


def test_a_cancelled_job_is_posted_at_once() -> None:
    client = paced()
    job = client.order("acme/waits")
    client.now += 3
    client.send("PUT", f"{job}/cancel")
    (post,) = client.at(3)
    body = json.loads(post.body)
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 499")
    assert body["payload"] == {"detail": "Request was cancelled by the client", "error_type": "client_cancelled"}
    assert client.at(61) == []


def test_a_job_that_goes_on_when_cancelled_is_posted_when_it_ends() -> None:
    client = paced()
    job = client.order("acme/goes-on")
    client.now += 1
    client.send("PUT", f"{job}/cancel")
    assert client.at(7.9) == []
    (post,) = client.at(8.1)
    assert json.loads(post.body)["payload"] == {"stopped": False}


def test_a_job_whose_deadline_passes_is_posted_then() -> None:
    client = paced()
    client.ask("acme/waits", x_fal_request_timeout="5")
    assert client.next() == 5
    (post,) = client.at(5.1)
    body = json.loads(post.body)
    assert (body["error"], body["payload"]["error_type"]) == ("Invalid status code: 504", "request_timeout")


def test_a_job_that_its_client_cancelled_when_it_was_recorded_waits_for_that() -> None:
    stopped = {
        "match": {"model": "acme/stopped"},
        "response": {"error": {"type": "client_cancelled", "message": "Request was cancelled by the client"}},
        "queue": {"started": 1, "cancelled": 3},
    }
    client = Hooked(stopped, pace=parse_pace("recorded"))
    job = client.order("acme/stopped")
    assert client.next() is None
    client.now += 9
    client.send("PUT", f"{job}/cancel")
    (post,) = client.at(9)
    assert json.loads(post.body)["error"] == "Invalid status code: 499"


def test_a_submit_with_a_webhook_has_the_id_of_the_gateway_too() -> None:
    client = paced()
    answer = read(client.ask("acme/quick"))
    assert answer["gateway_request_id"] == answer["request_id"]
    assert "gateway_request_id" not in read(client.submit("acme/quick"))


def test_no_more_are_given_than_are_asked_for() -> None:
    client = paced()
    for _ in range(3):
        client.order("acme/quick")
    client.now += 1
    given = [len(client.due(most)) for most in (0, 2, 2)]
    assert given == [0, 2, 1]


# tries


def test_what_is_refused_is_tried_again_later_and_later() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    result = client.answer(post, 500)
    assert result == (
        AttemptOutcome.AGAIN,
        f"webhook of job {post.request_id}: attempt 1 of 31: status 500; again in 15 s",
    )
    assert client.at(15.9) == []
    (post,) = client.at(16)
    assert (post.attempt, post.timeout) == (2, 120)
    client.answer(post, None, "no answer within 120 s")
    assert client.next() == 46
    (post,) = client.at(46)
    assert client.answer(post, 204).text.endswith(": delivered at attempt 3 (status 204)")
    assert client.next() is None
    assert len(client.schedule) == 0


def test_a_redirect_is_the_end() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    result = client.answer(post, 307)
    assert result.outcome is AttemptOutcome.GIVEN_UP
    assert result.text.endswith(": given up: status 307, and fal does not follow redirects")
    assert client.next() is None


def test_one_that_is_never_taken_is_given_up() -> None:
    client = paced()
    client.order("acme/quick")
    attempts = 0
    while (due := client.schedule.next()) is not None:
        (post,) = client.at(due - client.start)
        attempts += 1
        result = client.answer(post, None, "connection refused")
    assert attempts == 31
    assert result.text.endswith(": given up after 31 attempts: connection refused")


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([None, 200, 301, 404, 500]), max_size=80),
    st.lists(st.floats(0, 400), min_size=5, max_size=80),
    st.sampled_from(["instant", "recorded", "x10", "polls:1,2", "3s"]),
)
def test_whatever_is_answered_no_two_at_a_time_and_never_too_many(
    answers: list[int | None], takes: list[float], pace: str
) -> None:
    client = paced(pace)
    jobs = [client.order("acme/quick") for _ in range(2)]
    client.now += 4
    for job in jobs * 2:
        client.status(job)
    under_way: dict[str, tuple[float, WebhookPost]] = {}
    ended: dict[str, float] = {}
    waits: dict[str, list[float]] = {}
    over: set[str] = set()
    script = iter(answers)
    for take in takes:
        client.now += take
        for when, post in sorted(under_way.values(), key=lambda item: item[0]):
            if when > client.now:
                continue
            del under_way[post.request_id]
            result = client.answer(post, next(script, None))
            ended[post.request_id] = client.now
            if result.outcome is not AttemptOutcome.AGAIN:
                over.add(post.request_id)
        for post in client.due():
            assert post.request_id not in under_way
            assert post.request_id not in over
            assert 1 <= post.attempt <= 31
            if post.attempt > 1:
                waits.setdefault(post.request_id, []).append(client.now - ended[post.request_id])
                assert (
                    waits[post.request_id][-1]
                    >= client.schedule._open[post.key].policy.wait_after(post.attempt - 1) - 1e-6
                )
            under_way[post.request_id] = (client.now + take / 2, post)
    assert len(client.schedule) == 2 - len(over)


# what is refused, and what goes nowhere


def test_a_webhook_that_is_no_url_is_refused() -> None:
    client = paced()
    reply = client.ask("acme/quick", hook="localhost/hook?token=hidden")
    assert reply.status == 422
    assert read(reply)["detail"] == (
        "fal_webhook: expected a URL that starts with http:// or https://, found no scheme"
    )
    assert len(client.engine.scope.jobs) == 0
    assert "hidden" not in repr(client.engine.scope.journal.entries)


@pytest.mark.parametrize(
    ("hook", "allowed", "why"),
    [
        ("https://queue.fal.run/x", (), "queue.fal.run is a host of fal's"),
        ("https://other.fal.ai/x", ("*",), "other.fal.ai is a host of fal's"),
        ("https://storage.googleapis.com/falserverless/x", (), "storage.googleapis.com is a host of fal's"),
        ("https://ex.com/x", ("localhost", "*.ex.com"), "ex.com is not among fal_webhook_hosts"),
    ],
)
def test_a_target_that_nothing_is_posted_to(hook: str, allowed: tuple[str, ...], why: str) -> None:
    client = paced("instant", webhook_hosts=allowed)
    reply = client.ask("acme/quick", hook=hook)
    assert reply.status == 200
    assert f"fal_webhook is not delivered: {why}" in reply.why
    assert f"fal_webhook is not delivered: {why}" in client.engine.scope.journal.entries[-1].why
    assert client.edge.warnings == [f"job {read(reply)['request_id']}: fal_webhook is not delivered: {why}"]
    assert client.at(100) == []


@pytest.mark.parametrize("hook", ["http://Localhost:80/", "https://hooks.ex.com/", "http://[::1]/", "https://ex.org/"])
def test_targets_that_are_allowed(hook: str) -> None:
    client = paced("instant", webhook_hosts=("localhost", "*.ex.com", "::1", "ex.???"))
    reply = client.ask("acme/quick", hook=hook)
    assert f"fal_webhook goes to {webhook.target(hook).host}" in reply.why
    assert len(client.at(1)) == 1


def test_the_log_names_a_refused_host_once_and_the_journal_each_webhook() -> None:
    client = paced("instant")
    jobs = [read(client.ask("acme/quick", hook=f"https://{host}/x"))["request_id"] for host in ("fal.run",) * 2]
    client.ask("acme/quick", hook="https://fal.ai/x")
    assert [warning.rpartition(": ")[2] for warning in client.edge.warnings] == [
        "fal.run is a host of fal's",
        "fal.ai is a host of fal's",
    ]
    told = [entry for entry in client.engine.scope.journal.entries if entry.kind == "webhook"]
    assert [(entry.job, entry.host, entry.status, entry.why) for entry in told[:2]] == [
        (job, "fal.run", None, f"webhook of job {job}: refused: fal.run is a host of fal's") for job in jobs
    ]
    assert len(client.schedule) == 0


def test_how_many_refused_hosts_the_log_names_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "MOST", 1)
    client = paced("instant")
    for host in ("fal.run", "fal.ai"):
        client.ask("acme/quick", hook=f"https://{host}/x")
    assert len(client.edge.warnings) == 1


def test_a_webhook_that_is_refused_when_it_is_due_is_not_tried_again() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    result = client.engines.webhook_posted(post.key, None, "ex.com is not here", client.now, is_refused=True)
    assert result == (AttemptOutcome.GIVEN_UP, f"webhook of job {post.request_id}: refused: ex.com is not here")
    entry = client.engine.scope.journal.entries[-1]
    assert (entry.kind, entry.status, entry.why, entry.fixture) == ("webhook", None, result.text, "test.json#3")
    assert len(client.schedule) == 0
    assert client.at(10_000) == []


def test_a_key_that_cannot_be_read_refuses_the_submit() -> None:
    client = paced()
    client.edge.broken = "key.pem: expected a key"
    reply = client.ask("acme/quick")
    assert (reply.status, read(reply)["detail"]) == (500, "key.pem: expected a key")
    assert len(client.engine.scope.jobs) == 0
    assert client.send("GET", f"https://rest.fal.ai{JWKS}").status == 500


def test_without_anyone_to_post_the_submit_says_so() -> None:
    client = Client(QUICK)
    reply = client.submit(f"acme/quick?fal_webhook={quote(HOOK, safe='')}")
    assert "fal_webhook is not delivered: no edge posts webhooks" in reply.why
    assert client.send("GET", f"https://rest.fal.ai{JWKS}").status == 501


def test_undelivered_webhooks_are_bounded() -> None:
    client = paced(max_jobs=2)
    for _ in range(2):
        client.order("acme/quick")
    assert client.ask("acme/quick").status == 507
    posts = client.at(1)
    client.answer(posts[0])
    assert client.ask("acme/quick").status == 200


def test_jobs_that_nobody_asks_for_any_more_make_room() -> None:
    client = paced("polls:1,2", max_jobs=2, job_ttl=60.0)
    for _ in range(2):
        client.status(client.order("acme/quick"))
    client.at(3700)
    assert client.ask("acme/quick").status == 200
    assert len(client.schedule) == 1


# where it is told


def test_how_what_is_not_delivered_stands() -> None:
    client = paced()
    jobs = [read(client.ask(model))["request_id"] for model in ("acme/waits", "acme/quick", "acme/quick", "acme/quick")]
    failed, under_way = client.at(1)[:2]
    client.answer(failed, 500)
    client.order("acme/quick")
    assert client.schedule.standing == [
        f"job {jobs[0]} to 127.0.0.1 (its job is not over)",
        f"job {jobs[1]} to 127.0.0.1 (attempt 1 of 31 failed)",
        f"job {jobs[2]} to 127.0.0.1 (attempt 1 of 31 broken off)",
        f"job {jobs[3]} to 127.0.0.1 (attempt 1 of 31 broken off)",
        f"job {client.engine.scope.journal.entries[-1].job} to 127.0.0.1 (not tried yet)",
    ]
    assert under_way.request_id == jobs[2]


def test_attempts_stand_in_the_journal_without_the_query() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    client.answer(post, None, "connection refused")
    (post,) = client.at(20)
    client.answer(post, 200)
    failed, delivered = client.engine.scope.journal.entries[-2:]
    assert (failed.method, failed.host, failed.path, failed.status) == ("POST", "127.0.0.1", "/hook", None)
    assert failed.why.endswith("connection refused; again in 15 s")
    assert (delivered.status, delivered.fixture) == (200, "test.json#3")
    assert delivered.at == client.now
