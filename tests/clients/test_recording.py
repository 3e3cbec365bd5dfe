"""What apps get through the real clients is recorded, and replayed without the real service."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import answers
from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Pace
from clients.upstream import recording
from clients.upstream import upstream

App = Callable[..., Any]
Seen = dict[str, Any]
PYTHON = ("python_sync.py", "python_async.py")
NODE = ("client.mjs", "serverless_client.mjs")
PROGRAMS = (*PYTHON, *NODE)
FAILURES = ("missing", "too-small", "downstream", "500", "404", "418", "text", "user-timeout")
"""What the clients do not ask for again by themselves."""
SLOW_LOGS = ["loading", "step 1 of 2", "step 2 of 2"]
TEXT = "Grüße, 🐈\n"


def python_app(app: App, name: str, photo: Path) -> Seen:
    """All that an app does with a Python client; `name` keeps its inputs apart from the other clients'."""
    by = {"by": name}
    seen: Seen = {
        "run": app("run", app="test/echo/deeper", arguments={"prompt": "a cat é", "seed": 2**64 - 1, "x": 1.0} | by),
        "numbers": app("run", app="test/numbers", arguments=by),
        "slow": app("subscribe", app="test/slow", arguments=by, with_logs=True),
        "without logs": app("subscribe", app="test/echo", arguments={"prompt": "no logs"} | by),
        "submit": submitted(app),
        "restyle": app("restyle", app="test/image-to-image", path=str(photo)),
        "upload": app("upload_text", text=TEXT, file_name=f"{name}.txt"),
    }
    for kind in FAILURES:
        seen[f"run {kind}"] = app("run", app="test/fail", arguments={"as": kind} | by)
        seen[f"job {kind}"] = app("subscribe", app=f"test/fail/{kind}", arguments=by)["result"]
    seen |= _common(app, lambda: app("run", app="test/image", arguments={"prompt": "two", "num_images": 2} | by))
    return seen


def submitted(app: App) -> Seen:
    """Jobs that are asked for by their id, less the status they were found in: it is a matter of milliseconds."""
    apps = ["test/echo", "workflows/test/poster", "comfy/test/graph", "110602490/fast-sdxl"]
    return {name: job | {"status": None} for name, job in app("submit", apps=apps).items()}


def node_app(app: App, name: str, photo: Path) -> Seen:
    """All that an app does with a JavaScript client."""
    by = {"by": name}
    seen: Seen = {
        "run": app("run", app="test/echo/deeper", input={"prompt": "a cat é", "x": 1.5} | by),
        "get": app("run", app="test/echo", input={"name": "a b", "tags": [1, 2]} | by, method="get"),
        "text": app("run", app="test/text", input=by),
        "binary": app("run", app="test/binary", input=by),
        "slow": app("subscribe", app="test/slow", input=by, logs=True),
        "restyle": app("restyle", app="test/image-to-image", path=str(photo)),
        "upload": app("upload", path=str(photo), type="image/jpeg"),
    }
    for kind in FAILURES:
        seen[f"run {kind}"] = app("run", app="test/fail", input={"as": kind} | by)
        seen[f"job {kind}"] = app("subscribe", app=f"test/fail/{kind}", input=by)["result"]
    seen |= _common(app, lambda: app("run", app="test/image", input={"prompt": "two", "num_images": 2} | by))
    return seen


def _common(app: App, make: Callable[[], Any]) -> Seen:
    made = make()
    images = (made.get("data") or made)["images"]
    return {
        "image": made,
        "download": app("download", url=images[1]["url"], headers={}),
        "part": app("download", url=images[1]["url"], headers={"Range": "bytes=8-15"}),
        **{f"cancel {name}": cancelled(app, name) for name in ("waiting", "endless", "stubborn")},
    }


def cancelled(app: App, name: str) -> Seen:
    """A job that was stopped, less the id that the JavaScript client reads off the headers of an error."""
    seen = app("cancel", app=f"test/{name}")
    return seen | {"result": {key: value for key, value in seen["result"].items() if key != "requestId"}}


