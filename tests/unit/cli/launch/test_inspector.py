"""The inspector's page is told and opened."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path

import pytest

from falmock.cli.launch import inspector

URL = "http://127.0.0.1:8080"


def show(*, has_token: bool = False, is_kept: bool = False) -> None:
    before = set(threading.enumerate())
    inspector.show(URL, has_token=has_token, is_kept=is_kept)
    for thread in set(threading.enumerate()) - before:
        thread.join(30)


def test_a_browser_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # it reads the variable once
    show()
    assert (tmp_path / "opened").read_text() == f"{URL}/__falmock/\n"
    assert "is at http://127.0.0.1:8080/__falmock/; it ends with this run" in capsys.readouterr().err


def test_a_page_that_stays_and_one_that_needs_the_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda page: not opened.append(page))
    show(has_token=True, is_kept=True)
    assert opened == [f"{URL}/__falmock/"]
    err = capsys.readouterr().err
    assert "#token=TOKEN" in err
    assert "ends" not in err


@pytest.mark.parametrize("error", [None, webbrowser.Error("none"), OSError("no such file")])
def test_no_browser(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> bool:
        if error is not None:
            raise error
        return False

    monkeypatch.setattr(webbrowser, "open", fail)
    show()
    assert "no web browser could be opened: BROWSER=COMMAND" in capsys.readouterr().err
