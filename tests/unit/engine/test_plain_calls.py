"""Calls that go to no endpoint, answered from fixtures with a host and a path."""

from __future__ import annotations

from typing import Any

import pytest

from falmock.wire.message import Request
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

USAGE = "https://api.fal.ai/v1/models/usage"


def plain(host: str, path: str, response: Any = None, **match: Any) -> dict[str, Any]:
    return {"match": {"host": host, "path": path, **match}, "response": response or {"json": {"from": path}}}


def usage(endpoint: str, price: float) -> dict[str, Any]:
    selecting = {"method": "GET", "input": {"endpoint_id": endpoint}, "exact": True}
    return plain("api.fal.ai", "/v1/models/usage", {"json": {"price": price}}, **selecting)


def test_the_query_parameters_are_the_input() -> None:
    client = Client(usage("fal-ai/flux/dev", 0.025), usage("fal-ai/any-llm", 0.001))
    for endpoint, price in (("fal-ai/flux/dev", 0.025), ("fal-ai%2Fany-llm", 0.001)):
        reply = client.send("GET", f"{USAGE}?endpoint_id={endpoint}")
        assert (reply.status, read(reply)) == (200, {"price": price})
        assert reply.why == "exact input"
    assert client.send("GET", f"{USAGE}?endpoint_id=a/b").status == 501
    assert client.send("GET", USAGE).status == 501
    assert client.send("POST", f"{USAGE}?endpoint_id=fal-ai/flux/dev").status == 501


def test_a_json_body_is_the_input() -> None:
    client = Client(plain("api.fal.ai", "/v1/estimate", method="POST", input={"units": 3}, exact=True))
    url = "https://api.fal.ai/v1/estimate"
    assert client.send("POST", url, {"units": 3.0}).status == 200
    assert client.send("POST", f"{url}?units=3", {"units": 4}).status == 501
    for body in (b"{", b"[]", b"[" * 100_000, b'{"units": 1e999}'):
        assert client.send("POST", url, body, {"content-type": "application/json"}).status == 501
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert client.send("POST", url, b'{"units": 3}', {"content-type": content_type}).status == 200
        assert client.send("POST", url, b'{"units": 4}', {"content-type": content_type}).status == 501


def test_a_body_on_a_host_that_takes_files_is_a_file_unless_it_says_json() -> None:
    url = "https://v3b.fal.media/signed/a"
    client = Client(plain("v3b.fal.media", "/signed/a", method="PUT", input={"a": 1}, exact=True))
    assert client.send("PUT", url, b'{"a": 1}', {"content-type": "application/json"}).fixture == "test.json#0"
    assert client.send("PUT", url, b'{"a": 1}', {"content-type": "text/plain"}).fixture is None


def test_what_nobody_recorded_says_how_to_record_it() -> None:
    reply = Client().send("GET", USAGE)
    assert reply.status == 501
    assert "fal_mode=auto" in read(reply)["detail"]
    assert "method, host and path" in read(reply)["message"]


def test_the_answer_has_the_headers_of_the_fixture_and_no_models() -> None:
    response = {"json": {"e": 1}, "status": 404, "headers": {"X-Mine": "a", "content-type": "application/problem+json"}}
    reply = Client(plain("api.fal.ai", "/v1/x", response)).send("GET", "https://api.fal.ai/v1/x")
    assert (reply.status, reply.body) == (404, b'{"e":1}')
    assert [name.decode().lower() for name, _ in reply.headers] == ["content-type", "x-mine", "x-falmock-fixture"]
    assert header(reply, "content-type") == "application/problem+json"


def test_a_header_of_models_is_sent_where_the_fixture_names_it() -> None:
    response = {"json": 1, "headers": {"x-fal-request-id": "abc"}}
    reply = Client(plain("api.fal.ai", "/v1/x", response)).send("GET", "https://api.fal.ai/v1/x")
    assert header(reply, "x-fal-request-id") == "abc"


def test_a_fixture_for_get_answers_head() -> None:
    client = Client(plain("api.fal.ai", "/v1/x", {"text": "koala"}, method="GET"))
    reply = client.send("HEAD", "https://api.fal.ai/v1/x")
    assert (reply.status, reply.body, reply.length) == (200, b"", 5)
    assert header(reply, "content-type") == "text/plain; charset=utf-8"
    assert client.send("DELETE", "https://api.fal.ai/v1/x").status == 501


