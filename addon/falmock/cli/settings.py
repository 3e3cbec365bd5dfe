"""falmock's options on the command line: their flags, their values, and the command lines that mean the same."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Container
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import falmock
from falmock.fixtures.suggest import did_you_mean
from falmock.proxy import options
from falmock.proxy.options import NAMES
from falmock.proxy.options import OPTIONS
from falmock.proxy.options import PREFIX
from falmock.proxy.options import BadOption
from falmock.proxy.options import Option
from falmock.redaction.command_line import url_without_secrets
from falmock.redaction.patterns import HIDDEN
from falmock.serving.own_ca.names import pattern
from falmock.wire.hosts import Hosts

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
ADDON = Path(falmock.__file__).parents[1] / "falmock_addon.py"
"""The script for `mitmdump -s`."""
MITMDUMP = Path(sys.executable).with_name("mitmdump")
_OPTION = re.compile(r"\bfal_\w+")
_FLAG = re.compile(r"--[a-z][a-z-]*")
_MODE = "fal_mode"
_SECRETS = ("fal_control_token",)
_STORE = "fal_store"


def flags(option: Option) -> tuple[str, str]:
    """How an option is written: `--pace` and `--fal-pace`."""
    return tuple(f"--{name.replace('_', '-')}" for name in (option.name.removeprefix(PREFIX), option.name))  # type: ignore[return-value]  # two


def add_options(parser: argparse.ArgumentParser, names: Container[str] = NAMES) -> None:
    """Add the flags of all options, or of those with these names, to a command's parser. `given` reads their values."""
    if names is NAMES:
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            dest="settings",
            metavar="fal_NAME=VALUE",
            help="an option as mitmdump takes it: the same as --NAME VALUE",
        )
    for option in OPTIONS:
        if option.name in names:
            parser.add_argument(
                *flags(option), action="append", dest=option.name, metavar="VALUE", help=option.help.replace("%", "%%")
            )


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments as the parser reads them. For flags that it does not know it ends the process, and names similar ones."""
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        hint = did_you_mean(unknown[0].partition("=")[0], sorted(set(_FLAG.findall(parser.format_help()))))
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint} ({parser.prog} --help lists all options)")
    return given


def given(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The values that the command line sets, by the option's name. Raises BadOption."""
    values = {name: list(found) for name in NAMES if (found := getattr(arguments, name, None))}
    for setting in getattr(arguments, "settings", ()):
        name, equals, value = setting.partition("=")
        options.check_names([name])
        if name not in NAMES or not equals:
            expected = "expected fal_NAME=VALUE" if not equals else "expected an option of falmock's"
            raise BadOption(f"--set {name}: {expected}{did_you_mean(name, NAMES)}; mitmproxy's are for mitmdump")
        values.setdefault(name, []).append(value)
    return values


def with_flags(text: str, arguments: argparse.Namespace) -> str:
    """A message with the flags that the command line has, in place of the names of their options."""
    shown = {option.name: flags(option)[0] for option in OPTIONS if getattr(arguments, option.name, None)}
    return _OPTION.sub(lambda found: shown.get(found[0], found[0]), text)


def complete(values: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """All values, with the defaults of those that are not given."""
    return {option.name: values.get(option.name, options.defaults(option)) for option in OPTIONS}


def started_as(arguments: argparse.Namespace, values: Mapping[str, list[str]]) -> str:
    """The command of this `falmock serve`, quoted for a shell, without its mode and without secrets."""
    words = ["falmock", "serve"]
    for flag, value, default in (
        ("--host", arguments.host, DEFAULT_HOST),
        ("--port", arguments.port, DEFAULT_PORT),
        ("--confdir", arguments.confdir, ""),
        ("--trusted-ca", arguments.trusted_ca, ""),
        ("--workers", arguments.workers, 1),
    ):
        if value != default:
            words += [flag, str(value)]
    for option in OPTIONS:
        if option.name != _MODE:
            for value in values.get(option.name, ()):
                words += [flags(option)[0], _shown(option.name, value)]
    return shlex.join(words)


def _shown(name: str, value: str) -> str:
    if name == _STORE:
        return url_without_secrets(value)
    return HIDDEN if name in _SECRETS and not value.startswith("env:") else value


def mitmdump_arguments(
    arguments: argparse.Namespace, values: Mapping[str, list[str]], confdir: Path, hosts: Hosts
) -> list[str]:
    """The arguments of a mitmdump that does the same, with the CA in `confdir`."""
    return list(_mitmdump_arguments(arguments, values, confdir, hosts))


def _mitmdump_arguments(
    arguments: argparse.Namespace, values: Mapping[str, list[str]], confdir: Path, hosts: Hosts
) -> Iterator[str]:
    yield from ("-s", str(ADDON), "--listen-host", arguments.host, "--listen-port", str(arguments.port))
    yield from ("--set", f"confdir={arguments.confdir or confdir}")
    if not arguments.confdir:
        # A CA that can sign for fal's hosts alone: others keep their certificates, and their names are not taken over.
        yield from ("--set", f"allow_hosts={pattern(hosts.names)}", "--set", "upstream_cert=false")
    if arguments.trusted_ca:
        yield from ("--set", f"ssl_verify_upstream_trusted_ca={arguments.trusted_ca}")
    for name, found in values.items():
        for value in found:
            yield from ("--set", f"{name}={value}")