def use(mock: Mitmdump, photo: Path) -> dict[str, Seen]:
    """What the apps see through a proxy, all of them at the same time."""

    def one(name: str) -> Seen:
        with running.app(CLIENTS / "programs" / name, mock) as app:
            return (python_app if name in PYTHON else node_app)(app, name, photo)

    with ThreadPoolExecutor(len(PROGRAMS)) as pool:
        return dict(zip(PROGRAMS, pool.map(one, PROGRAMS), strict=True))


class Rounds:
    """The apps' two rounds: recorded with the stand-in there, replayed without."""

    def __init__(self, folder: Path, recorded: dict[str, Seen], replayed: dict[str, Seen], output: str) -> None:
        self.folder = folder
        self.recorded = recorded
        self.replayed = replayed
        self.output = output


@pytest.fixture(scope="module")
def rounds(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    folder = tmp_path_factory.mktemp("rounds") / "fixtures"
    photo = folder.parent / "photo.jpg"
    photo.write_bytes(tape.PHOTO)
    with upstream() as fal, recording(confdir, fal, folder) as mock:
        fal.pace = Pace()  # an app may ask for the result right away
        recorded = use(mock, photo)
    output = mock.output
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock:
        replayed = use(mock, photo)
    assert "server connect" not in mock.output
    return Rounds(folder, recorded, replayed, output + mock.output)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_client_sees_the_same_again(rounds: Rounds, program: str) -> None:
    timed = ("slow", "without logs")
    recorded, replayed = (
        {name: value for name, value in seen[program].items() if name not in timed}
        for seen in (rounds.recorded, rounds.replayed)
    )
    assert list(recorded) == list(replayed)
    for seen in (recorded, replayed):
        seen["cancel stubborn"].pop("after")  # on a busy machine it may be over by then
    for name, value in recorded.items():
        assert tape.plain(replayed[name]) == tape.plain(value), name


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_app_was_answered_at_all(rounds: Rounds, program: str) -> None:
    seen = rounds.recorded[program]
    output = seen["run"].get("data") or seen["run"]
    assert (output["path"], output["input"]["prompt"], output["input"]["by"]) == ("/deeper", "a cat é", program)
    assert seen["download"]["status"] == 200
    assert seen["part"] == seen["part"] | {"status": 206, "size": 8}
    statuses = {"missing": 422, "too-small": 422, "downstream": 500, "500": 500, "404": 404, "418": 418, "text": 500}
    for kind, status in (statuses | {"user-timeout": 504}).items():
        assert seen[f"run {kind}"]["status"] == seen[f"job {kind}"]["status"] == status


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_slow_job_feels_as_it_did(rounds: Rounds, program: str) -> None:
    recorded, replayed = (seen[program]["slow"] for seen in (rounds.recorded, rounds.replayed))
    assert tape.plain(replayed["result"]) == tape.plain(recorded["result"])
    for seen in (recorded, replayed):
        check_slow(seen["updates"])


def check_slow(updates: list[dict[str, Any]]) -> None:
    """The updates of a job that is 1.5 s in the queue at places 2, 1, 0, then 1.5 s at work with three log lines."""
    kinds = [update.get("kind") or update["status"] for update in updates]
    steps = [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]
    assert steps in (["Queued", "InProgress", "Completed"], ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"])
    places, logs = changes(updates)
    assert places == sorted(places, reverse=True)
    assert all(SLOW_LOGS[: len(lines)] == lines for lines in logs)
    assert logs[-1] == SLOW_LOGS
    assert updates[-1]["metrics"]["inference_time"] == 1.5 + 0.1234567890123456


def changes(updates: list[dict[str, Any]]) -> tuple[list[int], list[list[str]]]:
    """The places in the queue and the logs that a client saw, each once, in their order."""
    places = [update.get("position", update.get("queue_position")) for update in updates]
    logs = [tuple(log["message"] for log in update["logs"]) for update in updates if update.get("logs")]
    seen = dict.fromkeys(place for place in places if place is not None)
    return list(seen), [list(lines) for lines in dict.fromkeys(logs)]


def test_places_and_logs_change_while_somebody_waits(rounds: Rounds) -> None:
    """Not for every program: one that is held up sees less."""
    for seen in (rounds.recorded, rounds.replayed):
        told = [changes(seen[program]["slow"]["updates"]) for program in PROGRAMS]
        assert max(len(places) for places, _ in told) > 1
        assert max(len(logs) for _, logs in told) > 1


def test_a_job_whose_status_was_streamed_is_replayed_to_one_who_streams_and_one_who_polls(
    confdir: Path, tmp_path: Path
) -> None:
    folder, program = tmp_path / "fixtures", CLIENTS / "programs" / "client.mjs"
    job = {"app": "test/slow", "input": {"streamed": True}, "logs": True}
    with upstream() as fal, recording(confdir, fal, folder) as mock, running.app(program, mock) as app:
        recorded = app("subscribe", **job, mode="streaming")
        assert fal.asked("/status/stream")
    check_slow_fixture(tape.entries(folder))
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=folder) as mock, running.app(program, mock) as app:
        streamed, polled = (app("subscribe", **job, mode=mode) for mode in ("streaming", "polling"))
    for replayed in (streamed, polled):
        assert tape.plain(replayed["result"]) == tape.plain(recorded["result"])
    check_slow(polled["updates"])
    # The client joins the logs of all events into one list: each line is in it once.
    told = [[log["message"] for log in seen["updates"][-1]["logs"]] for seen in (recorded, streamed)]
    assert told == [SLOW_LOGS, SLOW_LOGS]
    assert [update["status"] for update in streamed["updates"]][-1] == "COMPLETED"
    assert {update["status"] for update in streamed["updates"]} == {update["status"] for update in recorded["updates"]}


def test_one_job_is_one_fixture_with_its_timeline(rounds: Rounds) -> None:
    slow = [entry for entry in tape.entries(rounds.folder) if entry["match"].get("model") == "test/slow"]
    assert len(slow) == len(PROGRAMS)
    check_slow_fixture(slow)


def check_slow_fixture(slow: list[dict[str, Any]]) -> None:
    for entry in slow:
        queue = entry["queue"]
        assert [log["message"] for log in queue["logs"]] == SLOW_LOGS
        assert [place["position"] for place in queue["positions"]] in ([2, 1, 0], [2, 1], [2, 0])
        assert 0.3 < queue["started"] < queue["completed"] < 15


def test_seeds_are_exact_on_disk(rounds: Rounds) -> None:
    echo = rounds.folder / "test" / "echo" / "deeper"
    texts = [path.read_text() for path in echo.glob("*.json")]
    assert sum(f'"seed": {2**64 - 1}' in text and '"x": 1.0' in text for text in texts) == len(PYTHON)


def test_the_folder_is_whole(rounds: Rounds) -> None:
    assert len(tape.whole(rounds.folder).index.fixtures) > 80


def test_nothing_went_wrong(rounds: Rounds) -> None:
    for bad in ("Traceback", "could not be", "not recorded", "WARNING", "500 Internal Server Error: falmock"):
        assert bad not in rounds.output


# to the last digit

RAW: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "numbers": lambda app: app.post("https://fal.run/test/numbers", json={}),
    "gzip": lambda app: app.post("https://fal.run/test/gzip", json={"a": 1}),
    "binary": lambda app: app.post("https://fal.run/test/binary", json={"a": 1}),
    "picture": lambda app: app.post("https://fal.run/test/binary", json={"content_type": "image/png"}),
    "text": lambda app: app.post("https://fal.run/test/text", json={}),
    "html": lambda app: app.post("https://fal.run/test/html", json={}),
    "nothing": lambda app: app.post("https://fal.run/test/nothing", json={}),
    "get": lambda app: app.get("https://fal.run/test/echo/there?a=1&b=%20c&a=2"),
    "inline": lambda app: app.post("https://fal.run/test/image", json={"sync_mode": True, "num_images": 2}),
    "no body": lambda app: app.post("https://fal.run/test/echo"),
    "gateway timeout": lambda app: app.post("https://fal.run/test/fail", json={"as": "generation-timeout"}),
    "timed out": lambda app: app.post("https://fal.run/test/fail", json={"as": "timeout"}),
    "too late": lambda app: app.post("https://fal.run/test/slow", json={}, headers={"X-Fal-Request-Timeout": "0.2"}),
    "job 504": lambda app: tape.job(app, "test/fail/timeout", {}),
    "job binary": lambda app: tape.job(app, "test/binary", {"queued": True}),
    "job without a path": lambda app: tape.job(app, "test/image/nowhere", {}),
    "no such app": lambda app: app.post(f"{tape.QUEUE}/test/nobody", json={}),
    "prices": lambda app: app.get("https://api.fal.ai/v1/models/pricing?endpoint_id=test/image"),
    "events of a model": lambda app: app.post("https://fal.run/test/llm/stream", json={"prompt": "hi"}),
}


