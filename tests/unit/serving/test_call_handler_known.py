"""Requests about jobs that are like one before them get the answers that they would get if they were read again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.app import App
from falmock.engine.config import Config
from falmock.engine.config import Dialect
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.known_forms import KnownForm
from falmock.fixtures.format.fault_rules import read_rules
from falmock.serving import call_lines
from falmock.serving.gate import Caller
from falmock.wire.auth import AuthRule
from falmock.wire.formats.uuid7 import uuid7
from unit.apps import TestEdge
from unit.engine.calls import index_of
from unit.serving.test_call_handler import AppClient
from unit.serving.test_call_handler import content
from unit.serving.test_call_handler import request
from unit.serving.test_call_handler import status

FIXTURES: tuple[dict[str, Any], ...] = (
    {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}},
    {
        "match": {"model": "a/b/path"},
        "response": {"json": {"seed": 2}, "headers": {"x-own": "1", "X-Fal-Request-Id": "r"}},
    },
    {"match": {"model": "c/d"}, "response": {"status": 422, "json": {"detail": []}}},
)
PACE = parse_pace("4s")
QUEUE = "queue.fal.run"


class KnownCounter(App):
    """Counts the answers by a known form; without `knows`, there are none."""

    def __init__(self, *, knows: bool = True) -> None:
        numbers = itertools.count()
        super().__init__(TestEdge(), lambda now: uuid7(now, next(numbers)), b"secret", {})
        self.engines.use_config(Config(pace=PACE))
        self.engines.use_fixtures(index_of(*FIXTURES))
        self.known = 0
        self._knows = knows

    @property
    def edge(self) -> Any:
        return self._edge

    def answer_known(self, form: KnownForm, request_id: str) -> Reply | None:
        reply = super().answer_known(form, request_id) if self._knows else None
        self.known += reply is not None
        return reply


class Client(AppClient):
    """A client with one connection, through a tunnel or direct to falmock."""

    def __init__(self, *, is_direct: bool = False, knows: bool = True) -> None:
        self.counter = KnownCounter(knows=knows)
        super().__init__(app=self.counter)
        self.is_direct = is_direct
        self.jobs: list[tuple[str, str]] = []
        if not is_direct:
            self.tunnel(QUEUE)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        if self.is_direct:
            headers |= {"Host": "127.0.0.1:8080", "x_fal_target_host": QUEUE}
            path = f"/fal{path}"
        else:
            headers |= {"Host": QUEUE}
        return self.call(request(f"{method} {path}", body, **headers))

    def submit(self, endpoint: str = "a/b") -> str:
        answer = self.ask("POST", f"/{endpoint}", b'{"prompt":"hi"}')
        job = str(content(answer)["request_id"])
        self.jobs.append((endpoint, job))
        return job

    def poll(self, job: str, action: str = "/status", app: str = "a/b", **headers: str) -> bytes:
        return self.ask("GET", f"/{app}/requests/{job}{action}", **headers)

    @property
    def lines(self) -> list[object]:
        """What is printed of the calls so far."""
        return [call_lines.line_of(Caller(), asked, play) for _, asked, play in self.gate.answers]

    @property
    def noted(self) -> list[object]:
        """The journal, with what it shows to nobody."""
        return list(self.app.engines.common.scope.journal)


@pytest.mark.parametrize("is_direct", [False, True])
def test_only_the_first_of_a_form_on_a_connection_is_read(is_direct: bool) -> None:  # noqa: FBT001
    caller = Client(is_direct=is_direct)
    for number in range(3):
        job = caller.submit()
        for action in ("/status", "/status?logs=1", "/status"):
            assert content(caller.poll(job, action))["request_id"] == job
        caller.counter.edge.time += 10.0
        assert content(caller.poll(job, "")) == {"seed": 1}
        assert caller.counter.known == 4 * number
    assert len(caller.noted) == len(caller.lines) == 15


RULES = read_rules(
    b'{"faults": [{"match": {"call": "status"}, "fault": "internal_server_error"}]}', "faults.json"
).rules
assert RULES
CHANGES: dict[str, Callable[[App], None]] = {
    "a fault rule": lambda app: app.engines.use_faults(RULES),
    "keys are checked": lambda app: app.engines.use_config(Config(auth=AuthRule(required=True))),
    "fixtures with a fault": lambda app: app.engines.use_fixtures(
        index_of({"match": {"model": "z/z"}, "fault": "internal_server_error"})
    ),
    "another mode": lambda app: app.engines.use_config(Config(mode=Mode.AUTO)),
    "the dialect of aimock": lambda app: app.engines.use_config(Config(dialect=Dialect.AIMOCK)),
    "a reset": lambda app: app.engines.reset_all(),
    "another scope for its calls": lambda app: app.engines.use_alias("", "one"),
    "a pace of the scope's own": lambda app: app.engines.common.use_pace(parse_pace("instant"), "instant"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_direct", [False, True])
def test_what_changes_is_looked_at_each_time(change: str, is_direct: bool) -> None:  # noqa: FBT001
    answers = []
    for knows in (True, False):
        caller = Client(is_direct=is_direct, knows=knows)
        job = caller.submit()
        before = [caller.poll(job) for _ in range(3)]
        CHANGES[change](caller.app)
        after = [caller.poll(job), caller.poll(job)]
        other = list(caller.app.engines.peek("one").scope.journal)
        answers.append(([*before, *after], caller.noted, other, caller.lines))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("action", "headers"),
    [
        ("/status", {"Origin": "https://app.example"}),
        ("/status", {"x_falmock_fault": "internal_server_error"}),
        ("/status", {"Content_Length": "0"}),
        ("/response", {}),
        ("/status?fal_jwt_token=abc.def.ghi", {}),
        ("/status/stream", {}),
    ],
)
def test_more_than_its_form_decides(action: str, headers: dict[str, str]) -> None:
    caller = Client()
    job = caller.submit()
    for _ in range(3):
        caller.poll(job, action, **headers)
        caller.session = (
            type(caller.session)(caller.server.handler(caller.carrier)) if "stream" in action else caller.session
        )
    assert caller.counter.known == 0


def test_an_app_that_is_not_the_jobs() -> None:
    caller = Client()
    mine, other = caller.submit("a/b"), caller.submit("c/d")
    for _ in range(3):
        assert status(caller.poll(mine)) == 202
    assert caller.counter.known == 1
    assert b"x-falmock-warning" in caller.poll(other)  # by the app of the first
    assert caller.counter.known == 1


def test_secrets_are_learned_again() -> None:
    caller = Client()
    job = caller.submit()
    key = {"Authorization": "Key 0123456789abcdef:fedcba9876543210"}
    for _ in range(3):
        caller.poll(job, **key)
    redactor = caller.app.redactor
    for number in range(5000):
        redactor.learn_value(f"another secret {number:08}")
    assert not redactor.has_learned("fedcba9876543210")
    caller.poll(job, **key)
    assert caller.counter.known == 2
    assert redactor.has_learned("fedcba9876543210")


def test_the_end_of_a_job_is_noted() -> None:
    caller = Client()
    job = caller.submit()
    jobs = caller.app.engines.common.scope.jobs
    for _ in range(2):
        caller.poll(job)
    caller.counter.edge.time += 5.0
    assert status(caller.poll(job)) == 200
    assert (caller.counter.known, jobs.ended) == (1, [])


ASKS = st.tuples(
    st.integers(0, 4),
    st.sampled_from(["/status", "/status", "", "/status?logs=1", "/cancel", "/response"]),
    st.sampled_from(["GET", "GET", "GET", "GET", "PUT"]),
    st.sampled_from(["a/b", "a/b", "a/b", "c/d", "a/b/path"]),
    st.sampled_from([{}, {}, {}, {"x_test_id": "one"}, {"Origin": "https://a.example"}]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(["a/b", "a/b/path", "c/d"])),
        st.tuples(st.just("wait"), st.floats(0, 4)),
        *[st.tuples(st.just("ask"), ASKS)] * 6,
        st.tuples(st.just("change"), st.sampled_from(sorted(CHANGES))),
    ),
    min_size=10,
    max_size=40,
)


@given(STEPS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_answers_are_those_of_calls_that_are_read(steps: list[tuple[str, Any]], is_direct: bool) -> None:  # noqa: FBT001
    """Property: with and without known forms, all bytes, the journal and the lines are the same."""
    found = []
    for knows in (True, False):
        caller = Client(is_direct=is_direct, knows=knows)
        answers = []
        for endpoint, test in (("a/b", {}), ("c/d", {}), ("a/b", {"x_test_id": "one"}), ("a/b", {})):
            answers.append(caller.ask("POST", f"/{endpoint}", b"{}", **test))
            caller.jobs.append((endpoint, str(content(answers[-1])["request_id"])))
            answers += [caller.poll(caller.jobs[-1][1], action, endpoint, **test) for action in ("/status", "")]
        for kind, argument in steps:
            if kind == "submit":
                answers.append(caller.ask("POST", f"/{argument}", b"{}"))
                if status(answers[-1]) == 200:
                    caller.jobs.append((argument, str(content(answers[-1])["request_id"])))
            elif kind == "wait":
                caller.counter.edge.time += argument
            elif kind == "change":
                CHANGES[argument](caller.app)
            else:
                which, action, method, app, headers = argument
                job = caller.jobs[which % len(caller.jobs)][1]
                answers.append(caller.ask(method, f"/{app}/requests/{job}{action}", **headers))
        ended = [job.request_id for job in caller.app.engines.common.scope.jobs.ended]
        found.append((answers, caller.noted, caller.lines, caller.counter.edge.woken, ended))
    assert found[0] == found[1]
