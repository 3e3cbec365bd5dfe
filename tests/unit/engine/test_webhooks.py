from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine import webhooks
from falmock.engine.config import Mode
from falmock.engine.effects import FileBody
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.pace import parse_pace
from falmock.engine.webhooks import NoKey
from falmock.engine.webhooks import Plan
from falmock.engine.webhooks import Post
from falmock.wire import webhook
from falmock.wire.auth import AuthRule
from falmock.wire.message import Request
from falmock.wire.webhook import Outcome
from unit.engine.calls import FAILING
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

HOOK = "http://127.0.0.1:9000/hook?a=1&b=2"
PUBLIC = bytes(range(32))
CAT = {"prompt": "a cat"}
PICTURE = {"match": {"model": "acme/picture"}, "response": {"text": "not JSON"}}
QUICK = {"match": {"model": "acme/quick"}, "response": {"json": {"done": True}}, "queue": {"completed": 0}}
WAITS = {
    "match": {"model": "acme/waits"},
    "response": {"json": {}},
    "queue": {"started": 60, "completed": 60},
}
GOES_ON = {
    "match": {"model": "acme/goes-on"},
    "response": {"json": {"stopped": False}},
    "queue": {"started": 0, "completed": 8, "cancel": "ignored"},
}
JWKS = "/.well-known/jwks.json"


class Edge:
    """What an agenda needs, for a test: a signature tells what was signed."""

    def __init__(self) -> None:
        self.woken = 0
        self.warnings: list[str] = []
        self.signed: list[bytes] = []
        self.broken = ""
        self.files: dict[str, bytes] = {}

    def public_key(self) -> bytes:
        if self.broken:
            raise NoKey(self.broken)
        return PUBLIC

    def sign(self, message: bytes) -> bytes:
        self.signed.append(message)
        return b"\x01\xff"

    def read(self, body: FileBody) -> bytes:
        if body.file not in self.files:
            raise FileNotFoundError(body.file)
        return self.files[body.file]

    def changed(self) -> None:
        self.woken += 1

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Hooked(Client):
    """A client whose submits ask for a webhook, and what posts them."""

    def __init__(self, *fixtures: dict[str, Any], **config: Any) -> None:
        super().__init__(*fixtures, **config)
        self.edge = Edge()
        self.agenda = self.engine.webhooks
        self.agenda.edge = self.edge
        self.start = self.now

    def ask(self, endpoint: str, body: Any = None, hook: str = HOOK, **headers: str) -> Reply:
        return self.submit(f"{endpoint}?fal_webhook={quote(hook, safe='')}", body, **headers)

    def order(self, endpoint: str, body: Any = None) -> str:
        """The URL of a new job with a webhook."""
        return str(read(self.ask(endpoint, body))["response_url"])

    def at(self, seconds: float) -> list[Post]:
        """What is due so many seconds after the first call."""
        self.now = self.start + seconds
        return self.agenda.due(self.now)

    def next(self) -> float | None:
        """When something is due next, in seconds after the first call."""
        when = self.agenda.next()
        return None if when is None else pytest.approx(when - self.start, abs=1e-4)

    def answer(self, post: Post, status: int | None = 200, problem: str = "no answer") -> webhooks.Verdict:
        return self.agenda.posted(post.key, status, problem, self.now)


def paced(pace: str = "recorded", **config: Any) -> Hooked:
    return Hooked(FLUX, FAILING, PICTURE, QUICK, WAITS, GOES_ON, pace=parse_pace(pace), **config)


def field(post: Post, name: str) -> str:
    return {key.decode(): value.decode() for key, value in post.headers}[f"X-Fal-Webhook-{name}"]


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
    assert client.next() == webhooks.HEAD_START
    assert len(client.at(webhooks.HEAD_START)) == 1


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
    now = client.now + 1
    given = [len(client.agenda.due(now, most)) for most in (0, 2, 2)]
    assert given == [0, 2, 1]


# what is posted


