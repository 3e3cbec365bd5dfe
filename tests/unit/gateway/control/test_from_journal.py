from __future__ import annotations

import json
from typing import Any

import pytest

from falmock.engine.config import Misses
from falmock.gateway.control.from_journal import OPERATIONS
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
