"""OpenAI's own SDKs when their calls are forwarded: recording, and keys for the real fal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients import tape
from clients.openai_apps import ASSETS
from clients.openai_apps import OPENAIS
from clients.openai_apps import inline
from clients.openai_apps import opened
from clients.openai_apps import schema_of
from clients.running import Mitmdump
from clients.upstream import Answer
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import recording

ACCESS = "an-access-key-of-our-own"
INPUT = {
    "prompt": {"type": "string"},
    "image_url": {"type": "string"},
    "image_size": {"anyOf": [{"type": "object"}, {"enum": ["square_hd"], "type": "string"}]},
    "num_images": {"type": "integer", "maximum": 2, "default": 1},
    "seed": {"type": "integer"},
}


def tells(fal: Upstream, endpoint: str) -> None:
    """Have the stand-in for fal tell what a model takes."""
    body = json.dumps(schema_of(endpoint, INPUT)).encode()
    fal.trouble("GET fal.ai/api/openapi/*", Answer(200, (("Content-Type", "application/json"),), body))


def test_a_recording_replays(confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:secret-of-one")
    monkeypatch.setenv("SUPPORTED_MODELS", "flux-dev:fal-ai/flux/dev,restyle:fal-ai/flux/dev/image-to-image")
    tells(fal, "fal-ai/flux/dev")
    photo = tmp_path / "photo.png"
    photo.write_bytes((ASSETS / "cat-by-day.png").read_bytes())
    folder = tmp_path / "fixtures"

    def use(mock: Mitmdump) -> tuple[Any, Any]:
        with opened("openai_images.py", mock, ACCESS) as app, opened("openai_edits.py", mock, ACCESS) as editor:
            given = {"model": "flux-dev", "prompt": "a cat", "n": 3, "size": "640x480", "response_format": "b64_json"}
            made = [image["content"] for image in app("generate", **given)["images"]]
            assert app("models") == ["flux-dev", "restyle"]
            edited = editor("edit", images=[str(photo)], model="restyle", prompt="at night", response_format="b64_json")
            return made, edited

    with recording(confdir, fal, folder) as mock:
        recorded = use(mock)
        asked = len(fal.asked("GET fal.ai/api/openapi"))  # at the end, the recording asks too
    assert len(recorded[0]) == 3
    runs = [asked.json for asked in fal.asked("POST queue.fal.run/fal-ai/flux/dev") if not asked.path.endswith("image")]
    size = {"width": 640, "height": 480}
    assert sorted(run.get("num_images", 1) for run in runs) == [1, 2]
    assert [run["image_size"] for run in runs] == [size, size]
    assert {asked.headers["authorization"] for asked in fal.asked("POST queue.fal.run")} == {"Key one:secret-of-one"}
    assert asked <= 2
    asked = len(fal.seen)
    with running.mitmdump(confdir, fixtures=folder) as mock:
        assert use(mock) == recorded
        assert "the inputs of fal-ai/flux/dev are unknown" not in mock.output
    assert len(fal.seen) == asked
    assert tape.leftovers(folder) == []
    for text in (ACCESS, "secret-of-one"):
        assert text not in mock.output
        assert not [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_edits_in_json_and_by_the_ai_sdk_are_recorded_without_openais_parameters(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:secret-of-one")
    photo, folder = str(ASSETS / "cat-by-day.png"), tmp_path / "fixtures"
    plain = {"model": "test/image", "response_format": "b64_json"}
    asked = {**plain, **OPENAIS, "strength": 0.5}
    refused: list[Any] = []

    def use(mock: Mitmdump) -> list[Any]:
        seen: list[Any] = []
        references = {"images": [{"image_url": inline("cat-by-day.png")}]}
        for number, (program, azure) in enumerate((("openai_edits.py", False), ("openai_images.mjs", True))):
            with opened(program, mock, ACCESS, azure=azure) as app:
                seen.append(app("refer", **asked, **references, prompt=f"in JSON {number}"))
                seen.append(
                    app("edit", **plain, images=[photo], mask=photo, prompt=f"a form {number}", user="me@example.com")
                )
                refused.append(app("refer", **asked, prompt="x", images=[{"file_id": "file-1"}]))
        with opened("ai_sdk.mjs", mock, ACCESS) as app:
            seen.append(app("image", provider="openai", model="test/image", text="by the AI SDK", images=[photo]))
        return seen

    with recording(confdir, fal, folder) as mock:
        recorded = use(mock)
    assert [type(each) for each in recorded] == [list] * 5, recorded
    runs = [asked.json for asked in fal.asked("POST queue.fal.run/test/image")]
    names = [sorted(run) for run in runs]
    in_json, by_form = ["image_url", "prompt", "strength"], ["image_url", "mask_url", "prompt"]
    assert names == [in_json, by_form, in_json, by_form, ["image_url", "prompt"]]
    written = "".join(path.read_text("utf-8") for path in folder.rglob("*.json") if path.is_file())
    assert not [name for name in (*OPENAIS, "me@example.com", "hash-of-a-user") if f'"{name}"' in written]
    count = len(fal.seen)
    with running.mitmdump(confdir, fixtures=folder) as mock:
        assert use(mock) == recorded
    assert len(fal.seen) == count
    assert {(each["status"], each["error"]["param"]) for each in refused} == {(400, "images[0].file_id")}


def test_what_was_recorded_as_a_run_is_met_by_a_job_and_the_other_way_round(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:secret-of-one")
    fal.pace = Pace(queued=0.3, running=0.3)
    run = "https://fal.run/test/image"
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as client:
        assert client.post(run, json={"prompt": "a run"}).status_code == 200
        with opened("openai_images.py", mock, ACCESS) as app:
            assert len(app("generate", model="test/image", prompt="a job")["images"]) == 1
    recorded = [json.loads(path.read_text())["fixtures"][0] for path in (tmp_path / "test").rglob("*.json")]
    timed = {fixture["match"]["input"]["prompt"]: fixture.get("queue", {}).get("completed", 0) for fixture in recorded}
    assert timed["a job"] > 0.3  # how it went is known, for fal_pace=recorded
    with running.mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as client:
        assert client.post(run, json={"prompt": "a job"}).status_code == 200
        with opened("openai_images.py", mock, ACCESS) as app:
            for prompt in ("a run", "a job"):
                assert len(app("generate", model="test/image", prompt=prompt)["images"]) == 1


def test_who_leaves_has_the_job_cancelled_at_fal(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:secret-of-one")
    fal.pace = Pace(running=600)  # begun: a job that waits would be over as soon as its client leaves
    with recording(confdir, fal, tmp_path, mode="passthrough") as mock:
        with opened("openai_images.py", mock, ACCESS) as app:
            seen = app("impatient", seconds=3, model="test/image", prompt="x")
        assert seen == {"raised": "APITimeoutError"}
        mock.wait_until(lambda: bool(fal.asked("PUT queue.fal.run/test/image")), 30)
    (cancelled,) = fal.asked("PUT queue.fal.run/test/image")
    assert cancelled.path.endswith("/cancel")
    assert cancelled.headers["authorization"] == "Key one:secret-of-one"


def test_keys_take_turns_and_rest(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:gone-by-now, two:still-good")
    fal.keys = {"two:still-good"}
    with recording(confdir, fal, tmp_path, mode="passthrough") as mock:
        with opened("openai_images.py", mock, ACCESS) as app:
            for prompt in ("a", "b", "c"):
                assert len(app("generate", model="test/image", prompt=prompt)["images"]) == 1
        mock.wait_for("openai: fal key 1 of 2 was refused: it is not used for a while")
    used = [asked.headers["authorization"] for asked in fal.asked("POST queue.fal.run")]
    assert used == ["Key one:gone-by-now", *["Key two:still-good"] * 3]
    assert "gone-by-now" not in mock.output


def test_who_calls_the_real_fal_needs_the_access_key(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUSTOM_ACCESS_KEY", raising=False)
    with recording(confdir, fal, tmp_path / "none") as mock, opened("openai_images.py", mock) as app:
        refused = app("generate", model="test/image", prompt="a")
        assert (refused["raised"], refused["error"]["code"]) == ("AuthenticationError", "invalid_api_key")
        assert "CUSTOM_ACCESS_KEY" in refused["error"]["message"]
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    with recording(confdir, fal, tmp_path / "one") as mock, opened("openai_images.mjs", mock, "sk-guessed") as app:
        refused = app("generate", model="test/image", prompt="a")
        assert (refused["raised"], refused["error"]["code"]) == ("AuthenticationError", "invalid_api_key")
        assert "sk-guessed" not in json.dumps(refused)
        assert ACCESS not in json.dumps(refused)
    assert fal.seen == []


def test_fals_troubles_by_openais_names(
    confdir: Path, tmp_path: Path, fal: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOM_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("AI_KEYS", "one:key")
    expected = {
        "test/refuse/locked": (429, "insufficient_quota"),
        "test/refuse/key": (401, "invalid_api_key"),
        "test/refuse/nginx-502": (502, None),
        "test/fail/missing": (400, "missing"),
        "test/fail/policy": (400, "content_policy_violation"),
        "test/fail/user-timeout": (504, "request_timeout"),
        "no/such-app": (404, "model_not_found"),
        "test/echo": (500, "no_image"),
    }
    with (
        recording(confdir, fal, tmp_path, mode="passthrough") as mock,
        opened("openai_images.py", mock, ACCESS) as app,
    ):
        for model, (status, code) in expected.items():
            seen = app("generate", model=model, prompt="x")
            assert (seen["status"], seen["error"]["code"]) == (status, code), (model, seen)
    # No client repeats what would be in vain.
    assert len(fal.asked("POST queue.fal.run/test/refuse/locked")) == 1
    assert len(fal.asked("POST queue.fal.run/test/fail/user-timeout")) == 1