def test_a_job_that_failed() -> None:
    client = paced("instant")
    client.order("fal-ai/flux/dev", {"prompt": "bad"})
    (post,) = client.at(1)
    body = json.loads(post.body)
    assert (body["status"], body["error"]) == ("ERROR", "Invalid status code: 422")
    assert body["payload"]["detail"][0]["type"] == "content_policy_violation"


def test_a_result_that_is_not_json() -> None:
    client = paced("instant")
    client.order("acme/picture")
    (post,) = client.at(1)
    body = json.loads(post.body)
    assert (body["status"], body["payload"], body["payload_error"]) == ("OK", None, webhook.NOT_JSON)


def test_a_result_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    client = paced("instant")
    client.edge.files["big.json"] = b'{"n": 1.10}'
    for name in ("big.json", "gone.json"):
        reply = Reply(200, ((b"content-type", b"application/json"),), FileBody(name, 0, 11), "a file")
        monkeypatch.setattr(client.agenda._answers, "outcome", lambda _, reply=reply: reply)
        client.order("acme/quick")
        (post,) = client.at(client.now - client.start + 1)
        assert json.loads(post.body)["payload"] == ({"n": 1.1} if name == "big.json" else None)
    assert "cannot be read for its webhook" in client.edge.warnings[0]


def test_signature_and_timestamp_are_those_of_the_attempt() -> None:
    client = paced()
    client.order("acme/quick")
    times = []
    for seconds in (1, 100):
        (post,) = client.at(seconds)
        times.append(int(field(post, "Timestamp")))
        message = webhook.signed_message(post.request_id, times[-1], post.body)
        assert client.edge.signed[-1] == message
        assert field(post, "Signature") == "01ff"
        assert field(post, "Request-Id") == post.request_id
        client.answer(post, 500)
    assert times == [int(client.start) + 1, int(client.start) + 100]


# plans, which faults make


def test_twice_and_late() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.agenda.register(job, client.engine.scope.journal, webhook.target(HOOK), Plan((0.0, 5.0)))
    (first,) = client.at(1)
    client.answer(first)
    assert client.next() == 5
    (second,) = client.at(5)
    assert (second.key != first.key, second.body, second.attempt) == (True, first.body, 1)


def test_never() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.agenda.register(job, client.engine.scope.journal, webhook.target(HOOK), Plan(()))
    assert client.next() is None


def test_late_after_a_cancel() -> None:
    client = paced()
    client.submit("acme/waits")
    (job,) = client.engine.scope.jobs._live.values()
    client.agenda.register(job, client.engine.scope.journal, webhook.target(HOOK), Plan((5.0,)))
    client.now += 2
    client.send("PUT", f"https://queue.fal.run/acme/waits/requests/{job.request_id}/cancel")
    assert client.next() == 7
    assert client.at(6.9) == []
    assert len(client.at(7.1)) == 1


def test_a_forged_signature_is_another_one() -> None:
    client = paced()
    client.submit("acme/quick")
    (job,) = client.engine.scope.jobs._over.values()
    client.agenda.register(job, client.engine.scope.journal, webhook.target(HOOK), Plan(forged=True))
    (post,) = client.at(1)
    assert field(post, "Signature") == "01fe"


# tries


