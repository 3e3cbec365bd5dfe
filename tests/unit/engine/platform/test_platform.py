from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Misses
from falmock.engine.config import Mode
from falmock.engine.effects import Forward
from falmock.engine.jobs.pace import parse_pace
from falmock.engine.platform.platform import MAX_REMEMBERED
from falmock.engine.platform.platform import REMEMBERED_FOR
from falmock.fixtures.matching.ignore_rules import parse_ignore
from falmock.fixtures.matching.index import Index
from falmock.fixtures.matching.volatile import Ignores
from falmock.fixtures.model import Price
from falmock.wire.auth import AuthRule
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

API = "https://api.fal.ai/v1"
DOCUMENT = "https://fal.ai/api/openapi/queue/openapi.json?endpoint_id="
FILE = "https://v3b.fal.media/files/b/0a/cat.png"
SCHEMA = {"openapi": "3.0.4", "paths": {"/a/b": {}}}


def fixture(model: str, given: Any = None, made: Any = None, **response: Any) -> dict[str, Any]:
    match = {"model": model, **({} if given is None else {"input": given})}
    return {"match": match, "response": {"json": {} if made is None else made, **response}}


FLUX = fixture("fal-ai/flux/dev", {"prompt": "a cat"}, {"images": [{"url": FILE}, {"url": FILE}]}, billableUnits=2)
LLM = fixture("fal-ai/any-llm", {"prompt": "hi"}, {"output": "ho", "page": "https://example.com/x"})


def client(*fixtures: dict[str, Any], **config: Any) -> Client:
    made = Client(*(fixtures or (FLUX, LLM)), **config)
    files = made.engine._files
    prices = {"fal-ai/flux/dev": Price(0.025, "megapixels"), "x/euro": Price(1, "images", "EUR")}
    made.engine.use_fixtures(Index(files.fixtures, files.assets, schemas={"a/b": SCHEMA}, prices=prices))
    return made


def ids(reply: Any) -> list[str]:
    return [model["endpoint_id"] for model in read(reply)["models"]]


# models


def test_the_models_are_those_that_fixtures_know() -> None:
    reply = client().send("GET", f"{API}/models")
    assert reply.status == 200
    assert header(reply, "x-falmock-synthesized") == "1"
    assert ids(reply) == ["a/b", "fal-ai/any-llm", "fal-ai/flux/dev", "x/euro"]
    assert read(reply)["next_cursor"] is None
    assert read(reply)["has_more"] is False


def test_a_model_whose_answers_are_made_is_found_by_its_id() -> None:
    asked = f"{API}/models?endpoint_id=fal-ai/flux/schnell&endpoint_id=acme/unheard-of"
    assert ids(client(misses=Misses.SYNTHESIZE).send("GET", asked)) == ["fal-ai/flux/schnell"]
    assert "fal-ai/flux/schnell" not in ids(client(misses=Misses.SYNTHESIZE).send("GET", f"{API}/models"))
    assert ids(client().send("GET", asked)) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("endpoint_id=fal-ai/flux/dev&endpoint_id=a/b", ["a/b", "fal-ai/flux/dev"]),
        ("endpoint_id=fal-ai%2Fflux%2Fdev,nobody/knows", ["fal-ai/flux/dev"]),
        ("q=FLUX", ["fal-ai/flux/dev"]),
        ("q=dev+flux", ["fal-ai/flux/dev"]),
        ("q=llm+flux", []),
        ("category=llm", ["fal-ai/any-llm"]),
        ("category=text-to-image&q=any", []),
        ("status=deprecated", []),
        ("status=active&limit=1", ["a/b"]),
    ],
)
def test_models_are_narrowed_down(query: str, found: list[str]) -> None:
    assert ids(client().send("GET", f"{API}/models?{query}")) == found


@given(st.sets(st.integers(0, 60), max_size=25), st.integers(1, 30))
def test_pages_show_each_model_once(numbers: set[int], limit: int) -> None:
    names = sorted(f"a/m{number}" for number in numbers)
    asked = Client(*(fixture(name) for name in names))
    seen: list[str] = []
    cursor = ""
    while True:
        reply = asked.send("GET", f"{API}/models?limit={limit}{cursor}")
        page = read(reply)
        seen += ids(reply)
        assert len(seen) <= len(names), "a page that was shown comes again"
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == names


