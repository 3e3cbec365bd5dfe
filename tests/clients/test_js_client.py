"""The real JavaScript clients, today's and the deprecated one, on Node through a real mitmdump.

Each test runs an ordinary program (in `programs/`) that gets only its proxy, from the environment. Node 20 reads that
environment only with undici's agent, which `preload.cjs` sets.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients import answers
from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump

App = Callable[..., Any]
FLUX = "fal-ai/flux/dev"
CAT = {"prompt": "a cat é"}
NO_SUCH_ID = "01900000-0000-7000-8000-000000000000"
WAITING = {"status": "IN_QUEUE", "logs": None, "metrics": {}, "queue_position": 0}
RUNNING = {"status": "IN_PROGRESS", "logs": None, "metrics": {}}
DONE = {"status": "COMPLETED", "logs": None, "metrics": {}}
CANCELLED = DONE | {"error": "Request was cancelled by the client", "error_type": "client_cancelled"}
TOO_LATE = DONE | {"error": "Request timed out", "error_type": "request_timeout"}


def refused(status: int, message: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"raised": "ApiError", "status": status, "message": message, "body": body, **more}


STOPPED = refused(
    499,
    "Client Closed Request",
    {"detail": "Request was cancelled by the client", "error_type": "client_cancelled"},
)
ALREADY_OVER = refused(400, "Bad Request", {"status": "ALREADY_COMPLETED"})
NOT_FOUND = refused(404, "Not Found", {"status": "NOT_FOUND"})
LATE = refused(504, "Gateway Timeout", {"detail": "Request timed out", "error_type": "request_timeout"})
UNPROCESSABLE = {
    "raised": "ValidationError",
    "status": 422,
    "message": "Unprocessable Entity",
    "body": {"detail": answers.DETAIL},
    "fieldErrors": answers.DETAIL,
}


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with answers.mock(confdir, tmp_path_factory.mktemp("mock") / "fixtures") as mock:
        yield mock


TODAYS = CLIENTS / "programs" / "client.mjs"
DEPRECATED = CLIENTS / "programs" / "serverless_client.mjs"
INITIATE = {
    TODAYS: "POST https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3\n",
    DEPRECATED: "POST https://rest.alpha.fal.ai/storage/upload/initiate\n",
}
"""Where each client asks for an upload URL."""


@pytest.fixture(scope="module", params=[TODAYS, DEPRECATED], ids=["client", "serverless-client"])
def program(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def app(mock: Mitmdump, program: Path) -> Iterator[App]:
    with running.app(program, mock) as app:
        yield app


@pytest.fixture(scope="module")
def todays(mock: Mitmdump) -> Iterator[App]:
    """The client of today, for what the deprecated one cannot do."""
    with running.app(TODAYS, mock) as app:
        yield app


def output(seen: dict[str, Any]) -> Any:
    """What a model made: today's client wraps it, with the request id beside it."""
    return seen["data"] if "requestId" in seen else seen


def error(seen: dict[str, Any]) -> dict[str, Any]:
    """An error without the request id, which only today's client reads and which differs every time."""
    assert "raised" in seen, f"expected an error, found {seen}"
    return {name: value for name, value in seen.items() if name not in ("requestId", "ids")}


def state(status: dict[str, Any]) -> dict[str, Any]:
    """A status without the request id and the URLs."""
    return {name: value for name, value in status.items() if name != "request_id" and not name.endswith("_url")}


# runs


@pytest.mark.parametrize("endpoint", [FLUX, f"https://fal.run/{FLUX}"])
def test_run_and_fetch_the_picture(app: App, endpoint: str) -> None:
    answer = output(app("run", app=endpoint, input=CAT))
    picture = answer["images"][0]
    assert (answer["seed"], picture["content_type"]) == (7, "image/png")
    assert app("download", url=picture["url"]) == answers.read_back(answers.PICTURE, "image/png")


def test_the_request_id_of_a_run_is_the_header(todays: App) -> None:
    first, second = (todays("run", app=FLUX, input=CAT) for _ in range(2))
    assert first["ids"] == [first["requestId"]]
    assert second["ids"] == [second["requestId"]]
    assert first["requestId"] != second["requestId"]


def test_run_with_get(app: App) -> None:
    seen = app("run", app="acme/look-up", input={"name": "a b", "tags": [1, 2]}, method="get")
    assert output(seen)["found"] == 3


