"""`falmock doctor`: runs a program, and tells whose calls to fal did not come through the proxy, why, and what helps.

The program runs in a network of its own, where fal's names lead to falmock: what goes past the proxy is seen there, and
reaches nothing else. Where no such network can be made, only what comes to the proxy is seen.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from falmock.cli.launch import child
from falmock.cli.launch import diagnosis
from falmock.cli.launch import namespace
from falmock.cli.launch.child import CannotStart
from falmock.cli.launch.diagnosis import Finding
from falmock.cli.launch.exit_codes import BAD_USAGE
from falmock.cli.launch.exit_codes import FAILED
from falmock.cli.launch.output import tell
from falmock.cli.launch.server import NotStarted
from falmock.cli.launch.server import Ready
from falmock.cli.launch.server import Server
from falmock.cli.run import split
from falmock.cli.settings import DEFAULT_PORT
from falmock.serving import sightings
from falmock.serving.environment.variables import KEY

UNHEALTHY = 1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,9}")
_SECONDS = 10.0
"""How long a program may take to tell its version, and falmock to end."""
_EXAMPLE = """\
examples:
  falmock doctor -- npm test
  falmock doctor --as-is --confdir ~/.mitmproxy -- python app.py     # with the proxy and the CA that you have set yourself

exit codes: 0 all calls to fal came through the proxy, 1 a program went past it or did not trust the CA, or no call was seen,
  2 bad arguments, 96 falmock cannot start, 126 and 127 the program cannot be started. That of the program is told.
"""


def parser(*, is_whole: bool = False) -> argparse.ArgumentParser:
    """The parser of the options of `falmock doctor`; a whole one has those for `falmock serve` too."""
    made = argparse.ArgumentParser(
        "falmock doctor",
        usage="falmock doctor [options] -- COMMAND ...",
        description=(
            "Runs a program as falmock run does, and tells which of its processes called fal past the proxy or did not trust the CA, "
            "and the variable or line that helps. Nothing is sent to fal."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "--as-is",
        action="store_true",
        help="set no variables for the program: to check what you have set yourself. falmock then listens where your HTTPS_PROXY says, else at 8080",
    )
    if is_whole:
        from falmock.cli import serve_options

        serve_options.add_options(made)
    return made


def main(words: Sequence[str]) -> int:
    """Run the program; returns the exit code."""
    options, command = split(words)
    is_help = not {"-h", "--help"}.isdisjoint(options)
    given, for_server = parser(is_whole=is_help).parse_known_args(options)
    if not command:
        parser().error("there is no COMMAND. It stands behind two dashes: falmock doctor [options] -- python app.py")
    port = proxy_port(os.environ) if given.as_is else 0
    blind = namespace.problem()
    try:
        with tempfile.TemporaryDirectory(prefix="falmock-") as folder:
            observed, log = Path(folder, "seen"), Path(folder, "log")
            arguments = ["--port", str(port), *for_server, "--observe", str(observed)]
            if not blind:
                namespace.enter()
                arguments += ["--transparent-at", namespace.ADDRESS]
            server = Server(arguments, log)
            server.start()
            try:
                return _examined(server, command, observed, blind, is_as_is=given.as_is)
            finally:
                server.stop()
                server.wait(_SECONDS)
    except NotStarted as error:
        tell(f"falmock serve did not start:\n{error}")
        return BAD_USAGE if error.code == BAD_USAGE else FAILED
    except CannotStart as error:
        tell(str(error))
        return error.code
    except (OSError, namespace.NoNamespace) as error:
        tell(f"it cannot start: {error}")
        return FAILED


def _examined(server: Server, command: Sequence[str], observed: Path, blind: str, *, is_as_is: bool) -> int:
    """Run the program and tell what was seen; returns the exit code. `blind` says why not all can be seen, "" if it can."""
    ready = server.ready()
    for warning in () if is_as_is else ready.warnings:
        tell(warning)
    code = child.run(command, environment(os.environ, ready, is_as_is=is_as_is))
    server.stop()
    server.wait(_SECONDS)  # it has read all that the program sent by then
    wanted, seen = sightings.read(observed.read_text("utf-8"))
    found = diagnosis.findings(seen, wanted, str(Path(ready.ca).absolute()), version)
    tell(f"the program ended with exit code {code}")
    for line in diagnosis.lines(found):
        tell(line)
    for line in notes(found, diagnosis.unknown_names(seen), blind):
        tell(line)
    return 0 if found and all(each.is_fine for each in found) else UNHEALTHY


def proxy_port(environ: Mapping[str, str]) -> int:
    """The port of the proxy on this machine that the environment names; that of `falmock serve` if it names none."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        try:
            proxy = urlsplit(environ.get(name, ""))
            if proxy.hostname in _LOOPBACK and proxy.port:
                return proxy.port
        except ValueError:
            continue
    return DEFAULT_PORT


def environment(environ: Mapping[str, str], ready: Ready, *, is_as_is: bool) -> dict[str, str]:
    """The environment of the program. Its key is never a real one: what goes past the proxy may reach fal."""
    return {**environ, **({} if is_as_is else ready.environment), "FAL_KEY": KEY}


def notes(found: Sequence[Finding], unknown: Sequence[str], blind: str) -> list[str]:
    """What is to be said besides the findings."""
    lines = []
    if unknown:
        lines.append(f"looked up, but not there in the program's network: {', '.join(unknown[:10])}")
    if blind:
        lines.append(f"what goes past the proxy was not seen, since the program has no network of its own: {blind}")
    if not found:
        where = "came through the proxy" if blind else "was seen"
        lines.append(f"no call to fal {where}: did the program make one?")
    elif all(each.is_fine for each in found):
        lines.append("all calls that were seen came through the proxy" if blind else "all calls came through the proxy")
    return lines


def version(file: str) -> str:
    """The version of a program, as it tells it; "" if it does not."""
    try:
        told = subprocess.run(  # noqa: S603 - a runtime that the user has just run
            [file, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": os.defpath},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search((told.stdout + told.stderr).decode("utf-8", "replace"))
    return found[0] if found else ""
