"""The real Python client, sync and async, through a real mitmdump.

Each test runs an ordinary program (in `programs/`) that gets only its proxy, from the environment.
"""

from __future__ import annotations

import ssl
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
from clients.running import write_fixtures

App = Callable[..., Any]
FLUX = "fal-ai/flux/dev"
CAT = {"prompt": "a cat é"}
NO_SUCH_ID = "01900000-0000-7000-8000-000000000000"
WAITING = {"kind": "Queued", "position": 0}
RUNNING = {"kind": "InProgress", "logs": None}
DONE = {"kind": "Completed", "logs": None, "metrics": {}, "error": None, "error_type": None}
CANCELLED = DONE | {"error": "Request was cancelled by the client", "error_type": "client_cancelled"}
TOO_LATE = DONE | {"error": "Request timed out", "error_type": "request_timeout"}


def refused(status: int, message: object, error_type: str | None = None) -> dict[str, object]:
    return {"raised": "FalClientHTTPError", "status": status, "message": message, "error_type": error_type}


STOPPED = refused(499, "Request was cancelled by the client", "client_cancelled")
ALREADY_OVER = refused(400, '{"status": "ALREADY_COMPLETED"}')
NOT_FOUND = refused(404, '{"status": "NOT_FOUND"}')


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with answers.mock(confdir, tmp_path_factory.mktemp("mock") / "fixtures") as mock:
        yield mock


@pytest.fixture(scope="module", params=["python_sync", "python_async"])
def program(request: pytest.FixtureRequest) -> Path:
    return CLIENTS / "programs" / f"{request.param}.py"


@pytest.fixture(scope="module")
def app(mock: Mitmdump, program: Path) -> Iterator[App]:
    with running.app(program, mock) as app:
        yield app


def plain(mock: Mitmdump) -> httpx.Client:
    """A client that adds nothing of its own, such as a key."""
    return httpx.Client(proxy=mock.proxy, verify=ssl.create_default_context(cafile=str(mock.ca)), trust_env=False)


# runs


def test_run_and_fetch_the_picture(app: App) -> None:
    answer = app("run", app=FLUX, arguments=CAT)
    picture = answer["images"][0]
    assert (answer["seed"], picture["content_type"]) == (7, "image/png")
    assert app("download", url=picture["url"], headers={}) == answers.read_back(answers.PICTURE, "image/png")


def test_run_with_get(app: App) -> None:
    # The client drops the arguments of a GET.
    assert app("run", app="acme/health", arguments={"deep": True}, method="GET") == {"healthy": True}


@pytest.mark.parametrize("act", ["run", "subscribe"])
def test_a_miss_tells_what_is_missing(app: App, act: str) -> None:
    answer = app(act, app=FLUX, arguments={"prompt": "a dog"})
    error = answer if act == "run" else answer["result"]
    assert (error["raised"], error["status"]) == ("FalClientHTTPError", 404)
    assert "no fixture answers this call to fal-ai/flux/dev" in error["message"]
    assert 'fixtures.json#0\n     $.prompt: expected "a cat é", found "a dog"' in error["message"]


# the queue


def test_subscribe_from_the_queue_to_the_end(app: App) -> None:
    seen = app("subscribe", app="fal-ai/film", arguments={}, with_logs=True)
    kinds = [update["kind"] for update in seen["updates"]]
    assert list(dict.fromkeys(kinds)) == ["Queued", "InProgress", "Completed"]
    assert kinds.count("Completed") == 1
    answers.check_queue([update["position"] for update in seen["updates"] if update["kind"] == "Queued"])
    end = seen["updates"][-1]
    answers.check_logs([update["logs"] for update in seen["updates"] if update["kind"] == "InProgress"], end["logs"])
    assert end["metrics"] == {"inference_time": 1.25}
    assert seen["result"] == {"seconds": 4}


def test_a_failing_job(app: App) -> None:
    seen = app("subscribe", app="acme/refuses", arguments={"steps": 3})
    assert seen["updates"] == [DONE]
    assert seen["result"] == refused(422, answers.DETAIL)


def test_a_failing_run(app: App) -> None:
    assert app("run", app="acme/refuses", arguments={"steps": 3}) == refused(422, answers.DETAIL)


def test_come_back_with_the_request_id_for_any_form_of_endpoint_id(app: App) -> None:
    seen = app("submit", apps=list(answers.IDS))
    for endpoint, base in answers.IDS.items():
        job = seen[endpoint]
        url = f"https://queue.fal.run/{base}/requests/{job['id']}"
        assert job["urls"] == [url, f"{url}/status", f"{url}/cancel"]
        assert job["status"] == DONE
        assert job["result"] == job["result again"] == {"answered": endpoint}


