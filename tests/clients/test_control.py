"""The control API of a running falmock, as tests use it."""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump

TIMED = {
    "match": {"model": "acme/film"},
    "response": {"json": {"seconds": 4}},
    "queue": {"started": 1, "completed": 2, "logs": [{"at": 1.5, "message": "half"}]},
}
PLAIN = {"match": {"model": "acme/plain"}, "response": {"json": {"from": "disk"}}}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
TOKEN = "a-token-for-the-control-api"


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return running.write_fixtures(tmp_path_factory.mktemp("control") / "fixtures", TIMED, PLAIN)


@pytest.fixture(scope="module")
def mock(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with running.mitmdump(confdir, "--set", "fal_pace=manual", fixtures=fixtures) as started:
        yield started


@pytest.fixture
def direct(mock: Mitmdump) -> Iterator[httpx.Client]:
    """The control API on falmock's own port, of which all scopes are as new."""
    with httpx.Client(base_url=f"{mock.proxy}/__falmock", trust_env=False, timeout=30) as client:
        assert client.post("/reset", params={"all": "true"}).status_code == 200
        yield client


def proxied(mock: Mitmdump, scope: str = "") -> httpx.Client:
    """An app that has a proxy setting, and a name for the proxy if it is in a scope."""
    proxy = mock.proxy.replace("http://", f"http://{scope}:x@") if scope else mock.proxy
    trust = ssl.create_default_context(cafile=str(mock.ca))
    return httpx.Client(proxy=proxy, verify=trust, trust_env=False, timeout=30)


def test_the_own_port_directly_through_the_proxy_and_in_tls(mock: Mitmdump, direct: httpx.Client) -> None:
    with proxied(mock) as app:
        assert app.post("https://fal.run/acme/plain", json={}).json() == {"from": "disk"}
        through = app.get(f"{mock.proxy}/__falmock/journal").json()
    trust = ssl.create_default_context(cafile=str(mock.ca))
    tls = httpx.get(f"{mock.proxy.replace('http', 'https')}/__falmock/journal", verify=trust, trust_env=False).json()
    for seen in (through, tls, direct.get("/journal").json()):
        assert [(entry["call"], entry["endpoint"], entry["status"]) for entry in seen["entries"]] == [
            ("run", "acme/plain", 200)
        ]


def test_it_is_nowhere_on_fals_hosts(mock: Mitmdump, direct: httpx.Client) -> None:
    with proxied(mock) as app:
        assert app.get("https://fal.run/__falmock/health").json().get("status") != "ok"
    assert direct.get("/health", headers={"Host": "fal.run"}).json().get("status") != "ok"


def worker(mock: Mitmdump, name: str) -> None:
    """What a test in a worker of its own does, over and over."""
    with proxied(mock, name) as app:
        control = f"{mock.proxy}/__falmock"
        for turn in range(5):
            assert app.post(f"{control}/reset").json() == {"reset": name}
            fixture = {"match": {"model": "acme/plain"}, "response": {"json": {"from": name, "turn": turn}}}
            assert app.post(f"{control}/fixtures", json=fixture).status_code == 201
            rule = {"fault": {"error": "runner_disconnected", "nth": [2]}}
            assert app.put(f"{control}/faults", json={"faults": [rule]}).status_code == 200
            seen = [app.post("https://fal.run/acme/plain", json={"prompt": name}) for _ in range(3)]
            assert [answer.status_code for answer in seen] == [200, 503, 200]
            assert seen[0].json() == {"from": name, "turn": turn}
            expected = {
                "calls": [{"endpoint": "acme/plain", "input": {"prompt": name}, "times": 3}, {"times": 3}],
                "nothing_unmatched": True,
                "fixtures_used": "added",
            }
            verified = app.post(f"{control}/verify", json=expected)
            assert verified.status_code == 200, verified.text
            journal = app.get(f"{control}/journal").json()
            assert (journal["calls"], {entry["scope"] for entry in journal["entries"]}) == (3, {name})


def test_workers_that_share_one_mock(mock: Mitmdump, direct: httpx.Client) -> None:
    names = [f"gw{number}" for number in range(4)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(worker, [mock] * len(names), names))
    scopes = {scope["name"]: scope["calls"] for scope in direct.get("/scopes").json()["scopes"]}
    assert scopes == {"": 0} | dict.fromkeys(names, 3)


def test_a_test_brings_a_file_of_its_own(mock: Mitmdump, direct: httpx.Client) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4096  # 1 MiB
    fixture = {"match": {"model": "acme/draw"}, "response": {"json": {"image": {"url": {"$file": "mine.png"}}}}}
    brought = {**fixture, "assets": {"mine.png": base64.b64encode(picture).decode()}}
    assert direct.post("/fixtures?scope=drawer", json=brought).status_code == 201
    with proxied(mock, "drawer") as app, proxied(mock) as page:
        url = app.post("https://fal.run/acme/draw", json={}).json()["image"]["url"]
        for client in (app, page):  # what shows the image may not know of the scope
            shown = client.get(url)
            assert (shown.headers["content-type"], shown.content) == ("image/png", picture)
        assert app.get(url, headers={"Range": "bytes=8-11"}).content == b"\0\x01\x02\x03"
        direct.delete("/scopes/drawer")
        assert [client.get(url).status_code for client in (app, page)] == [404, 404]
    too_much = direct.post("/fixtures", content=b"{" + b" " * 8 * 1024 * 1024 + b"}")
    assert (too_much.status_code, "at most 8388608" in too_much.json()["message"]) == (413, True)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def test_files_that_a_client_uploaded(mock: Mitmdump, direct: httpx.Client, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + os.urandom(2 * 1024 * 1024)  # so large that it is kept on disk
    (tmp_path / "cat.png").write_bytes(picture)
    (tmp_path / "cat.svg").write_bytes(SVG)
    with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
        urls = [app("upload", path=str(tmp_path / name)) for name in ("cat.png", "cat.svg")]
    listed = {asset["name"]: asset for asset in direct.get("/assets").json()["assets"]}
    for name, url, shows in zip(("cat.png", "cat.svg"), urls, (True, False), strict=True):
        assert url in listed[name]["urls"]
        assert listed[name]["shows"] is shows
    path = f"/assets/{listed['cat.png']['sha256']}"
    part = direct.get(path, headers={"Range": "bytes=8-15"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, picture[8:16], "image/png")
    assert part.headers["content-range"] == f"bytes 8-15/{len(picture)}"
    assert direct.get(path).content == picture
    head = direct.head(path)
    assert (head.headers["content-length"], head.content) == (str(len(picture)), b"")
    assert direct.get(path, headers={"Range": f"bytes={len(picture)}-"}).status_code == 416
    drawing = direct.get(f"/assets/{listed['cat.svg']['sha256']}")
    assert (drawing.content, drawing.headers["content-type"]) == (SVG, "application/octet-stream")
    assert drawing.headers["content-disposition"].startswith("attachment;")
    assert drawing.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert direct.get(path, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}).status_code == 403


def test_a_file_that_a_test_adds(mock: Mitmdump, direct: httpx.Client) -> None:
    added = direct.post("/assets", json={"name": "mine.svg", "data": base64.b64encode(SVG).decode()})
    assert added.status_code == 201
    with proxied(mock) as app:
        got = app.get(added.json()["urls"][0])
    assert (got.content, got.headers["content-type"]) == (SVG, "image/svg+xml")


@pytest.mark.parametrize("program", ["python_sync.py", "python_async.py", "client.mjs"])
def test_a_job_that_waits_for_the_test(mock: Mitmdump, direct: httpx.Client, program: str) -> None:
    given = {"input" if program.endswith(".mjs") else "arguments": {}}
    seen: list[Any] = []
    with running.app(CLIENTS / "programs" / program, mock) as app:
        thread = threading.Thread(target=lambda: seen.append(app("subscribe", app="acme/film", **given)))
        thread.start()
        job = submitted(direct)
        polled(direct, job)
        assert direct.post(f"/jobs/{job}/advance").json()["state"] == "running"
        polled(direct, job)
        assert thread.is_alive()
        assert direct.post(f"/jobs/{job}/complete").json()["state"] == "finished"
        thread.join(60)
    assert "'seconds': 4" in str(seen)


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Ask until it holds."""
    late = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < late, f"not within {seconds} s"


def submitted(direct: httpx.Client) -> str:
    """The request id of the one job, once there is one."""
    wait_until(lambda: direct.get("/jobs").json()["total"] == 1)
    return str(direct.get("/jobs").json()["jobs"][0]["request_id"])


def polled(direct: httpx.Client, job: str) -> None:
    """Wait until a client asked after a job once more."""
    query = {"call": "status", "request_id": job, "limit": "1"}
    before = direct.get("/journal", params=query).json()["total"]
    wait_until(lambda: direct.get("/journal", params=query).json()["total"] > before)


def test_a_status_stream_that_a_move_wakes(mock: Mitmdump, direct: httpx.Client) -> None:
    with proxied(mock) as app:
        job = app.post("https://queue.fal.run/acme/film", json={}).json()
        with app.stream("GET", f"{job['status_url']}/stream?logs=1") as stream:
            statuses = (found[1] for line in stream.iter_lines() if (found := re.search(r'"status": "(\w+)"', line)))
            assert next(statuses) == "IN_QUEUE"
            direct.post(f"/jobs/{job['request_id']}/advance")
            assert next(statuses) == "IN_PROGRESS"
            direct.post(f"/jobs/{job['request_id']}/fail", json={"error": "generation_timeout"})
            assert list(statuses) == ["COMPLETED"]
        assert app.get(job["response_url"]).status_code == 504


def test_a_reset_breaks_off_the_status_stream_of_a_job_that_waits(mock: Mitmdump, direct: httpx.Client) -> None:
    with proxied(mock) as app:
        job = app.post("https://queue.fal.run/acme/film", json={}).json()
        with app.stream("GET", f"{job['status_url']}/stream") as stream:
            lines = stream.iter_lines()
            assert "IN_QUEUE" in next(lines)
            direct.post("/reset")
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)


def test_events_while_a_client_runs_a_job(confdir: Path, fixtures: Path) -> None:
    """Who listens sees the calls of a real client, and the states of its job, and may connect again."""
    with running.mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=fixtures) as mock:
        url = f"{mock.proxy}/__falmock/events"
        with httpx.Client(trust_env=False, timeout=30) as client, client.stream("GET", url) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("event: ")) == "event: hello"
            with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
                assert "'seconds': 4" in str(app("subscribe", app="acme/film", arguments={}))
            states, last = [], ""
            for line in lines:
                last = line.removeprefix("id: ") if line.startswith("id: ") else last
                if line.startswith("data: ") and '"submitted"' in line:
                    states.append(json.loads(line.removeprefix("data: "))["state"])
                    if states[-1] == "finished":
                        break
        assert list(dict.fromkeys(states)) == ["queued", "running", "finished"]
        with (
            httpx.Client(trust_env=False, timeout=30) as client,
            client.stream("GET", url, headers={"last-event-id": last}) as answer,
        ):
            names = []
            for line in answer.iter_lines():
                names += [line.removeprefix("event: ")] if line.startswith("event: ") else []
                if names[-1:] == ["settings"]:
                    break
            assert "reset" not in names
            assert "job" in names


def test_reading_the_files_again(mock: Mitmdump, direct: httpx.Client, fixtures: Path) -> None:
    running.write_fixtures(fixtures, {**PLAIN, "match": {"model": "acme/late"}}, name="late.json")
    told = direct.post("/fixtures/reload").json()["message"]
    assert "3 fixtures in 2 files" in told
    with proxied(mock) as app:
        assert app.post("https://fal.run/acme/late", json={}).status_code == 200
    (fixtures / "late.json").write_text('{"fixtures": [{"match": {}}]}')
    broken = direct.post("/fixtures/reload")
    assert (broken.status_code, "late.json" in broken.text) == (409, True)
    (fixtures / "late.json").unlink()
    assert direct.post("/fixtures/reload").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1.evil.example", "Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/reset"), ("GET", "/journal"), ("OPTIONS", "/reset")])
def test_what_a_web_page_tries(direct: httpx.Client, headers: dict[str, str], method: str, path: str) -> None:
    answer = direct.request(method, path, headers=headers)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_token(confdir: Path, fixtures: Path) -> None:
    with (
        running.mitmdump(
            confdir, "--set", f"fal_control_token={TOKEN}", "--flow-detail", "1", fixtures=fixtures
        ) as mock,
        httpx.Client(base_url=f"{mock.proxy}/__falmock", trust_env=False) as client,
    ):
        answers = [
            client.get("/health", headers=headers).status_code
            for headers in (
                {},
                {"Authorization": "Bearer nothing"},
                {"Authorization": f"Bearer {TOKEN}"},
                {"Authorization": f"Bearer {TOKEN}", "Host": "falmock.internal"},
                {"Authorization": f"Bearer {TOKEN}", "Origin": "https://evil.example"},
            )
        ]
        assert answers == [401, 401, 200, 200, 403]
        assert TOKEN not in mock.output


@pytest.mark.parametrize(("paths", "count"), [("/jobs", 8), ("/", 37)])  # the second also resets, and has no jobs then
def test_schemathesis_finds_nothing(
    mock: Mitmdump, direct: httpx.Client, tmp_path: Path, paths: str, count: int
) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    with proxied(mock) as app:
        job = app.post("https://queue.fal.run/acme/film", json={}).json()["request_id"]
    added = direct.post("/fixtures", json=PLAIN).json()["added"]
    file = direct.post("/assets", json={"name": "a.txt", "data": "AAAA"}).json()["sha256"]
    known = {"request_id": job, "added": added, "name": "one", "sha256": file, "number": "1"}
    parameters = "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
    (tmp_path / "schemathesis.toml").write_text(f"[parameters]\n{parameters}")
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [
            str(program),
            "run",
            f"{mock.proxy}/__falmock/openapi.json",
            f"--include-path-regex={paths}",
            "--exclude-path=/__falmock/events",  # it has no end
            "--checks",
            ",".join(CHECKS),
            "--max-examples=15",
            "--seed=5",
            "--no-color",
        ],
        env=env | {"COLUMNS": "200"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"Tested: +{count}\b", done.stdout), done.stdout
