from __future__ import annotations

import json

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.fixtures.matching.index import Index
from falmock.gateway.door import FALS_ANSWER
from falmock.gateway.door import FalCall
from falmock.wire.auth import ANYONE
from falmock.wire.auth import AuthRule
from falmock.wire.message import Request
from falmock.wire.message import header_map
from falmock.wire.model_document import model_document
from unit.engine.calls import index_of
from unit.gateway.openais import ANY
from unit.gateway.openais import BEARER
from unit.gateway.openais import GENERATIONS
from unit.gateway.openais import App
from unit.gateway.openais import forwarding
from unit.gateway.openais import made
from unit.gateway.openais import names
from unit.gateway.openais import read

CODES = (
    "invalid_api_key",
    "model_not_found",
    "model_not_found",
    "no_fixture_match",
    "missing_required_parameter",
    "method_not_supported",
)
AZURES = ("401", "DeploymentNotFound", "DeploymentNotFound", *CODES[3:])

# who may


@pytest.mark.parametrize(
    ("mode", "expected", "given", "status"),
    [
        (Mode.REPLAY, "", "", 200),
        (Mode.REPLAY, "", "Bearer sk-x", 200),
        (Mode.REPLAY, "k1", "Bearer k1", 200),
        (Mode.REPLAY, "k1", "bearer  k1 ", 200),
        (Mode.REPLAY, "k1", "Bearer k2", 401),
        (Mode.REPLAY, "k1", "Bearer \udcff", 401),
        (Mode.REPLAY, "k1", "Key k1", 401),
        (Mode.REPLAY, "k1", "", 401),
        (Mode.AUTO, "", "Bearer x", 401),
        (Mode.RECORD, "", "", 401),
        (Mode.PASSTHROUGH, "k1", "Bearer k1", 200),
    ],
)
def test_the_access_key(mode: Mode, expected: str, given: str, status: int) -> None:
    app = App(index_of(ANY), mode=mode, openai_access_key=expected)
    reply = app.reply("GET", "/v1/models", authorization=given)
    assert reply.status == status
    if status == 401:
        assert read(reply)["error"]["code"] == "invalid_api_key"
        assert b"k2" not in reply.body


REQUIRED = AuthRule(required=True)
LISTED = AuthRule(required=True, keys=("kid:ksecret", "opaque"))


@pytest.mark.parametrize(
    ("rule", "key", "is_let_in"),
    [
        (ANYONE, "", True),
        (ANYONE, "sk-x", True),
        (REQUIRED, "", False),
        (REQUIRED, "sk-x", True),
        (REQUIRED, "kid:ksecret", True),
        (LISTED, "kid:ksecret", True),
        (LISTED, "opaque", True),
        (LISTED, "kid:other", False),
        (LISTED, "sk-x", False),
    ],
)
def test_the_key_of_openais_client_counts_as_a_key_of_fals(rule: AuthRule, key: str, *, is_let_in: bool) -> None:
    app = App(index_of(ANY), auth=rule)
    found = app.generate({"authorization": f"Bearer {key}"} if key else {})
    assert ("data" in found) if is_let_in else found[0] == 401


def test_nothing_of_the_clients_key_goes_to_fal() -> None:
    app = forwarding(lambda _: made("a"), "one:1")
    app.generate(BEARER)
    assert app.asked
    assert "secret-enough" not in repr(app.asked)


# models


def test_only_the_models_that_are_named() -> None:
    app = App(index_of(ANY), openai_models=(("mine", "a/b"),))
    assert app.generate(model="mine")["data"]
    assert app.generate(model="a/b") == (404, "model_not_found")
    assert app.generate(model=None)["data"]
    assert [model["id"] for model in read(app.reply("GET", "/v1/models"))["data"]] == ["mine"]
    assert read(app.reply("GET", "/v1/models/mine"))["owned_by"] == "a"
    assert app.reply("GET", "/v1/models/a/b").status == 404


