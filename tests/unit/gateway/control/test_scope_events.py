"""The events of a scope: whatever happens, who listens knows in the end what the API shows."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import invariant
from hypothesis.stateful import rule

from falmock.engine import journal
from falmock.engine.effects import Stream
from falmock.engine.jobs.pace import parse_pace
from falmock.fixtures.matching.index import Index
from falmock.gateway.control import scope_events
from falmock.wire.formats import sse
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

TIMED = {**answering({"done": True}), "queue": {"started": 2, "completed": 6}}


class Listener:
    """A client that listens, and what it knows."""

    def __init__(self, steered: Steered, scope: str = "") -> None:
        self.steered = steered
        self.scope = scope
        self.calls: dict[int, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.last = ""
        self.names: list[str] = []
        self.open()

    def open(self, **headers: str) -> None:
        self.jobs = {}
        given = {"last-event-id": self.last, **headers} if self.last else headers
        stream = self.steered.reply("GET", f"/events?scope={self.scope}", headers=given)
        assert isinstance(stream, Stream)
        self.source = stream.source
        self.parser = sse.Parser()

    def listen(self) -> list[str]:
        """The names of the events that are due."""
        names = []
        while True:
            step = self.source.step(self.steered.now)
            for piece in step.pieces:
                for event in self.parser.feed(piece):
                    self.take(event)
                    names.append(event.type)
            if step.again is None or step.again > self.steered.now:
                self.names += names
                return names

    def take(self, event: sse.Event) -> None:
        self.last = event.id
        value = json.loads(event.data)
        if event.type == "call":
            self.calls[value["number"]] = value
        elif event.type == "job":
            self.jobs[value["request_id"]] = value
        elif event.type == "reset":
            self.calls, self.jobs = {}, {}
        elif event.type not in ("hello", "gap"):
            self.counts[event.type] = value

    def later(self) -> list[str]:
        self.steered.now += scope_events.EVERY
        return self.listen()


def whole(steered: Steered, scope: str) -> tuple[dict[int, Any], dict[str, Any]]:
    """The calls and the jobs as the API shows them."""
    entries = steered.ask("GET", "/journal", scope=scope, limit=1000)["entries"]
    calls = {each["number"]: {**each, "miss": each["miss"] is not None} for each in entries}
    for call in calls.values():
        del call["input"]
    return calls, {each["request_id"]: each for each in steered.ask("GET", "/jobs", scope=scope)["jobs"]}


def test_what_is_told_first() -> None:
    steered = Steered(TIMED)
    steered.run("t/e", {"prompt": "a cat"})
    steered.run("t/none")
    listener = Listener(steered)
    names = ["hello", "call", "call", "fixtures", "faults", "assets", "scopes", "settings"]
    assert (listener.listen(), listener.later()) == (names, [])
    assert [call["miss"] for call in listener.calls.values()] == [False, True]
    assert "input" not in listener.calls[1]
    assert listener.counts["settings"] == {"mode": "replay", "pace": "instant"}
    assert (listener.calls, listener.jobs) == whole(steered, "")


def test_a_client_is_asked_to_connect_again_after_a_second() -> None:
    source = scope_events.ScopeEvents(Steered().engines, "", None)
    assert source.step(1.0).pieces[0] == b"retry: 1000\n\n"


def test_a_job_that_the_clock_moves() -> None:
    steered = Steered(TIMED, pace=parse_pace("recorded"))
    listener = Listener(steered)
    listener.listen()
    job = steered.submit("t/e")
    assert listener.later() == ["call", "job"]
    assert listener.later() == []
    steered.now += 2
    assert (listener.listen(), listener.jobs[job]["state"]) == (["job"], "running")
    steered.now += 4
    assert (listener.listen(), listener.jobs[job]["state"]) == (["job"], "finished")
    assert listener.later() == []


def test_a_job_that_expires() -> None:
    steered = Steered(TIMED, pace=parse_pace("polls:9,9"))
    listener = Listener(steered)
    reply: Any = steered.call("POST", "https://queue.fal.run/t/e", {}, **{"x-fal-request-timeout": "5"})
    job = json.loads(reply.body)["request_id"]
    listener.listen()
    steered.now += 6
    assert (listener.listen(), listener.jobs[job]["state"]) == (["job"], "expired")


def test_a_job_that_is_moved_by_hand_and_polled() -> None:
    steered = Steered(TIMED, pace=parse_pace("manual"))
    job = steered.submit("t/e")
    listener = Listener(steered)
    listener.listen()
    for change in ("advance", "complete"):
        steered.ask("POST", f"/jobs/{job}/{change}")
        assert listener.later() == ["job"]
    steered.status("t/e", job)
    assert listener.later() == ["call", "job"]
    assert (listener.calls, listener.jobs) == whole(steered, "")


def test_a_job_is_told_at_most_once_in_a_while() -> None:
    steered = Steered(TIMED)
    job = steered.submit("t/e")
    listener = Listener(steered)
    listener.listen()
    for _ in range(5):
        steered.now += scope_events.EVERY / 10
        steered.status("t/e", job)
        assert listener.listen() == ["call"]
    assert listener.later() == ["job"]


def test_more_than_one_step_tells() -> None:
    steered = Steered(TIMED)
    for _ in range(250):
        steered.submit("t/e")
    listener = Listener(steered)
    step = listener.source.step(steered.now)
    assert step.again == steered.now
    assert len(step.pieces) <= 2 * scope_events.MOST + 7
    listener.open()
    listener.listen()
    assert (len(listener.calls), len(listener.jobs)) == (250, 250)


def test_calls_that_are_no_longer_kept() -> None:
    steered = Steered(TIMED)
    steered.run("t/e")
    listener = Listener(steered)
    listener.listen()
    for _ in range(journal.LIMIT + 7):
        steered.run("t/e")
    assert listener.later()[0] == "gap"
    assert len(listener.calls) == journal.LIMIT + 1
    listener.last = ""
    listener.open()
    assert "gap" not in listener.listen()


def test_resuming() -> None:
    steered = Steered(TIMED)
    for _ in range(3):
        steered.run("t/e")
    listener = Listener(steered)
    listener.listen()
    steered.run("t/e")
    listener.open()
    assert [name for name in listener.listen() if name in ("reset", "call")] == ["call"]
    assert list(listener.calls) == [1, 2, 3, 4]
    for after, told in (("2", ["call", "call"]), ("9", ["reset", "call", "call", "call", "call"]), ("4.1", ["reset"])):
        stream: Any = steered.reply("GET", f"/events?after={after}")
        events = list(sse.Parser().feed(b"".join(stream.source.step(steered.now).pieces)))
        assert [event.type for event in events if event.type in ("reset", "call")][: len(told)] == told
    listener.open(**{"last-event-id": "nonsense"})
    assert "reset" in listener.listen()
    assert "after" in steered.ask("GET", "/events", status=400, after="x")["message"]


def test_a_reset_while_nobody_listens() -> None:
    steered = Steered(TIMED)
    steered.run("t/e")
    listener = Listener(steered)
    listener.listen()
    steered.ask("POST", "/reset")
    for _ in range(3):
        steered.run("t/e")
    listener.open()
    assert "reset" in listener.listen()
    assert (listener.calls, listener.jobs) == whole(steered, "")


def test_a_scope_that_is_made_dropped_and_made_again() -> None:
    steered = Steered(TIMED)
    listener = Listener(steered, "one")
    assert listener.listen()[0] == "hello"
    steered.submit("t/e", scope="one")
    assert [name for name in listener.later() if name != "scopes"] == ["call", "job"]
    steered.ask("DELETE", "/scopes/one")
    assert [name for name in listener.later() if name != "scopes"] == ["reset"]
    assert steered.engines.names == []
    steered.engines.use_fixtures(Index())
    assert listener.later() == ["fixtures"]
    steered.run("t/none", scope="one")
    assert [name for name in listener.later() if name != "scopes"] == ["call"]
    assert (listener.calls, listener.jobs) == whole(steered, "one")


def test_counts() -> None:
    steered = Steered(TIMED)
    listener = Listener(steered)
    listener.listen()
    steered.ask("POST", "/fixtures", answering(2), 201)
    steered.ask("PUT", "/faults", {"faults": [{"fault": {"error": "internal_server_error", "nth": 99}}]})
    steered.ask("PUT", "/scopes/one", status=201)
    steered.ask("PUT", "/pace", {"pace": "manual"})
    assert listener.later() == ["fixtures", "faults", "scopes", "settings"]
    assert [listener.counts[name]["count"] for name in ("fixtures", "faults", "scopes")] == [2, 1, 1]
    assert listener.counts["settings"]["pace"] == "manual"


def test_secrets_are_hidden() -> None:
    steered = Steered(answering({}, "t/{x}"), control_token="", fal_keys=("0123456789abcdef:fedcba9876543210",))
    steered.engines.use_config(steered.engines.config)
    listener = Listener(steered)
    steered.run("t/none/0123456789abcdef:fedcba9876543210")
    pieces = b"".join(listener.source.step(steered.now).pieces)
    assert b"t/none" in pieces
    assert b"fedcba9876543210" not in pieces


def test_what_was_told_of_dropped_jobs_is_forgotten() -> None:
    steered = Steered(TIMED, max_jobs=10)
    listener = Listener(steered)
    for _ in range(200):
        job = steered.submit("t/e")
        steered.status("t/e", job)
        listener.later()
    jobs: Any = listener.source._source._jobs
    assert (len(steered.ask("GET", "/jobs")["jobs"]), len(jobs._told) <= 2 * 10 + 100 + 1) == (10, True)
    steered.submit("t/e")
    listener.later()
    jobs.waiting["gone"] = None
    assert listener.later() == []


class Listening(RuleBasedStateMachine):
    """Any order of calls, resets and connections that break."""

    def __init__(self) -> None:
        super().__init__()
        self.steered = Steered(TIMED, pace=parse_pace("recorded"))
        self.listeners = [Listener(self.steered, scope) for scope in ("", "one")]
        self.ids: list[tuple[str, str]] = []

    scopes = st.sampled_from(["", "one"])

    @rule(scope=scopes, model=st.sampled_from(["t/e", "t/none"]))
    def run(self, scope: str, model: str) -> None:
        self.steered.run(model, scope=scope)

    @rule(scope=scopes)
    def submit(self, scope: str) -> None:
        self.ids.append((self.steered.submit("t/e", scope=scope), scope))

    @rule(data=st.data(), what=st.sampled_from(["status", "cancel", "hold", "advance"]))
    def about_a_job(self, data: st.DataObject, what: str) -> None:
        if not self.ids:
            return
        job, scope = data.draw(st.sampled_from(self.ids))
        if what in ("hold", "advance"):
            self.steered.reply("POST", f"/jobs/{job}/{what}?scope={scope}")
        else:
            method, tail = ("GET", "status") if what == "status" else ("PUT", "cancel")
            self.steered.call(method, f"https://queue.fal.run/t/e/requests/{job}/{tail}", scope=scope)

    @rule(seconds=st.sampled_from([0.1, 0.3, 2.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.steered.now += seconds

    @rule(scope=scopes, what=st.sampled_from(["reset", "clear", "drop"]))
    def forget(self, scope: str, what: str) -> None:
        if what == "drop":
            self.steered.reply("DELETE", "/scopes/one")
        else:
            self.steered.ask(*(("POST", "/reset") if what == "reset" else ("DELETE", "/journal")), scope=scope)

    @rule(scope=scopes)
    def listen(self, scope: str) -> None:
        self.listeners[bool(scope)].listen()

    @rule(scope=scopes)
    def connect_again(self, scope: str) -> None:
        self.listeners[bool(scope)].open()

    @invariant()
    def in_the_end_all_know_what_the_api_shows(self) -> None:
        self.steered.now += 1
        for scope in ("", "one"):
            fresh = Listener(self.steered, scope)
            again = Listener(self.steered, scope)
            old = self.listeners[bool(scope)]
            again.last, again.calls = old.last, dict(old.calls)
            again.open()
            fresh.listen()
            again.listen()
            calls, jobs = whole(self.steered, scope)
            assert (fresh.calls, fresh.jobs) == (calls, jobs)
            assert (again.calls, again.jobs) == (calls, jobs)

    def teardown(self) -> None:
        self.steered.now += 1.05  # no moment at which the clock changes a job: streams see that a microsecond later
        for listener in self.listeners:
            listener.listen()
            assert (listener.calls, listener.jobs) == whole(self.steered, listener.scope)


TestListening = Listening.TestCase
TestListening.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
