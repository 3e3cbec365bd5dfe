"""Which calls about jobs have a form that decides about the answer, and which answers follow from it."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.engine.config import Mode
from falmock.engine.known_forms import KnownForm
from falmock.wire.auth import AuthRule
from falmock.wire.message import Request
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.calls import read

ANY = {"match": {}, "response": {"json": {"ok": True}}}
ID = "01900000-0000-7000-8000-000000000000"
POLL = Request("GET", "queue.fal.run", f"/a/b/requests/{ID}/status", "", {}, b"")


def form_of(client: Client, request: Request) -> KnownForm | None:
    engine = client.engine
    return engine.known_forms.form_of(request, engine.route(request))


@pytest.mark.parametrize(
    ("request_", "before", "behind"),
    [
        (POLL, "/a/b", "/status"),
        (POLL._replace(path=f"/a/b/requests/{ID}"), "/a/b", ""),
        (POLL._replace(path=f"/workflows/a/b/requests/{ID}/", query="x=1"), "/workflows/a/b", "/"),
        (POLL._replace(query="logs=1"), "/a/b", "/status"),
    ],
)
def test_a_call_with_a_form(request_: Request, before: str, behind: str) -> None:
    form = form_of(Client(ANY), request_)
    assert form is not None
    assert (form.before, form.behind, form.app) == (before, behind, before[1:])


@pytest.mark.parametrize(
    "request_",
    [
        POLL._replace(path="/a/b/requests/short/status"),
        POLL._replace(path=f"/a/b/requests/{ID}0/status"),
        POLL._replace(path=f"/a/b/requests/{ID}/status/stream"),
        POLL._replace(path=f"/a/b/requests/{ID}/cancel", method="PUT"),
        POLL._replace(path="/a/b", method="POST", body=b"{}"),
        POLL._replace(path=f"/requests/requests/{ID}/x"),
        POLL._replace(host="fal.run"),
        POLL._replace(host="unknown.fal.run"),
        POLL._replace(body=b"{}"),
        POLL._replace(too_large="9 bytes"),
        POLL._replace(headers={"origin": "https://app.example"}),
        POLL._replace(headers={"x-falmock-fault": "timeout"}),
        POLL._replace(query="fal_jwt_token=x"),
    ],
)
def test_a_call_without_one(request_: Request) -> None:
    assert form_of(Client(ANY), request_) is None


@pytest.mark.parametrize("config", [{"mode": Mode.AUTO}, {"mode": Mode.RECORD}, {"auth": AuthRule(required=True)}])
def test_a_configuration_that_asks_for_more(config: dict[str, Any]) -> None:
    assert form_of(Client(ANY, **config), POLL) is None


def test_fixtures_with_faults_ask_for_more() -> None:
    assert form_of(Client({"match": {}, "fault": "internal_server_error"}), POLL) is None


def test_the_answer_is_that_of_the_call() -> None:
    client = Client(ANY, pace=RECORDED)
    engine = client.engine
    form = form_of(client, POLL._replace(query="logs=1"))
    assert form is not None
    job = read(client.submit("a/b/c"))["request_id"]
    assert engine.known_forms.answer(form, job, client.now) == client.send(
        "GET", f"https://queue.fal.run/a/b/requests/{job}/status?logs=1"
    )
    one, other = list(engine.scope.journal)[-2:]
    assert one == other
    assert one.path == f"/a/b/requests/{job}/status"


def test_a_job_that_it_is_not_usual_for_and_one_that_is_not_there() -> None:
    client = Client(ANY, pace=RECORDED)
    form = form_of(client, POLL)
    assert form is not None
    for job in (read(client.submit("c/d"))["request_id"], ID, ""):
        before = len(client.engine.scope.journal)
        assert client.engine.known_forms.answer(form, job, client.now) is None
        assert len(client.engine.scope.journal) == before
