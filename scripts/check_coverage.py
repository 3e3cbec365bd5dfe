"""Lists the files of the package that their own tests do not cover, from the coverage data of the unit tests.

The tests of `falmock/wire/routes.py` are `tests/unit/wire/test_routes.py` and `test_routes_<part>.py`. Lines that run at
import count, so a file with definitions only needs no tests. `tests/unit/coverage_exceptions.txt` lists the files that
other tests cover.

Exit status: 0 if all files are covered, 1 if some are not, 2 if the list of exceptions is invalid.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("addon/falmock")
TESTS = Path("tests/unit")
EXCEPTIONS = TESTS / "coverage_exceptions.txt"
ENOUGH = 90


class BadList(ValueError):
    """An invalid line in the list of exceptions."""


@dataclass(frozen=True)
class Measured:
    """A file of the package, the tests that count for it, and the lines (from 1) that they run."""

    file: str
    tests: tuple[str, ...]
    lines: frozenset[int]
    run: frozenset[int]

    @property
    def percent(self) -> float:
        return 100 * len(self.run) / len(self.lines) if self.lines else 100.0

    def __str__(self) -> str:
        by = ", ".join(self.tests) or "no tests of its own"
        missing = "" if self.run == self.lines else f"; not lines {ranges(self.lines - self.run, self.lines)}"
        return f"{self.file}: {self.percent:.0f} % by {by}{missing}"


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="scripts/check-coverage", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="the data of coverage.py, with a context for each test"
    )
    parser.add_argument("--all", action="store_true", help="list every file")
    asked = parser.parse_args(arguments)
    files = sorted(path.relative_to(root).as_posix() for path in (root / PACKAGE).rglob("*.py"))
    try:
        joint, reasons = exceptions((root / EXCEPTIONS).read_text("utf-8"), root)
    except BadList as error:
        print(f"{EXCEPTIONS}: {error}", file=sys.stderr)
        return 2
    coverage = Coverage(data_file=str(asked.data), config_file=False)
    coverage.load()
    short = 0
    for file in files:
        found = measured(coverage, root, file, joint.get(file) or own_tests(root, file, files))
        is_short = found.percent < ENOUGH and file not in reasons
        short += is_short
        if is_short or asked.all:
            print(f"{found} ({reasons[file]})" if file in reasons else found)
    if short:
        print(f"{short} of {len(files)} files are below {ENOUGH} % by their own tests", file=sys.stderr)
        return 1
    print(
        f"each of {len(files)} files is covered by its own tests, but for {len(reasons)} that are listed with the reason"
    )
    return 0


def own_tests(root: Path, file: str, files: Iterable[str]) -> tuple[str, ...]:
    """The test files of this file; `test_a_b.py` belongs to `a_b.py` if that exists, else to `a.py`."""
    path = Path(file)
    folder = TESTS / path.parent.relative_to(PACKAGE)
    others = {f"test_{Path(other).name}" for other in files if Path(other).parent == path.parent and other != file}
    names = [inner.name for inner in (root / folder).glob(f"test_{path.stem}*.py") if inner.name not in others]
    is_own = (f"test_{path.stem}.py", f"test_{path.stem}_")
    return tuple(sorted((folder / name).as_posix() for name in names if name.startswith(is_own)))


def measured(coverage: Coverage, root: Path, file: str, tests: tuple[str, ...]) -> Measured:
    """The lines of a file that these tests or its import run."""
    path = str(root / file)
    _, statements, _, _, _ = coverage.analysis2(path)
    by_line = coverage.get_data().contexts_by_lineno(path)
    counts = tuple(f"{test}::" for test in tests)
    run = {
        line
        for line, contexts in by_line.items()
        if any(context == "" or context.startswith(counts) for context in contexts)
    }
    lines = frozenset(statements)
    return Measured(file, tests, lines, lines & run)


def exceptions(text: str, root: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The files that other tests cover, with these tests; and exempt files, with the reasons. Raises BadList."""
    joint: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        file, _, rest = line.partition(" ")
        how, _, what = rest.strip().partition(" ")
        for path in (file, *(what.split() if how == "by" else ())):
            if not (root / path).is_file():
                raise BadList(f"line {number}: there is no {path}")
        if how == "by" and what:
            joint[file] = tuple(what.split())
        elif how == "because" and what:
            reasons[file] = what
        else:
            raise BadList(f"line {number}: neither `FILE by TESTS` nor `FILE because REASON`")
    return joint, reasons


def ranges(lines: Iterable[int], all_lines: Iterable[int]) -> str:
    """Format lines as `3-5, 9`; ranges may contain lines without statements."""
    selected = set(lines)
    runs: list[list[int]] = []
    in_run = False
    for line in sorted(all_lines):
        if line in selected and in_run:
            runs[-1][1] = line
        elif line in selected:
            runs.append([line, line])
        in_run = line in selected
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
