"""`falmock ca`."""

from __future__ import annotations

from pathlib import Path

import pytest

from falmock.cli import ca
from falmock.cli import main as main_
from falmock.serving.own_ca import folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(folder.HOME, str(tmp_path / "home"))
    return tmp_path / "home"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Path:
    assert main_.main(["ca", "path", *words]) == 0
    return Path(capsys.readouterr().out.removesuffix("\n"))


def test_the_path_of_the_certificate_which_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = printed(capsys)
    assert file.read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert file.is_relative_to(home)
    before = file.read_bytes()
    assert printed(capsys) == file
    assert file.read_bytes() == before


def test_other_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    one = printed(capsys, "--hosts", "fal.example.com", "--hosts", "b.example=cdn")
    assert one == printed(capsys, "--fal-hosts", "b.example=cdn", "--fal-hosts", "fal.example.com")
    assert one != printed(capsys)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["path", "--hosts", "https://x"], "falmock: --hosts: 'https://x': expected a host name"),
        (["path", "--hosts", "x.example=y"], "unknown role 'y'"),
        (["path", "--host", "x"], "did you mean '--hosts'"),
        (["paths"], "invalid choice: 'paths'"),
        ([], "required: action"),
    ],
)
def test_bad_arguments(capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
    try:
        code: object = main_.main(["ca", *words])
    except SystemExit as end:
        code = end.code
    assert code == ca.BAD_USAGE
    assert text in capsys.readouterr().err


def test_where_none_can_be_made(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folder.HOME, "/dev/null/x")
    assert main_.main(["ca", "path"]) == ca.FAILED
    assert capsys.readouterr().err.endswith("Not a directory. Choose another folder with FALMOCK_HOME\n")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main_.main(["ca", "--help"])
    shown = capsys.readouterr().out
    assert "docker run" in shown
    assert "certutil" in shown
    assert "exit codes:" in shown
