"""The key of the user's own."""

from __future__ import annotations

import pytest

from falmock.cli.launch import fal_key


@pytest.mark.parametrize(
    ("mode", "key", "has_none"),
    [("replay", "", False), ("record", "", True), ("auto", "", True), ("record", "a:b", False), ("auto", "a:b", False)],
)
def test_modes_that_forward_need_a_key(
    mode: str,
    key: str,
    has_none: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("FAL_KEY_ID", raising=False)
    monkeypatch.setenv("FAL_KEY", key)
    assert fal_key.is_missing(mode) is has_none
    assert ("FAL_KEY is not set" in capsys.readouterr().err) is has_none
