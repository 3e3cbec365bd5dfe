from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.effects import End
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.fixtures.matching.index import Index
from falmock.gateway.control.from_journal import OPERATIONS
from falmock.wire.formats import sse
from falmock.wire.model_document import model_document
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

FLUX = "fal-ai/flux/dev"
PATH = "/fixtures/from"
CAT = {"prompt": "a cat", "image_size": "square"}


def made(**config: Any) -> Steered:
    steered = Steered(misses=Misses.SYNTHESIZE, **config)
    assert steered.run(FLUX, CAT) is not None
    return steered


def test_it_is_one_operation() -> None:
    assert [(each.method, each.path) for each in OPERATIONS] == [("POST", "/__falmock/fixtures/from")]


def test_a_made_answer_becomes_a_fixture_in_memory() -> None:
    steered = made()
    before = steered.run(FLUX, CAT)
    answer = steered.ask("POST", PATH, {"call": 1}, status=201)
    assert (answer["file"], answer["added"]) == (None, "1")
    assert [each["id"] for each in answer["fixtures"]] == ["added/1#0"]
    steered.engines.use_config(type(steered.engines.config)())
    after = steered.run(FLUX, CAT)
    assert {**after, "images": []} == {**before, "images": []}
    (old,), (new,) = before["images"], after["images"]
    assert {**old, "url": ""} == {**new, "url": ""}
    steered.engines.common.scope.assets.made._recipes.clear()
    assert steered.call("GET", new["url"]).status == 200  # type: ignore[union-attr]
    assert steered.run(FLUX, {**CAT, "seed": 1}) is None


@pytest.mark.parametrize(("way", "answered"), [("prompt", [True, True, False]), ("any", [True, True, True])])
def test_it_may_match_more(way: str, answered: list[bool]) -> None:
    steered = made()
    steered.ask("POST", PATH, {"call": 1, "input": way}, status=201)
    steered.engines.use_config(type(steered.engines.config)())
    inputs = (CAT, {"prompt": "a cat", "seed": 3}, {"prompt": "a dog"})
    assert [steered.run(FLUX, each) is not None for each in inputs] == answered


def test_a_miss_becomes_one_with_the_answer_that_is_given() -> None:
    steered = Steered()
    assert steered.run("acme/new", {"a": 1}) is None
    steered.ask("POST", PATH, {"call": 1, "response": {"json": {"b": 2}}}, status=201)
    assert steered.run("acme/new", {"a": 1}) == {"b": 2}


def test_on_disk_it_is_a_new_file_without_secrets() -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    steered.run(FLUX, {**CAT, "token": secret})
    answer = steered.ask("POST", PATH, {"call": 1, "to": "disk"}, status=201)
    ((name, (text, assets)),) = steered.disk.saved.items()
    assert answer["file"] == f"fixtures/{name}.json"
    assert name.startswith("fal-ai-flux-dev-")
    assert secret not in text
    (entry,) = json.loads(text)["fixtures"]
    assert entry["match"]["input"]["prompt"] == "a cat"
    (asset,) = assets.values()
    assert entry["response"]["json"]["images"][0]["url"]["$file"] == f"sha256:{asset.sha256}"
    steered.ask("POST", PATH, {"call": 1, "to": "disk", "file": "cats/one"}, status=201)
    assert "cats/one" in steered.disk.saved


def test_what_cannot_become_a_fixture() -> None:
    steered = Steered(answering({"a": 1}))
    job = steered.submit("t/e")
    steered.status("t/e", job)
    steered.run("acme/new", {"a": 1})
    steered.run("acme/new", {"a": "x" * 100_000})
    ask = steered.ask
    assert "no call 9" in ask("POST", PATH, {"call": 9}, status=404)["message"]
    assert "asks no model" in ask("POST", PATH, {"call": 2}, status=409)["message"]
    assert "nothing is known" in ask("POST", PATH, {"call": 3}, status=409)["message"]
    assert "too long" in ask("POST", PATH, {"call": 4}, status=409)["message"]
    bad = {"call": 3, "response": {"json": 1, "text": "x"}}
    assert ask("POST", PATH, bad, status=400)["problems"]
    assert ask("POST", PATH, {**bad, "to": "disk"}, status=400)["problems"]
    for name in ("../x", "/x", "a//b", ".hidden", "a/../b"):
        assert "file" in ask("POST", PATH, {"call": 3, "file": name}, status=400)["message"]


def test_it_says_if_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    steered = made()

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(steered.disk, "save", full)
    answer = steered.ask("POST", PATH, {"call": 1, "to": "disk"}, status=409)
    assert "No space left" in answer["message"]


