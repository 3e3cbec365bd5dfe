"""An app's own tests, which two pytest-xdist workers run at the same time on one mock: a worker's name in the proxy's address is all that differs.

Where the mock is, whom to trust, and a folder to meet in are in the environment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

MOCK, MEETING = os.environ["MOCK"], Path(os.environ["MEETING"])
WORKER = os.environ["PYTEST_XDIST_WORKER"]
(OTHER,) = {"gw0", "gw1"} - {WORKER}
PROXY = os.environ["HTTPS_PROXY"] = MOCK.replace("http://", f"http://{WORKER}:x@")

import fal_client  # noqa: E402 - it is to find the proxy
import httpx  # noqa: E402

PLAIN = "acme/plain"


def steer(method: str, path: str, body: Any = None) -> Any:
    """What the control API answers: through the same proxy, so about this worker's scope."""
    answer = control.request(method, f"{MOCK}/__falmock{path}", json=body)
    assert answer.status_code < 300, answer.text
    return answer.json()


control = httpx.Client(proxy=PROXY, trust_env=False, timeout=60)


def meet(what: str, told: str = "") -> str:
    """Tell the other worker something, and wait until it has told the same: that."""
    new = MEETING / f"{what}-{WORKER}.new"
    new.write_text(told)
    new.rename(MEETING / f"{what}-{WORKER}")
    other, late = MEETING / f"{what}-{OTHER}", time.monotonic() + 60
    while not other.exists():
        assert time.monotonic() < late, f"the other worker never came to {what}"
        time.sleep(0.01)
    return other.read_text()


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both workers begin a test together, and each resets its scope alone; neither is ahead by more than a test."""
    meet(f"begin-{request.node.name}")
    assert steer("POST", "/reset") == {"reset": WORKER}
    yield
    meet(f"end-{request.node.name}")


def test_a_sequence_is_counted_for_each_worker() -> None:
    for number, turn in enumerate((1, 2, 3, 3)):
        assert fal_client.run("acme/turns", arguments={}) == {"turn": turn}
        meet(f"turn-{number}")


def test_added_fixtures_of_the_same_match_answer_each_worker_its_own() -> None:
    assert fal_client.run(PLAIN, arguments={}) == {"from": "disk"}
    meet("disk")
    mine = {"match": {"model": PLAIN}, "response": {"json": {"from": WORKER}}, "queue": {"started": 0, "completed": 0}}
    added = steer("POST", "/fixtures", mine)["added"]
    meet("added")
    for _ in range(5):
        assert fal_client.subscribe(PLAIN, arguments={}) == {"from": WORKER}
    assert steer("GET", "/fixtures?added=true")["total"] == 1
    meet("used")
    if WORKER == "gw0":
        steer("DELETE", f"/fixtures/{added}")
    meet("removed")
    assert fal_client.run(PLAIN, arguments={}) == {"from": "disk" if WORKER == "gw0" else WORKER}


def test_a_job_is_the_workers_that_submitted_it() -> None:
    handle = fal_client.submit("acme/film", arguments={"from": WORKER})
    theirs = meet("job", handle.request_id)
    assert [job["request_id"] for job in steer("GET", "/jobs")["jobs"]] == [handle.request_id]
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        fal_client.status("acme/film", theirs)
    assert caught.value.status_code == 404
    assert control.post(f"{MOCK}/__falmock/jobs/{theirs}/complete").status_code == 404
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(handle.get)
        steer("POST", f"/jobs/{handle.request_id}/advance")
        meet("advanced")
        assert isinstance(handle.status(), fal_client.InProgress)
        assert not result.done()
        meet("seen")
        steer("POST", f"/jobs/{handle.request_id}/" + ("complete" if WORKER == "gw0" else "fail"))
        if WORKER == "gw0":
            assert result.result(60) == {"seconds": 4}
        else:
            with pytest.raises(fal_client.FalClientHTTPError):
                result.result(60)


def test_each_worker_has_a_journal() -> None:
    calls = 3 if WORKER == "gw0" else 5
    for number in range(calls):
        fal_client.run(PLAIN, arguments={"from": WORKER, "number": number})
    with pytest.raises(fal_client.FalClientHTTPError):
        fal_client.run("acme/unknown", arguments={"from": WORKER})
    meet("called")
    journal = steer("GET", "/journal")
    assert [entry["input"]["from"] for entry in journal["entries"]] == [WORKER] * (calls + 1)
    assert {entry["scope"] for entry in journal["entries"]} == {WORKER}
    expected = [{"endpoint": PLAIN, "input": {"from": WORKER}, "times": calls}, {"times": calls + 1}]
    assert steer("POST", "/verify", {"calls": expected})["ok"]
    expected = {"calls": [{"input": {"from": OTHER}}], "nothing_unmatched": True}
    wrong = control.post(f"{MOCK}/__falmock/verify", json=expected)
    assert wrong.status_code == 406
    assert [problem.partition(":")[0] for problem in wrong.json()["problems"]] == ["calls[0]", "unmatched"]
    meet("verified")
    if WORKER == "gw0":
        steer("DELETE", "/journal")
    meet("cleared")
    assert steer("GET", "/journal")["calls"] == (0 if WORKER == "gw0" else calls + 1)


def test_a_fault_strikes_one_worker() -> None:
    if WORKER == "gw0":
        steer("PUT", "/faults", {"faults": [{"fault": "internal_server_error"}]})
    meet("broken")
    if WORKER == "gw0":
        with pytest.raises(fal_client.FalClientHTTPError):
            fal_client.run(PLAIN, arguments={})
    else:
        assert fal_client.run(PLAIN, arguments={}) == {"from": "disk"}
