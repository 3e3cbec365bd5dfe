"""`falmock env`: prints the variables that make programs call fal through a falmock."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from falmock.cli import settings
from falmock.cli import shells
from falmock.cli.settings import DEFAULT_HOST
from falmock.cli.settings import DEFAULT_PORT
from falmock.engine.config import Mode
from falmock.serving import ca
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables
from falmock.serving.environment.variables import Environment
from falmock.serving.own_ca import folder as own_ca
from falmock.serving.own_ca.folder import NoCa
from falmock.wire import hosts
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts

FAILED = 1
BAD_USAGE = 2
_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
_GITHUB = "github"
_EXAMPLE = """\
examples:
  eval "$(falmock env)"                              # sh, bash, zsh
  falmock env --shell fish | source
  falmock env --shell pwsh | Out-String | Invoke-Expression
  falmock env --shell dotenv > .env.falmock
  falmock env --shell github >> "$GITHUB_ENV"        # for the steps that follow
  falmock env --url http://127.0.0.1:9000 --scope my-test

The variables are for a falmock that runs already, or will: falmock serve, or mitmdump with falmock. Without a FAL_KEY, one is made up.

exit codes: 0 printed, 1 the CA or the files for it cannot be written, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock env`."""
    made = argparse.ArgumentParser(
        "falmock env",
        description=(
            "Prints the environment variables that make programs call fal through falmock and trust its CA. What is set already is kept: "
            "a list of hosts without a proxy, bundles of CAs, options of runtimes."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--shell", choices=shells.FORMATS, default="sh", help="the form in which they are printed (default sh)"
    )
    made.add_argument("--url", type=_url, default=_URL, help=f"where falmock listens (default {_URL})")
    made.add_argument("--scope", default="", metavar="NAME", help="the scope of the calls")
    made.add_argument(
        "--confdir",
        default="",
        metavar="DIR",
        help="the folder of mitmproxy's CA, as in falmock serve; by default it is falmock's own CA (falmock ca --help)",
    )
    made.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.REPLAY.value,
        help="the mode of that falmock (default replay). In the others, which call fal, no FAL_KEY is made up",
    )
    made.add_argument(
        "--hosts", action="append", default=[], metavar="VALUE", help="further hosts, as in falmock serve; repeatable"
    )
    return made


def _url(text: str) -> str:
    parts = urlsplit(text)
    try:
        is_good = (
            parts.scheme == "http" and parts.hostname and parts.port and text.rstrip("/").endswith(f":{parts.port}")
        )
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None:
        raise argparse.ArgumentTypeError(f"expected http://HOST:PORT, as in {_URL}, found {text!r}")
    return text.rstrip("/")


def main(words: Sequence[str]) -> int:
    """Print the variables; returns the exit code."""
    arguments = settings.parse(parser(), words)
    try:
        known = Hosts(hosts.parse_extra(arguments.hosts))
    except BadHost as error:
        return _told(f"--hosts: {error}", BAD_USAGE)
    try:
        made = _environment(arguments, known)
        text = shells.written(_for(arguments.shell, made), arguments.shell)
    except NoCa as error:
        return _told(str(error), FAILED)
    except OSError as error:
        return _told(f"the files for the CA cannot be written: {error}", FAILED)
    except shells.Unwritable as error:
        return _told(str(error), FAILED)
    print(text)  # noqa: T201
    for warning in made.warnings:
        _told(warning, 0)
    return 0


def _environment(arguments: argparse.Namespace, known: Hosts) -> Environment:
    if arguments.confdir:
        confdir = Path(arguments.confdir).expanduser().absolute()
        ca.ensure(confdir, time.time())
    else:
        confdir = own_ca.ensure(known.names, time.time())
    return variables.environment(
        arguments.url,
        trust_files.write(confdir, os.environ),
        os.environ,
        known,
        is_replay=arguments.mode == Mode.REPLAY.value,
        scope=arguments.scope,
    )


def _for(shell: str, made: Environment) -> dict[str, str]:
    """The variables that may be set in this form."""
    if shell != _GITHUB:
        return made.variables
    made.warnings.append(
        "GitHub allows no NODE_OPTIONS in $GITHUB_ENV, so NODE_USE_ENV_PROXY is set, for which Node.js has to be 22.21 or newer: "
        "for an older one, and for the package ws, run it with falmock run"
    )
    return {name: value for name, value in made.variables.items() if name != "NODE_OPTIONS"} | {
        "NODE_USE_ENV_PROXY": "1"
    }


def _told(text: str, code: int) -> int:
    print(f"falmock: {text}", file=sys.stderr)  # noqa: T201
    return code
