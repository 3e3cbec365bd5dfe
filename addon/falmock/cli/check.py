"""`falmock check`: looks for mistakes, secrets and leftovers in fixtures."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path

from falmock.cli import findings
from falmock.cli import last_report
from falmock.cli import settings
from falmock.cli import terminal
from falmock.cli.findings import Checked
from falmock.cli.findings import Finding
from falmock.cli.findings import Level
from falmock.cli.last_report import BadReport
from falmock.cli.last_report import LastReport
from falmock.cli.progress import ProgressLine
from falmock.engine.config import Config
from falmock.fixtures.disk import loader
from falmock.fixtures.disk import overlooked_secrets
from falmock.fixtures.disk import unnamed_assets
from falmock.fixtures.disk.loader import FixtureErrors
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.loader import LoadedFixtures
from falmock.fixtures.model import Problem
from falmock.proxy import option_values
from falmock.proxy.options import BadOption
from falmock.redaction.redactor import Redactor
from falmock.serving.call_lines import printable

BAD_USAGE = 2
_LATER = "dead URLs, unnamed assets and unused fixtures are looked for when everything loads"
_OPTIONS = ("fal_faults", "fal_hosts", "fal_redact")
_EXAMPLE = """\
errors: what does not load (the schema, missing assets), and texts with the shape of a secret
warnings: URLs on fal's CDN that nothing serves, assets that no fixture names, fixtures for hosts that no call has, `$input` paths that
a model's schema does not have, and fixtures that the last `falmock run` did not use

examples:
  falmock check
  falmock check fixtures tests/fixtures --strict
  falmock check --format github

exit codes: 0 no errors, 1 errors (with --strict also warnings), 2 bad arguments, 130 Ctrl-C
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock check`."""
    made = argparse.ArgumentParser(
        "falmock check",
        description="Looks for mistakes, secrets and leftovers in fixtures, and changes nothing.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument(
        "fixtures", metavar="FIXTURES", nargs="*", help=f"folders or files of fixtures (default {loader.DEFAULT})"
    )
    made.add_argument("--strict", action="store_true", help="fail on warnings too")
    made.add_argument(
        "--format",
        choices=findings.FORMATS,
        default=findings.FORMATS[0],
        help="text: a line for each problem (default). json: one document. github: annotations of GitHub Actions",
    )
    made.add_argument(
        "--report",
        metavar="FILE",
        help=f"the report of the last `falmock run` (default {last_report.DEFAULT}, if it is there)",
    )
    settings.add_options(made, _OPTIONS)
    return made


def main(words: Sequence[str]) -> int:
    """Check, and print what was found; returns the exit code."""
    arguments = settings.parse(parser(), words)
    paths = tuple(arguments.fixtures) or (loader.DEFAULT,)
    try:
        config = option_values.parse(settings.complete(settings.given(arguments)))
        report = _report(arguments.report)
    except BadOption as error:
        return _refuse(settings.with_flags(str(error), arguments))
    except BadReport as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"--report {arguments.report or last_report.DEFAULT}: cannot be read: {error.strerror}")
    for path in paths:
        if not Path(path).expanduser().exists():
            expected = "falmock check FIXTURES names another folder"
            return _refuse(f"{path}: expected a folder or file of fixtures, found nothing ({expected})")
    checked = _Check(paths, config, report).run()
    for line in findings.shown(checked, arguments.format, has_colors=terminal.has_colors(sys.stdout)):
        print(printable(line, sys.stdout))  # noqa: T201
    return int(bool(checked.count(Level.ERROR) or (arguments.strict and checked.count(Level.WARNING))))


def _refuse(text: str) -> int:
    print(f"falmock: {text}", file=sys.stderr)  # noqa: T201
    return BAD_USAGE


def _report(path: str | None) -> LastReport | None:
    """The report that is asked for, or that of the last run in this folder if there is one. Raises OSError, BadReport."""
    if path is None and not Path(last_report.DEFAULT).exists():
        return None
    return LastReport(path or last_report.DEFAULT)


class _Check:
    """One check of the fixtures in these folders and files."""

    def __init__(self, paths: Sequence[str], config: Config, report: LastReport | None) -> None:
        self._paths = paths
        self._loader = FixtureLoader(paths, config.faults, config.hosts)
        self._redactor = Redactor(config.redact.names, config.redact.patterns)
        self._report = report
        self._progress = ProgressLine()
        self._findings: list[Finding] = []

    def run(self) -> Checked:
        """Look at everything."""
        loaded = self._load()
        files = [file for path in self._paths for file in overlooked_secrets.files_of(path)]
        digests = self._look_for_secrets(files)
        if loaded is None:  # what an entry with problems names is not known
            self._add(Level.NOTE, "note", [Problem("", "", _LATER)])
            return Checked(self._findings, 0, len(files))
        self._warn(loaded, files, digests)
        return Checked(self._findings, len(loaded.index.fixtures), len(files))

    def _add(self, level: Level, kind: str, problems: Iterable[Problem], line: int = 0) -> None:
        for problem in problems:
            text = self._redactor.text(problem.message)
            self._findings.append(Finding(level, kind, problem._replace(message=text), line))

    def _load(self) -> LoadedFixtures | None:
        try:
            return self._loader.load(lambda files: self._progress.through(files, "loading"))
        except FixtureErrors as error:
            self._add(Level.ERROR, "does not load", error.problems)
            return None

    def _unread(self, file: str, error: OSError) -> None:
        told = {os.path.realpath(finding.problem.file) for finding in self._findings}
        if os.path.realpath(file) not in told:  # else by the loader
            self._add(Level.ERROR, "cannot be read", [Problem(file, "", f"cannot be read: {error.strerror}")])

    def _look_for_secrets(self, files: Sequence[str]) -> set[str]:
        """Note the secrets in all files; returns the digests that they name."""
        digests: set[str] = set()
        for file in self._progress.through(files, "looking for secrets"):
            try:
                text = overlooked_secrets.text_of(file)
            except OSError as error:
                self._unread(file, error)
                continue
            digests.update(unnamed_assets.digests_in(text))
            for line, kind in overlooked_secrets.secrets_of(text, self._redactor):
                told = f"{kind}: take it out, and if it is real, treat it as stolen"
                self._add(Level.ERROR, "secret", [Problem(file, "", told)], line)
        return digests

    def _warn(self, loaded: LoadedFixtures, files: Sequence[str], digests: set[str]) -> None:
        for kind, doubts in loaded.doubts.items():
            self._add(Level.WARNING, kind, doubts)
        looked_at = {os.path.realpath(file) for file in self._loader.looked_at}
        self._add(Level.WARNING, "unnamed asset", unnamed_assets.unnamed(files, looked_at, digests))
        if self._report is not None:
            self._add(Level.WARNING, "unused", self._report.unused(loaded.index.fixtures))
        self._add(Level.NOTE, "note", (Problem("", "", note) for note in loaded.notes))
