"""falmock as fal's server-side proxy: real clients with a `proxyUrl`, compared with fal's own proxy and behind it.

The apps have no key: it is in the environment of the mock.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import answers
from clients import browser
from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Answer
from clients.upstream import recording
from clients.upstream import upstream

App = Callable[..., Any]
PATH = "/api/fal/proxy"
PROGRAMS = CLIENTS / "programs"
FLUX = "https://fal.run/fal-ai/flux/dev"
FILM = "https://queue.fal.run/fal-ai/film"
CAT = {"prompt": "a cat é"}
NEVER = 600
WORDS = [{"output": "a", "partial": True}, {"output": "a cat é", "partial": False}]
FIXTURES = [
    *answers.FIXTURES,
    {"match": {"model": "fal-ai/any-llm"}, "stream": [{"json": word} for word in WORDS]},
    {"match": {"model": "acme/long"}, "stream": [{"json": WORDS[0]}, {"at": NEVER, "json": WORDS[1]}]},
]


@contextmanager
def replaying(confdir: Path, folder: Path, *args: str, auth: str = "required") -> Iterator[Mitmdump]:
    assets = folder / "_assets"
    assets.mkdir(parents=True)
    (assets / "cat.png").write_bytes(answers.PICTURE)
    fixtures = running.write_fixtures(folder, *FIXTURES)
    # A key is required: that of the mock's environment, where clients have none.
    with mitmdump(
        confdir, *("--set", "fal_pace=recorded", "--set", f"fal_auth={auth}"), *args, fixtures=fixtures
    ) as mock:
        yield mock
        for bad in ("server connect", "Traceback", KEY):
            assert bad not in mock.output


@pytest.fixture(scope="module", autouse=True)
def _key() -> Iterator[None]:
    """The environment that mocks are started with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_KEY", KEY)
        yield


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with replaying(confdir, tmp_path_factory.mktemp("proxy") / "fixtures") as mock:
        yield mock


@contextmanager
def proxied(mock: Mitmdump, url: str = "", **env: str) -> Iterator[App]:
    """@fal-ai/client with a `proxyUrl`, by default the mock itself.

    Files go where they go through the mock as a proxy.
    """
    env = {"FAL_KEY": "", "NO_PROXY": "127.0.0.1", "PROXY_URL": url or f"{mock.proxy}{PATH}"} | env
    with running.app(PROGRAMS / "proxied.mjs", mock, **env) as app:
        yield app


@contextmanager
def official(mock: Mitmdump) -> Iterator[str]:
    """fal's own proxy, with the mock for what it calls: where it listens."""
    with running.app(PROGRAMS / "official_proxy.mjs", mock, NO_PROXY="127.0.0.1") as app:
        yield app("listen")


@pytest.fixture(scope="module")
def app(mock: Mitmdump) -> Iterator[App]:
    with proxied(mock) as app:
        yield app


def direct(mock: Mitmdump, **more: Any) -> httpx.Client:
    """A client of the proxy alone."""
    return httpx.Client(base_url=mock.proxy, trust_env=False, timeout=30, **more)


def to(url: str, **headers: str) -> dict[str, str]:
    return {"x-fal-target-url": url, **headers}


# @fal-ai/client on Node


def use(app: App, photo: Path) -> dict[str, Any]:
    """What an app sees, of nearly all it can do, less what differs from run to run."""
    stopped = app("cancel", app="acme/runs")
    seen = {
        "run": app("run", app="fal-ai/flux/dev", input=CAT),
        "polled": app("subscribe", app="fal-ai/film", input={}, logs=True)["result"],
        "streamed": app("subscribe", app="fal-ai/film", input={}, logs=True, mode="streaming")["result"],
        "cancelled": [stopped["cancel"], stopped["result"], stopped["cancel again"]],
        "stream": app("stream", app="fal-ai/any-llm", input={}),
        "refused": app("run", app="acme/refuses", input={}),
        "refused in the queue": app("subscribe", app="acme/refuses", input={})["result"],
        "nothing answers": app("run", app="fal-ai/flux/dev", input={"prompt": "a dog"}),
        "uploaded": app("restyle", app="fal-ai/restyle", path=str(photo)),
        "GET": app("run", app="acme/look-up", input={"name": "a b", "tags": [1, 2]}, method="get"),
        "without input": app("run", app="comfy/acme/graph"),
    }
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", json.dumps(seen))
    return dict(json.loads(text))


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.jpg"
    path.write_bytes(answers.PHOTO)
    return path


