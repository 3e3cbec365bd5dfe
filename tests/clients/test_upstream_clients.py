"""The stand-in for fal, with the real clients through a mitmdump that only forwards."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import answers
from clients import running
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Answer
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import shared

App = Callable[..., Any]
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4
AUTH = {"Authorization": f"Key {KEY}"}
QUEUE = "https://queue.fal.run"
LOGS = ["loading", "step 1 of 2", "step 2 of 2"]
PROGRAMS = ["python_sync.py", "python_async.py", "client.mjs", "serverless_client.mjs"]
fal, _calm = shared.fal, shared.calm


@pytest.fixture(scope="module")
def mock(confdir: Path, fal: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    fixtures = tmp_path_factory.mktemp("none")
    with recording(confdir, fal, fixtures, mode="passthrough") as mock:
        yield mock


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> Path:
    return CLIENTS / "programs" / str(request.param)


@pytest.fixture(scope="module")
def app(program: Path, mock: Mitmdump) -> Iterator[App]:
    """Python and JavaScript name some things differently; here they are named as in Python."""
    python = program.suffix == ".py"
    with running.app(program, mock) as app:

        def act(name: str, **options: Any) -> Any:
            if not python and "arguments" in options:
                options["input"] = options.pop("arguments")
            if not python and "with_logs" in options:
                options["logs"] = options.pop("with_logs")
            seen = app(name, **options)
            if isinstance(seen, dict) and isinstance(seen.get("result"), dict):
                seen["result"] = seen["result"].get("data", seen["result"])
            return seen.get("data", seen) if isinstance(seen, dict) else seen

        yield act


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTO)
    return path


def test_run_and_fetch_the_picture(app: App, fal: Upstream) -> None:
    made = [app("run", app="test/image", arguments={"prompt": "a cat é"})["images"][0]["url"] for _ in range(2)]
    assert made[0] != made[1], "fal gives a new URL each time"
    pictures = [app("download", url=url, headers={}) for url in made]
    assert pictures[0] == pictures[1] == answers.read_back(fal.files.by_url[made[0]].content, "image/png")


def test_subscribe_from_the_queue_to_the_end(app: App) -> None:
    seen = app("subscribe", app="test/slow", arguments={"prompt": "a"}, with_logs=True)
    states = [update.get("kind") or update["status"] for update in seen["updates"]]
    assert list(dict.fromkeys(states)) in (
        ["Queued", "InProgress", "Completed"],
        ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"],
    )
    places = [update.get("position", update.get("queue_position")) for update in seen["updates"]]
    queued = [place for place in places if place is not None]
    assert queued == sorted(queued, reverse=True)
    assert {*queued} <= {2, 1, 0}
    lines = [[log["message"] for log in update["logs"] or ()] for update in seen["updates"] if update.get("logs")]
    assert all(line == LOGS[: len(line)] for line in lines)
    assert lines[-1] == LOGS
    assert seen["updates"][-1]["metrics"]["inference_time"] > 1.2
    assert seen["result"]["input"] == {"prompt": "a"}


def test_a_failing_job(app: App) -> None:
    seen = app("subscribe", app="test/fail", arguments={"steps": 3})
    assert seen["updates"][-1]["error"] == "Invalid status code: 422"
    assert seen["updates"][-1]["error_type"] == "missing"
    assert seen["result"]["status"] == 422


def test_a_failing_run(app: App) -> None:
    assert app("run", app="test/fail/500", arguments={})["status"] == 500


@pytest.mark.parametrize(
    ("endpoint", "result"),
    [("test/waiting", 499), ("test/endless", 499), ("test/stubborn", None), ("test/echo", None)],
)
def test_cancel(app: App, endpoint: str, result: int | None) -> None:
    seen = app("cancel", app=endpoint)
    assert seen["result"].get("status") == result
    assert seen["cancel again"]["status"] == 400
    assert (seen["cancel"] or {}).get("status") in (
        (400,) if endpoint == "test/echo" else (None, "CANCELLATION_REQUESTED")
    )


def test_come_back_with_the_request_id(app: App) -> None:
    bases = {
        "fal-ai/flux/dev": "fal-ai/flux",
        "workflows/test/poster": "workflows/test/poster",
        "test/echo/a/b": "test/echo",
    }
    seen = app("submit", apps=list(bases))
    for endpoint, base in bases.items():
        assert seen[endpoint]["urls"][0] == f"{QUEUE}/{base}/requests/{seen[endpoint]['id']}"
        assert seen[endpoint]["result"] == seen[endpoint]["result again"]


def test_upload_and_use(app: App, program: Path, photo: Path, fal: Upstream) -> None:
    url = app("upload", path=str(photo), **({} if program.suffix == ".py" else {"type": "image/jpeg"}))
    assert app("download", url=url, headers={}) == answers.read_back(PHOTO, "image/jpeg")
    first, second = (app("restyle", app="test/image-to-image", path=str(photo)) for _ in range(2))
    assert first["seed"] == second["seed"], "the seed follows from the content, not from the URL"
    contents = {fal.files.by_url[made["images"][0]["url"]].content for made in (first, second)}
    assert len(contents) == 1


@pytest.mark.parametrize("program", ["python_sync.py", "python_async.py", "client.mjs"], indirect=True)
def test_upload_in_parts(app: App, program: Path, tmp_path: Path, fal: Upstream) -> None:
    big = answers.write_big(tmp_path / "big.bin", 105 * 1024 * 1024)
    url = app("upload", path=str(big), **({} if program.suffix == ".py" else {"type": "video/mp4"}))
    assert fal.files.by_url[url].content == big.read_bytes()
    parts = [asked for asked in fal.asked("PUT ") if len(asked.body) > 1024 * 1024]
    assert {len(asked.body) for asked in parts} == {10 * 1024 * 1024, 5 * 1024 * 1024}
    # Room for others.
    fal.seen.clear()
    fal.files.by_url.pop(url)


def test_an_upload_that_the_python_client_falls_back_with(mock: Mitmdump, fal: Upstream) -> None:
    fal.trouble("POST v3.fal.media/files/upload", Answer(400, (), b"no"))
    script = "import fal_client; print(fal_client.upload(b'a text', 'text/plain'))"
    url = running.run([sys.executable, "-c", script], mock.env()).split()[-1]
    assert url.startswith("https://storage.googleapis.com/")
    assert fal.files.by_url[url].content == b"a text"


def test_an_upload_to_a_host_that_is_not_fals(mock: Mitmdump, photo: Path, fal: Upstream) -> None:
    fal.files.upload_host = "fal-uploads.r2.cloudflarestorage.com"
    with running.app(CLIENTS / "programs" / "client.mjs", mock) as app:
        url = app("upload", path=str(photo), type="image/jpeg")
    assert fal.files.by_url[url].content == PHOTO
    assert fal.asked("PUT fal-uploads.r2.cloudflarestorage.com/")


def test_a_status_stream(mock: Mitmdump, fal: Upstream) -> None:
    with running.app(CLIENTS / "programs" / "client.mjs", mock) as app:
        seen = app("subscribe", app="test/slow", input={}, logs=True, mode="streaming")
    assert fal.asked("/status/stream")
    assert [log["message"] for log in seen["updates"][-1]["logs"]] == LOGS
    assert seen["result"]["data"]["input"] == {}


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_connections_are_used_again(confdir: Path, fal: Upstream, tmp_path: Path, strategy: str) -> None:
    before = fal.server.connections
    args = ("--set", f"connection_strategy={strategy}")
    with recording(confdir, fal, tmp_path, *args, mode="passthrough") as mock:
        verify = ssl.create_default_context(cafile=str(mock.ca))
        with httpx.Client(proxy=mock.proxy, verify=verify, trust_env=False, headers=AUTH) as client:
            for number in range(3):
                assert client.post("https://fal.run/test/echo", json={"n": number}).json()["input"] == {"n": number}
    assert fal.server.connections == before + 1


def test_a_replay_does_not_get_here(confdir: Path, fal: Upstream, tmp_path: Path) -> None:
    (tmp_path / "fixtures").mkdir()
    before = len(fal.seen)
    with mitmdump(confdir, *fal.arguments, fixtures=tmp_path / "fixtures") as mock:
        verify = ssl.create_default_context(cafile=str(mock.ca))
        with httpx.Client(proxy=mock.proxy, verify=verify, trust_env=False) as client:
            assert client.post("https://fal.run/test/echo", json={}).status_code == 404
    assert len(fal.seen) == before
