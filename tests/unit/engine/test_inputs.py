from __future__ import annotations

import base64
from typing import Any

import pytest

from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

ANY = {"match": {}, "response": {"json": "any"}}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"prompt",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b"\xff\xfe",
        b'"text"',
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
def test_a_body_that_is_no_input(host: str, body: bytes) -> None:
    reply = Client(ANY).send("POST", f"https://{host}/a/b", body or b" ", {"content-type": "application/json"})
    assert reply.status == 422
    answer = read(reply)
    assert answer["detail"][0]["loc"] == ["body"]
    assert answer["detail"][0]["msg"] == answer["message"]
    assert header(reply, "content-type") == "application/json"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_wrong_content_type(content_type: str) -> None:
    reply = Client(ANY).send("POST", "https://fal.run/a/b", b"{}", {"content-type": content_type})
    assert reply.status == 422
    assert content_type.partition(";")[0] in read(reply)["message"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json", ""]
)
def test_content_types_of_json(content_type: str) -> None:
    assert Client(ANY).send("POST", "https://fal.run/a/b", b"{}", {"content-type": content_type}).status == 200


@pytest.mark.parametrize("body", [b"[" + b"1," * 20_000_000 + b"1]", b'{"a": "' + b"x" * (65 * 1024 * 1024) + b'"}'])
def test_more_json_than_an_input_can_be(body: bytes) -> None:
    reply = Client(ANY).send("POST", "https://fal.run/a/b", body, {"content-type": "application/json"})
    assert reply.status == 413


def test_a_large_data_uri_is_an_input() -> None:
    body = b'{"image_url": "data:image/png;base64,' + base64.b64encode(bytes(30_000_000)) + b'"}'
    assert len(body) > 40_000_000
    assert Client(ANY).send("POST", "https://fal.run/a/b", body, {"content-type": "application/json"}).status == 200


def exact(value: dict[str, Any], **match: Any) -> Client:
    return Client({"match": {"model": "a/b", "input": value, "exact": True, **match}, "response": {"json": "hit"}})


def test_no_body_is_an_empty_input() -> None:
    client = exact({})
    assert client.send("POST", "https://fal.run/a/b").status == 200
    assert client.send("POST", "https://fal.run/a/b", b"", {"content-type": "application/json"}).status == 200
    assert client.send("GET", "https://fal.run/a/b").status == 200


def test_a_query_string_is_an_input() -> None:
    # As the JS client writes it: spaces as +, arrays joined by commas.
    client = exact({"prompt": "a b", "n": "1", "arr": "1,2"})
    assert client.send("GET", "https://fal.run/a/b?prompt=a+b&n=1&arr=1%2C2").status == 200
    assert client.send("POST", "https://fal.run/a/b?prompt=a+b&n=1&arr=1%2C2").status == 200


def test_parameters_for_the_platform_are_no_input() -> None:
    client = exact({"prompt": "x"})
    url = "https://queue.fal.run/a/b?fal_webhook=https%3A%2F%2Fex.com&fal_max_queue_length=5&priority=low"
    reply = client.send("POST", url, {"prompt": "x"})
    assert reply.status == 200
    assert "fal_webhook is not delivered" in reply.why
    assert client.send("GET", "https://fal.run/a/b?prompt=x&fal_jwt_token=t").status == 200


def test_the_method_can_be_part_of_a_match() -> None:
    client = exact({}, method="GET")
    assert client.send("GET", "https://fal.run/a/b").status == 200
    assert client.send("POST", "https://fal.run/a/b").status == 404


@pytest.mark.parametrize(
    "sent",
    [
        b'{"scale": 3.0, "seed": 18446744073709551615, "prompt": "\\u00e9"}',
        '{"prompt":"é","seed":18446744073709551615,"scale":3}'.encode(),
    ],
)
def test_what_is_compared_is_the_meaning(sent: bytes) -> None:
    client = exact({"prompt": "é", "scale": 3, "seed": 2**64 - 1})
    assert client.send("POST", "https://fal.run/a/b", sent, {"content-type": "application/json"}).status == 200


