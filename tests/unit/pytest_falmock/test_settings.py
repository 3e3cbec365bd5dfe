"""What the command line and the configuration file say."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from pytest_falmock import settings
from pytest_falmock.errors import FalmockError
from pytest_falmock.settings import Settings

KEY = {"FAL_KEY": "id:secret"}


class Config:
    """A configuration file with these values."""

    rootpath = Path("/project")
    inipath = Path("/project/pytest.ini")

    def __init__(self, **values: Any) -> None:
        self._values = {"falmock_fixtures": [], "falmock_options": [], **values}

    def getini(self, name: str) -> Any:
        return self._values.get(name, "")


def mode(written: dict[str, str], typed: dict[str, str]) -> str:
    return settings.read(Config(**written), Namespace(**typed), KEY).mode  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "typed", "expected"),
    [
        ({}, {}, "replay"),
        ({}, {"falmock_mode": "off"}, "off"),
        ({"falmock_mode": "auto"}, {}, "auto"),
        ({"falmock_mode": "auto"}, {"falmock_mode": "replay"}, "replay"),
        ({}, {"falmock_record": "missing"}, "auto"),
        ({}, {"falmock_record": "all"}, "record"),
        ({"falmock_mode": "off"}, {"falmock_record": "all"}, "record"),
        ({"falmock_record": "all"}, {"falmock_mode": "replay"}, "replay"),
        ({"falmock_record": "all"}, {}, "record"),
        ({"falmock_record": "all"}, {"falmock_record": "missing"}, "auto"),
        ({"falmock_record": "all", "falmock_mode": "record"}, {}, "record"),
    ],
)
def test_the_mode(written: dict[str, str], typed: dict[str, str], expected: str) -> None:
    assert mode(written, typed) == expected


@pytest.mark.parametrize(
    ("written", "typed", "message"),
    [
        (
            {"falmock_mode": "rec"},
            {},
            "falmock_mode = rec in /project/pytest.ini: expected replay, record, auto or off",
        ),
        ({"falmock_record": "some"}, {}, "expected missing or all"),
        (
            {},
            {"falmock_mode": "replay", "falmock_record": "all"},
            "--falmock-mode=replay contradicts --falmock-record=all",
        ),
        (
            {"falmock_mode": "off", "falmock_record": "all"},
            {},
            "contradicts falmock_record = all in /project/pytest.ini",
        ),
    ],
)
def test_what_it_cannot_be(written: dict[str, str], typed: dict[str, str], message: str) -> None:
    with pytest.raises(FalmockError) as error:
        mode(written, typed)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("environ", "is_enough"),
    [
        (KEY, True),
        ({"FAL_KEY_ID": "id", "FAL_KEY_SECRET": "secret"}, True),
        ({"FAL_KEY": ""}, False),
        ({"FAL_KEY_ID": "id"}, False),
        ({}, False),
    ],
)
def test_recording_needs_a_key(environ: dict[str, str], *, is_enough: bool) -> None:
    for name in ("record", "auto"):
        if is_enough:
            assert settings.read(Config(), Namespace(falmock_mode=name), environ).records  # type: ignore[arg-type]
        else:
            with pytest.raises(FalmockError, match=f"mode {name} forwards calls to fal: set FAL_KEY"):
                settings.read(Config(), Namespace(falmock_mode=name), environ)  # type: ignore[arg-type]
    assert not settings.read(Config(), Namespace(), environ).records  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fixtures", "of_session", "of_module"),
    [
        ((), ["/project/fixtures"], ["/project/fixtures"]),
        (("a", "../b", "/c"), ["/project/a", "/b", "/c"], ["/project/a", "/b", "/c"]),
        (("{dir}/fal", "a"), ["/project/a"], ["/project/tests/fal", "/project/a"]),
        (("{dir}/{module}",), [], ["/project/tests/test_app"]),
    ],
)
def test_folders(fixtures: tuple[str, ...], of_session: list[str], of_module: list[str]) -> None:
    chosen = Settings("replay", Path("/project"), fixtures)
    assert [str(path) for path in chosen.folders()] == of_session
    assert [str(path) for path in chosen.folders(Path("/project/tests/test_app.py"))] == of_module