def test_no_model() -> None:
    two = App(openai_models=(("one", "a/b"), ("two", "a/c")))
    assert two.generate(model=None) == (400, "missing_required_parameter")
    usual = App(index_of(ANY), openai_models=(("one", "a/c"), ("dall-e-2", "a/b")))
    assert usual.generate(model=None)["data"]


@pytest.mark.parametrize("name", ["flux", "a/../b", "a,b", ",", "x:a/b:c"])
def test_a_name_that_is_no_model(name: str) -> None:
    assert App(index_of(ANY)).generate(model=name) == (404, "model_not_found")


def test_a_model_without_and_with_fixtures() -> None:
    app = App(index_of(ANY | {"match": {"model": "a/b", "input": {"prompt": "y"}}}))
    assert app.generate() == (404, "no_fixture_match")
    assert app.generate(model="a/c") == (404, "model_not_found")


def test_models_follow_the_fixtures() -> None:
    app = App(index_of(ANY))
    assert [model["id"] for model in read(app.reply("GET", "/v1/models"))["data"]] == ["a/b"]
    app.engines.use_fixtures(Index())
    assert read(app.reply("GET", "/v1/models")) == {"object": "list", "data": []}
    assert read(app.reply("GET", "/v1/models/a%2Fb"))["error"]["message"].endswith("there are none")


def test_models_whose_answers_are_made_are_listed() -> None:
    outputs = {"a/b": {"images": {"type": "array"}}, "c/d": {"image": {}}, "e/f": {"video": {}}}
    schemas = {name: model_document(name, "", {}, {"properties": made}, "") for name, made in outputs.items()}
    index = Index(index_of(ANY | {"match": {"model": "x/y"}}).fixtures, schemas=schemas)
    app = App(index, misses=Misses.SYNTHESIZE)
    assert [model["id"] for model in read(app.reply("GET", "/v1/models"))["data"]] == ["a/b", "c/d", "x/y"]
    app.engines.use_config(Config())
    assert [model["id"] for model in read(app.reply("GET", "/v1/models"))["data"]] == ["x/y"]


def test_a_name_of_openais_is_told_how_to_get_a_model() -> None:
    status, code = App(index_of(ANY)).generate(model="gpt-image-1")
    assert (status, code) == (404, "model_not_found")
    reply = App(index_of(ANY)).reply("POST", GENERATIONS, b'{"model": "gpt-image-1", "prompt": "x"}')
    assert "there is a/b; fal_openai_models=gpt-image-1:ENDPOINT" in read(reply)["error"]["message"]


# the door


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images/variationsx",
        "/v1/modelsx",
        "/v1",
        "/v1/images",
        "/health",
        "/openai",
        "/openai/models2",
        "/openai/deployments/a/chat/completions",
    ],
)
def test_what_is_none_of_its_business(path: str) -> None:
    assert not App().door.claims(Request("GET", "here", path, "", {}, b""))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", GENERATIONS, "POST"), ("PUT", "/v1/images/edits", "POST"), ("POST", "/v1/models", "GET")],
)
def test_a_method_that_is_not_allowed(method: str, path: str, allowed: str) -> None:
    reply = App().reply(method, path)
    assert (reply.status, header_map(reply.headers)["allow"]) == (405, allowed)
    assert read(reply)["error"]["code"] == "method_not_supported"


def test_a_page_may_ask_and_read_errors_too() -> None:
    app = App(openai_access_key="k1")
    preflight = app.reply("OPTIONS", GENERATIONS, origin="http://x", access_control_request_headers="authorization")
    assert preflight.status == 204
    assert header_map(preflight.headers)["access-control-allow-headers"] == "authorization"
    refused = app.reply("POST", GENERATIONS, origin="http://x")
    assert (refused.status, header_map(refused.headers)["access-control-allow-origin"]) == (401, "*")


