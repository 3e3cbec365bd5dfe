"""The command `falmock env`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falmock.cli import env
from falmock.cli import main as main_
from falmock.serving.environment.variables import PROXIED
from falmock.serving.trust import CA_FILE

URL = "http://127.0.0.1:8080"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIED, "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "FAL_KEY", "FAL_KEY_ID"):
        monkeypatch.delenv(name, raising=False)


def printed(capsys: pytest.CaptureFixture[str], confdir: Path, *words: str) -> tuple[dict[str, str], str]:
    assert main_.main(["env", "--shell", "json", "--confdir", str(confdir), *words]) == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_what_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found, err = printed(capsys, tmp_path / "new")
    assert err == ""
    assert {found[name] for name in (*PROXIED, "FALMOCK_URL")} == {URL}
    assert (tmp_path / "new" / CA_FILE).exists()
    assert "BEGIN CERTIFICATE" in Path(found["SSL_CERT_FILE"]).read_text()
    assert found["FAL_KEY"]
    for words, name, value in (
        (["--url", "http://[::1]:9/"], "HTTPS_PROXY", "http://[::1]:9"),
        (["--scope", "mine"], "HTTPS_PROXY", "http://mine:x@127.0.0.1:8080"),
        (["--scope", "mine"], "FALMOCK_SCOPE", "mine"),
        (["--mode", "auto"], "FAL_KEY", None),
    ):
        assert printed(capsys, tmp_path / "new", *words)[0].get(name) == value
    assert "fal.mine.test" in printed(capsys, tmp_path / "new", "--hosts", "fal.mine.test")[0]["FALMOCK_HOSTS"]


def test_lines_for_a_shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert env.main(["--confdir", str(tmp_path)]) == 0
    assert f"export HTTPS_PROXY='{URL}'\n" in capsys.readouterr().out


def test_what_the_user_should_know_is_no_part_of_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    _, err = printed(capsys, tmp_path)
    assert err.startswith("falmock: NO_PROXY has '*'")


def test_github_takes_no_node_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert env.main(["--confdir", str(tmp_path), "--shell", "github"]) == 0
    out, err = capsys.readouterr()
    assert "NODE_OPTIONS" not in out
    assert "NODE_USE_ENV_PROXY<<" in out
    assert "22.21" in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        *(
            (["--url", url], "expected http://HOST:PORT")
            for url in ("https://a:1", "http://a", "a:1", "http://a:1/b", "http://a:x")
        ),
        (["--url", "http://me:x@a:1"], "expected http://HOST:PORT"),
        (["--shell", "tcsh"], "invalid choice: 'tcsh'"),
        (["--hots", "a"], "did you mean '--hosts'?"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_bad_arguments(capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
    with pytest.raises(SystemExit) as end:
        env.main(words)
    assert end.value.code == 2
    assert text in capsys.readouterr().err


def test_a_bad_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert env.main(["--hosts", "https://a"]) == 2
    assert "--hosts: 'https://a'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert env.main(["--confdir", str(tmp_path / "file" / "conf")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_value_that_a_format_cannot_write(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert env.main(["--confdir", str(tmp_path), "--shell", "dotenv", "--scope", "'\"`"]) == 1
    assert "FALMOCK_SCOPE cannot be written" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        env.main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert 'eval "$(falmock env)"' in out
    assert "exit codes:" in out