def test_run_without_input(app: App) -> None:
    assert output(app("run", app="comfy/acme/graph"))["answered"] == "comfy/acme/graph"


@pytest.mark.parametrize("act", ["run", "subscribe"])
def test_a_miss_tells_what_is_missing(app: App, act: str) -> None:
    seen = app(act, app=FLUX, input={"prompt": "a dog"})
    miss = error(seen if act == "run" else seen["result"])
    assert (miss["raised"], miss["status"]) == ("ApiError", 404)
    assert "no fixture answers this call to fal-ai/flux/dev" in miss["message"]
    assert 'fixtures.json#0\n     $.prompt: expected "a cat é", found "a dog"' in miss["message"]
    assert miss["body"] == {"detail": miss["message"], "message": miss["message"]}


# the queue


def test_subscribe_from_the_queue_to_the_end(app: App) -> None:
    seen = app("subscribe", app="fal-ai/film", input={}, logs=True)
    words = [update["status"] for update in seen["updates"]]
    assert list(dict.fromkeys(words)) == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert words.count("COMPLETED") == 1
    answers.check_queue([update["queue_position"] for update in seen["updates"] if update["status"] == "IN_QUEUE"])
    end = seen["updates"][-1]
    running_logs = [update["logs"] for update in seen["updates"] if update["status"] == "IN_PROGRESS"]
    answers.check_logs(running_logs, end["logs"])
    assert end["metrics"] == {"inference_time": 1.25}
    assert output(seen["result"]) == {"seconds": 4}
    assert {update["request_id"] for update in seen["updates"]} == {seen["id"]}


def test_the_request_id_of_a_result_is_the_jobs(todays: App) -> None:
    seen = todays("subscribe", app=FLUX, input=CAT)
    assert seen["result"]["requestId"] == seen["id"]


def test_a_failing_job(app: App) -> None:
    seen = app("subscribe", app="acme/refuses", input={"steps": 3})
    assert [state(update) for update in seen["updates"]] == [DONE]
    assert error(seen["result"]) == UNPROCESSABLE


def test_a_failing_run(app: App) -> None:
    assert error(app("run", app="acme/refuses", input={"steps": 3})) == UNPROCESSABLE


def test_come_back_with_the_request_id_for_any_form_of_endpoint_id(app: App) -> None:
    seen = app("submit", apps=list(answers.IDS))
    for endpoint, base in answers.IDS.items():
        job = seen[endpoint]
        url = f"https://queue.fal.run/{base}/requests/{job['id']}"
        assert job["urls"] == [url, f"{url}/status", f"{url}/cancel"]
        assert state(job["status"]) == DONE
        assert output(job["result"]) == output(job["result again"]) == {"answered": endpoint}


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
    seen = app("cancel", app=endpoint)
    assert (state(seen["before"]), state(seen["after"])) == (before, after)
    assert (seen["cancel"] and error(seen["cancel"])) == cancel
    assert (error(seen["result"]) if "raised" in seen["result"] else output(seen["result"])) == result
    assert error(seen["cancel again"]) == ALREADY_OVER


def test_a_request_id_that_nobody_knows(app: App) -> None:
    seen = app("askAfter", app=FLUX, requestId=NO_SUCH_ID)
    assert [error(seen[act]) for act in ("status", "result", "cancel")] == [NOT_FOUND] * 3


def test_a_client_that_gives_up_cancels_its_job(app: App, mock: Mitmdump) -> None:
    seen = app("subscribe", app="acme/runs", input={}, timeout=300)
    assert seen["result"]["message"] == "Client timed out waiting for the request to complete after 300ms"
    # The client gives up without waiting for the answer to its cancelling.
    mock.wait_for(f"PUT https://queue.fal.run/acme/runs/requests/{seen['id']}/cancel\n")
    later = app("askAfter", app="acme/runs", requestId=seen["id"])
    assert state(later["status"]) == CANCELLED
    assert error(later["result"]) == STOPPED


# start deadlines


def test_a_run_that_starts_too_late_is_not_tried_again(todays: App) -> None:
    seen = todays("run", app="acme/waits", input={}, startTimeout=1.1)
    assert error(seen) == LATE | {"timeoutType": "user"}
    assert seen["ids"] == [seen["requestId"]], "one answer is one try"


