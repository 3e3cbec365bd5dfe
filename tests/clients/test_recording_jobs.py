"""How each kind of job is recorded: interleaved, cancelled, never fetched, fetched twice, submitted earlier, with a webhook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import tape
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.upstream import Answer
from clients.upstream import Pace
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import shared

APPS, EACH = 20, 10
fal, _calm = shared.fal, shared.calm


def jobs_of(mock: Mitmdump, number: int) -> list[Any]:
    """One app that has all its jobs in the queue at once, and fetches them in its own order."""
    with tape.client(mock) as app:
        urls = [tape.submit(app, "test/echo", {"prompt": f"job {n}", "by": number}) for n in range(EACH)]
        order = sorted(range(EACH), key=lambda n: (n * 7 + number) % EACH)
        answers = {n: tape.finish(app, urls[n]).json() for n in order}
    return [answers[n] for n in range(EACH)]


def test_200_jobs_of_20_apps(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.pace = Pace(queued=0.1, running=0.3)

    def use(mock: Mitmdump) -> list[list[Any]]:
        with ThreadPoolExecutor(APPS) as pool:
            return list(pool.map(lambda number: jobs_of(mock, number), range(APPS)))

    with recording(confdir, fal, tmp_path) as mock:
        recorded = use(mock)
    entries = tape.entries(tmp_path)
    assert len(entries) == len(tape.documents(tmp_path)) == APPS * EACH
    for entry in entries:
        assert entry["response"]["json"]["input"] == entry["match"]["input"]
    tape.whole(tmp_path)
    with mitmdump(confdir, fixtures=tmp_path) as mock:
        assert use(mock) == recorded


def test_a_job_that_is_never_fetched_is_named(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "forgotten"})
        app.get(f"{url}/status")
    name = url.rpartition("/")[2]
    told = f"job {name} of test/echo is not recorded: its result was never fetched"
    assert mock.output.count(told) == 1
    assert tape.tree(tmp_path) == {}


def test_a_result_fetched_twice_is_recorded_once(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "twice"})
        first, again = tape.finish(app, url), app.get(url)
        app.get(f"{url}/status")
    assert first.json() == again.json()
    assert len(tape.entries(tmp_path)) == 1
    assert mock.output.count("falmock: recorded") == 1
    assert "not recorded" not in mock.output


def test_a_result_asked_for_too_early(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    fal.pace = Pace(running=0.3)
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "impatient"})
        assert app.get(url).json() == {"detail": "Request is still in progress"}
        tape.finish(app, url)
    (entry,) = tape.entries(tmp_path)
    assert entry["response"]["json"]["input"] == {"prompt": "impatient"}


def cancelled(app: httpx.Client, endpoint: str, *, fetched: bool) -> list[Any]:
    """What an app sees that stops its job."""
    url = tape.submit(app, endpoint, {"fetched": fetched})
    seen = [app.get(f"{url}/status"), app.put(f"{url}/cancel")]
    if fetched:
        seen += [tape.finish(app, url), app.get(f"{url}/status"), app.put(f"{url}/cancel")]
    return [(answer.status_code, _state(answer.json())) for answer in seen]


def _state(value: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != "request_id" and not name.endswith("_url")}


@pytest.mark.parametrize("fetched", [True, False], ids=["fetched", "not fetched"])
def test_cancelled_jobs(confdir: Path, tmp_path: Path, fal: Upstream, *, fetched: bool) -> None:
    endpoints = ("test/waiting", "test/endless", "test/stubborn")[: 3 if fetched else 2]
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        recorded = [cancelled(app, endpoint, fetched=fetched) for endpoint in endpoints]
    polled_and_cancelled = [[status for status, _ in seen[:2]] for seen in recorded]
    assert polled_and_cancelled == [[202, 200], [202, 202], [202, 202]][: len(endpoints)]
    assert len(tape.entries(tmp_path)) == len(endpoints)
    tape.whole(tmp_path)
    with mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=tmp_path) as mock, tape.client(mock) as app:
        replayed = [cancelled(app, endpoint, fetched=fetched) for endpoint in endpoints]
        assert tape.plain(replayed) == tape.plain(recorded)
        ends = [tape.finish(app, tape.submit(app, "test/stubborn", {"fetched": True}))] if fetched else []
    assert [answer.status_code for answer in ends] == [200] * len(ends)


def test_a_job_that_was_running_before(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path, mode="passthrough") as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "before"})
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        assert tape.finish(app, url).json()["input"] == {"prompt": "before"}
    name = url.rpartition("/")[2]
    told = f"job {name} is not recorded: it was submitted before the recording began"
    assert mock.output.count(told) == 1
    assert tape.tree(tmp_path) == {}


def test_a_job_with_a_webhook(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    hook = {"fal_webhook": "https://app.example.com/hook?token=planted"}
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        url = tape.submit(app, "test/echo", {"prompt": "call me"}, params=hook)
        mock.wait_for("has a webhook: it is recorded when its result is fetched from the queue")
        assert tape.tree(tmp_path) == {}
        # The app fetches it when it was called, without a poll.
        assert app.get(url).status_code == 200
    (entry,) = tape.entries(tmp_path)
    assert "planted" not in str(entry)
    assert entry["match"]["input"] == {"prompt": "call me"}
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        assert tape.job(app, "test/echo", {"prompt": "call me"}).json() == entry["response"]["json"]


def test_the_same_input_in_one_run_is_a_sequence_and_in_the_next_rewrites(
    confdir: Path, tmp_path: Path, fal: Upstream
) -> None:
    def answer(text: str) -> None:
        fal.troubles.clear()
        body = b'{"said":"%s"}' % text.encode()
        fal.trouble("POST fal.run/test/echo", Answer(200, (("Content-Type", "application/json"),), body))

    def say(app: httpx.Client, *texts: str) -> None:
        for text in texts:
            answer(text)
            assert app.post("https://fal.run/test/echo", json={}).json() == {"said": text}

    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        say(app, "one", "two", "two", "three")
    assert replayed(confdir, tmp_path, 6) == ["one", "two", "two", "three", "three", "three"]
    (name,) = tape.documents(tmp_path)
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        say(app, "four")
    assert list(tape.documents(tmp_path)) == [name]
    assert replayed(confdir, tmp_path, 2) == ["four", "four"]


def replayed(confdir: Path, folder: Path, count: int) -> list[str]:
    with mitmdump(confdir, fixtures=folder) as mock, tape.client(mock) as app:
        return [app.post("https://fal.run/test/echo", json={}).json()["said"] for _ in range(count)]


TROUBLE = {"key": 401, "locked": 403, "busy": 429, "nginx-502": 502, "nginx-503": 503, "nginx-504": 504}
"""What is refused, and how."""


def test_trouble_is_passed_on_and_not_recorded(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        for kind, status in TROUBLE.items():
            for host in ("fal.run", "queue.fal.run"):
                answer = app.post(f"https://{host}/test/refuse/{kind}", json={"a": 1})
                assert answer.status_code == status, answer.text
            for what in ("the run of", "a submit to"):
                mock.wait_for(f"{what} test/refuse/{kind} is not recorded: it was answered {status} (")
        fal.trouble("GET queue.fal.run/*", "reset", times=0)
        url = tape.submit(app, "test/fail/runner", {})
        assert tape.finish(app, url).status_code == 503
        mock.wait_for(f"job {url.rpartition('/')[2]} of test/fail/runner is not recorded: it was answered 503 (")
    assert tape.tree(tmp_path) == {}


def test_trouble_is_recorded_when_it_is_wanted(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    def use(app: httpx.Client) -> list[Any]:
        seen = [
            app.post(f"https://{host}/test/refuse/{kind}", json={"a": 1})
            for kind in TROUBLE
            for host in ("fal.run", "queue.fal.run")
        ]
        return [tape.told(answer) for answer in [*seen, tape.job(app, "test/fail/runner", {})]]

    with recording(confdir, fal, tmp_path, "--set", "fal_record_errors=all") as mock, tape.client(mock) as app:
        recorded = use(app)
    tape.whole(tmp_path)
    assert {answer["status"] for answer in recorded} == {*TROUBLE.values()}
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        assert use(app) == recorded


def test_preflights_pass_and_are_not_recorded(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    head = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    head["Access-Control-Request-Headers"] = "authorization,content-type"
    allowed = ("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers")

    def use(app: httpx.Client) -> list[list[str]]:
        asked = [app.options(f"https://{host}/test/echo", headers=head) for host in ("fal.run", "queue.fal.run")]
        assert app.post("https://fal.run/test/echo", json={}, headers={"Origin": head["Origin"]}).status_code == 200
        return [[answer.headers[name] for name in allowed] for answer in asked]

    with recording(confdir, fal, tmp_path) as mock, tape.client(mock, headers={}) as app:
        app.headers["Authorization"] = tape.AUTH["Authorization"]
        recorded = use(app)
    assert len(fal.asked("OPTIONS")) == 2
    assert len(tape.entries(tmp_path)) == 1
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        for before, now in zip(recorded, use(app), strict=True):
            assert now[0] in ("*", head["Origin"])
            assert "POST" in now[1]
            assert {"authorization", "content-type"} <= {name.strip().lower() for name in now[2].split(",")}
            assert "authorization" in before[2]
