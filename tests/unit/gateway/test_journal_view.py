"""What calls are called in the journal, and by what they are found."""

from __future__ import annotations

import pytest

from falmock.engine.effects import Socket
from falmock.gateway.journal_view import ASKS
from falmock.gateway.journal_view import NAMES
from falmock.gateway.journal_view import JournalFilter
from falmock.gateway.journal_view import JournalView
from falmock.wire import routes
from unit.engine.calls import FLUX
from unit.engine.calls import Client

CAT = {"prompt": "a cat"}


def test_names_are_told_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) >= ASKS


def test_numbers_go_on_when_entries_are_gone() -> None:
    client = Client(FLUX)
    client.engine.scope.journal._limit = 2
    for _ in range(5):
        client.run("fal-ai/flux/dev", CAT)
    assert [told.number for told in JournalView(client.engine)] == [4, 5]


def test_a_run_is_found_by_the_id_that_its_answer_told() -> None:
    client = Client(FLUX)
    reply = client.run("fal-ai/flux/dev", CAT)
    told = next(iter(JournalView(client.engine)))
    assert (b"x-fal-request-id", told.request_id.encode()) in reply.headers
    assert JournalFilter(request_id=told.request_id).holds(told)


def test_the_journal_tells_the_call_that_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.send("GET", f"{job}/status")
    client.send("GET", "https://fal.run/nothing")
    client.send("OPTIONS", "https://fal.run/fal-ai/flux/dev")
    monkeypatch.delattr(routes, "route")  # nothing is routed again
    told = [(line.call, line.endpoint) for line in JournalView(client.engine)]
    endpoint = "fal-ai/flux/dev"
    assert told == [("submit", endpoint), ("status", endpoint), ("other", ""), ("preflight", "")]


def test_looking_at_a_job_keeps_it_no_longer() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    client.now += 3599
    assert next(iter(JournalView(client.engine))).endpoint == "fal-ai/flux/dev"
    client.now += 2
    assert client.send("GET", f"{job}/status").status == 404
    assert [told.endpoint for told in JournalView(client.engine)] == ["fal-ai/flux/dev", "fal-ai/flux"]


def test_messages_on_a_socket_are_calls_of_their_own() -> None:
    client = Client({"match": {"model": "fal-ai/flux/dev"}, "response": {"json": {"a": 1}}})
    effect = client.effect("GET", "https://fal.run/fal-ai/flux/dev/realtime", headers={"upgrade": "websocket"})
    assert isinstance(effect, Socket)
    effect.conversation.opened(client.now)
    effect.conversation.received('{"prompt": "a cat"}', client.now)
    view = JournalView(client.engine)
    handshake, message = view
    assert (handshake.call, message.call, message.entry.fixture) == ("socket", "message", "test.json#0")
    assert view.input(message) == CAT
    assert message.endpoint.startswith("fal-ai/flux/dev")


def test_the_answer_to_a_submit_makes_a_job_known() -> None:
    client = Client(FLUX)
    job = client.job("fal-ai/flux/dev", CAT)
    (told,) = JournalView(client.engine)
    assert job.endswith(told.request_id)
    assert client.engine.scope.jobs.peek(told.request_id) is not None


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (JournalFilter(), True),
        (JournalFilter(endpoint="fal-ai/*"), True),
        (JournalFilter(endpoint="fal-ai/flux"), False),
        (JournalFilter(call="submit"), False),
        (JournalFilter(status=200), True),
        (JournalFilter(fault="*"), False),
        (JournalFilter(fixture="*#0"), True),
        (JournalFilter(miss=False), True),
        (JournalFilter(miss=True), False),
        (JournalFilter(since=1_752_619_398.0), True),
        (JournalFilter(since=1_752_619_398.5), False),
    ],
)
def test_what_is_wanted(wanted: JournalFilter, *, holds: bool) -> None:
    client = Client(FLUX)
    client.run("fal-ai/flux/dev", CAT)
    (told,) = JournalView(client.engine)
    assert wanted.holds(told) is holds
