"""Imports captures as fixtures: HARs of browsers and other tools, flow files of mitmproxy."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients import tape
from clients.answers import sha256
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import mitmdump
from clients.upstream import recording
from clients.upstream import upstream

JOB = "01900000-0000-7000-8000-000000000001"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
FILE = "https://v3b.fal.media/files/b/0a8c1d2e/zWk3nQ5rT7yU9iO1pA_S_out.png"
QUEUED = f"https://queue.fal.run/fal-ai/flux/requests/{JOB}"


def har(folder: Path, *entries: dict[str, Any], bom: bool = False) -> Path:
    path = folder / "capture.har"
    text = json.dumps({"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": entries}})
    path.write_text(("\ufeff" if bom else "") + text, "utf-8")
    return path


def entry(
    method: str, url: str, sent: Any = None, status: int = 200, got: Any = None, at: int = 0, **content: Any
) -> dict[str, Any]:
    """As a browser exports it; `content` is what differs in the answer's content."""
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "httpVersion": "h2",
        "headers": [{"name": "Authorization", "value": f"Key {KEY}"}, {"name": ":authority", "value": "x"}],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": -1,
    }
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    told = {"mimeType": "application/json", "text": json.dumps(got), "size": len(json.dumps(got))} | content
    told = {name: value for name, value in told.items() if value is not None}
    return {
        "startedDateTime": f"2026-03-04T10:00:{at:02}.000Z",
        "time": 250.0,
        "request": request,
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [{"name": "content-type", "value": told["mimeType"]}],
            "cookies": [],
            "content": told,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 250, "receive": 0},
    }


def inline(content: bytes, kind: str = "image/png") -> dict[str, Any]:
    return {"text": base64.b64encode(content).decode(), "encoding": "base64", "mimeType": kind, "size": len(content)}


def imported(confdir: Path, source: Path, folder: Path, *args: str, exit_code: int = 0) -> str:
    """What mitmdump says while it reads a file into a folder."""
    mock = running.start(
        confdir, "-nr", str(source), "--set", "fal_mode=record", "--set", f"fal_fixtures={folder}", *args
    )
    assert running.exit_code(mock) == exit_code, mock.output
    mock.wait_until(lambda: mock.process.stdout is not None and mock.process.stdout.closed)
    assert "Traceback" not in mock.output
    return mock.output


def test_a_browsers_export(confdir: Path, tmp_path: Path) -> None:
    status = {"request_id": JOB, "response_url": QUEUED, "status_url": f"{QUEUED}/status", "queue_position": 3}
    made = {"images": [{"url": FILE, "content_type": "image/png"}], "seed": 2**64 - 1}
    preflight = entry("OPTIONS", "https://fal.run/fal-ai/flux/dev", got="OK")
    source = har(
        tmp_path,
        preflight,
        # In no order at all: the time counts.
        entry("GET", FILE, at=9, **inline(PICTURE)),
        entry("GET", QUEUED, got=made, at=8),
        entry(
            "POST",
            "https://queue.fal.run/fal-ai/flux/dev",
            {"prompt": "a cat"},
            got=status | {"status": "IN_QUEUE"},
            at=1,
        ),
        entry("GET", f"{QUEUED}/status?logs=1", status=202, got=status | {"status": "IN_PROGRESS"}, at=3),
        entry("GET", f"{QUEUED}/status", got=status | {"status": "COMPLETED"}, at=7),
        entry("POST", "https://fal.run/acme/fails", {"a": 1}, 422, {"detail": [{"msg": "no", "type": "missing"}]}),
        entry("GET", "https://www.example.com/logo.png", **inline(b"logo")),
        entry("GET", "https://fonts.example.com/a.woff", status=0),
        bom=True,
    )
    folder = tmp_path / "fixtures"
    said = imported(confdir, source, folder)
    assert "read " in said
    assert "2 fixtures" in said
    assert "other hosts" in said
    tape.whole(folder)
    assert sorted(tape.documents(folder)) == [
        next(name for name in tape.documents(folder) if name.startswith("acme/fails/input-")),
        next(name for name in tape.documents(folder) if name.startswith("fal-ai/flux/dev/a-cat-")),
    ]
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        answer = tape.job(app, "fal-ai/flux/dev", {"prompt": "a cat"}).json()
        assert answer["seed"] == 2**64 - 1
        assert app.get(answer["images"][0]["url"]).content == PICTURE
        assert app.post("https://fal.run/acme/fails", json={"a": 1}).status_code == 422
    assert KEY.partition(":")[2] not in str(tape.tree(folder))