def test_a_job_that_starts_too_late(todays: App) -> None:
    seen = todays("subscribe", app="acme/waits", input={}, startTimeout=1.1)
    assert state(seen["updates"][0]) == WAITING
    assert state(seen["updates"][-1]) == TOO_LATE
    assert error(seen["result"]) == LATE | {"timeoutType": "user"}
    assert seen["result"]["requestId"] == seen["id"]


# files


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.jpg"
    path.write_bytes(answers.PHOTO)
    return path


def test_upload_and_download(app: App, mock: Mitmdump, program: Path, photo: Path) -> None:
    url = app("upload", path=str(photo), type="image/jpeg")
    mock.wait_for(INITIATE[program])
    assert url.startswith("https://v3b.fal.media/files/b/")
    assert url.endswith("_my%20photo.jpg")
    assert app("download", url=url) == answers.read_back(answers.PHOTO, "image/jpeg")
    some = app("download", url=url, headers={"Range": "bytes=2-5"})
    assert some == answers.read_back(answers.PHOTO[2:6], "image/jpeg", 206)


def test_upload_in_parts(todays: App, mock: Mitmdump, tmp_path: Path) -> None:
    big = answers.write_big(tmp_path / "big.bin", 90 * 1024 * 1024 + 1)
    url = todays("upload", path=str(big), type="application/octet-stream")
    assert url.startswith("https://v3b.fal.media/files/b/")
    mock.wait_for("POST https://rest.fal.ai/storage/upload/initiate-multipart?storage_type=fal-cdn-v3\n")
    assert todays("download", url=url) == answers.read_back(big.read_bytes(), "application/octet-stream")


def test_an_uploaded_file_in_an_input(app: App, photo: Path) -> None:
    answer = output(app("restyle", app="fal-ai/restyle", path=str(photo)))
    assert answer["image"]["url"].endswith("_cat.png")


def test_another_uploaded_file_in_an_input(app: App, photo: Path) -> None:
    other = answers.PHOTO + b"!"
    photo.write_bytes(other)
    miss = error(app("restyle", app="fal-ai/restyle", path=str(photo)))
    assert miss["status"] == 404
    for content in (answers.PHOTO, other):
        assert f"sha256:{answers.sha256(content)}" in miss["message"]


# keys


def test_no_key_is_needed(mock: Mitmdump, program: Path, photo: Path) -> None:
    with running.app(program, mock, FAL_KEY="") as app:
        assert output(app("run", app=FLUX, input=CAT))["seed"] == 7
        assert "image" in output(app("restyle", app="fal-ai/restyle", path=str(photo)))


@pytest.fixture(scope="module")
def guarded(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("guarded") / "fixtures"
    with answers.mock(confdir, folder, "--set", "fal_auth=required") as mock:
        yield mock


def test_a_key_opens_everything(guarded: Mitmdump, program: Path, photo: Path) -> None:
    with running.app(program, guarded) as app:
        assert output(app("run", app=FLUX, input=CAT))["seed"] == 7
        assert output(app("subscribe", app=FLUX, input=CAT)["result"])["seed"] == 7
        assert "image" in output(app("restyle", app="fal-ai/restyle", path=str(photo)))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("nonsense", "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."),
        (f"Key {running.KEY}", "invalid key credentials"),
        (f'"{running.KEY}"', "invalid key credentials"),
    ],
)
def test_a_key_that_is_none(guarded: Mitmdump, program: Path, key: str, message: str) -> None:
    with running.app(program, guarded, FAL_KEY=key) as app:
        refusal = refused(401, "Unauthorized", {"detail": message})
        assert error(app("run", app=FLUX, input=CAT)) == refusal
        assert error(app("subscribe", app=FLUX, input=CAT)["result"]) == refusal


def test_no_key(guarded: Mitmdump, program: Path, photo: Path) -> None:
    no_key = "Cannot access application 'fal-ai/flux'. Authentication is required to access this application."
    with running.app(program, guarded, FAL_KEY="") as app:
        assert error(app("run", app=FLUX, input=CAT)) == refused(401, "Unauthorized", {"detail": no_key})
        job = app("subscribe", app=FLUX, input=CAT)
        assert error(job["result"]) == refused(401, "Unauthorized", {"detail": no_key})
        upload = app("upload", path=str(photo), type="image/jpeg")
        assert error(upload) == refused(401, "Unauthorized", {"detail": "Authorization header is required"})