def test_documents_come_with_the_models_that_are_asked_for_them() -> None:
    models = read(client().send("GET", f"{API}/models?expand=openapi-3.0"))["models"]
    found = {model["endpoint_id"]: model["openapi"] for model in models}
    assert found["a/b"] == SCHEMA
    assert found["fal-ai/flux/dev"]["info"]["x-falmock-synthesized"] is True
    assert found["x/euro"]["error"]["code"] == "expansion_failed"
    assert "_schemas/x/euro.json" in found["x/euro"]["error"]["message"]
    assert all("openapi" not in model for model in read(client().send("GET", f"{API}/models"))["models"])


def test_what_was_recorded_goes_before() -> None:
    match = {"host": "api.fal.ai", "path": "/v1/models", "method": "GET", "input": {"q": "x"}, "exact": True}
    asked = client({"match": match, "response": {"json": {"models": [], "mine": True}}})
    assert read(asked.send("GET", f"{API}/models?q=x")) == {"models": [], "mine": True}
    assert "mine" not in read(asked.send("GET", f"{API}/models?q=y"))


def test_a_fixture_that_comes_later_is_known() -> None:
    asked = Client(FLUX)
    assert ids(asked.send("GET", f"{API}/models")) == ["fal-ai/flux/dev"]
    asked.engine.use_fixtures(Client(LLM).engine._files)
    assert ids(asked.send("GET", f"{API}/models")) == ["fal-ai/any-llm"]


def test_a_fixture_that_a_test_adds_is_known_in_its_scope() -> None:
    asked = client(FLUX)
    added = Client(LLM).engine.fixtures
    asked.engine.add_fixtures("mine", added, {})
    assert ids(asked.send("GET", f"{API}/models")) == ["a/b", "fal-ai/any-llm", "fal-ai/flux/dev", "x/euro"]
    asked.engine.remove_fixtures("mine")
    assert ids(asked.send("GET", f"{API}/models")) == ["a/b", "fal-ai/flux/dev", "x/euro"]


def test_rules_for_what_does_not_count_lose_no_price() -> None:
    asked = client(ignore=Ignores([parse_ignore("seed")]))
    assert asked.send("GET", f"{API}/models/pricing?endpoint_id=x/euro").status == 200
    assert asked.send("GET", f"{DOCUMENT}a/b").fixture == "_schemas/a/b.json"


# documents


def test_the_document_on_disk_is_given_as_it_is() -> None:
    reply = client().send("GET", f"{DOCUMENT}a/b")
    assert (reply.status, read(reply)) == (200, SCHEMA)
    assert reply.fixture == "_schemas/a/b.json"
    assert header(reply, "x-falmock-synthesized") is None


def test_a_document_made_of_fixtures_is_marked() -> None:
    reply = client().send("GET", f"{DOCUMENT}fal-ai%2Fflux%2Fdev")
    assert header(reply, "x-falmock-synthesized") == "1"
    assert "/fal-ai/flux/dev" in read(reply)["paths"]


def test_the_document_of_an_unknown_model_is_null() -> None:
    reply = client().send("GET", f"{DOCUMENT}nobody/knows")
    assert (reply.status, reply.body) == (404, b"null")
    assert "nobody/knows" in (header(reply, "x-falmock-error") or "")
    assert client().send("GET", DOCUMENT).status == 400


# money


