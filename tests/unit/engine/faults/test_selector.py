from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Config
from falmock.engine.context import Context
from falmock.engine.faults.selector import HEADER
from falmock.engine.faults.selector import BadHeader
from falmock.engine.faults.selector import CallInfo
from falmock.engine.faults.selector import FaultSelector
from falmock.engine.injected_fault import FaultCounts
from falmock.engine.scopes import Scope
from falmock.fixtures.format.fault import read_text
from falmock.fixtures.format.fault_rules import read_rules
from falmock.fixtures.matching.index import Index
from falmock.redaction.redactor import Redactor
from falmock.wire import routes
from falmock.wire.hosts import KNOWN
from falmock.wire.message import Request
from unit.engine.some_job import job

NOW = 1_752_619_398.0
RUN = "POST https://fal.run/fal-ai/flux/dev"
SUBMIT = "POST https://queue.fal.run/fal-ai/flux/dev"
STREAM = "POST https://fal.run/fal-ai/flux/dev/stream"
SOCKET = "GET wss://fal.run/fal-ai/flux/dev/realtime"
JOB = "queue.fal.run/fal-ai/flux/requests/known"
CALLS = {
    "run": RUN,
    "submit": SUBMIT,
    "stream": STREAM,
    "socket": SOCKET,
    "status": f"GET https://{JOB}/status",
    "result": f"GET https://{JOB}",
    "cancel": f"PUT https://{JOB}/cancel",
    "status-stream": f"GET https://{JOB}/status/stream",
    "upload": "POST https://v3.fal.media/files/upload",
    "download": "GET https://v3b.fal.media/files/b/x.png",
    "token": "POST https://rest.fal.ai/tokens/",
}
ASKS = {"run", "submit", "stream", "socket"}


def called(faults: FaultSelector, call: str, body: Any = None, **headers: str) -> CallInfo:
    method, _, url = call.partition(" ")
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    path, _, query = f"/{path}".partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    request = Request(method, host, path, query, {"content-type": "application/json", **headers}, content)
    route = routes.route(KNOWN[host], method, path, query, upgrade=scheme == "wss")
    return faults.called(request, route, NOW)


def faults(*rules: Any, seed: int = 0) -> FaultSelector:
    found = read_rules(json.dumps({"seed": seed, "faults": rules}).encode(), "f.json")
    assert not found.problems, found.problems
    context = Context(Config(), Index(), Scope(10, 60.0, Redactor()), lambda _: "id", tuple(found.rules))
    known = job("recorded", "known", at=NOW)
    known.endpoint = "fal-ai/flux/dev"
    context.scope.jobs.add(known, NOW)
    return FaultSelector(context)


def struck(rule: Any, *calls: Any) -> list[bool]:
    """For each call, whether the rule applies to it."""
    made = faults(rule)
    return [made.of_rules(called(made, *([call] if isinstance(call, str) else call))) is not None for call in calls]


def test_a_rule_without_a_match_is_for_what_asks_a_model_for_something() -> None:
    assert {name for name, call in CALLS.items() if struck({"fault": "missing"}, call) == [True]} == ASKS


@pytest.mark.parametrize("name", CALLS)
def test_a_rule_for_one_kind_of_call(name: str) -> None:
    rule = {"match": {"call": name}, "fault": "missing"}
    assert {other for other, call in CALLS.items() if struck(rule, call) == [True]} == {name}


def test_a_rule_for_several_kinds_and_for_webhooks() -> None:
    assert struck({"match": {"call": ["run", "cancel"]}, "fault": "missing"}, *CALLS.values()).count(True) == 2
    rule = {"match": {"call": "webhook"}, "fault": {"webhook": "late"}}
    assert struck(rule, SUBMIT, f"{SUBMIT}?fal_webhook=http%3A%2F%2Fx", RUN) == [False, True, False]


@pytest.mark.parametrize(
    ("match", "are_struck"),
    [
        ({"model": "fal-ai/flux/dev"}, ASKS),
        ({"model": "fal-ai/flux/*"}, ASKS),
        ({"model": "fal-ai/flux"}, set()),
        ({"model": "fal-ai/flux/dev/stream"}, {"stream"}),
        ({"model": "fal-ai/flux/dev", "call": ["result", "status", "run"]}, {"result", "status", "run"}),
        ({"host": "queue.fal.run"}, {"submit", "status", "result", "cancel", "status-stream"}),
        ({"host": "*.fal.media"}, {"upload", "download"}),
        ({"path": "/files/*"}, {"upload", "download"}),
        ({"path": "/files/*", "method": "GET"}, {"download"}),
        ({"method": "GET"}, {"socket"}),
    ],
)
def test_what_a_match_selects(match: Any, are_struck: set[str]) -> None:
    rule = {"match": match, "fault": "missing"}
    assert {name for name, call in CALLS.items() if struck(rule, call) == [True]} == are_struck


def test_a_job_that_is_not_known_here_is_known_by_its_url() -> None:
    rule = {"match": {"model": "fal-ai/flux", "call": "status"}, "fault": "missing"}
    assert struck(rule, "GET https://queue.fal.run/fal-ai/flux/requests/other/status") == [True]


