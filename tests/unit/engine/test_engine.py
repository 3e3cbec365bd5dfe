from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.effects import Reply
from falmock.engine.engine import Engine
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.volatile import Ignores
from falmock.redaction.rules import SecretRules
from falmock.wire.auth import AuthRule
from falmock.wire.hosts import KNOWN
from falmock.wire.message import Request
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of

ANY = {"match": {}, "response": {"json": "any", "billableUnits": 1}}


def test_what_may_pass_while_it_comes() -> None:
    fault = {"match": {}, "fault": "nginx_503"}
    asked = {"x-falmock-fault": "nginx_503"}
    for mode, fixture, headers, passes in (
        (Mode.AUTO, ANY, {}, True),
        (Mode.AUTO, fault, {}, False),
        (Mode.AUTO, ANY, asked, False),
        (Mode.RECORD, fault, {}, True),
        (Mode.RECORD, ANY, asked, False),
    ):
        assert Client(fixture, mode=mode).engine.passes(headers) is passes


def test_keys_are_nowhere_in_what_is_kept() -> None:
    client = Client(ANY, auth=AuthRule(required=True, keys=("kid:ksecret",)))
    client.run("a/b", authorization="Key kid:wrong-secret")
    client.send("GET", "https://queue.fal.run/a/requests/x/status?fal_jwt_token=secret-token")
    kept = repr(client.engine.scope.journal.entries)
    assert "wrong-secret" not in kept
    assert "secret-token" not in kept


def test_what_a_call_carried_is_hidden_in_the_journal_and_the_reports() -> None:
    client = Client(redact=SecretRules(("x-mine",), (r"cust-\d+",)))
    headers = {"authorization": "Key kid:planted-1", "cookie": "sid=planted-2", "x-mine": "planted-3"}
    client.send("POST", "https://fal.run/no/such/planted-1/cust-77", {"p": "planted-2 planted-3"}, headers)
    client.send("GET", "https://rest.fal.ai/planted-1/planted-4?fal_jwt_token=planted-4", None, headers)
    client.send("GET", "https://v3.fal.media/planted-5", None, headers)
    client.engine.redactor.learn_value("planted-5")  # learned later, and still hidden
    entries = client.engine.scope.journal.entries
    assert [entry.status for entry in entries] == [404, 404, 404]
    assert entries[0].path == "/no/such/[hidden]/[hidden]"
    assert entries[0].miss
    assert "planted" not in repr(entries)
    assert "cust-" not in repr(entries)


def test_what_is_secret_can_change_while_running() -> None:
    client = Client(ANY)
    redactor = client.engine.redactor
    client.run("a/b", authorization="Key kid:planted", x_mine="mine-too")
    assert redactor.text("planted mine-too") == "[hidden] mine-too"
    client.engine.use_config(Config(redact=SecretRules(("X-Mine",))))
    assert client.engine.redactor is redactor
    client.run("a/b", authorization="Key kid:planted", x_mine="mine-too")
    assert redactor.text("planted mine-too") == "[hidden] [hidden]"


def test_what_does_not_count_can_change_while_running() -> None:
    exact = {"match": {"model": "a/b", "input": {"p": 1, "seed": 1}, "exact": True}, "response": {"json": 1}}
    client = Client(exact)
    seeds = Ignores([parse_ignore("a/b=seed")])
    assert client.run("a/b", {"p": 1, "seed": 2}).status == 404
    client.engine.use_config(Config(ignore=seeds))
    assert client.run("a/b", {"p": 1, "seed": 2}).status == 200
    assert client.run("a/b", {"p": 2, "seed": 2}).status == 404
    client.engine.use_fixtures(index_of(exact, exact | {"match": {"model": "a/b", "input": {"p": 2, "seed": 9}}}))
    assert client.run("a/b", {"p": 2, "seed": 2}).status == 200
    client.engine.use_config(Config())
    assert client.run("a/b", {"p": 1, "seed": 2}).status == 404
    assert client.run("a/b", {"p": 1, "seed": 1}).status == 200
    assert Client(exact, ignore=seeds).run("a/b", {"p": 1, "seed": 2}).status == 200


