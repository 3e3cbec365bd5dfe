"""Imports captures as fixtures: HARs of browsers and other tools, flow files of mitmproxy."""

from __future__ import annotations

import base64
import gzip
import io
import json
import ssl
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

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
    assert "recorded in 2 fixtures" in said
    assert "to other hosts: 2" in said
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
        "the run of acme/cut is not recorded: its base64 was cut",
        "the run of acme/short is not recorded: the HAR has 1 of the 900 bytes of the answer",
        "the run of acme/silent is not recorded: the HAR does not have the body of the answer",
        "entry 4, POST https://fal.run/acme/blocked, is not recorded: it has no answer",
        "the run of acme/busy is not recorded: it was answered 429 (too many requests)",
        "entry 7, POST https://fal.run/acme/strange, is not recorded: it does not follow HAR 1.2",
        "entry 8 is not recorded: it does not follow HAR 1.2",
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


BAD = {
    "log.har": (b'{"log": {}}', "expected a HAR, an object with log.entries, a list"),
    "cut.har": (b'{"log": {"entries": [', "found JSON that is cut or broken"),
    "other.json": (b'{"fixtures": []}', "found an object with the keys 'fixtures'"),
    "later.har": (b'{"log": {"version": "2.0", "entries": []}}', "expected a HAR 1.2, found version '2.0'"),
    "binary.har": (PICTURE, "that are no text in UTF-8"),
    "empty.har": (b"", "found an empty file"),
    "broken.zip": (b"PK\x03\x04 and no more", "found a zip that cannot be read"),
    "old.yaml": (b"version: 2\ninteractions: []", "expected a cassette of vcrpy, version 1, found version 2"),
    "cut.yaml": (b"interactions: [{request: ", "found an error in line 1"),
    "evil.yaml": (b"!!python/object/apply:os.system ['true']", "could not determine a constructor for the tag"),
    "cut.flow": (b"1234:8:response;", "expected a flow file of mitmproxy, found: "),
}
"""Files that cannot be read, and what is told."""


@pytest.mark.parametrize("name", BAD)
def test_no_capture(confdir: Path, tmp_path: Path, name: str) -> None:
    content, why = BAD[name]
    source = tmp_path / name
    source.write_bytes(content)
    said = imported(confdir, source, tmp_path / "fixtures", exit_code=1)
    (line,) = (line for line in said.splitlines() if str(source) in line and " cannot be " in line)
    assert why in line
    assert tape.tree(tmp_path / "fixtures") == {}


def test_nothing_to_import(confdir: Path, tmp_path: Path) -> None:
    said = imported(confdir, tmp_path / "gone.har", tmp_path / "fixtures", exit_code=1)
    assert f"{tmp_path / 'gone.har'} cannot be read: No such file or directory" in said
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.png").write_bytes(PICTURE)
    said = imported(confdir, folder, tmp_path / "fixtures", exit_code=1)
    assert f"{folder}: expected a folder with captures (.har, " in said
    assert "found 1 other files" in said


def test_a_folder_of_captures(confdir: Path, tmp_path: Path) -> None:
    """Each good one becomes fixtures, whatever lies beside it; nothing is said about calls that are billed."""
    captures, folder = tmp_path / "captures", tmp_path / "fixtures"
    (captures / "deep").mkdir(parents=True)
    for name, (content, _) in BAD.items():
        (captures / name).write_bytes(content)
    har(captures, entry("POST", "https://fal.run/acme/one", {"a": 1}, got={"n": 1}))
    attached = entry("POST", "https://fal.run/acme/two", got={"n": 2}, text=None, size=None, _file="two.json")
    attached["request"]["postData"] = {"mimeType": "application/json", "text": "", "_file": "asked.json"}
    har(
        captures / "deep",
        attached,
        entry("GET", FILE, text=None, size=len(PICTURE), mimeType="image/png", _file="out.png"),
    )
    (captures / "deep" / "two.json").write_text(json.dumps({"images": [{"url": FILE}]}))
    (captures / "deep" / "asked.json").write_text('{"a": 2}')
    (captures / "deep" / "out.png").write_bytes(PICTURE)
    with zipfile.ZipFile(captures / "three.har.zip", "w") as zipped:
        attached = entry("POST", "https://fal.run/acme/three", {"a": 3}, text=None, size=None, _file="x.json")
        zipped.writestr("har.har", json.dumps({"log": {"version": "1.2", "entries": [attached]}}))
        zipped.writestr("x.json", '{"n": 3}')
    (captures / "four.yaml").write_text(cassette(interaction("POST", "https://fal.run/acme/four", {"a": 4}, {"n": 4})))
    said = imported(confdir, captures, folder, exit_code=1)
    for name, (_, why) in BAD.items():
        (line,) = (line for line in said.splitlines() if f"{captures / name} cannot be " in line)
        assert why in line
    assert "read 4 of 15 captures" in said
    assert "billed" not in said
    assert f"imports {captures}, and forwards nothing" in said
    assert [found["match"]["model"] for found in tape.entries(folder)] == [
        "acme/four",
        "acme/one",
        "acme/three",
        "acme/two",
    ]
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        answers = [app.post(f"https://fal.run/acme/{name}", json={"a": n + 1}).json() for n, name in enumerate(NAMES)]
        assert [answers[0], answers[2], answers[3]] == [{"n": 1}, {"n": 3}, {"n": 4}]
        assert app.get(answers[1]["images"][0]["url"]).content == PICTURE