def test_equal_matches_answer_in_turn() -> None:
    client = Client(*(plain("api.fal.ai", "/v1/x", {"json": n}, method="GET") for n in (1, 2)))
    assert [read(client.send("GET", "https://api.fal.ai/v1/x")) for _ in range(3)] == [1, 2, 2]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("host", ["api.fal.ai", "rest.fal.ai", "unheard-of.fal.ai", "v3b.fal.media"])
def test_any_method_on_any_host_that_serves_no_endpoints(method: str, host: str) -> None:
    client = Client(plain(host, "/x/y", method=method))
    assert client.send(method, f"https://{host}/x/y").fixture == "test.json#0"
    other = next(known for known in ("api.fal.ai", "rest.fal.ai") if known != host)
    assert client.send(method, f"https://{other}/x/y").fixture is None


@pytest.mark.parametrize(
    ("method", "host", "path"),
    [
        ("POST", "rest.fal.ai", "/storage/upload/initiate"),
        ("POST", "rest.fal.ai", "/storage/auth/token"),
        ("POST", "rest.fal.ai", "/tokens/"),
        ("PUT", "v3b.fal.media", "/files/b/abc/x.png"),
        ("POST", "v3b.fal.media", "/files/upload"),
        ("POST", "v3b.fal.media", "/files/upload/multipart"),
        ("GET", "v3b.fal.media", "/files/b/abc/x.png"),
    ],
)
def test_a_fixture_goes_before_what_would_be_made_up(method: str, host: str, path: str) -> None:
    url = f"https://{host}{path}"
    client = Client(plain(host, path, {"json": {"upload_url": "https://v3b.fal.media/x"}}, method=method))
    assert read(client.send(method, url)) == {"upload_url": "https://v3b.fal.media/x"}
    assert client.send(method, url).fixture == "test.json#0"
    assert Client().send(method, url).fixture is None


def test_a_path_alone_does_not_swallow_uploads() -> None:
    client = Client({"match": {"path": "/files/*"}, "response": {"text": "koala"}})
    urls = read(client.send("POST", "https://rest.fal.ai/storage/upload/initiate", {"file_name": "a.txt"}))
    assert client.send("PUT", urls["upload_url"], b"mine", {"content-type": "text/plain"}).fixture is None
    assert client.send("GET", urls["file_url"]).body == b"mine"


def test_runs_and_jobs_are_not_answered_by_host_and_path() -> None:
    client = Client(plain("fal.run", "/a/b"), plain("queue.fal.run", "/a/b"))
    assert client.run("a/b").status == 404
    assert client.submit("a/b").status == 404


def test_a_download_may_be_told_apart_by_its_query() -> None:
    path = "/files/b/abc/x.txt"
    client = Client(
        plain("v3b.fal.media", path, {"text": "one", "headers": {"Cache-Control": "no-store"}}, input={"v": "1"}),
        plain("v3b.fal.media", path, {"text": "two"}, input={"v": "2"}),
    )
    first, second = (client.send("GET", f"https://v3b.fal.media{path}?v={v}") for v in (1, 2))
    assert (first.body, second.body) == (b"one", b"two")
    assert header(first, "cache-control") == "no-store"
    assert client.send("GET", f"https://v3b.fal.media{path}?v=3").status == 404


def test_what_would_be_answered_is_known_and_does_not_count() -> None:
    turns = [{"match": {"model": "a/b", "input": {"prompt": "x"}}, "response": {"json": {"turn": n}}} for n in (1, 2)]
    client = Client(*turns, usage("fal-ai/flux/dev", 0.025))

    def knows(method: str, host: str, path: str, query: str = "", body: bytes = b"") -> bool:
        headers = {"content-type": "application/json"}
        return client.engine.knows(Request(method, host, path, query, headers, body))

    for _ in range(2):
        assert knows("POST", "fal.run", "/a/b", body=b'{"prompt": "x"}')
        assert knows("GET", "api.fal.ai", "/v1/models/usage", "endpoint_id=fal-ai/flux/dev")
    assert not knows("POST", "fal.run", "/a/b", body=b'{"prompt": "y"}')
    assert not knows("POST", "fal.run", "/a/b", body=b"{")
    assert not knows("GET", "api.fal.ai", "/v1/models/usage", "endpoint_id=a/b")
    assert not knows("GET", "fal.ai", "/other")
    assert [read(client.run("a/b", {"prompt": "x"}))["turn"] for _ in range(2)] == [1, 2]
