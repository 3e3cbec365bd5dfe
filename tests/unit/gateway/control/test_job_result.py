"""What a job was given and answered."""

from __future__ import annotations

from falmock.engine.jobs.pace import parse_pace
from unit.gateway.steering import Steered
from unit.gateway.steering import answering

LOGGED = {
    **answering({"text": "x" * 500, "n": 1}),
    "queue": {"started": 1, "completed": 3, "logs": [{"at": 2, "message": "half"}]},
}


def test_a_job_before_and_after_its_end() -> None:
    steered = Steered(LOGGED, pace=parse_pace("recorded"))
    job = steered.submit("t/e", {"prompt": "a cat"})
    before = steered.ask("GET", f"/jobs/{job}/result")
    assert (before["status"], before["content_type"], before["output"], before["logs"]) == (None, "", None, [])
    assert (before["input"], before["fixture"]) == ({"prompt": "a cat"}, "test.json#0")
    steered.now += 4
    after = steered.ask("GET", f"/jobs/{job}/result")
    assert (after["status"], after["content_type"], after["output"]["n"]) == (200, "application/json", 1)
    assert after["output"]["text"].endswith("(500 characters)")
    (log,) = after["logs"]
    assert (log["message"], log["level"], log["at"]) == ("half", "INFO", steered.now - 2)


def test_a_result_that_is_no_json_and_one_that_failed() -> None:
    steered = Steered({"match": {"model": "t/e"}, "response": {"status": 422, "text": "no"}})
    job = steered.submit("t/e")
    steered.status("t/e", job)
    shown = steered.ask("GET", f"/jobs/{job}/result")
    assert (shown["status"], shown["output"], shown["files"]) == (422, None, [])


def test_an_input_that_is_no_longer_kept() -> None:
    steered = Steered(LOGGED)
    job = steered.submit("t/e", {"prompt": "a cat"})
    steered.ask("DELETE", "/journal")
    steered.run("t/e", {"prompt": "another"})
    assert steered.ask("GET", f"/jobs/{job}/result")["input"] is None


def test_payloads_that_were_deleted() -> None:
    steered = Steered(LOGGED)
    job = steered.submit("t/e", {"prompt": "a cat"})
    steered.status("t/e", job)
    steered.call("DELETE", f"https://api.fal.ai/v1/models/requests/{job}/payloads")
    shown = steered.ask("GET", f"/jobs/{job}/result")
    assert (shown["input"], shown["output"]) == (None, None)


def test_a_job_that_is_unknown() -> None:
    assert "no job" in Steered().ask("GET", "/jobs/none/result", status=404)["message"]