def test_prices_are_those_beside_the_fixtures() -> None:
    reply = client().send("GET", f"{API}/models/pricing?endpoint_id=fal-ai/flux/dev")
    assert read(reply) == {
        "prices": [
            {"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.025, "unit": "megapixels", "currency": "USD"},
        ],
        "next_cursor": None,
        "has_more": False,
    }
    assert reply.fixture == "_prices.json"


def test_a_price_that_nobody_told_is_not_made_up() -> None:
    for method, path, body in (
        ("GET", "/models/pricing?endpoint_id=fal-ai/flux/dev,fal-ai/any-llm", None),
        ("POST", "/models/pricing/estimate", estimate("unit_price", {"fal-ai/any-llm": {"unit_quantity": 1}})),
    ):
        reply = client().send(method, f"{API}{path}", body)
        assert reply.status == 404
        error = read(reply)["error"]
        assert error["type"] == "not_found"
        assert "fal-ai/any-llm" in error["message"]
        assert "fal-ai/flux/dev" not in error["message"]
        assert "_prices.json" in error["message"]
        assert "fal_mode=auto" in error["message"]


def estimate(kind: Any, endpoints: Any) -> dict[str, Any]:
    return {"estimate_type": kind, "endpoints": endpoints}


def estimated(kind: Any, endpoints: Any) -> Any:
    return read(client().send("POST", f"{API}/models/pricing/estimate", estimate(kind, endpoints)))


def test_an_estimate_is_price_by_quantity() -> None:
    answer = estimated("unit_price", {"fal-ai/flux/dev": {"unit_quantity": 3}})
    assert answer == {"estimate_type": "unit_price", "total_cost": 0.075, "currency": "USD"}


def test_what_calls_cost_is_told_by_the_units_of_fixtures() -> None:
    answer = estimated("historical_api_price", {"fal-ai/flux/dev": {"call_quantity": 10}})
    assert answer == {"estimate_type": "historical_api_price", "total_cost": 0.5, "currency": "USD"}
    error = estimated("historical_api_price", {"x/euro": {"call_quantity": 10}})["error"]
    assert error["type"] == "not_found"
    assert "billableUnits" in error["message"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "expected a JSON object, found an error"),
        ([], "estimate_type: expected historical_api_price or unit_price"),
        (estimate(["unit_price"], {}), "estimate_type: expected"),
        (estimate("unit_price", {}), "endpoints: expected an object with one endpoint id or more"),
        (estimate("unit_price", {"a/b": 3}), "endpoints.a/b.unit_quantity: expected a number above 0"),
        (estimate("unit_price", {"a/b": {"unit_quantity": True}}), "endpoints.a/b.unit_quantity: expected"),
        (estimate("unit_price", {"a/b": {"unit_quantity": 0}}), "endpoints.a/b.unit_quantity: expected"),
        (estimate("unit_price", {"a/b": {"call_quantity": 1}}), "endpoints.a/b.unit_quantity: expected"),
        (
            estimate("unit_price", {"x/euro": {"unit_quantity": 1}, "fal-ai/flux/dev": {"unit_quantity": 1}}),
            "endpoints: expected prices in one currency, found EUR, USD",
        ),
    ],
)
def test_what_is_no_estimate(body: Any, told: str) -> None:
    reply = client().send("POST", f"{API}/models/pricing/estimate", body)
    assert reply.status == 400
    assert read(reply)["error"]["type"] == "validation_error"
    assert read(reply)["error"]["message"].startswith(told)


@pytest.mark.parametrize("path", ["models?limit=x", "models?cursor=!", "models/pricing", "models?expand=all"])
def test_a_bad_query_is_refused_in_the_platforms_words(path: str) -> None:
    reply = client().send("GET", f"{API}/{path}")
    assert reply.status == 400
    assert read(reply)["error"]["type"] == "validation_error"


def test_webhooks_come_from_here() -> None:
    assert read(client().send("GET", f"{API}/meta")) == {"webhook_ip_ranges": ["127.0.0.1/32", "::1/128"]}


# payloads


