"""`falmock addon`."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.cli import main as main_
from falmock.cli import settings


def test_the_path_of_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_.main(["addon"]) == 0
    (path,) = capsys.readouterr().out.splitlines()
    assert "addons = " in Path(path).read_text("utf-8")


def test_it_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "ADDON", tmp_path / "gone.py")
    assert main_.main(["addon"]) == 1
    assert f"expected the addon at {tmp_path / 'gone.py'}, found no file" in capsys.readouterr().err