LLM = "acme/words"
SCHEMAS = {
    FLUX: model_document(
        FLUX,
        "text-to-image",
        {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
        {"type": "object", "required": ["seed"], "properties": {"seed": {"type": "integer"}}},
        "for a test",
    ),
    LLM: model_document(
        LLM,
        "llm",
        {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
        {
            "type": "object",
            "required": ["output", "partial"],
            "properties": {"output": {"type": "string"}, "partial": {"type": "boolean"}},
        },
        "for a test",
    ),
}


def answered(steered: Steered, path: str, body: Any) -> tuple[int, list[Any]]:
    """The status and the values of an answer, one for each event of a stream."""
    effect = steered.call("POST", f"https://fal.run/{path}", body)
    if isinstance(effect, Stream):
        pieces: list[bytes] = []
        end = End.OPEN
        while end is End.OPEN:
            step = effect.source.step(steered.now + 1000)
            pieces += step.pieces
            end = step.end
        return effect.status, [json.loads(each.data) for each in sse.Parser().feed(b"".join(pieces))]
    assert isinstance(effect, Reply)
    assert isinstance(effect.body, bytes)
    return effect.status, [json.loads(effect.body)]


@pytest.mark.parametrize("to", ["memory", "disk"])
@pytest.mark.parametrize(
    ("path", "body", "status", "count"),
    [
        (FLUX, {"prompt": "a cat"}, 200, 1),
        (FLUX, {"prompt": 7}, 422, 1),
        (FLUX, {}, 422, 1),
        (FLUX, None, 422, 1),
        (f"{LLM}/stream", {"prompt": "a cat"}, 200, 4),
        (f"{LLM}/stream", {"prompt": 7}, 422, 1),
        (LLM, {"prompt": "a cat"}, 200, 1),
    ],
)
def test_the_fixture_answers_as_the_call_was_answered(to: str, path: str, body: Any, status: int, count: int) -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    steered.engines.use_fixtures(Index(schemas=SCHEMAS))
    before = answered(steered, path, body)
    assert (before[0], len(before[1])) == (status, count)
    steered.ask("POST", PATH, {"call": 1, "to": to}, status=201)
    if to == "disk":
        ((text, _),) = steered.disk.saved.values()
        steered.ask("POST", "/fixtures", json.loads(text), status=201)
    steered.engines.use_fixtures(Index())
    steered.engines.use_config(Config())
    assert answered(steered, path, body) == before


def test_a_queued_job_ends_as_it_ended() -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    steered.engines.use_fixtures(Index(schemas=SCHEMAS))
    results = []
    for _ in range(2):
        job = steered.submit(FLUX, {"prompt": 7})
        result = steered.call("GET", f"https://queue.fal.run/fal-ai/flux/requests/{job}")
        assert isinstance(result, Reply)
        results.append((result.status, result.body))
        if len(results) == 1:
            steered.ask("POST", PATH, {"call": 1}, status=201)
            steered.engines.use_fixtures(Index())
    assert results[0] == results[1]
    assert results[0][0] == 422


def test_a_call_that_a_fixture_answered_is_not_answered_in_another_way() -> None:
    steered = Steered(answering({"a": 1}), misses=Misses.SYNTHESIZE)
    steered.run("t/e", {})
    told = steered.ask("POST", PATH, {"call": 1}, status=409)["message"]
    assert "answered it: name it as `like`" in told
    steered.ask("POST", PATH, {"call": 1, "response": {"json": 2}}, status=201)
    assert steered.run("t/e", {}) == 2


def test_a_body_that_is_no_object_becomes_none() -> None:
    steered = Steered(misses=Misses.SYNTHESIZE)
    steered.call("POST", f"https://fal.run/{FLUX}", b'{"prompt": }')
    assert "no JSON object" in steered.ask("POST", PATH, {"call": 1}, status=409)["message"]


def test_a_preview_writes_and_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    steered = made()
    asked = {"call": 1, "preview": True}
    in_memory = steered.ask("POST", PATH, asked)
    on_disk = steered.ask("POST", PATH, {**asked, "to": "disk", "file": "cats/one"})
    assert (in_memory["file"], on_disk["file"]) == (None, "fixtures/cats/one.json")
    assert in_memory["text"] == on_disk["text"]
    assert (steered.disk.saved, steered.ask("GET", "/fixtures")["total"]) == ({}, 0)
    bad = {**asked, "response": {"json": 1, "text": "x"}}
    assert steered.ask("POST", PATH, bad, status=400)["problems"]
    assert "file" in steered.ask("POST", PATH, {**asked, "file": "x"}, status=400)["message"]

    def missing(*_: Any) -> str:
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(steered.disk, "place_for", missing)
    assert "No such file" in steered.ask("POST", PATH, {**asked, "to": "disk"}, status=409)["message"]


def test_what_is_asked_for_must_exist_and_fit() -> None:
    steered = made()
    steered.run(FLUX, {"prompt": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"})
    assert "did you mean" in steered.ask("POST", PATH, {"call": 1, "error": "bad_requst"}, status=400)["message"]
    secret = {"call": 2, "input": "prompt", "to": "disk"}
    assert "has a secret" in steered.ask("POST", PATH, secret, status=409)["message"]


def test_there_may_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    steered = made()
    monkeypatch.setattr("falmock.engine.additions.LIMIT", 0)
    assert "added fixtures" in steered.ask("POST", PATH, {"call": 1}, status=409)["message"]