def test_what_cannot_be_used_is_told_with_its_reason(confdir: Path, tmp_path: Path) -> None:
    """As Polly.JS and others write HARs: bodies cut, left out, or not as HAR has it."""
    url = "https://fal.run/acme/{}"
    cut = inline(PICTURE)
    cut["text"] = cut["text"][:101]
    put = entry("PUT", "https://v3b.fal.media/files/signed/abc", got="")
    put["request"].pop("postData", None)
    strange = entry("POST", url.format("strange"), {})
    del strange["response"]["content"]["text"], strange["startedDateTime"]
    source = har(
        tmp_path,
        entry("POST", url.format("good"), {"a": 1}, got={"fine": True}),
        entry("POST", url.format("cut"), {}, **cut),
        entry("POST", url.format("short"), {}, text="{", size=900),
        entry("POST", url.format("silent"), {}, text=None, size=900),
        entry("POST", url.format("blocked"), {}, status=0),
        entry("POST", url.format("busy"), {}, status=429, got={"detail": "busy"}),
        put,
        strange,
        {"no": "entry"},
    )
    folder = tmp_path / "fixtures"
    said = imported(confdir, source, folder)
    for line in (
        "the run of acme/cut cannot be recorded: its base64 was cut",
        "the run of acme/short cannot be recorded: the HAR has 1 of the 900 bytes of the answer",
        "the run of acme/silent cannot be recorded: the HAR does not have the body of the answer",
        "entry 4, POST https://fal.run/acme/blocked, is not used: it has no answer",
        "the run of acme/busy was answered 429 (too many requests) and is not recorded",
        "entry 7, POST https://fal.run/acme/strange, is not used: it does not follow HAR 1.2",
        "entry 8 is not used: it does not follow HAR 1.2",
    ):
        assert line in said
    assert [found["match"]["model"] for found in tape.entries(folder)] == ["acme/good"]
    tape.whole(folder)


def test_uploads_in_a_har(confdir: Path, tmp_path: Path) -> None:
    """An upload whose content the HAR has is known by it in the inputs that follow."""
    target, named = "https://v3b.fal.media/files/upload/x?sig=planted-1", FILE.replace("out", "photo")
    put = entry("PUT", target, got="", at=2)
    put["request"]["postData"] = {
        "mimeType": "image/png",
        "text": base64.b64encode(PICTURE).decode(),
        "encoding": "base64",
    }
    promise = {"upload_url": target, "file_url": named}
    initiate = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3"
    source = har(
        tmp_path,
        entry("POST", initiate, {"content_type": "image/png", "file_name": "photo.png"}, got=promise, at=1),
        put,
        entry("POST", "https://fal.run/acme/restyle", {"image_url": named}, got={"fine": True}, at=3),
    )
    folder = tmp_path / "fixtures"
    imported(confdir, source, folder)
    (found,) = tape.entries(folder)
    assert found["match"]["input"]["image_url"]["$file"] == f"sha256:{sha256(PICTURE)}"
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        value = {"image_url": tape.upload(app, PICTURE, "other.png", "image/png")}
        assert app.post("https://fal.run/acme/restyle", json=value).json() == {"fine": True}