@pytest.mark.parametrize(
    "sent", [{"seed": 2**64 - 2}, {"seed": True}, {"seed": "18446744073709551615"}, {"seed": 2.0**64}]
)
def test_and_nothing_less(sent: dict[str, Any]) -> None:
    assert exact({"seed": 2**64 - 1}).run("a/b", sent).status == 404


def test_true_is_not_one() -> None:
    client = Client({"match": {"input": {"n": 1, "list": [False]}}, "response": {"json": "hit"}})
    assert client.run("a/b", {"n": 1.0, "list": [False], "more": 1}).status == 200
    assert client.run("a/b", {"n": True, "list": [False]}).status == 404
    assert client.run("a/b", {"n": 1, "list": [0]}).status == 404


def test_a_file_matches_by_content_however_it_comes() -> None:
    client = exact(
        {"image_url": {"$file": "sha256:" + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}}
    )
    uploaded = client.send("POST", "https://v3.fal.media/files/upload", b"test", {"content-type": "text/plain"})
    promised = read(
        client.send(
            "POST",
            "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
            {"content_type": "text/plain", "file_name": "a b.txt"},
        )
    )
    client.send("PUT", promised["upload_url"], b"test", {"content-type": "text/plain"})
    for url in (
        read(uploaded)["access_url"],
        promised["file_url"],
        "data:text/plain;base64,dGVzdA==",
        "data:,test",
    ):
        assert client.run("a/b", {"image_url": url}).status == 200, url
    assert client.run("a/b", {"image_url": "data:,other"}).status == 404
    assert client.run("a/b", {"image_url": "https://example.com/test"}).status == 404


def test_prompts_and_contexts_of_aimock() -> None:
    client = Client(
        {"match": {"userMessage": "dragon", "context": "night"}, "response": {"json": "night dragon"}},
        {"match": {"userMessage": "dragon"}, "response": {"json": "dragon"}},
    )
    assert read(client.run("a/b", {"prompt": "a dragon"}, x_aimock_context="night")) == "night dragon"
    assert read(client.run("a/b", {"text": "a dragon"})) == "dragon"
    assert read(client.run("a/b", {"input": {"prompt": "a dragon"}})) == "dragon"
    assert client.run("a/b", {"prompt": "a cat"}).status == 404


def test_the_more_closely_described_of_two_exact_inputs_wins() -> None:
    exact = {"model": "a/b", "input": {"p": 1}, "exact": True}
    client = Client(
        {"match": exact, "response": {"json": "plain"}},
        {"match": {**exact, "context": "night"}, "response": {"json": "night"}},
        {"match": {"model": "a/b", "input": {"p": 1}}, "response": {"json": "subset"}},
        {"match": {"model": "a/*", "input": {"p": {"$any": True}}, "exact": True}, "response": {"json": "glob"}},
    )
    assert read(client.run("a/b", {"p": 1})) == "plain"
    assert read(client.run("a/b", {"p": 1}, x_aimock_context="night")) == "night"
    assert read(client.run("a/b", {"p": 1, "q": 1})) == "subset"
    assert read(client.run("a/b", {"p": 2})) == "glob"


def test_conditions_on_chat_are_never_met() -> None:
    client = Client({"match": {"systemMessage": "x"}, "response": {"json": "chat"}})
    assert client.run("a/b", {"prompt": "x"}).status == 404


def test_a_later_turn_of_a_chat_comes_behind_all_others() -> None:
    later = {"match": {"model": "a/b", "userMessage": "dragon", "turnIndex": 1}, "response": {"json": "later"}}
    plain = {"match": {}, "response": {"json": "plain"}}
    assert read(Client(later, plain).run("a/b", {"prompt": "a dragon"})) == "plain"
    assert read(Client(later).run("a/b", {"prompt": "a dragon"})) == "later"


def test_a_value_says_more_than_a_pattern() -> None:
    regex = {"match": {"input": {"p": {"$regex": "cat"}}, "exact": True, "model": "a/b"}, "response": {"json": "regex"}}
    plain = {"match": {"input": {"p": "cat"}, "exact": True, "model": "a/b"}, "response": {"json": "plain"}}
    client = Client(regex, plain)
    assert read(client.run("a/b", {"p": "cat"})) == "plain"
    assert read(client.run("a/b", {"p": "cats"})) == "regex"
