"""The command that started this mitmproxy, for messages."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

from falmock.redaction.command_line import url_without_secrets
from falmock.redaction.patterns import HIDDEN

PROGRAMS = ("mitmdump", "mitmproxy", "mitmweb")
_MODE = "fal_mode"
_STORE = "fal_store"
_SECRETS = ("proxyauth", "upstream_auth", "cert_passphrase", "fal_control_token", "web_password")
"""The options with a secret as value, as `--set` names them."""
_SHORTEST = 4
"""mitmproxy takes options by the beginning of their names; shorter ones name several."""


def started_as(arguments: Sequence[str]) -> str:
    """The command with these arguments (as in `sys.argv`), quoted for a shell, without `fal_mode` and without secrets."""
    program = Path(arguments[0]).name if arguments else ""
    kept = list(_kept(list(arguments[1:])))
    return shlex.join([program if program in PROGRAMS else PROGRAMS[0], *kept])


def _kept(arguments: list[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--set":
            setting = value if equals else next(rest, "")
            if setting.partition("=")[0] != _MODE:
                yield from ("--set", _shown(setting))
        elif _is_secret(name):
            yield f"{name}={HIDDEN}" if equals else name
            if not equals and next(rest, None) is not None:
                yield HIDDEN
        else:
            yield argument


def _shown(setting: str) -> str:
    name, equals, value = setting.partition("=")
    if name == _STORE:
        return f"{name}{equals}{url_without_secrets(value)}"
    return f"{name}={HIDDEN}" if name in _SECRETS and equals and not value.startswith("env:") else setting


def _is_secret(flag: str) -> bool:
    """Whether a flag such as `--proxyauth`, which may be cut, is followed by a secret."""
    name = flag.removeprefix("--").replace("-", "_")
    return flag.startswith("--") and len(name) >= _SHORTEST and any(each.startswith(name) for each in _SECRETS)
