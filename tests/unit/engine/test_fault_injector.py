from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.engine.effects import Delivery
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.effects import ResetPoint
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.fixtures.format.fault_rules import read_rules
from falmock.wire.auth import AuthRule
from falmock.wire.error_table import ERRORS
from falmock.wire.error_table import ErrorKind
from unit.engine.calls import FLUX
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

CAT = {"prompt": "a cat"}
ENDPOINT = "fal-ai/flux/dev"
ANSWERED: dict[str, Any] = {"match": {"model": "a/b"}, "response": {"json": {"ok": True}}}
STREAMED: dict[str, Any] = {"match": {"model": "a/s"}, "stream": [{"json": 1}, {"json": 2}]}


def client(*fixtures: Any, rules: Any = (), **config: Any) -> Client:
    made = Client(*(fixtures or (ANSWERED, STREAMED)), **config)
    found = read_rules(json.dumps({"faults": list(rules)}).encode(), "f.json")
    assert not found.problems, found.problems
    made.engine.use_faults(found.rules)
    return made


def asked(fault: Any) -> dict[str, str]:
    return {"x-falmock-fault": fault if isinstance(fault, str) else json.dumps(fault)}


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_by_a_header_a_rule_and_a_fixture(name: str) -> None:
    by_header = client().run("a/b", **asked(name))
    by_rule = client(rules=[{"fault": name}]).run("a/b")
    by_fixture = client({"match": {"model": "a/b"}, "fault": name}).run("a/b")
    for reply in (by_header, by_rule, by_fixture):
        assert (reply.status, reply.fault) == (ERRORS[name].status, name)
        assert header(reply, "x-falmock-fault") == name
        assert reply.body == by_header.body
    assert by_fixture.fixture == "test.json#0"
    assert by_header.fixture is None
    assert (by_header.why, by_rule.why) == ("asked for by header x-falmock-fault", "asked for by f.json#0")


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_of_a_job(name: str) -> None:
    for app, headers in ((client(), asked(name)), (client({"match": {"model": "a/b"}, "fault": name}), {})):
        submitted = app.submit("a/b", **headers)
        assert submitted.fault == name
        if ERRORS[name].kind.turns_away:
            assert submitted.status == ERRORS[name].status
            assert not len(app.engine.scope.jobs)
        else:
            assert submitted.status == 200
            status = app.status(read(submitted)["response_url"])
            assert (status["status"], "error" in status) == ("COMPLETED", ERRORS[name].kind is ErrorKind.REQUEST)
            result = app.send("GET", read(submitted)["response_url"])
            assert result.status == ERRORS[name].status
            assert header(result, "x-fal-request-id") == status["request_id"]


def test_the_journal_names_the_fault() -> None:
    app = client(rules=[{"match": {"call": "result"}, "fault": {"latency": 1}}])
    app.run("a/b", **asked("nginx_503"))
    job = app.job("a/b")
    assert app.send("GET", job).delay == 1
    assert [entry.fault for entry in app.engine.scope.journal.entries] == ["nginx_503", None, "latency"]


def test_a_bad_header_is_told() -> None:
    reply = client().run("a/b", **asked({"latncy": 1}))
    assert reply.status == 400
    assert "$.latncy: unknown key 'latncy', did you mean 'latency'?" in read(reply)["detail"]
    assert reply.fault is None


def test_preflights_never_go_wrong() -> None:
    app = client(rules=[{"match": {"path": "/*"}, "fault": "nginx_503"}])
    assert app.send("OPTIONS", "https://fal.run/a/b", headers=asked("nginx_503")).status == 200


def test_a_browser_may_read_the_error() -> None:
    reply = client().run("a/b", origin="http://localhost", **asked("nginx_503"))
    assert header(reply, "access-control-allow-origin") == "*"


def test_a_call_that_would_miss() -> None:
    app = client()
    assert app.run("x/y", **asked("runner_disconnected")).status == 503
    missed = app.run("x/y", **asked({"latency": 1}))
    assert (missed.status, missed.fault, missed.delay) == (404, None, 0)
    gone = app.run("x/y", **asked({"reset": "before-headers"}))
    assert gone.delivery is not None
    assert gone.delivery.reset is ResetPoint.BEFORE_HEADERS


def test_an_error_arrives_as_the_rest_of_the_fault_says() -> None:
    fault = {"error": "nginx_503", "latency": 2, "drip": {"bytes": 5, "every": 1}}
    slow = Delivery(piece=5, pause=1)
    own = client({**ANSWERED, "fault": fault})
    by_rule = client(rules=[{"fault": fault}])
    for reply in (own.run("a/b"), own.submit("a/b"), by_rule.run("a/b"), client().run("a/b", **asked(fault))):
        assert (reply.status, reply.delay, reply.delivery) == (503, 2, slow)
        assert header(reply, "x-falmock-fault") == reply.fault == "nginx_503 + latency + drip"


