"""`falmock import`: makes fixtures of captures. mitmproxy reads its own format, so a mitmdump that takes no calls does it."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Sequence

from falmock.cli import settings
from falmock.cli.launch.child import is_for_group
from falmock.proxy import option_values
from falmock.proxy.options import BadOption
from falmock.recording.captures.capture import BETWEEN

BAD_USAGE = 2
FAILED = 1
INTERRUPTED = 130
_OPTIONS = (
    "fal_fixtures",
    "fal_hosts",
    "fal_ignore",
    "fal_redact",
    "fal_record_assets",
    "fal_record_schemas",
    "fal_record_errors",
)
_EXAMPLE = """\
examples:
  falmock import capture.har
  falmock import cassettes/ old.flow --fixtures tests/fixtures --record-assets none

What it reads is one recording: the same input several times becomes a sequence of answers. Files that answers name and no capture has
are fetched from fal's CDN at the end (--record-assets none: they are not), and so are the schemas of the endpoints
(--record-schemas none: they are not). The log says what is not used, and why.

exit codes: 0 all were read, 1 some could not be read or written (the others are imported), 2 bad arguments, 130 Ctrl-C (what was read
is imported)
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock import`."""
    made = argparse.ArgumentParser(
        "falmock import",
        description=(
            "Makes fixtures of captures: HARs of browsers and other tools (also zipped), flow files of mitmproxy, cassettes of vcrpy, "
            "and folders with any of them."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("files", metavar="FILES", nargs="+", type=_path, help="captures, or folders with captures")
    made.add_argument("--confdir", metavar="DIR", help="the folder of mitmproxy's settings (default ~/.mitmproxy)")
    made.add_argument(
        "--trusted-ca", metavar="FILE", help="a CA to trust, besides the system's, when files are fetched"
    )
    settings.add_options(made, _OPTIONS)
    return made


def _path(text: str) -> str:
    if not text or BETWEEN in text:
        raise argparse.ArgumentTypeError(f"expected a path without line ends, found {text!r}")
    return text


def main(words: Sequence[str]) -> int:
    """Import; returns the exit code."""
    arguments = settings.parse(parser(), words)
    try:
        values = settings.given(arguments)
        option_values.parse(settings.complete(values))
    except BadOption as error:
        print(f"falmock: {settings.with_flags(str(error), arguments)}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    return _run([str(settings.MITMDUMP), *_arguments(arguments, values)])


def _arguments(arguments: argparse.Namespace, values: dict[str, list[str]]) -> Iterator[str]:
    yield from ("-n", f"--rfile={BETWEEN.join(arguments.files)}", "-s", str(settings.ADDON))
    yield from ("--set", "flow_detail=0")  # the log says what is imported
    if arguments.confdir:
        yield from ("--set", f"confdir={arguments.confdir}")
    if arguments.trusted_ca:
        yield from ("--set", f"ssl_verify_upstream_trusted_ca={arguments.trusted_ca}")
    for name, found in (values | {"fal_mode": ["record"]}).items():
        for value in found:
            yield from ("--set", f"{name}={value}")


def _run(command: Sequence[str]) -> int:
    """Run mitmdump to its end. It gets Ctrl-C too, and writes what it has read. The second one ends it at once."""
    sys.stdout.flush()
    try:
        process = subprocess.Popen(command)  # noqa: S603 - no shell
    except OSError as error:
        print(f"falmock: {command[0]} cannot be started: {error.strerror}", file=sys.stderr)  # noqa: T201
        return FAILED
    interrupted = 0
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                interrupted += 1
                if interrupted > 1:
                    process.kill()
                elif not is_for_group():
                    process.send_signal(signal.SIGINT)
            else:
                return INTERRUPTED if interrupted else 128 - code if code < 0 else code
    finally:
        signal.signal(signal.SIGTERM, before)
