"""`falmock stop`."""

from __future__ import annotations

import pytest

from falmock.cli import main as main_
from falmock.cli import stop
from falmock.cli.launch import kept


@pytest.mark.parametrize(
    ("was_there", "code", "text"), [(True, 0, "the kept server was ended"), (False, 1, "there is no kept server")]
)
def test_it_ends_the_kept_server(
    was_there: bool,  # noqa: FBT001
    code: int,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(kept, "stop", lambda _: was_there)
    assert stop.main([]) == code
    assert text in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main_.main(["stop", "--help"])
    assert end.value.code == 0
    assert "falmock run --keep" in capsys.readouterr().out