@pytest.fixture(scope="module")
def raw(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What was answered to the last digit: recorded, and replayed."""
    folder = tmp_path_factory.mktemp("raw") / "fixtures"
    rounds = []
    with upstream() as fal, recording(confdir, fal, folder) as mock, tape.client(mock) as app:
        rounds.append({name: tape.told(call(app)) for name, call in RAW.items()})
    tape.whole(folder)
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        rounds.append({name: tape.told(call(app)) for name, call in RAW.items()})
    return rounds


@pytest.mark.parametrize("name", RAW)
def test_the_same_content_and_headers(raw: list[dict[str, Any]], name: str) -> None:
    recorded, replayed = (seen[name] for seen in raw)
    assert replayed == recorded


# big files


def test_big_uploads_of_the_clients(confdir: Path, tmp_path: Path) -> None:
    """More than 100 MB: the clients upload in parts."""
    big = answers.write_big(tmp_path / "big.bin", 100 * 1024 * 1024 + 1)
    acts: dict[str, Callable[[App], str]] = {
        "python_sync.py": lambda app: app("upload", path=str(big)),
        "client.mjs": lambda app: app("upload", path=str(big), type="application/octet-stream"),
    }
    folder = tmp_path / "fixtures"
    with upstream() as fal:
        with recording(confdir, fal, folder) as mock:
            for name, act in acts.items():
                with running.app(CLIENTS / "programs" / name, mock) as app:
                    url = act(app)
                    assert app("run", **_echo(name, url))
            assert len([asked for asked in fal.asked("PUT ") if asked.path.rpartition("/")[2].isdigit()]) > 10
        named = [entry["match"]["input"]["image_url"] for entry in tape.entries(folder)]
    digest = answers.sha256(big.read_bytes())
    assert {value["$file"] for value in named} == {f"sha256:{digest}"}
    tape.whole(folder)
    assert not (folder / "_assets").exists() or list((folder / "_assets").iterdir()) == []


def _echo(name: str, url: str) -> dict[str, Any]:
    given = "arguments" if name in PYTHON else "input"
    return {"app": "test/echo", given: {"image_url": url, "by": name}}


# twice


def test_recording_twice_changes_only_when_it_was(confdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"

    def use(app: httpx.Client) -> None:
        made = tape.job(app, "test/image", {"prompt": "the same"}).json()
        tape.job(app, "test/image-to-image", {"image_url": made["images"][0]["url"]})
        tape.job(app, "test/image-to-image", {"image_url": tape.upload(app)})
        tape.job(app, "test/fail", {})
        app.post("https://fal.run/test/numbers", json={})

    rounds = []
    with upstream() as fal:
        for _ in range(2):
            with recording(confdir, fal, folder) as mock, tape.client(mock) as app:
                use(app)
            rounds.append(tape.tree(folder))
    first, second = rounds
    assert len(first) >= 5
    assert tape.changed(first, second) == []
    assert json.loads(first["test/numbers/" + next(iter((folder / "test/numbers").iterdir())).name])
