"""The journal through the control API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.engine.effects import Reply
from falmock.engine.jobs.pace import parse_pace
from falmock.gateway.aimock.control import AimockControl
from falmock.gateway.aimock.steering import Steering
from falmock.redaction.redactor import HIDDEN
from falmock.wire.message import Request
from unit.gateway.steering import HOST
from unit.gateway.steering import Steered
from unit.gateway.steering import answering
from unit.gateway.steering import never

KEY = "0123456789abcdef:fedcba9876543210fedc"


def read(steered: Steered, **query: Any) -> Any:
    reply = steered.reply("GET", f"/journal?{urlencode(query)}")
    assert reply.status == 200
    return json.loads(bytes(reply.body))


def strict(reply: Reply) -> Any:
    """The JSON in an answer, which has no number that JSON does not have."""
    assert reply.status == 200
    return json.loads(bytes(reply.body), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "number", ["1e400", "-1E+400", "1e-400", "1.10", "-0", "9" * 4300, "9" * 4301, "NaN", "Infinity", "-Infinity"]
)
@pytest.mark.parametrize("url", ["https://fal.run/t/e", "https://queue.fal.run/t/e", "https://rest.fal.ai/elsewhere"])
def test_whatever_numbers_a_body_holds_the_answers_are_json(number: str, url: str) -> None:
    steered = Steered(answering(1))
    steered.call("POST", url, b'{"deep": [{"seed": %s}]}' % number.encode())
    for path in ("/journal", "/health", "/jobs", "/scopes", "/fixtures"):
        strict(steered.reply("GET", path))
    journal = Request("GET", "127.0.0.1", "/v1/_requests", "", HOST, b"", peer="127.0.0.1")
    (entry,) = strict(AimockControl(steered.engines, Steering()).answer(journal, never, steered.now))
    assert entry["body"] == steered.ask("GET", "/journal")["entries"][0]["input"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
@pytest.mark.parametrize("url", ["https://fal.run/t/e", "https://queue.fal.run/t/e", "https://fal.run/t/e/stream"])
def test_an_input_is_shown_whatever_its_content_type(content_type: str, url: str) -> None:
    steered = Steered(answering(1))
    steered.call("POST", url, b'{"prompt": "a cat"}', **{"content-type": content_type})
    steered.call("POST", url, b"no JSON", **{"content-type": content_type})
    assert [entry["input"] for entry in read(steered)["entries"]] == [{"prompt": "a cat"}, None]
    steered.ask("POST", "/verify", {"calls": [{"input": {"prompt": "a cat"}, "times": 1}]})


def numbers(value: Any) -> list[int]:
    return [entry["number"] for entry in value["entries"]]


def test_one_job_from_its_submit_to_its_result() -> None:
    steered = Steered(answering({"done": True}), pace=parse_pace("polls:1,2"))
    job = steered.submit("t/e", {"prompt": "a cat", "seed": 7})
    for path in ("/status", "/status", "", "/cancel"):
        method = "PUT" if path == "/cancel" else "GET"
        steered.now += 1
        steered.call(method, f"https://queue.fal.run/t/e/requests/{job}{path}")
    found = steered.ask("GET", "/journal")
    assert [(e["call"], e["endpoint"], e["request_id"], e["status"]) for e in found["entries"]] == [
        ("submit", "t/e", job, 200),
        ("status", "t/e", job, 202),
        ("status", "t/e", job, 200),
        ("result", "t/e", job, 200),
        ("cancel", "t/e", job, 400),
    ]
    first = found["entries"][0]
    assert first["input"] == {"prompt": "a cat", "seed": 7}
    assert (first["at"], first["scope"], first["fixture"], first["why"]) == (
        steered.now - 4,
        "",
        "test.json#0",
        "matches by model",
    )
    assert {entry["fixture"] for entry in found["entries"]} == {"test.json#0"}


def test_a_call_that_is_not_kept() -> None:
    steered = Steered(answering({}))
    assert "the journal is empty" in steered.ask("GET", "/journal/1", status=404)["message"]
    steered.run("t/e")
    for number in ("0", "2", "x"):
        assert "1 to 1 are kept" in steered.ask("GET", f"/journal/{number}", status=404)["message"]
    assert steered.ask("GET", "/journal/1")["entry"] == steered.ask("GET", "/journal")["entries"][0]


def test_a_miss_tells_what_was_near() -> None:
    steered = Steered(answering(1, input={"prompt": "a cat"}))
    steered.run("t/e", {"prompt": "a dog"})
    (entry,) = steered.ask("GET", "/journal", miss="true")["entries"]
    assert 'expected "a cat", found "a dog"' in entry["miss"]
    assert (entry["fixture"], entry["status"], entry["request_id"]) == (None, 404, "")
    assert steered.ask("GET", "/journal", miss="false")["total"] == 0


def test_keys_are_nowhere_in_it() -> None:
    steered = Steered(answering(1))
    asked = {
        "api_key": KEY,
        "prompt": f"say {KEY}",
        "image_url": f"https://x.example/a.png?token={KEY}",
        "n": [{"k": KEY}],
    }
    headers = {"authorization": f"Key {KEY}"}
    steered.call("POST", f"https://fal.run/t/e?fal_jwt_token={KEY}", asked, **headers)
    steered.call("GET", f"https://fal.run/t/e?prompt={KEY}", **headers)
    steered.call("POST", f"https://fal.run/{KEY}/x", asked, **headers)
    found = steered.ask("GET", "/journal")["entries"]
    assert not any(part in repr(found) for part in KEY.split(":"))
    assert found[0]["input"]["prompt"] == f"say {HIDDEN}"


def test_a_secret_on_the_edge_of_a_cut_is_not_half_there() -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz012345"
    for before in (160, 180, 199):
        steered = Steered(answering(1))
        steered.engines.common.redactor.learn_value(secret)
        steered.run("t/e", {"prompt": "x" * before + secret, "more": "y" * 70_000})
        shown = steered.ask("GET", "/journal")["entries"][0]["input"]
        assert secret[:8] not in shown["prompt"]
        assert shown["more"].startswith("y" * 200 + "... (")


def test_large_inputs_are_kept_without_their_large_parts() -> None:
    steered = Steered(answering(1))
    media = f"data:image/png;base64,{'A' * 100_000}"
    steered.run("t/e", {"prompt": "a cat", "image_url": media, "quoted": '\\"' * 20, "deep": [[1]]})
    steered.run("t/e", {"numbers": list(range(30_000))})
    first, second = steered.ask("GET", "/journal")["entries"]
    assert (first["input"]["prompt"], first["input"]["quoted"], first["left_out"]) == ("a cat", '\\"' * 20, 0)
    assert first["input"]["image_url"].startswith("data:image/png;base64,AAA")
    assert len(first["input"]["image_url"]) < 300
    assert (second["input"], second["left_out"] > 100_000) == (None, True)


def test_what_is_nested_deep_is_cut() -> None:
    steered = Steered(answering(1))
    steered.call("POST", "https://fal.run/t/e", b'{"a":' * 200 + b"1" + b"}" * 200)
    assert '"..."' in bytes(steered.reply("GET", "/journal").body).decode()


def test_an_input_in_the_query() -> None:
    steered = Steered(answering(1))
    steered.call("GET", "https://fal.run/t/e?prompt=a+cat")
    assert steered.ask("GET", "/journal")["entries"][0]["input"] == {"prompt": "a cat"}


def test_what_is_no_call_of_a_model() -> None:
    steered = Steered(answering(1))
    steered.call("OPTIONS", "https://fal.run/t/e", origin="https://app.example")
    steered.call("GET", "https://v3.fal.media/files/a.png")
    steered.call("POST", "https://rest.fal.ai/storage/upload/initiate", {"file_name": "a.png"})
    steered.call("GET", "https://rest.fal.ai/nothing")
    steered.call("GET", "https://queue.fal.run/t/e/requests/unknown/status")
    found = steered.ask("GET", "/journal")["entries"]
    assert [entry["call"] for entry in found] == ["preflight", "download", "upload", "other", "status"]
    assert (found[4]["endpoint"], found[4]["request_id"]) == ("t/e", "unknown")


def test_clearing_forgets_calls_and_who_answered() -> None:
    steered = Steered(answering(1))
    steered.run("t/e")
    steered.run("t/none")
    assert steered.ask("DELETE", "/journal") == {"cleared": 2}
    assert steered.ask("GET", "/journal") | {"limit": 0} == {
        "entries": [],
        "total": 0,
        "limit": 0,
        "offset": 0,
        "calls": 0,
        "kept": 0,
    }
    assert steered.ask("GET", "/fixtures")["fixtures"][0]["used"] is False


CALLS = st.lists(
    st.tuples(st.sampled_from(["run", "submit"]), st.sampled_from(["t/e", "t/f", "u/none"]), st.integers(0, 3)),
    max_size=12,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "call": st.sampled_from(["run", "submit", "status"]),
        "endpoint": st.sampled_from(["t/e", "t/*", "*", "x/y", "t/[ef]"]),
        "status": st.sampled_from([200, 404, 500]),
        "fixture": st.sampled_from(["test.json#0", "test.json#*", "nothing"]),
        "miss": st.sampled_from(["true", "false"]),
        "since": st.integers(-1, 6).map(lambda later: 1_752_619_398.0 + later),
    },
)


@settings(max_examples=60)
@given(CALLS, FILTERS, st.integers(1, 5))
def test_filters_and_pages_are_parts_of_the_whole(calls: Any, query: Any, limit: int) -> None:
    steered = Steered(answering(1), answering(2, model="t/f"))
    for kind, endpoint, wait in calls:
        steered.now += wait
        host = "fal.run" if kind == "run" else "queue.fal.run"
        steered.call("POST", f"https://{host}/{endpoint}", {})
    everything = steered.ask("GET", "/journal")["entries"]
    assert [(entry["call"], entry["endpoint"]) for entry in everything] == [call[:2] for call in calls]

    def fits(entry: Any) -> bool:
        globs = {"t/e": {"t/e"}, "t/*": {"t/e", "t/f"}, "t/[ef]": {"t/e", "t/f"}, "x/y": set()}
        fixtures = {"test.json#0": {"test.json#0"}, "test.json#*": {"test.json#0", "test.json#1"}, "nothing": set()}
        return (
            ("call" not in query or entry["call"] == query["call"])
            and (query.get("endpoint") in (None, "*") or entry["endpoint"] in globs[query["endpoint"]])
            and ("status" not in query or entry["status"] == query["status"])
            and ("fixture" not in query or entry["fixture"] in fixtures[query["fixture"]])
            and ("miss" not in query or (entry["miss"] is not None) is (query["miss"] == "true"))
            and ("since" not in query or entry["at"] >= query["since"])
        )

    wanted = [entry["number"] for entry in everything if fits(entry)]
    paged: list[int] = []
    while len(paged) < len(wanted):
        page = read(steered, **query, limit=limit, offset=len(paged))
        assert page["total"] == len(wanted)
        assert 0 < len(page["entries"]) <= limit
        paged += numbers(page)
    assert paged == wanted
    assert numbers(read(steered, **query, offset=len(wanted))) == []