@pytest.mark.parametrize(
    ("endpoint", "before", "cancel", "after", "result"),
    [
        pytest.param("acme/waits", WAITING, None, CANCELLED, STOPPED, id="queued"),
        pytest.param("acme/runs", RUNNING, None, CANCELLED, STOPPED, id="running"),
        pytest.param("acme/goes-on", RUNNING, None, RUNNING, {"stopped": False}, id="running and not to be stopped"),
        pytest.param("comfy/acme/graph", DONE, ALREADY_OVER, DONE, {"answered": "comfy/acme/graph"}, id="done"),
    ],
)
def test_cancel(app: App, endpoint: str, before: object, cancel: object, after: object, result: object) -> None:
    assert app("cancel", app=endpoint) == {
        "before": before,
        "cancel": cancel,
        "after": after,
        "result": result,
        "cancel again": ALREADY_OVER,
    }


def test_a_request_id_that_nobody_knows(app: App) -> None:
    seen = app("ask_after", app=FLUX, request_id=NO_SUCH_ID)
    assert seen == {"status": NOT_FOUND, "result": NOT_FOUND, "cancel": NOT_FOUND}


def test_a_client_that_gives_up_cancels_its_job(app: App) -> None:
    seen = app("subscribe", app="acme/runs", arguments={}, client_timeout=1.1)
    assert seen["result"]["raised"] == "FalClientTimeoutError"
    later = app("ask_after", app="acme/runs", request_id=seen["result"]["request_id"])
    assert later == {"status": CANCELLED, "result": STOPPED, "cancel": ALREADY_OVER}


# start deadlines


def test_a_run_that_starts_too_late_is_not_tried_again(app: App, mock: Mitmdump, program: Path) -> None:
    endpoint = f"acme/late/{program.stem}"
    answer = app("run", app=endpoint, arguments={}, start_timeout=1.1)
    assert answer == refused(504, "Request timed out", "request_timeout")
    asked = f"POST https://fal.run/{endpoint}\n"
    assert mock.wait_for(asked).count(asked) == 1


def test_a_job_that_starts_too_late(app: App) -> None:
    seen = app("subscribe", app="acme/waits", arguments={}, start_timeout=1.1)
    assert seen["updates"][0] == WAITING
    assert seen["updates"][-1] == TOO_LATE
    assert seen["result"] == refused(504, "Request timed out", "request_timeout")


# files


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.jpg"
    path.write_bytes(answers.PHOTO)
    return path


def test_upload_and_download(app: App, photo: Path) -> None:
    url = app("upload", path=str(photo))
    assert url.startswith(f"https://v3b.fal.media/files/b/{answers.sha256(answers.PHOTO)[:8]}/")
    assert url.endswith("_my%20photo.jpg")
    assert app("download", url=url, headers={}) == answers.read_back(answers.PHOTO, "image/jpeg")
    some = app("download", url=url, headers={"Range": "bytes=2-5"})
    assert some == answers.read_back(answers.PHOTO[2:6], "image/jpeg", 206)


@pytest.mark.parametrize(
    ("repository", "beginning"),
    [("fal_v3", "https://v3b.fal.media/files/b/"), ("fal", "https://storage.googleapis.com/falserverless/")],
)
def test_upload_without_a_name(app: App, repository: str, beginning: str) -> None:
    url = app("upload_text", text="some text é", repository=repository)
    assert url.startswith(beginning)
    assert app("download", url=url, headers={}) == answers.read_back("some text é".encode(), "text/plain")


def test_upload_in_parts(app: App, mock: Mitmdump, tmp_path: Path) -> None:
    big = answers.write_big(tmp_path / "big.bin", 100 * 1024 * 1024 + 1)
    url = app("upload", path=str(big))
    assert url.startswith("https://v3b.fal.media/files/b/")
    mock.wait_for("POST https://v3b.fal.media/files/upload/multipart\n")
    expected = answers.read_back(big.read_bytes(), "application/octet-stream")
    assert app("download", url=url, headers={}) == expected


def test_an_uploaded_file_in_an_input(app: App, photo: Path) -> None:
    answer = app("restyle", app="fal-ai/restyle", path=str(photo))
    assert answer["image"]["url"].endswith("_cat.png")


def test_another_uploaded_file_in_an_input(app: App, photo: Path) -> None:
    other = answers.PHOTO + b"!"
    photo.write_bytes(other)
    answer = app("restyle", app="fal-ai/restyle", path=str(photo))
    assert answer["status"] == 404
    for content in (answers.PHOTO, other):
        assert f"sha256:{answers.sha256(content)}" in answer["message"]


