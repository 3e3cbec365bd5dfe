"""The control API as a door: which calls it accepts, and how it refuses others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.gateway.control.operation import MAX_BODY
from falmock.wire.message import Request
from unit.gateway.steering import Steered
from unit.gateway.steering import answering


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("/__falmock", True),
        ("/__falmock/", True),
        ("/__falmock/x", True),
        ("/__falmockx", False),
        ("/", False),
        ("/x/__falmock/", False),
    ],
)
def test_its_paths(path: str, *, claimed: bool) -> None:
    assert Steered().control.claims(Request("GET", "127.0.0.1", path, "", {}, b"")) is claimed


def test_health() -> None:
    steered = Steered(answering(1))
    assert steered.ask("GET", "/health") == {
        "status": "ok",
        "version": "0.1.0",
        "mode": "replay",
        "pace": "instant",
        "fixtures": 1,
        "scopes": 0,
        "inspector": "write",
        "connect": {"proxy": None, "ca": None},
    }


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/health/", "/jobs/", "/jobs/1/2", "/jobs/1/advance/", "/Health"]
)
def test_an_unknown_path_is_told_what_there_is(path: str) -> None:
    assert "/__falmock/openapi.json" in Steered().ask("GET", path, status=404)["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health", b"GET"),
        ("HEAD", "/health", b"GET"),
        ("OPTIONS", "/faults", b"GET, PUT, DELETE"),
        ("PATCH", "/fixtures", b"GET, POST, DELETE"),
        ("DELETE", "/fixtures/reload", b"POST"),
        ("GET", "/jobs/1/advance", b"POST"),
    ],
)
def test_a_wrong_method(method: str, path: str, allowed: bytes) -> None:
    reply = Steered().reply(method, path)
    assert (reply.status, (b"Allow", allowed) in reply.headers) == (405, True)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/journal?statuss=200", "did you mean 'status'"),
        ("/journal?status=ok", "status: expected a whole number, found 'ok'"),
        ("/journal?status=", "status: expected a whole number"),
        ("/journal?status=1&status=2", "status: expected one value, found several"),
        ("/journal?miss=yes", "miss: expected true or false, found 'yes'"),
        ("/journal?since=nan", "since: expected a number, found 'nan'"),
        ("/journal?since=%D9%A1", "since: expected a number"),
        ("/journal?limit=0", "limit: "),
        ("/journal?limit=1001", "limit: "),
        ("/journal?offset=-1", "offset: "),
        ("/journal?call=runs", "call: expected one of"),
        (f"/journal?scope={'x' * 201}", "scope: "),
        ("/scopes?scope=x", "unknown parameter 'scope'"),
        ("/health?" + "&".join(f"a{number}=1" for number in range(101)), "more than 100"),
    ],
)
def test_a_parameter_that_is_none(path: str, said: str) -> None:
    reply = Steered().reply("GET", path)
    assert (reply.status, said in json.loads(bytes(reply.body))["message"]) == (400, True), reply.body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "expected a JSON body: "),
        (b"{", "expected a JSON body, found an error at character "),
        (b"\xff\xfe", "expected a JSON body"),
        (b"[]", "expected object"),
        (b'"x"', "expected object"),
        (b'{"calls": [{"nothing": 1}]}', "$.calls[0]"),
        (b"[" * 100_000, "expected a JSON body"),
        (b'{"calls": [{"input": ' + b'{"a":' * 400 + b"1" + b"}" * 401 + b"]}", "nested"),
    ],
)
def test_a_body_that_is_none(body: bytes, said: str) -> None:
    reply = Steered().reply("POST", "/verify", body)
    assert (reply.status, said in bytes(reply.body).decode()) == (400, True), reply.body


def test_a_body_that_could_not_be_decoded() -> None:
    told = Steered().reply("POST", "/verify", b"", headers={"host": "127.0.0.1:8080", "content-encoding": "gzip"})
    assert (told.status, b"is not encoded as it says (gzip)" in bytes(told.body)) == (400, True)  # type: ignore[arg-type]


def test_a_name_that_is_too_long() -> None:
    told = Steered().ask("GET", "/journal", status=400, scope="x" * 201)
    assert told["message"].startswith("scope: expected at most 200 characters, found")


@pytest.mark.parametrize(("body", "status"), [(b"", 200), (b" ", 200), (b"{}", 200), (b"null", 200), (b"x", 400)])
def test_a_body_where_none_is_taken(body: bytes, status: int) -> None:
    assert Steered().reply("POST", "/reset", body).status == status


def test_a_parameter_in_the_body_is_not_passed_over() -> None:
    steered = Steered(answering(1))
    steered.run("t/e", scope="one")
    assert "parameters go into the query" in steered.ask("POST", "/reset", {"all": True}, 400)["message"]
    assert steered.ask("GET", "/journal", scope="one")["calls"] == 1


def test_a_body_that_is_too_long() -> None:
    steered = Steered()
    body = b'{"calls": []}'
    assert steered.reply("POST", "/verify", body.ljust(MAX_BODY)).status == 200
    assert steered.reply("POST", "/verify", body.ljust(MAX_BODY + 1)).status == 413
    assert steered.reply("POST", "/nothing", b" " * (MAX_BODY + 1)).status == 413


_NAMES = st.sampled_from(["scope", "limit", "offset", "status", "since", "miss", "call", "all", "added", "x", ""])
_PATHS = st.sampled_from(
    [
        "/health",
        "/journal",
        "/jobs",
        "/jobs/x",
        "/jobs/x/fail",
        "/fixtures",
        "/fixtures/1",
        "/faults",
        "/verify",
        "/scopes/x",
        "/reset",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["fixtures", "match", "faults", "calls", "input", "error"]) | st.text(), inner
        )
    ),
)


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    _PATHS,
    st.lists(st.tuples(_NAMES, st.text(max_size=20) | st.integers().map(str))),
    _JSON | st.binary(),
)
def test_whatever_comes_is_answered_in_json(method: str, path: str, query: list[tuple[str, str]], body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = "&".join(f"{name}={value}" for name, value in query)
    reply = Steered(answering(1)).reply(method, f"{path}?{asked}", raw)
    assert reply.status in (200, 201, 400, 404, 405, 409)
    assert isinstance(json.loads(bytes(reply.body)), dict)
    assert (b"Cache-Control", b"no-store") in reply.headers
