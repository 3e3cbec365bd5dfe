from __future__ import annotations

import base64
from typing import Any

import pytest

from falmock.engine import inputs
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.fixtures.matching.match import Query
from falmock.wire.message import Request
from falmock.wire.query import parameters
from falmock.wire.storage import digest
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

ANY = {"match": {}, "response": {"json": "any"}}


_NOT_JSON = "json_invalid"
_NO_OBJECT = "model_attributes_type"


@pytest.mark.parametrize(
    ("body", "status", "kind", "loc"),
    [
        (b"{", 422, _NOT_JSON, ["body", 1]),
        (b" ", 422, _NOT_JSON, ["body", 1]),
        (b"prompt", 422, _NOT_JSON, ["body", 0]),
        (b'{"a": 1 2}', 422, _NOT_JSON, ["body", 8]),
        (b'"text"', 422, _NO_OBJECT, ["body"]),
        (b"[]", 422, _NO_OBJECT, ["body"]),
        (b"null", 422, "missing", ["body"]),
        (b"\xff\xfe", 422, _NOT_JSON, ["body", 0]),
        # Python reads these, and FastAPI with it. No fixture could be compared with them.
        (b'{"a": NaN}', 422, _NOT_JSON, ["body"]),
        (b'{"a": Infinity}', 422, _NOT_JSON, ["body"]),
        (b'{"a": 1e999}', 422, _NOT_JSON, ["body"]),
        (b'{"a": 1, "a": 2}', 422, _NOT_JSON, ["body"]),
        # What Python fails at in other ways has no details.
        (b"\xff", 400, None, None),
        # falmock's own limit is told in its words.
        (b"[" * 100_000, 422, _NOT_JSON, ["body"]),
        (b'{"a":' * 300 + b"1" + b"}" * 300, 422, _NOT_JSON, ["body"]),
        (b'{"a": ' + b"9" * 5000 + b"}", 400, None, None),
    ],
)
@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
def test_a_body_that_is_no_input(host: str, body: bytes, status: int, kind: str | None, loc: list[Any] | None) -> None:
    reply = Client(ANY).send("POST", f"https://{host}/a/b", body, {"content-type": "application/json"})
    assert reply.status == status
    detail = read(reply)["detail"]
    if kind is None:
        assert detail == "There was an error parsing the body"
    else:
        assert (detail[0]["type"], detail[0]["loc"]) == (kind, loc)
    assert header(reply, "content-type") == "application/json"
    assert header(reply, "x-fal-billable-units") == "0"


TYPES = (
    "application/json; charset=utf-8",
    "application/vnd.x+json",
    "",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
)


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("url", ["https://fal.run/a/b", "https://fal.run/a/b/stream", "https://queue.fal.run/a/b"])
def test_the_content_type_of_json_does_not_count(url: str, content_type: str) -> None:
    match = {"input": {"prompt": "a cat"}, "exact": True}
    client = Client({"match": match, "response": {"json": "cat"}}, {"match": {}, "response": {"json": "any"}})
    effect = client.effect("POST", url, b'{"prompt": "a cat"}', {"content-type": content_type})
    assert isinstance(effect, Reply | Stream)
    assert (effect.status, effect.fixture or client.engine.scope.journal.entries[-1].fixture) == (200, "test.json#0")


SENT = (
    ("text/plain", b"a cat", "a cat"),
    ("application/x-www-form-urlencoded", b"a=1&b=2", "a=1&b=2"),
    ("application/json", b"[1, 2]", "[1, 2]"),
    ("audio/wav", b"RIFF\xff", {"$file": f"sha256:{digest(b'RIFF' + bytes([255]))}"}),
    (
        'multipart/form-data; boundary="drawn"',
        (
            b'--drawn\r\ncontent-disposition: form-data; name="prompt"\r\n\r\na cat\r\n'
            b'--drawn\r\ncontent-disposition: form-data; name="f"; filename="a.bin"\r\ncontent-type: a/b\r\n\r\n\xff\r\n--drawn--\r\n'
        ),
        [
            {"name": "prompt", "content": "a cat"},
            {"name": "f", "filename": "a.bin", "type": "a/b", "content": {"$file": f"sha256:{digest(bytes([255]))}"}},
        ],
    ),
)


@pytest.mark.parametrize(("content_type", "sent", "body"), SENT)
@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run"])
def test_a_body_that_is_no_json_is_answered_by_a_fixture_for_it_alone(
    host: str, content_type: str, sent: bytes, body: Any
) -> None:
    def status(*matches: dict[str, Any]) -> int:
        client = Client(*({"match": match, "response": {"json": 1}} for match in matches))
        return client.send("POST", f"https://{host}/a/b", sent, {"content-type": content_type}).status

    refused = 400 if b"\xff" in sent else 422
    assert status({}, {"model": "a/b"}, {"input": {}}, {"input": {}, "exact": True}, {"userMessage": ""}) == refused
    assert status({"body": "something else"}, {"body": {"$file": f"sha256:{'0' * 64}"}}) == refused
    assert status({}, {"model": "a/b", "body": body}) == 200
    assert status({"body": {"$any": True}}) == 200
    assert status({"model": "a/c", "body": body}) == refused


