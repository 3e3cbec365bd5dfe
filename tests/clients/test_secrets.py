"""Secrets in recorded traffic are not written anywhere: fixtures, log, journal, comments, miss reports."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any
from typing import NamedTuple

import httpx
import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import mitmdump
from clients.upstream import Pace
from clients.upstream import recording
from clients.upstream import upstream

COOKIE = "planted-cookie-4711"
ADDRESS = "203.0.113.77"
SIGNED = "https://storage.example.com/me.png?X-Amz-Expires=60&X-Amz-Signature=planted5161ab5161ab"
BEARER = "planted-bearer-815815815"
OWN = "hunter2-of-the-app"
"""What only the app knows to be a secret; it says so with `fal_redact`."""
NESTED, LISTED, IN_FORM, IN_FIELDS = (
    "planted-in-json-in-json",
    "planted-in-a-list",
    "planted-in-a-form",
    "planted-in-fields",
)
BODY = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEfGhIjKlMnOp"
SHAPES = (
    f"sk_live_{BODY[:24]}",
    f"rk_live_{BODY[:26]}",
    f"glpat-{BODY[:20]}",
    f"npm_{BODY[:36]}",
    f"SG.{BODY[:22]}.{BODY[:43]}",
    f"https://hooks.slack.com/services/T0123/B0123/{BODY[:24]}",
    f"https://discord.com/api/webhooks/123456789/{BODY}",
    f"sk-ant-api03-{BODY}",
    f"photohf_{BODY[:34]}.png",
    f"my-photo-AKIA{BODY[:16].upper()}.png",
)
BASIC = base64.b64encode(f"someone:{BODY[:30]}".encode()).decode()
WRAPPED = base64.b64encode(f"it is {KEY}!".encode()).decode()
PLANTED = (
    KEY.partition(":")[2],
    COOKIE,
    ADDRESS,
    "planted5161ab5161ab",
    BEARER,
    OWN,
    NESTED,
    LISTED,
    IN_FORM,
    IN_FIELDS,
    *SHAPES,
    *(shape.rpartition(".")[0] for shape in SHAPES[-2:]),
    BODY[:16],
    BASIC,
    WRAPPED,
)
HEADERS = {"Cookie": f"session={COOKIE}", "X-Forwarded-For": ADDRESS}
REDACT = ("--set", "fal_redact=house_password")


class Written(NamedTuple):
    """All that was written, and what must not be in it."""

    secrets: tuple[str, ...]
    fixtures: dict[str, bytes]
    journals: list[str]
    flows: list[http.HTTPFlow]
    outputs: dict[str, str]
    comments: dict[str, str]
    misses: list[str]


def use(app: httpx.Client, turn: int = 0) -> list[dict[str, Any]]:
    """An app that hands out its secrets at every turn; what it was told."""
    value = {"prompt": f"turn {turn}", "house_password": OWN, "image_url": SIGNED, "nested": [{"api_key": KEY}]}
    seen = [
        app.post("https://fal.run/test/leaky", json=value, headers=HEADERS),
        app.post(
            f"https://fal.run/test/leaky?fal_jwt_token={BEARER}", json={"prompt": f"other {turn}"}, headers=HEADERS
        ),
        app.post(
            "https://fal.run/test/leaky", json={"prompt": "x"}, headers=HEADERS | {"Authorization": f"Bearer {BEARER}"}
        ),
        job(app, "test/leaky", value),
        job(app, "test/echo", value | {"said": f"my key is {KEY}, come from {ADDRESS}"}),
        app.post(f"https://fal.run/test/echo/{turn}", json={"text": f"Authorization: Key {KEY}"}),
        app.post("https://fal.run/test/refuse/key", json=value),
        app.get(f"https://fal.run/test/echo?api_key={KEY}&name=x"),
        app.post(
            "https://rest.fal.ai/tokens/", json={"allowed_apps": ["test/leaky"], "token_expiration": 60, "token": OWN}
        ),
    ]
    deep = json.dumps({"a": json.dumps({"b": json.dumps({"api_key": NESTED, "secret_key": ["x", LISTED]})})})
    form = f"n={turn}&client_secret={IN_FORM}&u=https%3A%2F%2Fb.test%2F%3Ftoken%3D{IN_FORM}"
    seen += [
        job(app, "test/echo", {"prompt": f"nested {turn}", "settings": deep, "listed": [{"text": WRAPPED}]}),
        *(job(app, "test/echo", {"prompt": f"turn {turn}: {shape}"}) for shape in SHAPES),
        app.post("https://fal.run/test/echo", json={"text": f"{turn} Authorization: Basic {BASIC}", "form": form}),
        app.post(f"https://fal.run/test/echo/{SHAPES[-1]}", json={"prompt": f"path {turn}"}),
    ]
    app.post("https://fal.run/test/echo", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    fields = {
        "prompt": (None, f"{turn}"),
        "api_key": (None, IN_FIELDS),
        "n": (SHAPES[-1], SHAPES[0].encode(), "text/plain"),
    }
    app.post("https://fal.run/test/echo", files=fields)
    app.get(f"https://v3.fal.media/files/b/{SHAPES[-1]}")
    tape.upload(app, f"{turn}".encode())
    job(app, "test/image-to-image", {"image_url": tape.upload(app)})
    wanted = "https://rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3"
    token = app.post(wanted, json={}).json().get("token", "none")
    app.post("https://v3.fal.media/files/upload", content=b"direct", headers={"Authorization": f"Bearer {token}"})
    return [{"status": answer.status_code, "names": sorted(answer.json())} for answer in seen]


def job(app: httpx.Client, endpoint: str, value: dict[str, Any]) -> httpx.Response:
    """What comes of a job, or the miss."""
    answer = app.post(f"{tape.QUEUE}/{endpoint}", json=value)
    return tape.finish(app, answer.json()["response_url"], logs=1) if answer.status_code == 200 else answer


@pytest.fixture(scope="module")
def written(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("secrets")
    fixtures = folder / "fixtures"
    outputs, comments, journals = {}, {}, []

    def watched(name: str) -> tuple[str, ...]:
        return ("-s", str(CLIENTS / "observer.py"), "--set", f"observer_file={folder / name}", *REDACT)

    with upstream() as fal:
        fal.pace = Pace()
        for name, more in (
            ("record", ()),
            ("again", ("--set", "flow_detail=4")),
            ("all", ("--set", "fal_record_errors=all")),
        ):
            with recording(confdir, fal, fixtures, *watched(name), *more) as mock, tape.client(mock) as app:
                use(app)
                app.post(f"{tape.QUEUE}/test/leaky", json={"prompt": f"never fetched, {KEY}"})
            outputs[name] = mock.output
        secrets = (*PLANTED, *fal.secrets)
    saved = ("-w", str(folder / "flows"))
    with mitmdump(confdir, *watched("replay"), *saved, "--set", "flow_detail=3", fixtures=fixtures) as mock:
        with tape.client(mock) as app:
            use(app)
            use(app, turn=1)
            misses = [app.post("https://fal.run/test/leaky", json=value).text for value in near(app)]
        journals += [
            httpx.get(f"{mock.proxy}{path}?limit=1000").text for path in ("/__falmock/journal", "/v1/_requests")
        ]
        journals.append(httpx.get(f"{mock.proxy}/nothing/{SHAPES[-1]}").text)
        journals.append(httpx.post(f"{mock.proxy}/__falmock/fixtures", json={"match": {SHAPES[0]: KEY}}).text)
        outputs["replay"] = mock.output
    for name in (*outputs,):
        comments[name] = (folder / name).read_text()
    with (folder / "flows").open("rb") as file:
        flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]
    return Written(secrets, tape.tree(fixtures), journals, flows, outputs, comments, misses)


def near(app: httpx.Client) -> list[dict[str, Any]]:
    """Inputs that nearly match, with secrets in what differs."""
    app.headers.update(HEADERS)
    value = {"prompt": "turn 0", "house_password": OWN, "image_url": SIGNED, "nested": [{"api_key": KEY}]}
    return [
        value | {"prompt": f"mine is {KEY}"},
        value | {"more": SIGNED},
        value | {"nested": [{"api_key": KEY, "b": COOKIE}]},
        value | {"settings": json.dumps({"a": json.dumps({"api_key": NESTED})})},
        value | {"prompt": " ".join(SHAPES), "more": f"Basic {BASIC}"},
    ]


def found(written: Written, text: str) -> list[str]:
    return [secret for secret in written.secrets if secret in text]


def test_the_stand_in_did_leak(written: Written) -> None:
    assert len(written.secrets) > 20
    assert len(written.fixtures) > 8
    assert all(len(secret) > 5 for secret in written.secrets)


def test_no_fixture_has_a_secret(written: Written) -> None:
    for name, content in written.fixtures.items():
        assert found(written, name + content.decode("latin-1")) == [], name


@pytest.mark.parametrize("name", ["record", "again", "all", "replay"])
def test_no_line_of_output_has_a_secret(written: Written, name: str) -> None:
    lines = [line for line in written.outputs[name].splitlines() if found(written, line)]
    assert lines == []


@pytest.mark.parametrize("name", ["record", "again", "all", "replay"])
def test_no_comment_has_a_secret(written: Written, name: str) -> None:
    for line in written.comments[name].splitlines():
        flow = json.loads(line)
        told = f"{flow.get('comment')} {flow.get('metadata')}"
        assert found(written, told) == []


def test_no_miss_report_has_a_secret(written: Written) -> None:
    assert len(written.misses) == 5
    for miss in written.misses:
        assert "no fixture answers" in miss
        assert found(written, miss) == []


def test_no_journal_has_a_secret(written: Written) -> None:
    assert len(json.loads(written.journals[0])["entries"]) > 50
    for text in written.journals:
        assert found(written, text) == []


def test_what_falmock_adds_to_the_flows_of_a_file_has_no_secret(written: Written) -> None:
    """mitmproxy's `-w` keeps flows as they came; what falmock says about them is hidden there too."""
    assert len(written.flows) > 50
    for flow in written.flows:
        told = f"{flow.comment} {flow.metadata}"
        assert found(written, told) == []