@pytest.fixture(scope="module")
def without(mock: Mitmdump, photo: Path) -> dict[str, Any]:
    """What the same client sees that calls fal itself, with a key."""
    with running.app(PROGRAMS / "client.mjs", mock) as app:
        seen = use(app, photo)
    seen["run"].pop("ids")
    for run in seen.values():
        if isinstance(run, dict):
            run.pop("ids", None)
    return seen


def test_the_client_sees_what_it_sees_without_a_proxy(app: App, photo: Path, without: dict[str, Any]) -> None:
    seen = use(app, photo)
    assert seen == without
    assert seen["run"]["data"]["seed"] == 7
    assert seen["polled"]["data"] == seen["streamed"]["data"] == {"seconds": 4}
    assert seen["cancelled"][0] is None
    assert seen["cancelled"][1]["status"] == 499
    assert seen["stream"]["told"] == WORDS
    assert (seen["refused"]["raised"], seen["refused"]["status"]) == ("ValidationError", 422)
    assert (seen["nothing answers"]["status"], "no fixture answers" in seen["nothing answers"]["message"]) == (
        404,
        True,
    )
    assert "image" in seen["uploaded"]["data"]


def test_the_client_that_takes_the_mock_for_its_proxy_too(mock: Mitmdump) -> None:
    with proxied(mock, NO_PROXY="") as app:
        assert app("run", app="fal-ai/flux/dev", input=CAT)["data"]["seed"] == 7


