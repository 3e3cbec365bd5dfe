"""The options for `falmock serve` as words of a command line, where nothing that knows them all is imported yet."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from collections.abc import Sequence

from falmock.redaction.command_line import hidden
from falmock.redaction.command_line import url_without_secrets
from falmock.redaction.patterns import HIDDEN

_TOKEN = ("--control-token", "--fal-control-token")
_HOSTS = ("--hosts", "--fal-hosts")
_WORKERS = "--workers"
_STORE = ("--store", "--fal-store")
_MODE = ("--mode", "--fal-mode")
_FROM = "env:"
"""How a value that stands in an environment variable begins."""


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option and its value; `--set fal_x=y` is `--fal-x` with y."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals:
            value = next(rest, "")
        if name == "--set":
            setting, _, value = value.partition("=")
            name = f"--{setting.replace('_', '-')}"
        yield name, value


def control_token(words: Sequence[str]) -> str:
    """What callers of the control API have to show; "" if nothing."""
    token = ""
    for name, value in _options(words):
        if name in _TOKEN:
            token = os.environ.get(value.removeprefix(_FROM), "") if value.startswith(_FROM) else value
    return token


def hosts(words: Sequence[str]) -> list[str]:
    """The further hosts that falmock answers for, as they were given."""
    return [value for name, value in _options(words) if name in _HOSTS]


def has_several_workers(words: Sequence[str]) -> bool:
    """Whether more than one process is asked for. What is no number is left for `falmock serve` to refuse."""
    given = [value for name, value in _options(words) if name == _WORKERS]
    return bool(given) and given[-1].isdecimal() and int(given[-1]) > 1


def started_as(words: Sequence[str], command: Sequence[str]) -> str:
    """The command of a run, quoted for a shell and without secrets, with `{mode}` in the place of its mode."""
    shown = ["falmock", "run", "--mode", "{mode}"]
    for name, value in _options(words):
        if name not in _MODE:
            is_secret = name in _TOKEN and not value.startswith(_FROM)
            public = url_without_secrets(value) if name in _STORE else value
            shown += [name, HIDDEN if is_secret else shlex.quote(public)]
    return f"{' '.join(shown)} -- {shlex.join(hidden(command))}"
