"""Fixtures made of calls: every way to match and to answer, in memory and in a folder, for every kind of call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falmock.engine.config import Config
from falmock.engine.config import Misses
from falmock.engine.effects import Reply
from falmock.engine.effects import Socket
from falmock.engine.effects import Stream
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.watching import LiveFixtures
from falmock.wire.realtime import encode
from falmock.wire.storage import digest
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

PATH = "/fixtures/from"
FLUX = "fal-ai/flux/dev"
CAT = {"prompt": "a cat", "image_size": "square"}
SECRET = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
DIGEST = digest(PNG)
OTHER = {
    "match": {"model": FLUX, "input": {"prompt": "a dog"}},
    "response": {"json": {"images": [{"url": {"$file": "dog.png"}, "content_type": "image/png"}], "seed": 7}},
}


class Kept(Steered):
    """One whose fixtures are in a folder, and which knows a file that was uploaded."""

    def __init__(self, folder: Path, *entries: dict[str, Any], **config: Any) -> None:
        super().__init__(**config)
        folder.mkdir(exist_ok=True)
        (folder / "_assets").mkdir()
        (folder / "_assets" / "dog.png").write_bytes(b"a dog")
        (folder / "f.json").write_text(json.dumps({"fixtures": entries}))
        self.folder = folder
        self.live = LiveFixtures(lambda loaded: self.engines.use_fixtures(loaded.index))
        self.live.load(FixtureLoader([str(folder)]))
        self.control._disk = self.live
        self.like = f"{folder}/f.json#0"

    def upload(self) -> None:
        told = self.call(
            "POST",
            "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
            {"file_name": "mine.png", "content_type": "image/png"},
            authorization="Key a:b",
        )
        url = json.loads(bytes(told.body))["upload_url"]  # type: ignore[union-attr,arg-type]
        self.call("PUT", url, PNG, **{"content-type": "image/png"})

    def texts(self) -> dict[str, str]:
        return {str(each): each.read_text() for each in self.folder.rglob("*.json")}


def run(steered: Steered, body: Any) -> bool:
    reply = steered.call("POST", f"https://fal.run/{FLUX}", body)
    return isinstance(reply, Reply) and reply.miss is None


def submit(steered: Steered, body: Any) -> bool:
    reply = steered.call("POST", f"https://queue.fal.run/{FLUX}", body)
    if not isinstance(reply, Reply) or reply.miss is not None:
        return False
    if reply.status == 200:
        told = steered.call("GET", json.loads(bytes(reply.body))["response_url"])  # type: ignore[arg-type]
        assert isinstance(told, Reply)
        assert told.miss is None
    return True


def stream(steered: Steered, body: Any) -> bool:
    effect = steered.call("POST", f"https://fal.run/{FLUX}/stream", body)
    return isinstance(effect, Stream) or (isinstance(effect, Reply) and effect.miss is None)


def message(steered: Steered, body: Any) -> bool:
    headers = {"upgrade": "websocket", "connection": "upgrade"}
    effect = steered.call("GET", f"https://fal.run/{FLUX}/realtime", None, **headers)
    assert isinstance(effect, Socket)
    effect.conversation.opened(steered.now)
    step = effect.conversation.received(encode(body), steered.now)
    return bool(step.frames) and not step.misses


def run_socket(steered: Steered, body: Any) -> bool:
    headers = {"upgrade": "websocket", "connection": "upgrade"}
    effect = steered.call("GET", f"https://ws.fal.run/{FLUX}", None, **headers)
    assert isinstance(effect, Socket)
    effect.conversation.opened(steered.now)
    step = effect.conversation.received(json.dumps(body), steered.now)
    return bool(step.frames) and not step.misses


CALLS: tuple[Callable[[Steered, Any], bool], ...] = (run, submit, stream, message, run_socket)


def last(steered: Steered) -> int:
    return int(steered.ask("GET", "/misses")["misses"][0]["numbers"][-1])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("to", ["memory", "disk"])
@pytest.mark.parametrize("way", ["exact", "prompt", "any"])
@pytest.mark.parametrize("answer", ["response", "like", "error", "refused", "asset", "made"])
def test_a_miss_is_answered_from_then_on(
    tmp_path: Path, call: Callable[[Steered, Any], bool], to: str, way: str, answer: str
) -> None:
    steered = Kept(tmp_path / "fixtures", OTHER)
    steered.upload()
    given: dict[str, Any] = {
        "response": {"response": {"json": {"mine": True}}},
        "like": {"like": steered.like},
        "error": {"error": {"name": "content_policy_violation", "message": "No."}},
        "refused": {"error": "concurrent_requests_limit"},
        "asset": {"asset": DIGEST},
        "made": {},
    }[answer]
    assert not call(steered, CAT)
    body = {"call": last(steered), "input": way, "to": to, **given}
    before = steered.texts()
    preview = steered.ask("POST", PATH, {**body, "preview": True})
    assert steered.texts() == before
    assert steered.ask("GET", "/fixtures")["total"] == 1
    assert not call(steered, CAT)
    made = steered.ask("POST", PATH, body, 201)
    assert call(steered, CAT)
    assert (made["file"] is None) == (to == "memory")
    assert preview["file"] == made["file"]
    assert json.loads(preview["text"])["fixtures"]
    after = steered.texts()
    assert {name: after[name] for name in before} == before
    if to == "disk":
        assert after == {**before, made["file"]: preview["text"]}
        again = Steered()
        again.engines.use_fixtures(FixtureLoader([str(steered.folder)]).load().index)
        assert call(again, CAT)


def test_the_answer_of_another_fixture_has_its_files(tmp_path: Path) -> None:
    steered = Kept(tmp_path / "fixtures", OTHER)
    run(steered, CAT)
    steered.ask("POST", PATH, {"call": 1, "like": steered.like, "to": "disk"}, 201)
    dog = steered.run(FLUX, {"prompt": "a dog"})
    assert steered.run(FLUX, CAT) == dog
    reply = steered.call("GET", dog["images"][0]["url"])
    assert isinstance(reply, Reply)
    assert reply.status == 200


@pytest.mark.parametrize("model", [FLUX, "acme/x"])
def test_a_file_is_the_first_one_of_the_output(tmp_path: Path, model: str) -> None:
    steered = Kept(tmp_path / "fixtures", {**OTHER, "match": {"model": "acme/x", "input": {"prompt": "a dog"}}})
    steered.upload()
    assert steered.run(model, CAT) is None
    steered.ask("POST", PATH, {"call": last(steered), "asset": DIGEST}, 201)
    output = steered.run(model, CAT)
    reply = steered.call("GET", output["images"][0]["url"])
    assert isinstance(reply, Reply)
    assert reply.body == PNG
    assert output["images"][0]["content_type"] == "image/png"
    assert (output["seed"] == 7) == (model == "acme/x")


def test_what_does_not_go_together(tmp_path: Path) -> None:
    only = {"match": {"model": "s/t"}, "realtime": [{"json": 1}]}
    faulty = {**answering(1, "f/t"), "fault": "bad_request"}
    steered = Kept(tmp_path / "fixtures", answering({"a": 1}), only, faulty)
    steered.upload()
    steered.ask("DELETE", "/journal")
    steered.run("acme/x", {"a": 1})

    def told(status: int, **body: Any) -> str:
        before = steered.texts(), steered.ask("GET", "/fixtures")
        for preview in (True, False):
            text = str(steered.ask("POST", PATH, {"call": 1, "preview": preview, **body}, status)["message"])
        assert before == (steered.texts(), steered.ask("GET", "/fixtures"))
        return text

    assert "found like and error" in told(400, like=steered.like, error="missing")
    assert "did you mean" in told(400, like=steered.like[:-3])
    assert "GET /__falmock/fixtures lists all" in told(400, like="?")
    assert "did you mean 'bad_request'" in told(400, error="bad_requst")
    assert "errors lists all" in told(400, error={"message": "x"})
    assert "no file with the SHA-256" in told(400, asset="ab" * 32)
    assert "nothing is known" in told(409, asset=DIGEST)
    assert "answers only messages on a socket" in told(409, like=steered.like[:-1] + "1")
    assert "has a fault" in told(409, like=steered.like[:-1] + "2")
    assert '"to": "disk"' in told(400, file="x", error="missing")
    assert "see problems" in told(400, response={"json": 1, "text": "x"})
    assert "nothing is known" in told(409)
    steered.run("t/e")
    assert "has no file to replace" in str(steered.ask("POST", PATH, {"call": 2, "asset": DIGEST}, 409)["message"])


def test_no_secret_shows_or_is_written(tmp_path: Path) -> None:
    steered = Kept(tmp_path / "fixtures")
    body = {"prompt": f"with {SECRET}", "api_key": "canary-by-name", "more": [SECRET]}
    steered.run("acme/x", body)
    asked = {"call": 1, "response": {"json": {"echo": SECRET, "password": "canary-too"}}}
    for more in ({}, {"to": "disk"}):
        text = steered.ask("POST", PATH, {**asked, **more, "preview": True})["text"]
        assert not any(secret in text for secret in (SECRET, "canary"))
    steered.ask("POST", PATH, {**asked, "to": "disk"}, 201)
    assert steered.run("acme/x", body) is not None
    assert not any(secret in text for text in steered.texts().values() for secret in (SECRET, "canary"))
    refused = steered.ask("POST", PATH, {**asked, "to": "disk", "input": "prompt"}, 409)["message"]
    assert "The prompt has a secret" in refused
    shown = steered.ask("POST", PATH, {**asked, "input": "prompt", "preview": True})["text"]
    assert SECRET not in shown


def test_without_a_folder_nothing_can_be_written() -> None:
    steered = Steered()
    steered.control._disk = LiveFixtures(lambda _: None)
    steered.run("acme/x", {"a": 1})
    asked = {"call": 1, "error": "missing", "to": "disk"}
    for preview in (True, False):
        told = steered.ask("POST", PATH, {**asked, "preview": preview}, 409)["message"]
        assert "could not be written: fal_fixtures names no folder" in told


def test_a_call_with_a_made_answer_gets_a_file(tmp_path: Path) -> None:
    steered = Kept(tmp_path / "fixtures", misses=Misses.SYNTHESIZE)
    steered.upload()
    steered.run(FLUX, CAT)
    steered.engines.use_config(Config())
    steered.ask("POST", PATH, {"call": 3, "asset": DIGEST}, 201)
    assert steered.run(FLUX, CAT) is not None