@pytest.mark.parametrize("host", sorted(KNOWN))
@pytest.mark.parametrize("method", ["PUT", "POST", "GET"])
def test_a_preflight_is_answered_on_every_host(host: str, method: str) -> None:
    asked = {
        "origin": "https://app.example",
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,x-fal-queue-priority",
    }
    reply = Client().send("OPTIONS", f"https://{host}/fal-ai/x", None, asked)
    assert (reply.status, reply.body) == (200, b"OK")
    assert header(reply, "access-control-allow-origin") == "https://app.example"
    assert header(reply, "access-control-allow-headers") == "authorization,x-fal-queue-priority"
    assert method in str(header(reply, "access-control-allow-methods"))
    assert header(reply, "access-control-max-age") == "600"


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "https://fal.run/a/b"),
        ("POST", "https://queue.fal.run/a/b"),
        ("POST", "https://rest.fal.ai/storage/auth/token"),
        ("GET", "https://v3.fal.media/none"),
        ("DELETE", "https://fal.run/a/b"),
        ("GET", "https://queue.fal.run/a/b/requests/x"),
    ],
)
def test_every_answer_can_be_read_by_a_browser(method: str, url: str) -> None:
    reply = Client(ANY).send(
        method,
        url,
        {} if method == "POST" else None,
        {"origin": "https://app.example", "content-type": "application/json"},
    )
    assert header(reply, "access-control-allow-origin") == "*"
    exposed = str(header(reply, "access-control-expose-headers"))
    assert "x-fal-request-id" in exposed
    assert "x-fal-billable-units" in exposed


def test_with_a_cookie_the_origin_is_named() -> None:
    reply = Client(ANY).run("a/b", origin="https://app.example", cookie="a=b")
    assert header(reply, "access-control-allow-origin") == "https://app.example"
    assert header(reply, "vary") == "Origin"


def test_without_an_origin_nothing_is_said_of_origins() -> None:
    assert header(Client(ANY).run("a/b"), "access-control-allow-origin") is None


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("host", [".fal.run", f"{'a' * 64}.fal.media", "a..rest.fal.ai"])
def test_a_host_that_no_resolver_takes_is_refused_in_every_mode(host: str, mode: Mode) -> None:
    client = Client(ANY, mode=mode)
    reply = client.engine.handle(Request("GET", host, "/x", "", {"origin": "https://app.test"}, b""), 0.0)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.why) == (400, "bad host name")
    assert b"is not a valid host name" in bytes(reply.body)  # type: ignore[arg-type]
    assert b"access-control-allow-origin" in dict(reply.headers)
    assert client.engine.scope.journal.entries[-1].status == 400


def test_passthrough_forwards_everything_and_notes_it() -> None:
    engine = Engine(Config(mode=Mode.PASSTHROUGH), Index(), lambda _: "id", b"falmock")
    effect = engine.handle(Request("POST", "fal.run", "/a/b", "", {}, b"{}"), 1.0)
    assert isinstance(effect, Forward)
    entry = engine.scope.journal.entries[0]
    assert (entry.status, entry.host, entry.path) == (None, "fal.run", "/a/b")


def test_the_journal_is_bounded() -> None:
    client = Client(ANY)
    for _ in range(1005):
        client.run("a/b")
    assert len(client.engine.scope.journal.entries) == 1000
    assert client.engine.scope.journal.total == 1005


HOSTS = st.sampled_from([*sorted(KNOWN), "docs.fal.ai"])
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW"])
PATHS = st.one_of(
    st.text(max_size=30).map(lambda text: "/" + text),
    st.lists(
        st.sampled_from(["requests", "status", "cancel", "files", "upload", "multipart", "..", "%2e%2e", "1", "x", ""]),
        max_size=7,
    ).map(lambda parts: "/" + "/".join(parts)),
)


@given(METHODS, HOSTS, PATHS, st.text(max_size=20), st.binary(max_size=40), st.booleans())
def test_any_request_gets_a_whole_answer(
    method: str,
    host: str,
    path: str,
    query: str,
    body: bytes,
    json_type: bool,  # noqa: FBT001
) -> None:
    headers = {"content-type": "application/json"} if json_type else {"x-fal-file-name": query}
    engine = Engine(Config(), Index(), lambda _: "id", b"falmock")
    if host == "router.huggingface.co":
        path = "/fal-ai" + path
    reply = engine.handle(Request(method, host, path, query, headers, body), 1.0)
    assert isinstance(reply, Reply)
    assert 200 <= reply.status < 600
    for name, value in reply.headers:
        assert b"\r" not in name + value
        assert b"\n" not in name + value
