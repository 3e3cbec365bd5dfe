"""Reads the command line of `falmock`. What a command needs is imported when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import falmock
from falmock.fixtures.suggest import did_you_mean
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import PREFIX
from falmock.proxy.options import Option

_EXAMPLE = """\
example:
  falmock serve --fixtures ./fixtures --pace 3s
  HTTPS_PROXY=http://127.0.0.1:8080 SSL_CERT_FILE=~/.mitmproxy/mitmproxy-ca-cert.pem python app.py
"""
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
DEFAULT_CONFDIR = "~/.mitmproxy"
_OWN_FLAGS = ("--host", "--port", "--confdir", "--trusted-ca", "--set", "--help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process by default; returns the exit code."""
    whole = parser()
    given, unknown = whole.parse_known_args(arguments)
    if unknown:
        known = [*_OWN_FLAGS, *(flag for option in OPTIONS for flag in flags(option))]
        hint = did_you_mean(unknown[0].partition("=")[0], known)
        whole.error(f"unrecognized arguments: {' '.join(unknown)}{hint} (falmock serve --help lists all options)")
    from falmock.cli import serve

    return serve.run(given)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line. It ends the process with code 2 for arguments that it does not know."""
    whole = argparse.ArgumentParser(
        "falmock", description="Stands in for the fal.ai inference API: free, offline, the same every time."
    )
    whole.add_argument("--version", action="version", version=f"falmock {falmock.__version__}")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="answer calls to fal from fixtures, on a port that apps use as their proxy",
        description=(
            "Answers calls to fal from fixtures, on a port that apps use as their proxy or as their base URL. It needs no mitmproxy: "
            "connections to other hosts pass untouched. Modes that forward calls to fal start mitmdump instead."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    serve.add_argument("--host", default=DEFAULT_HOST, help=f"the address to listen on (default {DEFAULT_HOST})")
    serve.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help=f"the port, 0 for a free one (default {DEFAULT_PORT})"
    )
    serve.add_argument(
        "--confdir", default=DEFAULT_CONFDIR, help=f"the folder of mitmproxy's CA (default {DEFAULT_CONFDIR})"
    )
    serve.add_argument(
        "--trusted-ca", default="", metavar="FILE", help="a CA to trust, besides the system's, when webhooks are posted"
    )
    serve.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="fal_NAME=VALUE",
        help="an option as mitmdump takes it: the same as --NAME VALUE",
    )
    for option in OPTIONS:
        serve.add_argument(
            *flags(option), action="append", dest=option.name, metavar="VALUE", help=option.help.replace("%", "%%")
        )
    return whole


def flags(option: Option) -> tuple[str, str]:
    """How an option is written: `--pace` and `--fal-pace`."""
    return tuple(f"--{name.replace('_', '-')}" for name in (option.name.removeprefix(PREFIX), option.name))  # type: ignore[return-value]  # two


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)
