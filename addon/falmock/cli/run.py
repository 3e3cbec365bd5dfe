"""`falmock run`: runs a program so that its calls to fal come to a falmock of its own.

Options that are not its own go to `falmock serve` as they are, which checks them. So nothing is imported here that a
server needs, and both processes start at the same time.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from falmock.cli.launch import fal_key
from falmock.cli.launch import folder
from falmock.cli.launch import words as words_
from falmock.cli.launch.exit_codes import BAD_USAGE
from falmock.cli.launch.exit_codes import FAILED
from falmock.cli.launch.output import tell
from falmock.cli.launch.server import Server

_EXAMPLE = """\
examples:
  falmock run -- python app.py
  falmock run --fixtures tests/fixtures --strict -- npm test
  falmock run --record -- python app.py      # calls the real fal with your FAL_KEY, and writes fixtures

exit codes: that of the program. If it passed: 97 if calls missed, 98 if fixtures were not used (with --strict).
  2 bad arguments, 96 falmock cannot start, 126 and 127 the program cannot be started, 128+N signal N ended the program
"""


def parser(*, is_whole: bool = False) -> argparse.ArgumentParser:
    """The parser of the options of `falmock run`; a whole one has those for `falmock serve` too."""
    made = argparse.ArgumentParser(
        "falmock run",
        usage="falmock run [options] -- COMMAND ...",
        description=(
            "Runs a program so that its calls to fal are answered from fixtures. Nothing else has to be set: the program gets a proxy, "
            "a CA to trust and a key in its environment. What happened is told at the end, and is in .falmock/last.json."
        ),
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    modes = made.add_mutually_exclusive_group()
    for mode, text in (
        ("record", "forward all calls to fal and write fixtures: needs FAL_KEY"),
        ("auto", "replay what matches, forward and record the rest: needs FAL_KEY"),
    ):
        modes.add_argument(f"--{mode}", action="store_const", const=mode, dest="forwarding", help=text)
    made.add_argument("--scope", default="", metavar="NAME", help="the scope of the program's calls")
    made.add_argument("--keep", action="store_true", help="use a server that goes on after the run, for watch modes")
    made.add_argument(
        "--inspect",
        action="store_true",
        help="open the inspector in the web browser: a page that shows jobs, media and misses. It ends with the run: add --keep to "
        "look at it afterwards",
    )
    made.add_argument(
        "--transparent",
        action="store_true",
        help="give the program a network of its own, where fal's names lead to falmock and nothing leads out: for clients that use no proxy (Linux)",
    )
    made.add_argument("--allow-misses", action="store_true", help="do not fail because calls missed")
    made.add_argument("--strict", action="store_true", help="fail if fixtures were not used")
    if is_whole:
        from falmock.cli import serve_options

        serve_options.add_options(made)
    return made


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options, and the command. Without options, the `--` between them may be left out."""
    if "--" in words:
        at = list(words).index("--")
        return list(words[:at]), list(words[at + 1 :])
    return (list(words), []) if words[:1] and words[0].startswith("-") else ([], list(words))


def main(words: Sequence[str]) -> int:
    """Run the program; returns the exit code."""
    options, command = split(words)
    is_help = not {"-h", "--help"}.isdisjoint(options)
    given, for_server = parser(is_whole=is_help).parse_known_args(options)
    if not command:
        parser().error("there is no COMMAND. It stands behind two dashes: falmock run [options] -- python app.py")
    if given.keep and given.forwarding:
        parser().error("--keep is for replay: a recording ends with its run")
    if given.transparent and (given.keep or given.forwarding):
        other = "--keep" if given.keep else f"--{given.forwarding}"
        why = "nothing leads out of the program's network, neither to fal nor to a server that was started before"
        parser().error(f"--transparent and {other} exclude each other: {why}")
    if given.transparent and given.inspect:
        parser().error("--transparent and --inspect exclude each other: no browser reaches into the program's network")
    if words_.has_several_workers(for_server):
        why = "the report of a run counts the calls of one process"
        instead = "falmock serve --workers N, and the program with what falmock env prints"
        parser().error(f"falmock run has one worker: {why}. For several, start {instead}")
    if given.forwarding:
        for_server += ["--mode", given.forwarding]
        if fal_key.is_missing(given.forwarding):
            return BAD_USAGE
    arguments = ["--port", "0", *for_server]
    if given.transparent:
        from falmock.cli.launch import namespace

        try:
            namespace.enter()
        except namespace.NoNamespace as error:
            tell(f"--transparent: {error}. Without it, the program gets a proxy, which most clients use")
            return FAILED
        arguments += ["--transparent-at", namespace.ADDRESS]
    try:
        where = folder.made()
        server = None if given.keep else Server(arguments, where / folder.LOG, words_.started_as(for_server, command))
        if server is not None:
            server.start()
    except OSError as error:
        tell(f"it cannot start: {error}")
        return FAILED
    from falmock.cli.launch import session  # while the server starts

    asked = session.Asked(
        command, arguments, where, given.forwarding or "", given.scope, given.allow_misses, given.strict, given.inspect
    )
    return session.run(asked, server)
