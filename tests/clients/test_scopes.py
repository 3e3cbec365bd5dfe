"""Tests that share one mock in separate scopes, named by the proxy user or by a header."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import Mitmdump

FIXTURES = [
    {"match": {"model": "test/turns"}, "response": {"json": {"turn": 1}}},
    {"match": {"model": "test/turns"}, "response": {"json": {"turn": 2}}},
    {"match": {"model": "test/turns"}, "response": {"json": {"turn": 3}}},
]


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    fixtures = running.write_fixtures(tmp_path_factory.mktemp("scopes") / "fixtures", *FIXTURES)
    with running.mitmdump(confdir, fixtures=fixtures) as started:
        yield started


def named(mock: Mitmdump, name: str) -> str:
    return mock.proxy.replace("http://", f"http://{name}:x@")


def client(mock: Mitmdump, name: str = "", **headers: str) -> httpx.Client:
    proxy = named(mock, name) if name else mock.proxy
    trust = ssl.create_default_context(cafile=str(mock.ca))
    return httpx.Client(proxy=proxy, verify=trust, trust_env=False, headers=headers, timeout=30)


@pytest.mark.parametrize("program", ["python_sync.py", "python_async.py", "client.mjs"])
def test_apps_that_differ_in_nothing_but_their_proxy_setting(mock: Mitmdump, program: str) -> None:
    script = CLIENTS / "programs" / program
    with (
        running.app(script, mock, HTTPS_PROXY=named(mock, f"{program}-1")) as one,
        running.app(script, mock, HTTPS_PROXY=named(mock, f"{program}-2")) as two,
    ):
        given = {"input" if program.endswith(".mjs") else "arguments": {}}
        turns = [str(app("run", app="test/turns", **given)) for app in (one, two, one, two, one)]
    for number, turn in enumerate((1, 1, 2, 2, 3)):
        assert f"'turn': {turn}" in turns[number]


def test_a_job_is_not_seen_from_elsewhere(mock: Mitmdump) -> None:
    with client(mock, "here") as here, client(mock, "there") as there, client(mock) as nowhere:
        job = here.post("https://queue.fal.run/test/turns", json={}).json()
        assert here.get(job["status_url"]).json()["status"] == "COMPLETED"
        assert [there.get(job["status_url"]).status_code, nowhere.get(job["response_url"]).status_code] == [404, 404]
        assert nowhere.get(job["response_url"], headers={"X-Test-Id": "here"}).json() == {"turn": 1}


@pytest.mark.parametrize("header", ["x-falmock-scope", "X-Test-Id"])
def test_a_header_names_it_too(mock: Mitmdump, header: str) -> None:
    with client(mock, "both", **{header: f"{header}-1"}) as one, client(mock, "both", **{header: f"{header}-2"}) as two:
        turns = [app.post("https://fal.run/test/turns", json={}).json()["turn"] for app in (one, two, one)]
    assert turns == [1, 1, 2]


def test_plain_http_through_the_proxy(mock: Mitmdump) -> None:
    with client(mock, "plain-1") as one, client(mock, "plain-2") as two:
        turns = [app.post("http://fal.run/test/turns", json={}).json()["turn"] for app in (one, two, one)]
    assert turns == [1, 1, 2]


def test_two_pytest_xdist_workers_with_one_mock(confdir: Path, tmp_path: Path) -> None:
    """Both run all of the same tests at the same time, and meet after each step to see that they do not see each other."""
    at_once = {"started": 0, "completed": 0}
    fixtures = running.write_fixtures(
        tmp_path / "fixtures",
        *({**each, "match": {"model": "acme/turns"}, "queue": at_once} for each in FIXTURES),
        {"match": {"model": "acme/plain"}, "response": {"json": {"from": "disk"}}, "queue": at_once},
        {
            "match": {"model": "acme/film"},
            "response": {"json": {"seconds": 4}},
            "queue": {"started": 3000, "completed": 3001},
        },
    )
    shutil.copy(CLIENTS / "programs" / "app_tests.py", tmp_path / "test_app.py")
    (tmp_path / "meeting").mkdir()
    with running.mitmdump(confdir, "--set", "fal_pace=recorded", fixtures=fixtures) as mock:
        env = {name: value for name, value in mock.env().items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-n",
                "2",
                "--dist",
                "each",
                "-q",
                "-p",
                "no:cacheprovider",
                "test_app.py",
            ],
            env=env | {"MOCK": mock.proxy, "MEETING": str(tmp_path / "meeting")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = len(re.findall(r"^def test_", (tmp_path / "test_app.py").read_text(), re.MULTILINE))
    assert f"{2 * tests} passed" in done.stdout, done.stdout
