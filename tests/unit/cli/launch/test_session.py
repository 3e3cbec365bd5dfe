"""A run, from the start of its server to its report."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falmock.cli.launch import fal_key
from falmock.cli.launch import inspector
from falmock.cli.launch import kept
from falmock.cli.launch import session
from falmock.cli.launch.server import Server
from falmock.cli.launch.session import Asked
from unit.cli.launch.fixtures import arguments_of

CALL = """
import json, os, sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
scope = os.environ.get("FALMOCK_SCOPE", "")
for model in sys.argv[1:]:
    to = urllib.request.Request(f"{os.environ['FALMOCK_URL']}/fal/run/{model}", b"{}", {"x-falmock-scope": scope} if scope else {})
    try:
        opener.open(to)
    except urllib.error.HTTPError as error:
        error.close()
"""


@pytest.fixture(autouse=True)
def _no_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FAL_KEY_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[list[str]]:
    yield arguments_of(tmp_path)
    kept.stop(tmp_path)


def asked(where: Path, arguments: list[str], *models: str, **more: Any) -> Asked:
    whole = Asked([sys.executable, "-S", "-c", CALL, *models], arguments, where, "", "", False, False)
    return whole._replace(**more)


def run(asked: Asked) -> int:
    server = Server(asked.arguments, asked.where / "last.log")
    server.start()
    return session.run(asked, server)


def test_what_is_told(arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(asked(tmp_path, arguments, "a/b", "a/b", "a/c")) == 97
    whole = json.loads((tmp_path / "last.json").read_text())
    assert (whole["calls"], whole["replayed"], whole["misses"], whole["exit_code"]) == (3, 2, 1, 0)
    err = capfd.readouterr().err
    assert f"falmock: 3 calls: 2 replayed, 1 miss; nothing was sent to fal; report: {tmp_path / 'last.json'}\n" in err
    assert "falmock: no fixture answers this call to a/c." in err


def test_a_scope_and_what_is_allowed(arguments: list[str], tmp_path: Path) -> None:
    assert run(asked(tmp_path, arguments, "a/c", allows_misses=True, scope="mine")) == 0
    whole = json.loads((tmp_path / "last.json").read_text())
    assert (whole["scope"], whole["missed"][0]["scope"]) == ("mine", "mine")
    assert run(asked(tmp_path, arguments, is_strict=True)) == 98


def test_the_inspector_is_shown(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, Any]] = []
    monkeypatch.setattr(inspector, "show", lambda url, **more: shown.append((url, more)))
    run(asked(tmp_path, arguments, "a/b"))
    assert shown == []
    run(asked(tmp_path, [*arguments, "--control-token", "token-of-test"], "a/b", inspects=True))
    ((url, more),) = shown
    assert url.startswith("http://127.0.0.1:")
    assert more == {"has_token": True, "is_kept": False}
    assert "token-of-test" not in (tmp_path / "last.log").read_text()


def test_a_token_for_the_control_api(arguments: list[str], tmp_path: Path) -> None:
    assert run(asked(tmp_path, [*arguments, "--control-token", "token-of-test"], "a/b")) == 0
    assert json.loads((tmp_path / "last.json").read_text())["replayed"] == 1


def test_a_kept_server_begins_anew(arguments: list[str], tmp_path: Path) -> None:
    for models in (["a/b", "a/c"], ["a/b"]):
        code = session.run(asked(tmp_path, arguments, *models), None)
        whole = json.loads((tmp_path / "last.json").read_text())
        assert (code, whole["calls"]) == (97 if len(models) > 1 else 0, len(models))
        assert whole["scope"].startswith("run-")
    os.waitpid(
        json.loads((tmp_path / "server.json").read_text())["ready"]["pid"] if kept.stop(tmp_path) is None else -1, 0
    )


def test_what_keeps_it_from_starting(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(asked(tmp_path, [*arguments, "--pase", "x"])) == 2
    assert run(asked(tmp_path, [*arguments, "--fixtures", "nowhere"])) == 96
    assert run(asked(tmp_path, arguments, command=["no-such-program"])) == 127
    monkeypatch.setattr(kept, "use", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    assert session.run(asked(tmp_path, arguments), None) == 96
    err = capfd.readouterr().err
    for text in ("did you mean '--pace'?", "nowhere", "there is no program 'no-such-program'", "no room"):
        assert text in err


def test_a_mode_that_forwards_needs_a_key(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it is not named by a flag of run's own."""
    monkeypatch.setenv("FAL_KEY", "")
    monkeypatch.setattr(fal_key, "is_missing", lambda mode: mode == "replay")
    assert run(asked(tmp_path, arguments)) == 2


def test_a_server_that_dies(arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kills = "import os, urllib.request; os.kill(int(os.environ['PID_OF_TEST']), 9)"
    server = Server(arguments, tmp_path / "last.log")
    server.start()
    os.environ["PID_OF_TEST"] = str(server._process.pid)  # type: ignore[union-attr]
    try:
        assert session.run(asked(tmp_path, arguments, command=[sys.executable, "-c", kills]), server) == 96
    finally:
        del os.environ["PID_OF_TEST"]
    assert "there is no report" in capfd.readouterr().err


def test_a_recording_tells_how_it_ends(arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the log has after the program."""
    assert run(asked(tmp_path, arguments, "a/b", forwarding="record")) == 0
    err = capfd.readouterr().err
    assert "falmock: mode record: starting mitmproxy" in err
    assert "falmock: 1 call: 1 replayed, 0 misses\n" in err


def test_a_replay_tells_nothing_of_its_log(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its end takes."""
    monkeypatch.setattr(session, "_LOOK", 0.001)
    assert run(asked(tmp_path, arguments, "a/b")) == 0
    assert "falmock: 1 call: 1 replayed, 0 misses\n" not in capfd.readouterr().err


def test_no_secret_of_the_command_is_written(arguments: list[str], tmp_path: Path) -> None:
    key = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0:" + "0123456789abcdef" * 2
    command = [sys.executable, "-S", "-c", "pass", "--token", "hunter2", "API_KEY=hunter3", key]
    assert run(asked(tmp_path, arguments, command=command)) == 0
    text = (tmp_path / "last.json").read_text()
    assert [secret for secret in ("hunter2", "hunter3", key) if secret in text] == []
    assert json.loads(text)["command"][-4:-1] == ["--token", "[hidden]", "API_KEY=[hidden]"]


def test_for_github(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    run(asked(tmp_path, arguments, "a/c"))
    assert "::error title=falmock%3A no fixture answers a call to a/c::" in capfd.readouterr().err
    assert "| misses | 1 |" in (tmp_path / "summary").read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary"))
    run(asked(tmp_path, arguments, "a/c"))
    assert "the job's summary was not written" in capfd.readouterr().err


def test_a_report_that_cannot_be_written(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "last.json").mkdir()
    assert run(asked(tmp_path, arguments, "a/b")) == 0
    assert "the report was not written" in capfd.readouterr().err
