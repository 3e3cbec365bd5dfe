"""Which URLs about a job are served: the app's own, others with a warning, those below the app not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falmock.engine.config import Mode
from falmock.engine.effects import Reply
from falmock.engine.effects import Stream
from falmock.engine.follow_ups import usual_app
from falmock.wire.calls import Result
from falmock.wire.calls import Status
from unit.engine.calls import FLUX
from unit.engine.calls import RECORDED
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import read

QUEUE = "https://queue.fal.run"
ANY = {"match": {}, "response": {"json": {"ok": True}}}
CALLS = (("GET", "/status"), ("GET", "/status/stream"), ("GET", ""), ("PUT", "/cancel"))
each_call = pytest.mark.parametrize(("method", "action"), CALLS)


def asked(client: Client, endpoint: str, app: str, method: str, action: str) -> Reply | Stream:
    """The answer to a call about a new job of `endpoint` by a URL with `app`."""
    request_id = read(client.submit(endpoint))["request_id"]
    effect = client.effect(method, f"{QUEUE}/{app}/requests/{request_id}{action}")
    assert isinstance(effect, Reply | Stream)
    return effect


@each_call
@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("fal-ai/flux/dev", "fal-ai/flux"),
        ("fal-ai/flux/dev", "/fal-ai//flux"),
        ("fal-ai/flux", "fal-ai/flux"),
        ("fal-ai/flux/dev", "fal%2Dai/flux"),
        ("workflows/me/flow/deep", "workflows/me/flow"),
        ("comfy/me/flow", "comfy/me/flow"),
        ("110602490-fast-sdxl", "110602490-fast-sdxl"),
        ("110602490-fast-sdxl", "110602490/fast-sdxl"),
    ],
)
def test_owner_and_app_are_served(endpoint: str, app: str, method: str, action: str) -> None:
    for slash in ("", "/"):
        answer = asked(Client(ANY, pace=RECORDED), endpoint, app, method, action + slash)
        assert answer.status not in (404, 405)
        assert (answer.warning, header(answer, "x-falmock-warning")) == ("", None)


@each_call
@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("fal-ai/flux/dev", "fal-ai/flux/dev"),
        ("fal-ai/flux/dev", "fal-ai/flux/dev/x"),
        ("fal-ai/flux/dev", "fal-ai/flux/other"),
        ("fal-ai/flux/dev", "fal-ai/flux//dev/"),
        ("fal-ai/flux", "fal-ai/flux/dev"),
        ("workflows/me/flow/deep", "workflows/me/flow/deep"),
    ],
)
def test_the_path_of_the_endpoint_is_405_with_the_reason(endpoint: str, app: str, method: str, action: str) -> None:
    client = Client(ANY, pace=RECORDED)
    answer = asked(client, endpoint, app, method, action)
    usual = f"/{'workflows/me/flow' if 'flow/' in endpoint else 'fal-ai/flux'}/requests/{{request_id}}{action}"
    assert isinstance(answer, Reply)
    assert (answer.status, answer.fixture) == (405, "test.json#0")
    assert usual in answer.warning
    assert header(answer, "x-falmock-warning") == answer.warning
    assert read(answer)["detail"] == read(answer)["message"] == answer.warning
    entry = client.engine.scope.journal.entries[-1]
    assert (entry.status, entry.warning) == (405, answer.warning)


def test_what_is_refused_changes_nothing() -> None:
    client = Client(FLUX)
    request_id = read(client.submit("fal-ai/flux/dev", {"prompt": "a cat"}))["request_id"]
    for method, action in CALLS:
        assert client.send(method, f"{QUEUE}/fal-ai/flux/dev/requests/{request_id}{action}").status == 405
    assert client.send("GET", f"{QUEUE}/fal-ai/flux/requests/{request_id}").status == 200


def test_what_is_refused_does_not_go_to_fal_instead() -> None:
    assert asked(Client(ANY, mode=Mode.AUTO), "fal-ai/flux/dev", "fal-ai/flux/dev", "GET", "/status").status == 405


@each_call
@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("fal-ai/flux/dev", "other/app"),
        ("fal-ai/flux/dev", "fal-ai/flux-pro/dev"),
        ("workflows/me/flow", "me/flow"),  # Java and Dart
        ("workflows/me/flow", "workflows/me"),  # Swift
        ("comfy/me/flow", "workflows/me/flow"),
        ("me/flow", "comfy/me/flow"),
    ],
)
def test_another_app_is_served_with_a_warning(endpoint: str, app: str, method: str, action: str) -> None:
    usual = asked(Client(ANY, pace=RECORDED), endpoint, read_app(endpoint), method, action)
    client = Client(ANY, pace=RECORDED)
    answer = asked(client, endpoint, app, method, action)
    assert answer.status == usual.status
    assert f"another app than the request's ({read_app(endpoint)})" in answer.warning
    assert header(answer, "x-falmock-warning") == answer.warning
    assert client.engine.scope.journal.entries[-1].warning == answer.warning


def read_app(endpoint: str) -> str:
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])


@pytest.mark.parametrize("suffix", ["/response", "/response/"])
def test_a_result_by_response_is_served_with_a_warning(suffix: str) -> None:
    answer = asked(Client(ANY), "fal-ai/flux/dev", "fal-ai/flux", "GET", suffix)
    assert isinstance(answer, Reply)
    assert (answer.status, read(answer)) == (200, {"ok": True})
    assert "ends in /response" in answer.warning
    assert "Use /fal-ai/flux/requests/{request_id}," in answer.warning
    assert asked(Client(ANY), "fal-ai/flux/dev", "fal-ai/flux/dev", "GET", suffix).status == 405
    both = asked(Client(ANY), "fal-ai/flux/dev", "other/app", "GET", suffix).warning
    assert "another app" in both
    assert "ends in /response" in both


@each_call
@pytest.mark.parametrize("app", ["", "a", "/a/"])
def test_no_app_is_404(app: str, method: str, action: str) -> None:
    answer = asked(Client(ANY), "fal-ai/flux/dev", app, method, action)
    assert isinstance(answer, Reply)
    assert answer.status == 404
    assert "expected /owner/app" in read(answer)["detail"]


@each_call
def test_the_id_is_unknown_by_any_url(method: str, action: str) -> None:
    for app in ("fal-ai/flux", "fal-ai/flux/dev"):
        answer = Client(ANY).send(method, f"{QUEUE}/{app}/requests/nobody{action}")
        assert (answer.status, read(answer)) == (404, {"status": "NOT_FOUND"})


NAMES = st.sampled_from(["a", "b", "flux", "requests", "status", "x-1", "workflows"])


@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from(CALLS))
def test_only_what_stands_below_the_own_app_is_refused(parts: list[str], call: tuple[str, str]) -> None:
    answer = asked(Client(ANY, pace=RECORDED), "a/b/c", "/".join(parts), *call)
    if len(parts) == 1:
        assert answer.status == 404
    elif parts[:2] == ["a", "b"]:
        assert (answer.status == 405) is (len(parts) > 2)
        assert bool(answer.warning) is (len(parts) > 2)
    else:
        assert answer.status != 405
        assert answer.warning


# What recordings hold


def recorded(urls: dict[str, Any]) -> dict[str, Any]:
    return {"match": {"model": "a/b/c"}, "response": {"json": {"ok": True}}, "queue": {"urls": urls}}


SUB = "a/b/c/requests/{request_id}"


def test_recorded_forms_are_shown_and_served() -> None:
    shown = {"response": f"{SUB}/response", "status": f"{SUB}/status", "cancel": f"{SUB}/cancel"}
    client = Client(recorded(shown), pace=RECORDED)
    job = read(client.submit("a/b/c"))
    forms = {key: f"{QUEUE}/{form.format(request_id=job['request_id'])}" for key, form in shown.items()}
    assert {key: job[f"{key}_url"] for key in shown} == forms
    status = client.send("GET", forms["status"])
    assert (status.status, status.warning, read(status)["cancel_url"]) == (202, "", forms["cancel"])
    assert client.effect("GET", f"{forms['status']}/stream").warning == ""  # type: ignore[union-attr]
    client.now += 10
    for url in (forms["response"], f"{QUEUE}/a/b/c/requests/{job['request_id']}"):
        result = client.send("GET", url)
        assert (result.status, result.warning) == (200, "")
    assert client.send("PUT", forms["cancel"]).status == 400
    usual = client.send("GET", f"{QUEUE}/a/b/requests/{job['request_id']}/status")
    assert (usual.status, usual.warning) == (200, "")
    assert client.send("GET", f"{QUEUE}/a/b/d/requests/{job['request_id']}/status").status == 405


def test_forms_that_fal_served_without_showing_them() -> None:
    client = Client(recorded({"others": ["b/c/requests/{request_id}/status"]}))
    job = read(client.submit("a/b/c"))
    assert job["status_url"] == f"{QUEUE}/a/b/requests/{job['request_id']}/status"
    assert client.send("GET", f"{QUEUE}/b/c/requests/{job['request_id']}/status").warning == ""
    assert client.send("GET", f"{QUEUE}/b/c/requests/{job['request_id']}/response").warning


@pytest.mark.parametrize(
    ("call", "app"),
    [
        (Status("id", logs=False, form="fal-ai/flux/requests/{request_id}/status"), "fal-ai/flux"),
        (Result("id", "workflows/me/flow/requests/{request_id}"), "workflows/me/flow"),
        (Result("id", "fal-ai/flux/requests/{request_id}/response"), ""),
        (Status("id", logs=True), None),
    ],
)
def test_the_app_for_which_a_url_is_usual(call: Status | Result, app: str | None) -> None:
    assert usual_app(call) == app
