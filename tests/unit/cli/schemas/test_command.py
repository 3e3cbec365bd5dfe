"""The commands of `falmock schemas`."""

from __future__ import annotations

from importlib import import_module

import pytest

from falmock.cli import main as main_
from falmock.cli.schemas import command


@pytest.mark.parametrize("words", [["--help"], ["fetch", "--help"], ["import", "--help"], ["list", "--help"]])
def test_each_has_help_with_examples_and_exit_codes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["schemas", *words])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:\n  falmock schemas " in shown
    assert "exit codes: 0 " in shown
    assert f"falmock schemas {words[0].strip('-')}" in shown or words == ["--help"]


def test_all_are_listed() -> None:
    shown = command.parser().format_help()
    for name, (module, about) in command.ACTIONS.items():
        assert import_module(f"falmock.cli.schemas.{module}").main
        assert name in shown
        assert about in shown


@pytest.mark.parametrize("words", [[], ["fetsh"], ["list", "--form", "x"]])
def test_what_is_not_known_ends_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["schemas", *words])
    assert end.value.code == 2
    assert "usage: falmock schemas" in capsys.readouterr().err
