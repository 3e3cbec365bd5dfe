"""The inspector's page as a real process serves it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.running import Mitmdump

TOKEN = "token-for-the-inspector"
FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return running.write_fixtures(tmp_path / "fixtures", FIXTURE)


def is_served(mock: Mitmdump) -> None:
    """The page comes with its policy, is not sent again, and is only for this machine's own pages."""
    mock.wait_for(f"is at {mock.proxy}/__falmock/")
    with httpx.Client(base_url=mock.proxy, trust_env=False, follow_redirects=True) as client:
        page = client.get("/__falmock")
        assert (page.status_code, page.url.path, page.headers["content-type"]) == (
            200,
            "/__falmock/",
            "text/html; charset=utf-8",
        )
        assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        again = client.get("/__falmock/", headers={"if-none-match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = client.head("/__falmock/inspector/favicon.svg")
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "image/svg+xml")
        assert int(head.headers["content-length"]) > 0
        assert client.get("/__falmock/inspector/..%2fdoor.py").status_code == 404
        assert client.get("/__falmock/", headers={"host": "evil.example"}).status_code == 403
        health = client.get("/__falmock/health").json()
    assert health["inspector"] == "write"
    assert health["connect"]["proxy"] == mock.proxy
    assert Path(health["connect"]["ca"]).read_bytes() == mock.ca.read_bytes()


def test_mitmdump_serves_the_page(confdir: Path, fixtures: Path) -> None:
    with running.mitmdump(confdir, fixtures=fixtures) as mock:
        is_served(mock)


def test_mitmdump_serves_the_page_where_calls_are_flows(confdir: Path, fixtures: Path) -> None:
    with running.mitmdump(confdir, "--set", "fal_fast=off", fixtures=fixtures) as mock:
        is_served(mock)


def test_falmock_serve_serves_the_page(confdir: Path, fixtures: Path) -> None:
    with running.serve(confdir, fixtures=fixtures) as mock:
        is_served(mock)


def test_a_page_that_may_only_read(confdir: Path, fixtures: Path) -> None:
    with (
        running.serve(confdir, "--inspector", "read", fixtures=fixtures) as mock,
        httpx.Client(base_url=f"{mock.proxy}/__falmock", trust_env=False) as client,
    ):
        by_page = {"origin": mock.proxy, "sec-fetch-site": "same-origin"}
        assert client.get("/journal", headers=by_page).status_code == 200
        refused = client.post("/reset", headers=by_page)
        assert (refused.status_code, "fal_inspector=read" in refused.json()["message"]) == (403, True)
        assert client.post("/reset").status_code == 200


def test_a_token_is_for_the_data_and_in_no_line(confdir: Path, fixtures: Path) -> None:
    with (
        running.mitmdump(confdir, "--set", f"fal_control_token={TOKEN}", fixtures=fixtures) as mock,
        httpx.Client(base_url=mock.proxy, trust_env=False) as client,
    ):
        assert client.get("/__falmock/").status_code == 200
        assert client.get("/__falmock/journal").status_code == 401
        mock.wait_for("put #token=TOKEN behind this address")
        assert TOKEN not in mock.output


def test_no_page(confdir: Path, fixtures: Path) -> None:
    with (
        running.serve(confdir, "--inspector", "off", fixtures=fixtures) as mock,
        httpx.Client(base_url=mock.proxy, trust_env=False) as client,
    ):
        answer = client.get("/__falmock/")
        assert (answer.status_code, "fal_inspector=off" in answer.json()["message"]) == (404, True)
        assert "is at" not in mock.output


def test_a_run_opens_the_page(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    browser.chmod(0o755)
    program = f'until [ -f "{opened}" ]; do sleep 0.1; done'
    options = ("--inspect", "--confdir", str(confdir), "--fixtures", str(fixtures))
    done = subprocess.run(
        [*running.FALMOCK, "run", *options, "--", "sh", "-c", program],
        env={**os.environ, "BROWSER": str(browser)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    address = opened.read_text().strip()
    assert address.startswith("http://127.0.0.1:")
    assert address.endswith("/__falmock/")
    assert f"the inspector is at {address}; it ends with this run" in done.stderr