def test_the_files_that_were_made() -> None:
    path = "/v1/images/files/v3.fal.media/files/a.png"
    onward = App(openai_access_key="k1").send("GET", path)
    assert isinstance(onward, FalCall)
    assert (onward.request.host, onward.request.path) == ("v3.fal.media", "/files/a.png")
    assert App().reply("GET", "/v1/images/files/fal.run/a/b").status == 404
    assert App().reply("POST", path).status == 404
    assert forwarding(lambda _: made()).reply("GET", path).status == 404
    assert names(forwarding(lambda _: made("a")).generate(BEARER)) == ["a"]
    assert forwarding(lambda _: made("a")).generate(BEARER)["data"] == [{"url": "https://v3.fal.media/a"}]


# Azure


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/a%2Fb/images/generations",
        "/openai/deployments/a/b/images/generations",
        "/openai/v1/images/generations",
        "/openai/images/generations",
        "/v1/deployments/a%2Fb/images/generations",
    ],
)
def test_azures_paths(path: str) -> None:
    app = App(index_of(ANY))
    model = {} if "deployments" in path else {"model": "a/b"}
    reply = app.reply("POST", path, json.dumps({"prompt": "x", **model}).encode())
    assert (reply.status, names(read(reply))) == (200, ["1"])
    assert reply.fixture == "test.json#0"


def test_azures_models() -> None:
    for root in ("/openai", "/openai/v1"):
        assert read(App(index_of(ANY)).reply("GET", f"{root}/models")) == read(
            App(index_of(ANY)).reply("GET", "/v1/models")
        )
        assert read(App(index_of(ANY)).reply("GET", f"{root}/models/a%2Fb"))["id"] == "a/b"


@pytest.mark.parametrize(("root", "codes"), [("/v1", CODES), ("/openai/v1", AZURES), ("/openai", AZURES)])
def test_errors_are_by_the_names_of_openai_or_azure(root: str, codes: tuple[str, ...]) -> None:
    app = App(index_of(ANY | {"match": {"model": "a/b", "input": {"prompt": "y"}}}), openai_access_key="k1")
    path = f"{root}/images/generations"
    seen = []
    for method, body, key in (
        ("POST", {"model": "a/b", "prompt": "y"}, "k2"),
        ("POST", {"model": "nope", "prompt": "y"}, "k1"),
        ("POST", {"model": "a/c", "prompt": "y"}, "k1"),
        ("POST", {"model": "a/b", "prompt": "x"}, "k1"),
        ("POST", {"model": "a/b"}, "k1"),
        ("GET", {}, "k1"),
    ):
        reply = app.reply(method, path, json.dumps(body).encode(), api_key=key)
        answered = read(reply)
        assert list(answered) == ["error"]
        assert list(answered["error"]) == ["message", "type", "param", "code"]
        seen.append(answered["error"]["code"])
    assert tuple(seen) == codes


@pytest.mark.parametrize("header", ["authorization", "api_key"])
def test_a_key_in_either_header(header: str) -> None:
    app = App(index_of(ANY), openai_access_key="k1")
    for key, status in (("k1", 200), ("k2", 401), ("", 401)):
        value = f"Bearer {key}" if header == "authorization" else key
        for path in ("/v1/models", "/openai/models"):
            assert app.reply("GET", path, **{header: value}).status == status


def test_a_file_that_is_not_there_is_told_as_openai_does() -> None:
    app = App(index_of(ANY))
    onward = app.send("GET", "/v1/images/files/v3.fal.media/files/a.png")
    assert isinstance(onward, FalCall)
    refused = onward.rewrite(made(status=200)._replace(status=404, body=b'{"detail": "Not there"}'))
    assert isinstance(refused, Reply)
    assert read(refused)["error"] == {
        "message": "Not there",
        "type": "invalid_request_error",
        "param": None,
        "code": "file_not_found",
    }
    assert header_map(refused.headers)["access-control-allow-origin"] == "*"
    for as_it_is in (made("a"), made(status=404)._replace(why=FALS_ANSWER)):
        assert onward.rewrite(as_it_is) is as_it_is