NAMES = ("one", "two", "three", "four")


def interaction(method: str, url: str, sent: Any = None, got: Any = None, **headers: str) -> dict[str, Any]:
    """As vcrpy keeps it; bodies that are neither bytes nor None become JSON."""
    body, answer = (each if isinstance(each, bytes | None) else json.dumps(each) for each in (sent, got))
    kinds = {"content-type": ["application/json"]} | {
        name.replace("_", "-"): [value] for name, value in headers.items()
    }
    return {
        "request": {"body": body, "headers": {"authorization": [f"Key {KEY}"]} | kinds, "method": method, "uri": url},
        "response": {"body": {"string": answer}, "headers": kinds, "status": {"code": 200, "message": "OK"}},
    }


def cassette(*interactions: dict[str, Any]) -> str:
    """The YAML of a cassette."""
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump({"interactions": list(interactions), "version": 1}, text)
    return text.getvalue()


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_job_in_a_cassette_is_one_fixture(confdir: Path, tmp_path: Path, kind: str) -> None:
    """Uploads, polls and files as well; without times the order counts."""
    named, target = FILE.replace("out", "photo"), "https://v3b.fal.media/files/upload/x?sig=planted-1"
    status = {"request_id": JOB, "response_url": QUEUED, "status_url": f"{QUEUED}/status"}
    image = "image/png"
    told = [
        interaction(
            "POST", "https://queue.fal.run/fal-ai/flux/dev", {"image_url": named}, status | {"status": "IN_QUEUE"}
        ),
        interaction(
            "GET", f"{QUEUED}/status", None, status | {"status": "IN_PROGRESS", "logs": [], "queue_position": 0}
        ),
        interaction("GET", f"{QUEUED}/status", None, status | {"status": "COMPLETED"}),
    ]
    uploads = [
        interaction(
            "POST",
            "https://rest.fal.ai/storage/upload/initiate",
            {"file_name": "photo.png", "content_type": image},
            {"upload_url": target, "file_url": named},
        ),
        interaction("PUT", target, PICTURE, None, content_type=image),
    ]
    files = [interaction("GET", FILE, None, PICTURE[::-1], content_type=image)]
    if kind == "json":  # vcrpy writes no binary bodies as JSON
        uploads = files = []
        told[0]["request"]["body"] = json.dumps({"prompt": "größe"})
    packed = gzip.compress(json.dumps({"images": [{"url": FILE}]}).encode())
    if kind == "json":
        told.append(interaction("GET", QUEUED, None, {"n": 1}, date="Wed, 04 Mar 2026 10:00:00 GMT"))
    else:
        told.append(interaction("GET", QUEUED, None, packed, content_encoding="gzip"))
    every = [*uploads, *told, *files]
    source, folder = tmp_path / f"cassette.{kind}", tmp_path / "fixtures"
    source.write_text(cassette(*every) if kind == "yaml" else json.dumps({"version": 1, "interactions": every}))
    said = imported(confdir, source, folder)
    assert "1 fixture" in said
    assert KEY.partition(":")[2] not in str(tape.tree(folder))
    (found,) = tape.entries(folder)
    assert "at" not in found["recorded"]
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        if kind == "json":
            assert tape.job(app, "fal-ai/flux/dev", {"prompt": "größe"}).json() == {"n": 1}
            return
        sent = {"image_url": tape.upload(app, PICTURE, "other.png", image)}
        answer = tape.job(app, "fal-ai/flux/dev", sent).json()
        assert app.get(answer["images"][0]["url"]).content == PICTURE[::-1]


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
    tape.whole(folder, lacks_files=True)
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