# hosts


def test_a_run_host_of_the_users(mock: Mitmdump, program: Path) -> None:
    with running.app(program, mock, FAL_RUN_HOST=answers.HOST) as app:
        assert app("run", app=FLUX, arguments=CAT)["seed"] == 7
        job = app("submit", apps=["comfy/acme/graph"])["comfy/acme/graph"]
    assert job["urls"][0] == f"https://queue.{answers.HOST}/comfy/acme/graph/requests/{job['id']}"
    assert job["result"] == {"answered": "comfy/acme/graph"}


def test_the_backup_hosts_are_served(mock: Mitmdump) -> None:
    # The client turns to them when it cannot connect to fal.run, which a proxy always lets it do.
    with plain(mock) as client:
        assert client.post(f"https://falrun.com/{FLUX}", json=CAT).json()["seed"] == 7
        job = client.post(f"https://queue.falrun.com/{FLUX}", json=CAT).json()
        assert job["status_url"] == f"https://queue.fal.run/fal-ai/flux/requests/{job['request_id']}/status"
        for host in ("queue.falrun.com", "queue.fal.run"):
            url = f"https://{host}/fal-ai/flux/requests/{job['request_id']}"
            assert client.get(f"{url}/status").json()["status"] == "COMPLETED"
            assert client.get(url).json()["seed"] == 7


# keys


@pytest.fixture(scope="module")
def guarded(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("guarded") / "fixtures"
    with answers.mock(confdir, folder, "--set", "fal_auth=required") as mock:
        yield mock


def test_a_key_opens_everything(guarded: Mitmdump, program: Path, photo: Path) -> None:
    with running.app(program, guarded) as app:
        assert app("run", app=FLUX, arguments=CAT)["seed"] == 7
        assert app("subscribe", app=FLUX, arguments=CAT)["result"]["seed"] == 7
        assert "image" in app("restyle", app="fal-ai/restyle", path=str(photo))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("nonsense", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        (f"Key {KEY}", "invalid key credentials"),
        (f'"{KEY}"', "invalid key credentials"),
    ],
)
def test_a_key_that_is_none(guarded: Mitmdump, program: Path, key: str, message: str) -> None:
    with running.app(program, guarded, FAL_KEY=key) as app:
        assert app("run", app=FLUX, arguments=CAT) == refused(401, message)
        assert app("subscribe", app=FLUX, arguments=CAT)["result"] == refused(401, message)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            f"https://{host}/fal-ai/flux/dev",
            "Cannot access application 'fal-ai/flux'. Authentication is required to access this application.",
        )
        for host in ("fal.run", "queue.fal.run", "falrun.com", "queue.falrun.com")
    ]
    + [
        ("https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", "Authorization header is required"),
        ("https://rest.fal.ai/storage/upload/initiate?storage_type=gcs", "Authorization header is required"),
    ],
)
def test_no_key(guarded: Mitmdump, url: str, message: str) -> None:
    with plain(guarded) as client:
        answer = client.post(url, json=CAT)
    assert answer.status_code == 401
    assert answer.json() == {"detail": message}


def test_a_key_is_no_bearer(guarded: Mitmdump) -> None:
    refusal = {"detail": "bearer: unable to decode issuer"}
    login = "e30.eyJpc3MiOiJodHRwczovL2F1dGguZmFsLmFpLyJ9.c2lnbmVk"
    with plain(guarded) as client:
        for host in ("fal.run", "queue.fal.run"):
            url = f"https://{host}/{FLUX}"
            answer = client.post(url, json=CAT, headers={"Authorization": f"Bearer {KEY}"})
            assert (answer.status_code, answer.json()) == (401, refusal)
            assert client.post(url, json=CAT, headers={"Authorization": f"Bearer {login}"}).status_code == 200


@pytest.fixture(scope="module")
def listed(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    fixtures = write_fixtures(tmp_path_factory.mktemp("listed") / "fixtures", answers.fixture("acme/x", {"x": 1}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYS_OF_THE_TEAM", f"{KEY} other:secret")
        with mitmdump(confdir, "--set", "fal_auth=env:KEYS_OF_THE_TEAM", fixtures=fixtures) as mock:
            yield mock


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (KEY, {"x": 1}),
        ("other:secret", {"x": 1}),
        ("kid:stolen", refused(401, "invalid key credentials")),
    ],
)
def test_only_the_keys_of_a_list(listed: Mitmdump, program: Path, key: str, answer: object) -> None:
    with running.app(program, listed, FAL_KEY=key) as app:
        assert app("run", app="acme/x", arguments={}) == answer
