"""The options of `falmock serve`, which `falmock run` and `falmock doctor` take too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from falmock.cli import settings
from falmock.cli.settings import DEFAULT_HOST
from falmock.cli.settings import DEFAULT_PORT
from falmock.engine.config import MEMORY
from falmock.engine.config import Config
from falmock.engine.config import Mode
from falmock.engine.jobs.pace import BadPace
from falmock.engine.jobs.pace import parse_duration

MOST_WORKERS = 64
_EXAMPLE = """\
example:
  falmock serve --fixtures ./fixtures --pace 3s
  HTTPS_PROXY=http://127.0.0.1:8080 SSL_CERT_FILE=$(falmock ca path) python app.py

exit codes: 0 ended by a signal, 1 it cannot start, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock serve`."""
    made = argparse.ArgumentParser(
        "falmock serve",
        description=(
            "Answers calls to fal from fixtures, on a port that apps use as their proxy or as their base URL. It needs no mitmproxy: "
            "connections to other hosts pass untouched. Modes that forward calls to fal start mitmdump instead."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_options(made)
    return made


def add_options(made: argparse.ArgumentParser) -> None:
    """Add all its options to a parser."""
    made.add_argument("--host", default=DEFAULT_HOST, help=f"the address to listen on (default {DEFAULT_HOST})")
    made.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help=f"the port, 0 for a free one (default {DEFAULT_PORT})"
    )
    made.add_argument(
        "--confdir",
        default="",
        metavar="DIR",
        help="the folder of mitmproxy's CA, as in ~/.mitmproxy; by default falmock's own CA is used (falmock ca --help)",
    )
    made.add_argument(
        "--trusted-ca", default="", metavar="FILE", help="a CA to trust, besides the system's, when webhooks are posted"
    )
    made.add_argument(
        "--idle-timeout",
        type=_duration,
        metavar="TIME",
        help="end after this long without a call, as in 30m (default: never)",
    )
    made.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="how many processes answer at the port (default 1). Without --store, several start a private Redis or Valkey",
    )
    made.add_argument(
        "--transparent-at",
        type=_address,
        metavar="ADDRESS",
        help="listen at ports 80 and 443 of this address too, and answer fal's names with it, in a network that nothing leads "
        "out of: falmock run --transparent makes one",
    )
    made.add_argument(
        "--observe", type=Path, metavar="FILE", help="write what is seen of each client: falmock doctor reads it"
    )
    settings.add_options(made)


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except BadPace as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"expected a time such as 30m, found {text!r}")
    return seconds


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an IPv4 address such as 1.2.3.4, found {text!r}") from None


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MOST_WORKERS}, found {text!r}")
    return int(text)


def why_one_worker(arguments: argparse.Namespace, values: Mapping[str, Sequence[str]], config: Config) -> str:
    """Why there cannot be several workers; "" if there can. `values` are those that the command line sets."""
    if sys.platform == "win32":
        return "Windows cannot share a port among processes"
    if config.mode.records:
        return f"mode {config.mode.value} has one recorder, which is one process. Record without --workers"
    if config.mode is not Mode.REPLAY:
        return f"mode {config.mode.value} is mitmproxy, which is one process"
    if arguments.transparent_at or arguments.observe:
        return "falmock run --transparent and falmock doctor have one process"
    if MEMORY in values.get("fal_store", ()):
        return f"--store {MEMORY} is the memory of one process. Leave it out for a private store, or give one: --store redis://HOST"
    return ""


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)
