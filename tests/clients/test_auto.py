"""Mode auto: what a fixture answers is replayed, the rest is forwarded and recorded."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import mitmdump
from clients.upstream import Upstream
from clients.upstream import recording


def to_models(fal: Upstream) -> list[str]:
    """What was asked of models."""
    return [asked.line for asked in fal.seen if "fal.run/" in asked.line]


def test_first_forwarded_then_replayed(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    folder = tmp_path / "fixtures"
    with recording(confdir, fal, folder, mode="auto") as mock, tape.client(mock) as app:
        run = app.post("https://fal.run/test/echo", json={"prompt": "a"})
        queued = tape.job(app, "test/echo", {"prompt": "b"})
        asked = len(to_models(fal))
        assert asked >= 4
        again = app.post("https://fal.run/test/echo", json={"prompt": "a"})
        assert again.json() == run.json()
        assert "x-falmock-fixture" in again.headers
        assert tape.job(app, "test/echo", {"prompt": "b"}).json() == queued.json()
        assert len(to_models(fal)) == asked
        assert app.post("https://fal.run/test/echo", json={"prompt": "c"}).status_code == 200
        assert len(to_models(fal)) == asked + 1
    for bad in ("falmock: no fixture", "WARN", "ERROR", "Traceback", "error"):
        assert bad not in mock.output
    assert len(tape.documents(folder)) == 3
    tape.whole(folder)


def test_a_fixture_in_the_folder_is_not_paid_for_again(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """By the real clients, over two runs."""

    def use(app: Any) -> Any:
        return app("subscribe", app="test/slow", arguments={"prompt": "dear"}, with_logs=True)["result"]

    program = CLIENTS / "programs" / "python_sync.py"
    with recording(confdir, fal, tmp_path, mode="auto") as mock, running.app(program, mock) as app:
        first = use(app)
    asked = len(fal.seen)
    before = tape.tree(tmp_path)
    with recording(confdir, fal, tmp_path, mode="auto") as mock, running.app(program, mock) as app:
        assert use(app) == first
    assert len(fal.seen) == asked
    assert tape.tree(tmp_path) == before


def picture_of(app: httpx.Client, prompt: str) -> str:
    return str(tape.job(app, "test/image", {"prompt": prompt}).json()["images"][0]["url"])


def test_a_chain_of_replayed_and_forwarded_steps(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    folder = tmp_path / "fixtures"
    with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        url = picture_of(app, "a cat")
        content = fal.files.by_url[url].content
    fal.files.by_url.clear()  # tomorrow it is gone
    with recording(confdir, fal, folder, mode="auto") as mock, tape.client(mock) as app:
        asked = len(to_models(fal))
        replayed = picture_of(app, "a cat")
        assert len(to_models(fal)) == asked
        filmed = tape.job(app, "test/image-to-video", {"image_url": replayed, "more": [replayed]})
        assert filmed.status_code == 200, filmed.text
    (submitted,) = (asked for asked in fal.asked("POST queue.fal.run/test/image-to-video"))
    inline = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    assert submitted.json == {"image_url": inline, "more": [inline]}
    (entry,) = (entry for entry in tape.entries(folder) if entry["match"]["model"] == "test/image-to-video")
    assert entry["match"]["input"]["image_url"]["$file"] == entry["match"]["input"]["more"][0]["$file"]
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        value = {"image_url": picture_of(app, "a cat"), "more": [picture_of(app, "a cat")]}
        assert tape.job(app, "test/image-to-video", value).json()["seed"] == filmed.json()["seed"]


def test_an_upload_goes_to_both(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """A file may be for a step that is replayed or for one that is not."""
    folder = tmp_path / "fixtures"
    with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        known = tape.job(app, "test/image-to-image", {"image_url": tape.upload(app)}).json()
    with recording(confdir, fal, folder, mode="auto") as mock, tape.client(mock) as app:
        asked = len(to_models(fal))
        url = tape.upload(app)
        assert tape.job(app, "test/image-to-image", {"image_url": url}).json()["seed"] == known["seed"]
        assert len(to_models(fal)) == asked
        assert tape.job(app, "test/image-to-image", {"image_url": url, "other": 1}).status_code == 200
        assert len(to_models(fal)) > asked
    assert len(tape.entries(folder)) == 2


WHOLE = "https://v3.fal.media/files/upload"


@pytest.mark.parametrize("by", ["header", "rule"])
def test_an_error_strikes_an_upload_before_any_of_it_goes_to_fal(
    confdir: Path, tmp_path: Path, fal: Upstream, by: str
) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(json.dumps({"faults": [{"match": {"call": "upload"}, "fault": "nginx_503"}]}))
    args = ("--set", f"fal_faults={rules}") if by == "rule" else ()
    headers = {"x-falmock-fault": "nginx_503"} if by == "header" else {}
    with recording(confdir, fal, tmp_path / "fixtures", *args, mode="auto") as mock, tape.client(mock) as app:
        assert app.post(WHOLE, content=b"a photo", headers=headers).status_code == 503
    assert fal.seen == []


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_fal_is_never_asked_for_a_fault(confdir: Path, tmp_path: Path, fal: Upstream, mode: str) -> None:
    headers = {"x-falmock-fault": '{"latency": 0.01}'}
    with recording(confdir, fal, tmp_path / "fixtures", mode=mode) as mock, tape.client(mock) as app:
        app.post(WHOLE, content=b"a photo", headers=headers)
        app.post("https://fal.run/test/echo", json={"prompt": "a"}, headers=headers)
    assert len([asked for asked in fal.seen if asked.host != "fal.ai"]) == 2
    assert not any("x-falmock-fault" in asked.headers for asked in fal.seen)


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_stream_large_bodies_is_refused(confdir: Path, tmp_path: Path, mode: str) -> None:
    args = ("--set", f"fal_mode={mode}", "--set", f"fal_fixtures={tmp_path}", "--set", "stream_large_bodies=1m")
    mock = running.start(confdir, "--listen-host", "127.0.0.1", "-p", "0", *args)
    assert running.exit_code(mock) == 1
    mock.wait_for("stream_large_bodies makes mitmproxy send uploads to the real fal")
    assert "Traceback" not in mock.output
