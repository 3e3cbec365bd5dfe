"""aimock's control API, where it concerns fal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine import scopes
from falmock.engine.config import Mode
from falmock.engine.effects import EVERY_JOB
from falmock.engine.effects import Reply
from falmock.gateway.aimock.control import AimockControl
from falmock.gateway.control.operation import MAX_BODY
from falmock.wire.message import Request
from unit.gateway.aimocks import NOW
from unit.gateway.aimocks import QUEUE
from unit.gateway.aimocks import RUN
from unit.gateway.aimocks import Mock
from unit.gateway.aimocks import Sent

CAT: dict[str, Any] = {"match": {"model": "a/cat"}, "response": {"json": {"cat": True}}}
DOG: dict[str, Any] = {"match": {"model": "a/dog", "userMessage": "x"}, "response": {"error": {"message": "no"}}}


class Steered(Mock):
    """falmock, and its control API as aimock has it."""

    def __init__(self, *fixtures: dict[str, Any], **config: Any) -> None:
        super().__init__(*fixtures, **config)
        self.control = AimockControl(self.engines, self.steering)

    def steer(self, method: str, path: str, body: Any = None, peer: str = "127.0.0.1", **headers: str) -> Sent:
        path, _, query = path.partition("?")
        named = {"host": "localhost:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        host = named["host"].partition(":")[0]
        request = Request(method, host, path, query, named, content, scope=scopes.named(named), peer=peer)
        assert self.control.claims(request)
        return Sent(self.control.answer(request, self._ask, NOW))

    def run(self, model: str = "a/cat", **headers: str) -> int:
        return self.ask("POST", f"/fal/{model}", {"prompt": "x"}, RUN, **headers).status


def test_health() -> None:
    assert Steered().steer("GET", "/__aimock/health").told == (200, {"status": "ok"})


def test_fixtures_are_added_counted_and_cleared() -> None:
    mock = Steered(CAT)
    assert mock.run("a/dog") == 404
    assert mock.steer("POST", "/__aimock/fixtures", {"fixtures": [DOG]}).told == (200, {"added": 1})
    assert mock.run("a/dog") == 500
    assert mock.steer("GET", "/__aimock/fixtures").told == (200, {"count": 2})
    listed = mock.steer("GET", "/__aimock/fixtures?include=fixtures").json["fixtures"]
    assert listed == [
        {"index": 0, "match": {"model": "a/dog", "userMessage": "x"}, "responseKind": "error"},
        {"index": 1, "match": {"model": "a/cat"}, "responseKind": "json"},
    ]
    assert mock.steer("DELETE", "/__aimock/fixtures").told == (200, {"cleared": True})
    assert (mock.run("a/dog"), mock.run("a/cat")) == (404, 200)


def test_fixtures_with_files_of_their_own() -> None:
    mock = Steered()
    drawn = {"match": {"model": "a/cat"}, "response": {"json": {"image": {"$file": "cat.png"}}}}
    sent = mock.steer("POST", "/__aimock/fixtures", {"fixtures": [drawn], "assets": {"cat.png": "QUJD"}})
    assert sent.told == (200, {"added": 1})
    url = mock.ask("POST", "/fal/a/cat", {}, RUN).json["image"]
    assert mock.proxied("GET", url).body == b"ABC"
    for assets in (5, {"cat.png": 5}, {"cat.png": "?"}):
        assert mock.steer("POST", "/__aimock/fixtures", {"fixtures": [drawn], "assets": assets}).status == 400


def test_a_body_that_is_too_long() -> None:
    body = b'{"fixtures": []}'
    assert Steered().steer("POST", "/__aimock/fixtures", body.ljust(MAX_BODY)).status == 200
    assert Steered().steer("POST", "/__aimock/fixtures", body.ljust(MAX_BODY + 1)).status == 413


@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
def test_a_body_that_is_nested_deep(depth: int) -> None:
    body = b'{"fixtures": [{"match": {}, "response": {"json": %s}}]}' % (b"[" * depth + b"]" * depth)
    assert Steered().steer("POST", "/__aimock/fixtures", body).status in (200, 400)


def test_fixtures_of_a_scope() -> None:
    mock = Steered()
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": [CAT]}, x_test_id="a")
    assert [mock.run(x_test_id=scope) for scope in "ab"] == [200, 404]


def test_fixtures_without_a_test_id_serve_all_test_ids() -> None:
    mock = Steered()
    assert mock.run(x_test_id="before") == 404
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": [CAT]})
    assert [mock.run(), mock.run(x_test_id="before"), mock.run(x_test_id="after")] == [200, 200, 200]
    assert mock.steer("GET", "/__aimock/fixtures", x_test_id="other").told == (200, {"count": 1})
    # those of one test win over them, and leave the others as they are
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": [DOG | {"match": CAT["match"]}]}, x_test_id="before")
    assert [mock.run(), mock.run(x_test_id="before"), mock.run(x_test_id="after")] == [200, 500, 200]
    mock.steer("DELETE", "/__aimock/fixtures", x_test_id="before")
    assert mock.run(x_test_id="before") == 200
    mock.steer("POST", "/__aimock/reset", x_test_id="before")
    assert mock.run(x_test_id="before") == 200
    mock.steer("DELETE", "/__aimock/fixtures")
    assert [mock.run(), mock.run(x_test_id="before"), mock.run(x_test_id="after")] == [404, 404, 404]
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": [CAT]})
    mock.steer("POST", "/__aimock/reset")
    assert [mock.run(), mock.run(x_test_id="after")] == [404, 404]


def test_sequences_of_shared_fixtures_start_anew_when_some_are_added() -> None:
    mock = Steered()
    turns = [{"match": {"model": "a/cat"}, "response": {"json": number}} for number in (1, 2)]
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": turns})
    for scope in ("one", "two"):
        assert [mock.ask("POST", "/fal/a/cat", {}, RUN, x_test_id=scope).json for _ in range(2)] == [1, 2]


def test_what_is_no_fixture() -> None:
    refused = Steered().steer(
        "POST", "/__aimock/fixtures", {"fixtures": [{"match": {"modell": "a/b"}, "response": {"json": 1}}]}
    )
    assert refused.status == 400
    assert refused.json["details"][0]["path"] == "$.fixtures[0].match.modell"
    assert Steered().steer("POST", "/__aimock/fixtures", {"fixtures": []}).told == (200, {"added": 0})


def test_the_journal() -> None:
    mock = Steered(CAT)
    mock.run()
    mock.run("a/dog", x_test_id="t")
    mock.ask("GET", "/fal/a/cat/requests/none/status", host=QUEUE)
    whole = mock.steer("GET", "/__aimock/journal")
    assert whole.headers["x-total-count"] == "3"
    first, *_ = whole.json
    assert first == {
        "id": "default-1",
        "timestamp": int(NOW * 1000),
        "method": "POST",
        "path": "/fal/a/cat",
        "headers": {"x-fal-target-host": "fal.run"},
        "body": {"prompt": "x"},
        "response": {"status": 200, "fixture": "test.json#0"},
        "service": "fal",
    }
    asked = {
        "testId=t": 1,
        "status=404": 2,
        "status=404&method=get": 1,
        "path=requests": 1,
        "service=fal": 3,
        "service=openai": 0,
        "limit=1&offset=2": 1,
        "limit=0": 0,
        "offset=9": 0,
    }
    assert {query: len(mock.steer("GET", f"/__aimock/journal?{query}").json) for query in asked} == asked
    assert mock.steer("GET", "/__aimock/journal?limit=1").headers["x-total-count"] == "3"
    assert mock.steer("GET", "/v1/_requests").json == whole.json
    assert mock.steer("DELETE", "/v1/_requests").status == 204
    assert mock.steer("GET", "/__aimock/journal").json == []


def test_what_is_no_call_to_fal_is_in_the_journal_by_its_own_path() -> None:
    mock = Steered(CAT)
    mock.ask("POST", "/fal/nothing", {}, x_test_id="mine")
    mock.run(x_test_id="mine")
    first, second = mock.steer("GET", "/__aimock/journal").json
    assert (first["path"], first["headers"], first["response"]["status"]) == (
        "/fal/nothing",
        {"x-test-id": "mine"},
        404,
    )
    assert (second["path"], second["headers"]["x-fal-target-host"]) == ("/fal/a/cat", RUN)


def test_the_journal_hides_keys_and_tells_what_went_on() -> None:
    mock = Steered(mode=Mode.PASSTHROUGH)
    mock.ask("POST", "/fal/a/b", {"prompt": "kid:ksecretksecret"}, RUN, authorization="Key kid:ksecretksecret")
    told = mock.steer("GET", "/__aimock/journal")
    assert b"ksecret" not in told.body
    assert told.json[0]["response"] == {"status": None, "fixture": None, "source": "proxy"}


def test_chaos() -> None:
    mock = Steered(CAT)
    assert mock.steer("POST", "/__aimock/chaos", {"dropRate": 1}).told == (200, {"chaos": {"dropRate": 1.0}})
    assert mock.steer("POST", "/__aimock/chaos?testId=calm", {}).told == (200, {"chaos": {}})
    assert [mock.run(), mock.run(x_test_id="calm"), mock.run(x_test_id="b")] == [500, 200, 500]
    assert (
        mock.steer("GET", "/__aimock/journal?status=500").json[0]["response"]["chaosAction"] == "aimock chaos dropRate"
    )
    assert mock.steer("GET", "/__aimock/chaos", x_test_id="b").json == {"chaos": {"dropRate": 1.0}}
    assert mock.steer("DELETE", "/__aimock/chaos").told == (200, {"chaos": {}})
    assert mock.run() == 200


@pytest.mark.parametrize(
    "body", [{"dropRate": 2}, {"dropRate": "1"}, {"latencyMs": 1.5}, {"dropRate": True}, {"drop": 1}, [], b"{"]
)
def test_chaos_that_cannot_be_read(body: Any) -> None:
    assert Steered().steer("POST", "/__aimock/chaos", body).status == 400


def test_one_error() -> None:
    mock = Steered(CAT)
    asked = {"status": 429, "body": {"message": "slow", "type": "rate_limit", "code": None}}
    assert mock.steer("POST", "/__aimock/error", asked).told == (200, {"queued": True})
    mock.steer("POST", "/__aimock/error", {}, x_test_id="t")
    assert [mock.run(), mock.run(), mock.run(x_test_id="t"), mock.run(x_test_id="t")] == [429, 200, 500, 200]


@pytest.mark.parametrize(
    "body", [{"status": 99}, {"status": 200}, {"status": 429.5}, {"status": True}, {"body": 1}, {"body": {"type": 1}}]
)
def test_an_error_that_cannot_be_read(body: Any) -> None:
    assert Steered().steer("POST", "/__aimock/error", body).status == 400


def test_a_reset_has_all_be_as_new() -> None:
    turn = [{**CAT, "response": {"json": number}} for number in range(2)]
    mock = Steered(*turn)
    job = mock.submit("a/cat")
    mock.steer("POST", "/__aimock/fixtures", {"fixtures": [DOG]})
    mock.steer("POST", "/__aimock/chaos", {"dropRate": 1})
    mock.steer("POST", "/__aimock/error", {}, x_test_id="t")
    assert mock.steer("POST", "/__aimock/reset").told == (200, {"reset": True})
    assert mock.ask("GET", f"/fal/a/cat/requests/{job}", host=QUEUE).status == 404
    assert [mock.ask("POST", "/fal/a/cat", {}, RUN).json, mock.run(x_test_id="t"), mock.run("a/dog")] == [0, 200, 404]


def test_a_reset_of_a_scope_leaves_others_alone() -> None:
    mock = Steered(CAT)
    jobs = {scope: mock.submit("a/cat", x_test_id=scope) for scope in "ab"}
    alias = mock.steer("POST", "/__aimock/reset/fixtures", x_test_id="a")
    assert (alias.json["deprecated"], alias.headers["deprecation"]) == (True, "true")
    found = [mock.ask("GET", f"/fal/a/cat/requests/{job}", host=QUEUE, x_test_id=at).status for at, job in jobs.items()]
    assert found == [404, 200]


@pytest.mark.parametrize(("path", "woken"), [("", EVERY_JOB), ("/fixtures", EVERY_JOB), ("/journal", None)])
def test_streams_about_jobs_that_are_gone_hear_of_it(path: str, woken: str | None) -> None:
    assert Steered().steer("POST", f"/__aimock/reset{path}").reply.wakes == woken


def test_a_reset_of_the_journal_keeps_jobs() -> None:
    mock = Steered(CAT)
    job = mock.submit("a/cat")
    assert mock.steer("POST", "/__aimock/reset/journal").told == (200, {"reset": True})
    assert mock.steer("GET", "/__aimock/journal").json == []
    assert mock.ask("GET", f"/fal/a/cat/requests/{job}", host=QUEUE).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/__aimock/journal?statusCode=404",
        "/__aimock/journal?limit=x",
        "/__aimock/journal?status=-1",
        "/__aimock/fixtures?include=x",
    ],
)
def test_a_query_that_cannot_be_read(path: str) -> None:
    assert Steered().steer("GET", path).status == 400


def test_a_test_id_that_is_empty() -> None:
    assert Steered().steer("POST", "/__aimock/chaos", {}, x_test_id=" ").status == 400


def test_what_is_not_there() -> None:
    for method, path in (
        ("GET", "/__aimock"),
        ("GET", "/__aimock/x"),
        ("DELETE", "/__aimock/reset"),
        ("OPTIONS", "/__aimock/chaos"),
    ):
        assert Steered().steer(method, path).status == 404


@pytest.mark.parametrize(
    ("headers", "peer"),
    [
        ({"origin": "https://evil.test"}, "127.0.0.1"),
        ({"origin": "null"}, "127.0.0.1"),
        ({"sec_fetch_site": "cross-site"}, "127.0.0.1"),
        ({"host": "evil.test:8080"}, "127.0.0.1"),
        ({}, "192.0.2.1"),
    ],
)
def test_pages_and_machines_from_elsewhere_may_not(headers: dict[str, str], peer: str) -> None:
    mock = Steered(CAT)
    for method, path in (("POST", "/__aimock/reset"), ("GET", "/__aimock/journal"), ("GET", "/v1/_requests")):
        assert mock.steer(method, path, peer=peer, **headers).status == 403


def test_a_token_lets_other_machines_in() -> None:
    mock = Steered(CAT, control_token="t0ken")
    assert mock.steer("GET", "/__aimock/health", peer="192.0.2.1").status == 401
    assert mock.steer("GET", "/__aimock/health", peer="192.0.2.1", authorization="Bearer t0ken").status == 200


PATHS = ["fixtures", "journal", "chaos", "error", "reset", "health", "reset/journal"]


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.sampled_from(PATHS),
    st.one_of(st.binary(), st.from_type(type(None))),
    st.text(),
)
def test_nothing_that_is_sent_breaks_it(method: str, path: str, body: bytes | None, query: str) -> None:
    sent = Steered(CAT).steer(method, f"/__aimock/{path}?{query}", body)
    assert sent.status in (200, 204, 400, 404)
    assert isinstance(sent.reply, Reply)