def address() -> str:
    """An address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.mark.parametrize("detail", ["1", "3"])
def test_the_address_of_a_client_is_not_shown_in_replay(confdir: Path, tmp_path: Path, detail: str) -> None:
    peer, forwarded = address(), "203.0.113.99"
    watched = ("-s", str(CLIENTS / "observer.py"), "--set", f"observer_file={tmp_path / 'seen'}")
    options = ("--listen-host", "0.0.0.0", "--set", f"flow_detail={detail}", *watched)
    with mitmdump(confdir, *options, fixtures=tmp_path) as mock:
        port = mock.ports[0]
        context = running.ssl.create_default_context(cafile=str(mock.ca))
        with httpx.Client(proxy=f"http://{peer}:{port}", verify=context, trust_env=False) as app:
            headers = {"X-Forwarded-For": forwarded}
            told = app.post("https://fal.run/test/x", json={"prompt": f"from {peer} {forwarded}"}, headers=headers).text
        told += httpx.get(f"http://127.0.0.1:{port}/__falmock/journal").text
        mock.wait_for("client disconnect")
    assert "no fixture answers" in told
    shown = told + mock.output.replace(f"0.0.0.0:{port}", "") + (tmp_path / "seen").read_text()
    assert forwarded not in shown
    assert peer == "127.0.0.1" or peer not in shown


def test_the_secrets_of_one_day_meet_those_of_another(confdir: Path, tmp_path: Path) -> None:
    """A fixture with a secret hidden in its match answers the same call with another secret."""

    def call(app: httpx.Client, secret: str) -> httpx.Response:
        value = {"prompt": "x", "api_key": f"{secret}-{secret}", "url": f"https://storage.example.com/a?sig={secret}"}
        return app.post("https://fal.run/test/leaky", json=value)

    with upstream() as fal, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        recorded = call(app, "a-secret-of-monday").json()
    with mitmdump(confdir, fixtures=tmp_path) as mock, tape.client(mock) as app:
        answer = call(app, "a-secret-of-friday")
    assert answer.status_code == 200, answer.text
    assert answer.json()["prompt"] == recorded["prompt"]
    assert running.KEY not in answer.text