def test_an_error_uses_up_nothing_of_a_sequence() -> None:
    first = {**ANSWERED, "response": {"json": 1}}
    second = {**ANSWERED, "response": {"json": 2}}
    app = client(first, second, rules=[{"fault": {"error": "nginx_503", "nth": [1, 3]}}])
    assert [app.run("a/b").body[:9] for _ in range(4)] == [b"<html>\r\n<", b"1", b"<html>\r\n<", b"2"]


def test_header_then_fixture_then_rules() -> None:
    own = {**ANSWERED, "fault": {"error": "missing"}}
    app = client(own, STREAMED, rules=[{"fault": "bad_request"}])
    assert app.run("a/b").fault == "missing"
    assert app.run("a/b", **asked("nginx_503")).fault == "nginx_503"
    assert app.submit("a/b").fault == "missing"
    assert app.run("a/s").fault == "bad_request"
    assert app.run("a/b", b"not json").fault == "bad_request"


def test_a_fixture_that_is_not_struck_answers() -> None:
    app = client({**ANSWERED, "fault": {"error": "missing", "nth": 2}})
    assert [app.run("a/b").status for _ in range(3)] == [200, 422, 200]


def test_the_fault_of_a_fixture_concerns_the_result_of_its_job() -> None:
    app = client({**ANSWERED, "fault": {"body": "malformed-json", "latency": 2}})
    submitted = app.submit("a/b")
    assert (submitted.fault, submitted.delay) == (None, 0)
    job = read(submitted)["response_url"]
    assert app.status(job)["status"] == "COMPLETED"
    result = app.send("GET", job)
    assert (result.body, result.delay, result.fault) == (b'{"ok":true,', 2, "latency + body malformed-json")


def test_a_rule_may_strike_a_submit_on_its_way_back() -> None:
    app = client(rules=[{"match": {"call": "submit"}, "fault": {"reset": "before-headers"}}])
    submitted = app.submit("a/b")
    assert submitted.delivery is not None
    assert len(app.engine.scope.jobs) == 1, "the job is there, and its client never hears of it"


@pytest.mark.parametrize("call", ["status", "result", "cancel"])
def test_calls_about_jobs(call: str) -> None:
    app = client(rules=[{"match": {"call": call, "model": "a/b"}, "fault": "nginx_502"}])
    job = app.job("a/b")
    paths = {"status": ("GET", "/status"), "result": ("GET", ""), "cancel": ("PUT", "/cancel")}
    for name, (method, path) in paths.items():
        assert (app.send(method, job + path).status == 502) is (name == call)


def test_an_error_about_a_job_has_its_request_id() -> None:
    app = client(rules=[{"match": {"call": "status"}, "fault": "internal_error"}])
    job = app.job("a/b")
    assert header(app.send("GET", f"{job}/status"), "x-fal-request-id") == job.rpartition("/")[2]


def test_streams() -> None:
    app = client(rules=[{"match": {"model": "a/s"}, "fault": {"stream": {"after": 1, "cut": True}}}])
    stream = app.effect("POST", "https://fal.run/a/s/stream", {})
    assert isinstance(stream, Stream)
    assert stream.fault == "stream cut"
    assert app.listen("POST", "https://fal.run/a/s/stream", {}).wait().data == [1]


def test_sockets() -> None:
    fault = {"socket": {"close": 1011}, "nth": 2}
    talks = {"match": {"model": "a/t"}, "realtime": [{"json": 1}], "fault": fault}
    app = client(talks, ANSWERED, rules=[{"match": {"model": "a/r"}, "fault": {"socket": {"reset": True}}}])

    def opened(model: str, **headers: str) -> Any:
        return app.effect("GET", f"https://fal.run/{model}/realtime", None, {"upgrade": "websocket", **headers})

    assert [opened("a/t").fault for _ in range(3)] == [None, "socket 1011", None]
    assert opened("a/r").fault == "socket reset"
    assert opened("a/b").fault is None
    talks = {"match": {"model": "a/t"}, "realtime": [{"json": 1}]}
    broken = client({**talks, "fault": {"reset": "after-headers"}}, {**ANSWERED, "fault": {"reset": "after-headers"}})
    for model, fault in (("a/t", "reset after-headers"), ("a/b", None)):
        socket = broken.effect("GET", f"https://fal.run/{model}/realtime", None, {"upgrade": "websocket"})
        assert isinstance(socket, Socket)
        assert socket.fault == fault
    assert opened("a/b", **asked("missing_authorization")).status == 401