def test_inputs() -> None:
    rule = {"match": {"input": {"prompt": {"$contains": "cat"}, "n": 1}}, "fault": "missing"}
    calls = [
        (RUN, {"prompt": "a cat", "n": 1, "x": 2}),
        (RUN, {"prompt": "a dog", "n": 1}),
        (RUN, {"prompt": "a cat", "n": True}),
        (RUN, [5]),
        (SOCKET, None),
    ]
    assert struck(rule, *calls) == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        ({"job": "retried"}, {"submit"}),
        ({"stream": {"cut": True}}, {"stream", "status-stream", "run"}),
        ({"socket": {"reset": True}}, {"socket"}),
        ({"webhook": "late"}, set()),
        ({"latency": 1}, ASKS),
        ({"reset": "after-headers"}, ASKS),
        ({"truncate": 5}, ASKS - {"socket"}),
        ({"body": "empty"}, ASKS - {"socket"}),
    ],
)
def test_a_fault_is_not_used_up_by_calls_that_it_does_nothing_to(fault: Any, names: set[str]) -> None:
    assert {name for name, call in CALLS.items() if struck({"fault": {**fault, "nth": 1}}, call) == [True]} == names


@pytest.mark.parametrize(
    ("fault", "strikes"),
    [
        ({"truncate": "50%"}, False),
        ({"contentLength": "+1"}, False),
        ({"truncate": 5}, True),
        ({"contentLength": 5}, True),
        ({"truncate": "50%", "latency": 1}, True),
        ({"truncate": "50%", "stream": {"cut": True}}, True),
    ],
)
def test_nothing_depends_on_how_long_a_status_stream_will_be(fault: Any, *, strikes: bool) -> None:
    rule = {"match": {"call": "status-stream"}, "fault": fault}
    assert struck(rule, CALLS["status-stream"]) == [strikes]


def test_which_calls() -> None:
    assert struck({"fault": {"error": "missing", "nth": 2}}, *[RUN] * 4) == [False, True, False, False]
    assert struck({"fault": {"error": "missing", "nth": [1, 4]}}, *[RUN] * 4) == [True, False, False, True]
    assert struck({"fault": {"error": "missing", "times": 2}}, *[RUN] * 4) == [True, True, False, False]
    assert struck({"fault": {"error": "missing", "rate": 0}}, *[RUN] * 4) == [False] * 4
    assert struck({"fault": {"error": "missing", "rate": 1, "times": 1, "nth": [2, 3]}}, *[RUN] * 4) == [
        False,
        True,
        False,
        False,
    ]


@given(st.integers(), st.floats(0, 1), st.lists(st.sampled_from([RUN, SUBMIT, STREAM]), max_size=30))
def test_the_same_calls_meet_the_same_faults(seed: int, rate: float, calls: list[str]) -> None:
    def run() -> list[str]:
        made = faults(
            {"fault": {"error": "missing", "rate": rate}},
            {"match": {"call": "run"}, "fault": {"latency": {"uniform": [0, 9]}, "rate": 0.5}},
            seed=seed,
        )
        strikes = (made.of_rules(called(made, call)) for call in calls)
        return [f"{s.fault.name} {s.rng.share('x')}" if s else "" for s in strikes]

    assert run() == run()


def test_a_rate_is_about_met_and_goes_by_its_seed() -> None:
    rule = {"error": "missing", "rate": 0.3}
    one, other = (struck({"fault": {**rule, "seed": seed}}, *[RUN] * 1000) for seed in (1, 2))
    assert 250 < sum(one) < 350
    assert one != other
    assert one == struck({"fault": {**rule, "seed": 1}}, *[RUN] * 1000)
    made = faults({"fault": rule}, seed=5)
    assert sum(made.of_rules(called(made, RUN)) is not None for _ in range(1000)) in range(250, 350)


def test_the_first_rule_that_strikes_holds_and_all_count() -> None:
    made = faults(
        {"fault": {"error": "missing", "nth": 1}},
        {"fault": {"error": "bad_request", "nth": [1, 2]}},
        {"fault": {"latency": 1}},
    )
    strikes = [made.of_rules(called(made, RUN)) for _ in range(3)]
    assert [injected.fault.name for injected in strikes if injected] == ["missing", "bad_request", "latency"]
    assert [injected.source for injected in strikes if injected] == ["f.json#0", "f.json#1", "f.json#2"]


def test_headers() -> None:
    made = faults()
    assert made.is_idle
    assert made.of_header(called(made, RUN)) is None
    injected = made.of_header(called(made, RUN, None, **{HEADER: "nginx_503"}))
    assert injected is not None
    assert (injected.fault, injected.source) == (read_text("nginx_503"), "header x-falmock-fault")
    with pytest.raises(BadHeader, match="did you mean 'nginx_503'"):
        made.of_header(called(made, RUN, None, **{HEADER: "ngnx_503"}))


def test_a_header_counts_the_calls_that_are_alike() -> None:
    made = faults()
    first = {HEADER: '{"error": "nginx_503", "nth": 1}'}
    other = "POST https://fal.run/fal-ai/other"
    calls = [RUN, RUN, SUBMIT, other, RUN]
    assert [made.of_header(called(made, call, None, **first)) is not None for call in calls] == [
        True,
        False,
        True,
        True,
        False,
    ]


def test_counts_are_bounded() -> None:
    tally = FaultCounts(limit=2)
    fault = read_text('{"error": "missing", "nth": 1}')
    assert [tally.draw(fault, key, 0) is not None for key in ("a", "b", "a", "c", "a", "b")] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