def test_the_clients_own_key_goes_first(confdir: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPS", "other:key")
        with replaying(confdir, tmp_path / "fixtures", auth="env:APPS") as mock:
            with proxied(mock) as app:
                assert app("run", app="fal-ai/flux/dev", input=CAT)["status"] == 401
            with proxied(mock, FAL_KEY="other:key") as app:
                assert app("run", app="fal-ai/flux/dev", input=CAT)["data"]["seed"] == 7


def test_what_the_mock_prints_holds_no_secret(confdir: Path, tmp_path: Path) -> None:
    secrets = {"authorization": "Key kid:not-yours", "cookie": "session=not-yours"}
    url = f"{FLUX}/stream?fal_jwt_token=not-yours"
    with replaying(confdir, tmp_path / "fixtures", "--set", "flow_detail=4") as mock, direct(mock) as door:
        for method in ("GET", "POST", "DELETE"):
            door.request(method, PATH, headers=to(url, **secrets))
        door.post(PATH, json=CAT, headers=to("https://evil.com/?key=not-yours", **secrets))
        door.post(PATH, json=CAT, headers=to("https://me:not-yours@fal.run/", **secrets))
        assert door.post(PATH, json=CAT, headers=to(FLUX)).status_code == 200
        mock.wait_for(f"x-fal-target-url: {FLUX}\n")
    assert "not-yours" not in mock.output


def test_a_job_is_the_same_through_every_door(mock: Mitmdump) -> None:
    with direct(mock) as door, tape.client(mock) as proxy:
        job = door.post(PATH, json={}, headers=to("https://queue.fal.run/acme/waits")).json()
        assert proxy.get(job["status_url"]).json()["request_id"] == job["request_id"]
        assert door.put(PATH, headers=to(job["cancel_url"])).json() == {"status": "OK"}
        assert door.get(PATH, headers=to(job["status_url"])).json() == proxy.get(job["status_url"]).json()


# the formula, on the wire


def curl(*args: str) -> tuple[int, str]:
    """Status and body."""
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "30",
        "--write-out",
        "%{http_code}",
        *args,
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(said[-3:]), said[:-3]


def test_curl(mock: Mitmdump) -> None:
    url = f"{mock.proxy}{PATH}"
    json_body = ("-H", "content-type: application/json", "-d", json.dumps(CAT))
    target = ("-H", f"x-fal-target-url: {FLUX}")
    status, body = curl(url, *target, *json_body)
    assert (status, json.loads(body)["seed"]) == (200, 7)
    tls = url.replace("http://", "https://")
    assert curl(tls, "--cacert", str(mock.ca), *target, *json_body) == (200, body)
    assert curl(f"{url}/", *target, *json_body)[0] == 200
    assert curl(url, *target, *json_body, "-X", "DELETE")[0] == 405
    assert curl(url, *json_body)[0] == 400
    assert curl(url, "-H", "x-fal-target-url: https://fal.run.evil.com/x", *json_body)[0] == 412
    assert curl(url, *target, "-d", "prompt=a")[0] == 415
    assert curl(url, *target, "-F", "prompt=a")[0] == 415


def test_status_and_headers_are_those_of_fal(mock: Mitmdump) -> None:
    with direct(mock) as door, tape.client(mock) as proxy:
        for url, body in ((FLUX, CAT), ("https://fal.run/acme/refuses", {"steps": 3}), (FILM, {}), (FLUX, {})):
            through, there = door.post(PATH, json=body, headers=to(url)), proxy.post(url, json=body)
            assert (through.status_code, through.reason_phrase) == (there.status_code, there.reason_phrase)
            assert through.headers.keys() == there.headers.keys()
            assert int(through.headers["content-length"]) == len(through.content)
            assert tape.plain(through.text) == tape.plain(there.text)


def test_a_stream_is_live(mock: Mitmdump) -> None:
    with (
        direct(mock) as door,
        door.stream("POST", PATH, json={}, headers=to("https://fal.run/acme/long/stream")) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        first = next(line for line in answer.iter_lines() if line)
    assert first == f"data: {json.dumps(WORDS[0], separators=(',', ':'))}"  # the second comes in ten minutes


def test_a_status_stream_is_live(mock: Mitmdump) -> None:
    with direct(mock) as door:
        job = door.post(PATH, json={}, headers=to("https://queue.fal.run/acme/waits")).json()
        url = f"{job['status_url']}/stream"
        with door.stream("GET", PATH, headers=to(url, accept="text/event-stream")) as answer:
            first = next(line for line in answer.iter_lines() if line)
    assert json.loads(first.removeprefix("data: "))["status"] == "IN_QUEUE"


HOSTILE = (
    "https://evil.com/",
    "https://evil.com#.fal.run/",
    "https://evil.com\\.fal.run/",
    "https://fal.run@evil.com/",
    "https://me:hidden@fal.run/",
    "https://fal.run:8080/",
    "https://127.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "http://fal.run/fal-ai/flux/dev",
    "file:///etc/passwd",
    "https://fal.run\t.evil.com/",
    b"https://fal.run\xe3\x80\x82evil.com/",
    "/etc/passwd",
)


def test_nothing_but_fal_is_called(mock: Mitmdump) -> None:
    with direct(mock) as door:
        for url in HOSTILE:
            for method in ("GET", "POST", "PUT"):
                headers = {"x-fal-target-url": url}
                answer = door.request(method, PATH, headers=headers)  # type: ignore[arg-type]
                assert (answer.status_code, "hidden" in answer.text) == (412, False), url
        twice = [("x-fal-target-url", FLUX), ("x-fal-target-url", "https://evil.com/")]
        assert door.get(PATH, headers=twice).status_code == 412


def test_a_path_of_ones_own(confdir: Path, tmp_path: Path) -> None:
    with replaying(confdir, tmp_path / "fixtures", "--set", "fal_proxy_path=/mine") as mock, direct(mock) as door:
        assert door.post("/mine", json=CAT, headers=to(FLUX)).json()["seed"] == 7
        missing = door.post(PATH, json=CAT, headers=to(FLUX))
        assert missing.status_code == 404
        assert "/mine (fal's server-side proxy)" in missing.json()["detail"]


# fal's own proxy


@pytest.mark.parametrize("handler", ["express", "next"])
def test_fals_own_proxy_with_the_mock_for_fal(
    mock: Mitmdump, handler: str, photo: Path, without: dict[str, Any]
) -> None:
    with official(mock) as server, proxied(mock, f"{server}/{handler}") as app:
        if handler == "next":
            assert use(app, photo) == without
            return
        # Its Express handler answers all with 200, errors too, as the README says; what it refuses has its own status.
        readme = (running.ROOT / "addon" / "falmock" / "gateway" / "README.md").read_text("utf-8")
        assert "Express handler see other statuses than those: it answers 200 whatever fal answered" in readme
        with httpx.Client(base_url=server, trust_env=False, timeout=30) as door:
            for method, url, status in STATUSES:
                body = {} if method == "GET" else {"json": {}}
                express, next_js = (
                    door.request(method, f"/{name}", headers={"x-fal-target-url": url}, **body).status_code
                    for name in ("express", "next")
                )
                assert (express, next_js) == (400 if status == 400 else 200, status)
        assert app("run", app="fal-ai/flux/dev", input=CAT)["data"]["seed"] == 7
        assert app("subscribe", app="fal-ai/film", input={})["result"]["data"] == {"seconds": 4}
        assert app("stream", app="fal-ai/any-llm", input={})["told"] == WORDS
        assert app("cancel", app="acme/runs")["cancel"] is None
        assert "detail" in app("run", app="acme/refuses", input={})["data"]


STATUSES = [
    ("POST", "https://fal.run/acme/refuses", 422),
    ("GET", f"{FILM}/requests/01900000-0000-7000-8000-000000000000/status", 404),
    ("PUT", f"{FILM}/requests/01900000-0000-7000-8000-000000000000/cancel", 404),
    ("POST", "https://evil.com/x", 400),
]
"""Calls, and what fal's own proxy answers behind Next."""
STORAGE = "https://rest.fal.ai/storage/upload"
CDN = "storage_type=fal-cdn-v3"
ASKED: list[tuple[str, str | None]] = [
    ("POST", FLUX),
    ("POST", "https://fal.run/acme/refuses"),
    ("POST", "https://fal.run/acme/unknown"),
    ("GET", "https://fal.run/acme/health"),
    ("PUT", f"{FILM}/requests/01900000-0000-7000-8000-000000000000/cancel"),
    ("GET", f"{FILM}/requests/01900000-0000-7000-8000-000000000000/status"),
    ("DELETE", FLUX),
    ("PATCH", FLUX),
    ("POST", None),
    ("GET", None),
    ("POST", "nowhere"),
    ("POST", "https://evil.com/x"),
    ("POST", "https://fal.run.evil.com/x"),
    ("POST", "https://fal.run:8080/x"),
    ("POST", "https://api.fal.ai/v1/models"),
    ("POST", "https://ws.fal.run/acme/graph"),
    ("POST", "https://rest.alpha.fal.ai/storage/upload/initiate"),
    ("POST", "https://rest.fal.ai/tokens/"),
    ("POST", f"https://rest.fal.ai/storage/auth/token?{CDN}"),
    ("POST", f"{STORAGE}/initiate?{CDN}"),
    ("POST", f"{STORAGE}/initiate"),
    ("POST", f"{STORAGE}/initiate?{CDN}&a=b"),
    ("POST", f"{STORAGE}/initiate-multipart?{CDN}"),
]


def test_the_official_profile_does_as_fals_own_proxy(confdir: Path, tmp_path: Path, photo: Path) -> None:
    with (
        replaying(confdir, tmp_path / "fixtures", "--set", "fal_proxy_profile=official") as mock,
        official(mock) as server,
    ):
        differing = []
        with direct(mock) as ours, httpx.Client(base_url=server, trust_env=False, timeout=30) as theirs:
            for method, url in ASKED:
                body = {} if method == "GET" else {"json": CAT | {"file_name": "a.png", "content_type": "image/png"}}
                headers = {} if url is None else {"x-fal-target-url": url}
                one, other = (
                    ours.request(method, PATH, headers=headers, **body),
                    theirs.request(method, "/next", headers=headers, **body),
                )
                seen = [(answer.status_code, tape.plain(answer.text)) for answer in (one, other)]
                if seen[0] != seen[1]:
                    differing.append((method, url, *seen))
        assert differing == []
        with proxied(mock) as app, proxied(mock, f"{server}/next") as beside:
            assert use(app, photo) == use(beside, photo)


# with fal behind it


def test_record_and_replay(confdir: Path, tmp_path: Path) -> None:
    def use(app: App) -> Any:
        return tape.plain(
            {
                "run": app("run", app="test/echo", input={"prompt": "a"})["data"],
                "compressed": app("run", app="test/gzip", input={"prompt": "a"})["data"],
                "polled": app("subscribe", app="test/slow", input={"prompt": "b"})["result"],
                "streamed": app("subscribe", app="test/slow", input={"prompt": "c"}, mode="streaming")["result"],
                "stream": app("stream", app="test/llm", input={"prompt": "d"})["told"],
                "refused": app("run", app="test/fail", input={"prompt": "e"}),
                "cancelled": app("cancel", app="test/waiting")["cancel"],
            }
        )

    with upstream() as fal, recording(confdir, fal, tmp_path, "--set", "flow_detail=4") as mock, proxied(mock) as app:
        recorded = use(app)
    calls = [asked for asked in fal.seen if asked.host != "fal.ai"]  # at its end, the recording asks for schemas itself
    assert calls
    for asked in calls:
        assert asked.headers["authorization"] == f"Key {KEY}"
        assert asked.headers["x-fal-client-proxy"] == "falmock"
        assert not {"x-fal-target-url", "sec-fetch-mode"} & asked.headers.keys()
    assert KEY not in mock.output
    with mitmdump(confdir, fixtures=tmp_path) as mock, proxied(mock) as app:
        assert use(app) == recorded
    assert "server connect" not in mock.output


@pytest.mark.parametrize("mode", ["record", "passthrough"])
def test_answers_of_the_real_fal(confdir: Path, tmp_path: Path, mode: str) -> None:
    with (
        upstream() as fal,
        recording(confdir, fal, tmp_path, mode=mode) as mock,
        direct(mock) as door,
        tape.client(mock) as proxy,
    ):
        for path, body in (
            ("test/echo", {"a": 1}),
            ("test/gzip", {"a": 1}),
            ("test/fail", {}),
            ("test/nothing", {}),
            ("test/binary", {}),
        ):
            url = f"https://fal.run/{path}"
            through, there = door.post(PATH, json=body, headers=to(url, cookie="session=1")), proxy.post(url, json=body)
            assert (through.status_code, through.content) == (there.status_code, there.content)
            unlike = {"content-encoding", "content-length"}
            assert through.headers.keys() - unlike == there.headers.keys() - unlike
            assert "content-encoding" not in through.headers
            if "content-length" in through.headers:
                assert int(through.headers["content-length"]) == len(through.content)
        assert all("cookie" not in asked.headers for asked in fal.seen)
        asked = len(fal.seen)
        far = door.post(PATH, json={}, headers=to("https://fal.run/test/echo", origin="https://evil.example"))
        assert (far.status_code, len(fal.seen)) == (403, asked)
        live = door.stream("POST", PATH, json={}, headers=to("https://fal.run/test/llm/stream"))
        with live as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert sum(line.startswith("data:") for line in answer.iter_lines()) > 2


def test_an_answer_that_comes_compressed_unasked(confdir: Path, tmp_path: Path) -> None:
    body = json.dumps({"words": ["again"] * 100}).encode()
    packed = Answer(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), gzip.compress(body))
    with upstream() as fal, recording(confdir, fal, tmp_path) as mock, direct(mock) as door:
        fal.trouble("POST fal.run/test/echo", packed)
        answer = door.post(PATH, json={"prompt": "a"}, headers=to("https://fal.run/test/echo"))
    assert (answer.content, answer.headers["content-length"]) == (body, str(len(body)))
    assert "content-encoding" not in answer.headers
    assert fal.seen[0].headers["accept-encoding"] == "identity"
    with mitmdump(confdir, fixtures=tmp_path) as mock, direct(mock) as door:
        again = door.post(PATH, json={"prompt": "a"}, headers=to("https://fal.run/test/echo"))
    assert again.json() == answer.json()


def test_without_any_key_fal_says_so(confdir: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FAL_KEY")
        with upstream() as fal, recording(confdir, fal, tmp_path) as mock, direct(mock) as door:
            assert door.post(PATH, json={}, headers=to("https://fal.run/test/echo")).status_code == 401
    assert "authorization" not in fal.seen[0].headers


# a page


def test_a_page_in_a_browser(confdir: Path, tmp_path: Path) -> None:
    browser.require()

    def show(mock: Mitmdump) -> Any:
        page = f"proxied.html?proxy={mock.proxy}{PATH}"
        with browser.user(mock) as visit:
            seen = visit(page)[page]
        assert seen.failed is None, (seen.failed, seen.console)
        # The client leaves a status stream when the job is done.
        assert [line for line in seen.unloaded if "ERR_ABORTED" not in line] == [f"{mock.proxy}{PATH}: 422"]
        assert seen.shown["requestId"], "read off a header"
        seen.shown["subscribed"].pop("states")
        return tape.plain(seen.shown)

    with upstream() as fal, recording(confdir, fal, tmp_path) as mock:
        recorded = show(mock)
    assert {
        asked.headers["authorization"]
        for asked in fal.seen
        if asked.host not in ("v3b.fal.media", "fal.ai") and asked.method != "OPTIONS"
    } == {f"Key {KEY}"}
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=tmp_path) as mock:
        assert show(mock) == recorded
    assert recorded["uploaded"] == "a note\n"
    assert recorded["cancelled is"] == "COMPLETED"
    assert recorded["refused"]["status"] == 422
    assert "server connect" not in mock.output