def test_an_input_is_not_answered_by_a_fixture_for_another_body() -> None:
    reply = Client({"match": {"body": {"$any": True}}, "response": {"json": 1}}).send("POST", "https://fal.run/a/b", {})
    assert reply.miss is not None
    assert "found a JSON object" in reply.miss.text


QUERIES = ("", "x=1", "x=2", "x=1&x=2", "x=2&x=1", "x=", "x=1&y=2", "%24x=1", "%2524x=1", "x=%FF", "x=%FE", "x=%C3%BF")


@pytest.mark.parametrize("asked", QUERIES)
@pytest.mark.parametrize("kind", ["GET", "POST", "plain GET", "plain POST"])
def test_a_query_is_answered_by_its_own_fixture_alone(kind: str, asked: str) -> None:
    method, is_plain = kind.rpartition(" ")[2], " " in kind
    where = {"path": "/v1/x", "method": method} if is_plain else {"model": "a/b"}
    fixtures = [
        {"match": {**where, "query": parameters(one)}, "response": {"json": one}} for one in QUERIES if one != "x=2"
    ]
    url = "https://api.fal.ai/v1/x" if is_plain else "https://fal.run/a/b"
    reply = Client(*fixtures).send(method, f"{url}?{asked}", {} if method == "POST" else None)
    expected = None if asked == "x=2" else asked
    assert (read(reply) if reply.fixture else None) == expected


@pytest.mark.parametrize("query", ["fal_webhook=https%3A%2F%2Fa.test", "logs=1", "priority=low", "fal_jwt_token="])
def test_parameters_for_the_platform_are_not_asked_for(query: str) -> None:
    client = Client({"match": {"query": {"x": "1"}}, "response": {"json": 1}})
    assert client.send("POST", f"https://queue.fal.run/a/b?{query}&x=1", {}).status == 200


def test_a_fixture_with_a_query_wins_over_one_without_and_that_matches_any_query() -> None:
    exact = {"model": "a/b", "input": {}, "exact": True}
    client = Client(
        {"match": exact, "response": {"json": "any"}},
        {"match": {**exact, "query": {"x": "1"}}, "response": {"json": "x"}},
        {"match": {**exact, "query": {"x": {"$regex": "^[2-4]$"}}}, "response": {"json": "few"}},
        {"match": {**exact, "query": {"t": "1"}, "ignore": ["t"]}, "response": {"json": "time"}},
    )
    answers = {
        query: read(client.send("POST", f"https://fal.run/a/b?{query}", {}))
        for query in ("", "x=1", "x=3", "x=9", "t=7")
    }
    assert answers == {"": "time", "x=1": "x", "x=3": "few", "x=9": "any", "t=7": "time"}


def test_the_miss_report_shows_the_whole_query() -> None:
    client = Client({"match": {"model": "a/b", "query": {"x": ["1", "2"]}}, "response": {"json": 1}})
    reply = client.send("POST", "https://fal.run/a/b?x=2&x=1&x=", {"n": 1})
    assert reply.miss is not None
    assert 'With the query: {"x": ["2", "1", ""]}' in reply.miss.text
    assert "query.x: expected 2 elements, found 3 elements" in reply.miss.text
    assert '"query": {"x": ["2", "1", ""]}' in reply.miss.text
    other = client.send("POST", "https://fal.run/a/b?x=3", {"n": 1})
    assert other.miss is not None
    assert other.miss.key != reply.miss.key
    plain = client.send("GET", "https://api.fal.ai/v1/x?a=1&a=2")
    assert '{"a": ["1", "2"]}' in read(plain)["message"]


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


def _files(_: str) -> str:
    return "0" * 64


def test_the_input_as_it_was_sent_goes_along() -> None:
    body = b'{"seed": 1.0, "image_url": "https://v3.fal.media/x.png"}'
    query = inputs.read(Request("POST", "fal.run", "/a/b", "", {}, body), "a/b", _files)
    assert isinstance(query, Query)
    assert query.given == {"seed": 1.0, "image_url": "https://v3.fal.media/x.png"}
    assert type(query.given["seed"]) is float
    assert query.input == {"seed": 1, "image_url": {"$file": f"sha256:{_files('')}"}}


@pytest.mark.parametrize(("query", "given"), [("prompt=cat&logs=1", {"prompt": "cat", "logs": "1"}), ("", {})])
def test_a_query_is_an_input_as_it_was_sent(query: str, given: dict[str, str]) -> None:
    found = inputs.read(Request("GET", "fal.run", "/a/b", query, {}, b""), "a/b", _files)
    assert isinstance(found, Query)
    assert found.given == given


def test_the_input_of_a_call_to_no_endpoint_as_it_was_sent() -> None:
    request = Request("POST", "api.fal.ai", "/v1/x", "", {}, b'{"a": 1.0}')
    assert inputs.read_plain(request, _files, takes_files=False).given == {"a": 1.0}
    assert inputs.read_as_sent(request._replace(body=b"no JSON"), "a/b", _files).given is None
