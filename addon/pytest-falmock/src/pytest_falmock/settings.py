"""What the command line and the configuration file say: mode, fixtures, further options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_falmock.errors import FalmockError

OFF = "off"
MODES = ("replay", "record", "auto", OFF)
RECORDS = {"missing": "auto", "all": "record"}
"""What `--falmock-record` says, and the mode that does it."""
FOLDER, MODULE = "{dir}", "{module}"
"""What stands for the folder of a test's file, and for the file's name without `.py`, in `falmock_fixtures`."""
FIXTURES = "fixtures"
"""Where falmock looks for fixtures by default, in the root folder."""
_KEYS = ("FAL_KEY",), ("FAL_KEY_ID", "FAL_KEY_SECRET")


@dataclass(frozen=True)
class Settings:
    """How falmock is started for a test session.

    `fixtures` are paths, relative to `root` if they are not absolute; the first is where recordings go. `options` are
    further arguments of `falmock serve`.
    """

    mode: str
    root: Path
    fixtures: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def records(self) -> bool:
        """Whether calls may go to the real fal, and are recorded."""
        return self.mode in RECORDS.values()

    def folders(self, module: Path | None = None) -> tuple[Path, ...]:
        """The folders and files of fixtures for the tests of a module; None: for the whole session."""
        found = []
        for text in self.fixtures or (FIXTURES,):
            if module is not None:
                filled = text.replace(FOLDER, str(module.parent)).replace(MODULE, module.stem)
            elif FOLDER in text or MODULE in text:
                continue
            else:
                filled = text
            found.append(Path(os.path.abspath(self.root / filled)))  # noqa: PTH100 - links stay as they were written
        return tuple(found)


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the configuration file."""
    group = parser.getgroup("falmock", "fal.ai answered by falmock")
    group.addoption(
        "--falmock-mode",
        choices=MODES,
        help="replay: answer from fixtures; nothing goes to fal (the default). record: forward all calls to fal and record them. "
        "auto: forward and record what no fixture answers. off: leave tests alone.",
    )
    group.addoption(
        "--falmock-record",
        choices=tuple(RECORDS),
        help="record the calls that no fixture answers (missing), or all of them again (all). It needs your FAL_KEY, and fal bills.",
    )
    parser.addini("falmock_mode", "the default of --falmock-mode")
    parser.addini("falmock_record", "the default of --falmock-record")
    parser.addini(
        "falmock_fixtures",
        "folders or files of fixtures, from the root folder; recordings go to the first (default: fixtures). "
        "{dir} is the folder of the test's file, {module} its name without .py",
        type="linelist",
    )
    parser.addini("falmock_options", "further options for `falmock serve`, as in --faults faults.json", type="args")


def read(config: pytest.Config, namespace: object, environ: Mapping[str, str]) -> Settings:
    """The settings of a session; `namespace` has the options of the command line. Raises FalmockError."""
    mode = _chosen(
        _given(config, namespace, "falmock_mode", MODES), _given(config, namespace, "falmock_record", tuple(RECORDS))
    )
    settings = Settings(
        mode, config.rootpath, tuple(config.getini("falmock_fixtures")), tuple(config.getini("falmock_options"))
    )
    if settings.records and not any(all(environ.get(name) for name in names) for names in _KEYS):
        raise FalmockError(
            f"mode {mode} forwards calls to fal: set FAL_KEY to your key (https://fal.ai/dashboard/keys), "
            "or replay with --falmock-mode=replay"
        )
    return settings


@dataclass(frozen=True)
class _Given:
    """The value of an option, where it was found, and whether that is the command line."""

    value: str
    where: str
    is_typed: bool


def _given(config: pytest.Config, namespace: object, name: str, values: Sequence[str]) -> _Given | None:
    typed = getattr(namespace, name, None)
    if typed:
        return _Given(typed, f"--{name.replace('_', '-')}={typed}", is_typed=True)
    written = str(config.getini(name) or "").strip()
    if not written:
        return None
    where = f"{name} = {written} in {config.inipath or 'the configuration'}"
    if written not in values:
        raise FalmockError(f"{where}: expected {', '.join(values[:-1])} or {values[-1]}")
    return _Given(written, where, is_typed=False)


def _chosen(mode: _Given | None, record: _Given | None) -> str:
    """The mode. The command line takes precedence over the file, whichever of the two options it has. Raises FalmockError."""
    if mode is not None and record is not None and mode.is_typed is record.is_typed:
        if mode.value != RECORDS[record.value]:
            raise FalmockError(
                f"{mode.where} contradicts {record.where}, which is mode {RECORDS[record.value]}: give one"
            )
        return mode.value
    if record is not None and (mode is None or record.is_typed):
        return RECORDS[record.value]
    return MODES[0] if mode is None else mode.value
