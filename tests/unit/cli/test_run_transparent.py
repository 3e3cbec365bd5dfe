"""`falmock run --transparent` in this process: a network is made before anything is started in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from falmock.cli import run
from falmock.cli.launch import namespace
from falmock.cli.launch import session
from falmock.cli.launch.namespace import NoNamespace


@pytest.fixture
def did(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was done: a network made, a server started, the program run."""
    done: list[str] = []

    class Server:
        """Starts nothing."""

        def __init__(self, arguments: Sequence[str], *_: object) -> None:
            done.append(" ".join(arguments))

        def start(self) -> None:
            done.append("start")

    def ran(*_: object) -> int:
        done.append("run")
        return 3

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "Server", Server)
    monkeypatch.setattr(session, "run", ran)
    monkeypatch.setattr(namespace, "enter", lambda: done.append("enter"))
    return done


def test_the_network_is_made_first(did: list[str]) -> None:
    assert run.main(["--transparent", "--pace", "3s", "--", "app"]) == 3
    assert did == ["enter", "--port 0 --pace 3s --transparent-at 1.2.3.4", "start", "run"]


def test_no_network_can_be_made(
    did: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def enter() -> None:
        raise NoNamespace("it needs Linux")

    monkeypatch.setattr(namespace, "enter", enter)
    assert run.main(["--transparent", "--", "app"]) == 96
    assert did == []
    assert "falmock: --transparent: it needs Linux. Without it, the program gets a proxy" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["--record", "--auto", "--keep"])
def test_nothing_leads_out_of_it(did: list[str], other: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run.main(["--transparent", other, "--", "app"])
    assert (end.value.code, did) == (2, [])
    assert f"--transparent and {other} exclude each other: nothing leads out" in capsys.readouterr().err