def test_what_is_refused_is_tried_again_later_and_later() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    verdict = client.answer(post, 500)
    assert verdict == (
        Outcome.AGAIN,
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
    assert len(client.agenda) == 0


def test_a_redirect_is_the_end() -> None:
    client = paced()
    client.order("acme/quick")
    (post,) = client.at(1)
    verdict = client.answer(post, 307)
    assert verdict.outcome is Outcome.GIVEN_UP
    assert verdict.text.endswith(": given up: status 307, and fal does not follow redirects")
    assert client.next() is None


def test_one_that_is_never_taken_is_given_up() -> None:
    client = paced()
    client.order("acme/quick")
    attempts = 0
    while (due := client.agenda.next()) is not None:
        (post,) = client.at(due - client.start)
        attempts += 1
        verdict = client.answer(post, None, "connection refused")
    assert attempts == 31
    assert verdict.text.endswith(": given up after 31 attempts: connection refused")


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
    under_way: dict[str, tuple[float, Post]] = {}
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
            verdict = client.answer(post, next(script, None))
            ended[post.request_id] = client.now
            if verdict.outcome is not Outcome.AGAIN:
                over.add(post.request_id)
        for post in client.agenda.due(client.now):
            assert post.request_id not in under_way
            assert post.request_id not in over
            assert 1 <= post.attempt <= 31
            if post.attempt > 1:
                waits.setdefault(post.request_id, []).append(client.now - ended[post.request_id])
                assert (
                    waits[post.request_id][-1]
                    >= client.agenda._open[post.key].policy.wait_after(post.attempt - 1) - 1e-6
                )
            under_way[post.request_id] = (client.now + take / 2, post)
    assert len(client.agenda) == 2 - len(over)


@pytest.mark.parametrize(
    ("pace", "timeouts", "waits"),
    [
        ("recorded", (15, 120), (15, 300)),
        ("x10", (1.5, 12), (1.5, 30)),
        ("x1000", (1, 1), (0.015, 0.3)),
        ("x0.5", (30, 240), (30, 600)),
        ("instant", (5, 5), (0.015, 0.3)),
        ("3s", (5, 5), (0.015, 0.3)),
        ("polls:1,2", (5, 5), (0.015, 0.3)),
    ],
)
def test_the_pace_shortens_waits_and_timeouts(pace: str, timeouts: Sequence[float], waits: Sequence[float]) -> None:
    policy = webhooks.policy_for(parse_pace(pace))
    assert (policy.timeout_of(1), policy.timeout_of(2)) == pytest.approx(timeouts)
    assert (policy.wait_after(1), policy.wait_after(31)) == pytest.approx(waits)
    assert policy.tries == 31


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
    assert "fal_webhook is not delivered: nothing here posts" in reply.why
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
    assert len(client.agenda) == 1


# where it is told


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


# the keys


@pytest.mark.parametrize("host", ["rest.fal.ai", "rest.alpha.fal.ai"])
def test_the_keys_are_served(host: str) -> None:
    client = paced(auth=AuthRule(required=True))
    reply = client.send("GET", f"https://{host}{JWKS}")
    assert (reply.status, read(reply)) == (200, webhook.key_set(PUBLIC))
    assert header(reply, "cache-control") == "public, max-age=86400"
    assert header(reply, "content-type") == "application/json"
    head = client.send("HEAD", f"https://{host}{JWKS}")
    assert (head.status, head.body, head.length) == (200, b"", len(reply.body))


def handle(client: Client, method: str, url: str, query: str = "") -> Any:
    host, _, path = url.removeprefix("https://").partition("/")
    return client.engine.handle(Request(method, host, f"/{path}", query, {}, b"{}"), client.now)


def test_in_auto_the_keys_are_ours_once_a_webhook_is() -> None:
    client = paced("instant", mode=Mode.AUTO)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    assert isinstance(handle(client, "POST", "https://queue.fal.run/acme/other", f"fal_webhook={HOOK}"), Forward)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    client.order("acme/quick")
    assert client.send("GET", f"https://rest.fal.ai{JWKS}").status == 200


def test_in_auto_a_bad_webhook_does_not_go_to_fal() -> None:
    client = paced("instant", mode=Mode.AUTO)
    assert client.ask("acme/quick", hook="nowhere").status == 422


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.PASSTHROUGH])
def test_what_is_forwarded_is_fals_to_deliver(mode: Mode) -> None:
    client = paced("instant", mode=mode)
    assert isinstance(handle(client, "POST", "https://queue.fal.run/acme/quick", f"fal_webhook={HOOK}"), Forward)
    assert isinstance(handle(client, "GET", f"https://rest.fal.ai{JWKS}"), Forward)
    assert client.at(10) == []
    assert not client.agenda.used