def gone(asked: Client, request_id: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked.send("DELETE", f"{API}/models/requests/{request_id}/payloads", headers=named)


def test_deleted_payloads_are_gone() -> None:
    asked = client()
    job = asked.job("fal-ai/flux/dev", {"prompt": "a cat"})
    assert asked.send("GET", job).status == 200
    reply = gone(asked, job.rpartition("/")[2])
    assert (reply.status, read(reply)) == (200, {"cdn_delete_results": [{"link": FILE, "exception": None}]})
    result = asked.send("GET", job)
    assert (result.status, read(result)) == (404, {"status": "NOT_FOUND"})
    assert asked.status(job)["status"] == "COMPLETED"
    again = gone(asked, job.rpartition("/")[2])
    assert again.status == 404
    assert "deleted before" in read(again)["error"]["message"]


def test_only_files_of_fals_are_told() -> None:
    asked = client()
    job = asked.job("fal-ai/any-llm", {"prompt": "hi"})
    assert read(gone(asked, job.rpartition("/")[2])) == {"cdn_delete_results": []}


def test_what_cannot_be_deleted() -> None:
    asked = client(pace=parse_pace("10s"))
    job = asked.job("fal-ai/flux/dev", {"prompt": "a cat"}).rpartition("/")[2]
    early = gone(asked, job)
    assert (early.status, read(early)["error"]["type"]) == (400, "validation_error")
    unknown = gone(asked, "nobody")
    assert (unknown.status, read(unknown)["error"]["type"]) == (404, "not_found")
    asked.now += 11
    assert gone(asked, job).status == 200


def test_a_deletion_with_a_key_is_answered_again_for_a_while() -> None:
    asked = client()
    one, other = (asked.job("fal-ai/flux/dev", {"prompt": "a cat"}).rpartition("/")[2] for _ in range(2))
    first = gone(asked, one, idempotency_key="k")
    assert gone(asked, one, idempotency_key="k") == first
    assert gone(asked, other, idempotency_key="k").status == 200  # a key is for one request
    asked.now += REMEMBERED_FOR - 1
    assert gone(asked, other, idempotency_key="k").status == 200
    asked.now += 2
    assert gone(asked, other, idempotency_key="k").status == 404


def test_only_so_many_deletions_are_remembered() -> None:
    asked = client()
    for number in range(MAX_REMEMBERED + 5):
        gone(asked, asked.job("fal-ai/flux/dev", {"prompt": "a cat"}).rpartition("/")[2], idempotency_key=str(number))
    assert len(asked.engine._dispatch._platform._dropped) == MAX_REMEMBERED


# keys and modes


@pytest.mark.parametrize(
    ("path", "without", "wrong"),
    [("models", 200, 401), ("models/pricing?endpoint_id=fal-ai/flux/dev", 401, 401), ("meta", 200, 200)],
)
def test_who_may_ask(path: str, without: int, wrong: int) -> None:
    asked = client(auth=AuthRule(required=True, keys=("good:key",)))
    assert asked.send("GET", f"{API}/{path}").status == without
    reply = asked.send("GET", f"{API}/{path}", headers={"authorization": "Key bad:key"})
    assert reply.status == wrong
    if wrong == 401:
        assert read(reply) == {"error": {"type": "authorization_error", "message": "Invalid API key"}}
        assert "bad:key" not in str(reply)
    assert asked.send("GET", f"{API}/{path}", headers={"authorization": "Key good:key"}).status == 200


BAD = {"error": {"type": "authorization_error", "message": "Invalid API key"}}
NONE = {"error": {"type": "authorization_error", "message": "Authentication required"}}


@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        (None, NONE),
        ("", NONE),
        ("Key nonsense", BAD),
        ('Key "a:b"', BAD),
        ("Key Key a:b", BAD),
        ("Bearer a:b", BAD),
        ("a:b", BAD),
    ],
)
@pytest.mark.parametrize("path", ["models/pricing?endpoint_id=fal-ai/flux/dev", "usage", "keys", "nowhere"])
def test_how_a_key_is_refused(path: str, authorization: str | None, body: Any) -> None:
    recorded = {
        "match": {"host": "api.fal.ai", "path": "/v1/keys", "method": "GET"},
        "response": {"json": {"keys": []}},
    }
    asked = Client(recorded, auth=AuthRule(required=True))
    headers = {} if authorization is None else {"authorization": authorization}
    reply = asked.send("GET", f"{API}/{path}", headers=headers)
    assert (reply.status, read(reply)) == (401, body)
    assert asked.send("GET", f"{API}/{path}", headers={"authorization": "Key a:b"}).status != 401
    assert Client(recorded).send("GET", f"{API}/{path}", headers=headers).status != 401


def test_auto_asks_fal_for_what_no_file_tells() -> None:
    asked = client(mode=Mode.AUTO)
    for path in ("models", "models/pricing?endpoint_id=fal-ai/any-llm", "meta", "models/usage"):
        assert isinstance(asked.effect("GET", f"{API}/{path}"), Forward)
    assert isinstance(asked.effect("GET", f"{DOCUMENT}fal-ai/flux/dev"), Forward)
    assert asked.send("GET", f"{DOCUMENT}a/b").status == 200
    assert asked.send("GET", f"{API}/models/pricing?endpoint_id=fal-ai/flux/dev").status == 200
    job = asked.job("fal-ai/flux/dev", {"prompt": "a cat"}).rpartition("/")[2]
    assert gone(asked, job).status == 200
    assert gone(asked, job).status == 404
    assert isinstance(asked.effect("DELETE", f"{API}/models/requests/nobody/payloads"), Forward)