def test_uploads_without_bytes_in_a_har(confdir: Path, tmp_path: Path) -> None:
    """Browsers export uploads without their content: in replay it is what the app uploads."""
    named = FILE.replace("out", "photo")
    target = f"{named}?signature=planted-1"
    put = entry("PUT", target, got="", at=2)
    put["request"]["postData"] = {"mimeType": "image/png", "params": []}
    initiate = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3"
    source = har(
        tmp_path,
        entry(
            "POST",
            initiate,
            {"content_type": "image/png", "file_name": "photo.png"},
            got={"upload_url": target, "file_url": named},
            at=1,
        ),
        put,
        entry("POST", "https://fal.run/acme/restyle", {"image_url": named}, got={"fine": True}, at=3),
    )
    folder, photo = tmp_path / "fixtures", tmp_path / "photo.png"
    photo.write_bytes(PICTURE)
    assert "in replay it is what the app uploads" in imported(confdir, source, folder)
    program = CLIENTS / "programs" / "client.mjs"
    with (
        mitmdump(confdir, fixtures=folder) as mock,
        running.app(program, mock) as app,
        tape.client(mock) as plain,
    ):
        assert plain.get(named).status_code == 404
        assert app("upload", path=str(photo), type="image/png") == named
        answer = plain.get(named)
        assert (answer.content, answer.headers["content-type"]) == (PICTURE, "image/png")
        assert app("run", app="acme/restyle", input={"image_url": named})["data"] == {"fine": True}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"log": {}}', "expected an object with log.entries, a list"),
        ('{"log": {"entries": [', "it is not JSON"),
        ('{"fixtures": []}', "expected an object with log.entries, a list"),
    ],
)
def test_no_har(confdir: Path, tmp_path: Path, content: str, why: str) -> None:
    source = tmp_path / "capture.har"
    source.write_text(content)
    said = imported(confdir, source, tmp_path / "fixtures", exit_code=1)
    assert f"{source} cannot be read as a HAR: {why}" in said
    assert tape.tree(tmp_path / "fixtures") == {}


def test_an_old_flow_file(confdir: Path, tmp_path: Path) -> None:
    """Captured by a mitmproxy that recorded nothing; later it becomes fixtures."""
    flows, folder = tmp_path / "old.flow", tmp_path / "fixtures"
    program = CLIENTS / "programs" / "client.mjs"
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(tape.PHOTO)
    folder.mkdir()

    def use(app: Any) -> dict[str, Any]:
        made = app("subscribe", app="test/image", input={"prompt": "old"})["result"]
        return {
            "slow": app("subscribe", app="test/slow", input={"prompt": "old"}, logs=True)["result"],
            "made": made,
            "failed": app("subscribe", app="test/fail", input={})["result"],
            "restyled": app("restyle", app="test/image-to-image", path=str(photo)),
        }

    writing = ("-w", str(flows))
    with (
        upstream() as fal,
        recording(confdir, fal, folder, *writing, mode="passthrough") as mock,
        running.app(program, mock) as app,
    ):
        recorded = use(app)
    assert tape.tree(folder) == {}
    said = imported(confdir, flows, folder, "--set", "fal_record_assets=none")
    assert "could not be" not in said
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, running.app(program, mock) as app:
        replayed = use(app)
    assert tape.plain(replayed) == tape.plain(recorded)


def test_what_falmock_answered_is_not_recorded_again(confdir: Path, tmp_path: Path) -> None:
    flows, folder = tmp_path / "replayed.flow", tmp_path / "recorded"
    fixtures = running.write_fixtures(
        tmp_path / "fixtures", {"match": {"model": "a/b"}, "response": {"json": {"n": 1}}}
    )
    with running.mitmdump(confdir, "-w", str(flows), fixtures=fixtures) as mock:
        trust = ssl.create_default_context(cafile=str(mock.ca))
        with httpx.Client(proxy=mock.proxy, verify=trust, trust_env=False, timeout=30) as client:
            assert [client.post(f"https://fal.run/a/{name}", json={}).status_code for name in "bc"] == [200, 404]
    said = imported(confdir, flows, folder)
    assert "answers that falmock gave; they are not recorded again" in said
    assert not list(folder.rglob("*.json"))