def test_what_a_fault_does_not_do_to_a_socket_is_not_said_to_have_struck() -> None:
    talks = {"match": {"model": "a/t"}, "realtime": [{"json": 1}], "response": {"json": 1}}
    drips = {"drip": {"bytes": 1, "every": 1}, "latency": 2}
    by_fixture = {**talks, "fault": {**drips, "socket": {"close": 1011}}}
    for app, headers, fault in (
        (client(talks), asked(drips), "latency"),
        (client(talks, rules=[{"fault": {**drips, "truncate": 1}}]), {}, "latency"),
        (client(by_fixture), {}, "latency + socket 1011"),
    ):
        socket = app.effect("GET", "https://fal.run/a/t/realtime", None, {"upgrade": "websocket", **headers})
        assert isinstance(socket, Socket)
        assert (socket.fault, header(socket, "x-falmock-fault")) == (fault, fault)
        assert [entry.fault for entry in app.engine.scope.journal.entries] == [fault]


@pytest.mark.parametrize(
    ("fault", "in_vain"),
    [({"body": "html"}, True), ({"drip": {"bytes": 1, "every": 1}}, True), ({"latency": 1}, False), (None, False)],
)
def test_a_header_that_does_nothing_to_a_socket_is_told(fault: Any, *, in_vain: bool) -> None:
    app = client(ANSWERED)
    for url, upgrade in (("https://fal.run/a/b/realtime", {"upgrade": "websocket"}), ("https://fal.run/a/b", {})):
        method, body = ("GET", None) if upgrade else ("POST", {})
        app.effect(method, url, body, {**upgrade, **({} if fault is None else asked(fault))})
        entry = app.engine.scope.journal.entries[-1]
        assert ("does nothing to a socket" in entry.why) is (in_vain and bool(upgrade))
    rare = app.effect("GET", url + "/realtime", None, {"upgrade": "websocket", **asked({"latency": 1, "nth": 9})})
    assert isinstance(rare, Socket)
    assert (rare.fault, "does nothing" in rare.why) == (None, False)


@pytest.mark.parametrize("kind", ["html", "empty"])
def test_a_stream_with_another_body_is_none(kind: str) -> None:
    reply = client().send("POST", "https://fal.run/a/s/stream", {}, asked({"body": kind}))
    assert isinstance(reply, Reply)
    assert reply.fault == f"body {kind}"


def test_auto_has_calls_meet_their_faults_before_they_are_forwarded() -> None:
    app = client(ANSWERED, mode=Mode.AUTO)
    url = "https://fal.run/x/y"
    struck = app.effect("POST", url, {}, asked("nginx_503"))
    assert isinstance(struck, Reply)
    assert isinstance(app.effect("POST", url, {}), Forward)
    assert isinstance(app.effect("POST", url, {}, asked({"latency": 1})), Forward)
    job = app.submit("x/y", **asked("missing"))
    assert (job.status, job.fault) == (200, "missing")
    token = app.effect("POST", "https://rest.fal.ai/tokens/", {}, asked("missing_authorization"))
    assert isinstance(token, Reply)
    assert read(token) == {"detail": "Authorization header is required"}


@pytest.mark.parametrize("mode", [Mode.RECORD, Mode.PASSTHROUGH])
def test_nothing_goes_wrong_where_everything_is_forwarded(mode: Mode) -> None:
    app = client(mode=mode, rules=[{"fault": "nginx_503"}])
    assert isinstance(app.effect("POST", "https://fal.run/a/b", {}, asked("nginx_503")), Forward)


def test_an_unauthorized_call_can_go_wrong_too() -> None:
    app = client(auth=AuthRule(required=True))
    assert app.run("a/b").status == 401
    assert app.run("a/b", **asked("nginx_503")).status == 503


FAULTS = [
    "nginx_503",
    "missing",
    {"latency": {"uniform": [0, 1]}},
    {"body": "html"},
    {"job": "retried"},
    {"stream": {"reset": True}},
    {"webhook": "late"},
]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"fault": st.sampled_from(FAULTS).map(lambda fault: {"error": fault} if isinstance(fault, str) else fault)},
            optional={"rate": st.floats(0, 1), "nth": st.integers(1, 4)},
        ),
        max_size=3,
    ),
    st.lists(st.sampled_from(["run", "submit", "stream", "miss"]), max_size=8),
)
def test_two_runs_are_equal(rules: list[dict[str, Any]], calls: list[str]) -> None:
    def run() -> list[Any]:
        told = [{"fault": {**rule.pop("fault"), **rule}} for rule in json.loads(json.dumps(rules))]
        app = client(rules=told)
        seen = []
        for call in calls:
            host = "queue.fal.run" if call == "submit" else "fal.run"
            path = {"run": "a/b", "submit": "a/b", "stream": "a/s/stream", "miss": "x/y"}[call]
            effect = app.effect("POST", f"https://{host}/{path}", {})
            assert isinstance(effect, Reply | Stream)
            seen.append((effect.status, effect.fault, effect.delay, effect.why))
        return seen

    assert run() == run()


def test_a_flux_run_is_as_ever() -> None:
    plain, with_rules = Client(FLUX), client(FLUX, rules=[{"match": {"model": "x/y"}, "fault": "missing"}])
    one, other = plain.run(ENDPOINT, CAT), with_rules.run(ENDPOINT, CAT)
    assert one == other
