"""scripts/check_coverage.py lists the files that their own tests do not cover."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "A = 1\n\n\ndef f(x):\n    x += 1\n    return x\n"
IMPORT = [1, 4]
WHOLE = [5, 6]


class Project:
    """A checkout with a file of the package, and the coverage data of its tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = CoverageData(str(root / "data"))
        self.write("scripts/check_coverage.py", (ROOT / "scripts" / "check_coverage.py").read_text("utf-8"))
        self.write("addon/falmock/wire/a.py", SOURCE)
        self.excepted("")

    def write(self, name: str, text: str = "") -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def excepted(self, *lines: str) -> None:
        self.write("tests/unit/coverage_exceptions.txt", "# a comment\n\n" + "\n".join(lines))

    def ran(self, context: str, lines: list[int], file: str = "addon/falmock/wire/a.py") -> None:
        self.data.set_context(context)
        self.data.add_lines({str(self.root / file): lines})
        self.data.write()

    def check(self, *more: str) -> tuple[int, str]:
        command = [
            sys.executable,
            str(self.root / "scripts/check_coverage.py"),
            "--data",
            str(self.root / "data"),
            *more,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.write("tests/unit/wire/test_a.py")
    project.ran("", IMPORT)
    return project


def test_what_its_own_tests_run_counts(project: Project) -> None:
    project.ran("tests/unit/wire/test_a.py::test_it|run", WHOLE)
    assert project.check()[0] == 0


def test_what_others_run_does_not(project: Project) -> None:
    project.write("tests/unit/wire/test_ab.py")
    project.ran("tests/unit/wire/test_ab.py::test_it|run", WHOLE)
    code, output = project.check()
    assert code == 1
    assert output.splitlines() == [
        "addon/falmock/wire/a.py: 50 % by tests/unit/wire/test_a.py; not lines 5-6",
        "1 of 1 files are below 90 % by their own tests",
    ]


def test_a_file_without_tests_of_its_own(project: Project) -> None:
    (project.root / "tests/unit/wire/test_a.py").unlink()
    assert "a.py: 50 % by no tests of its own; not lines 5-6" in project.check()[1]
    project.write("addon/falmock/wire/a.py", "A = 1\n")
    assert project.check()[0] == 0, "there is nothing to test in it"


def test_a_file_that_is_never_imported(project: Project) -> None:
    project.write("addon/falmock/wire/b.py", SOURCE)
    assert "b.py: 0 % by no tests of its own; not lines 1-6" in project.check()[1]


def test_tests_in_parts_are_its_own_but_not_those_of_a_neighbour(project: Project) -> None:
    project.write("tests/unit/wire/test_a_part.py")
    project.ran("tests/unit/wire/test_a_part.py::test_it|run", WHOLE)
    assert project.check()[0] == 0
    project.write("addon/falmock/wire/a_part.py", "A = 1\n")
    project.ran("", [1], "addon/falmock/wire/a_part.py")
    assert "addon/falmock/wire/a.py: 50 %" in project.check()[1]


def test_other_tests_count_where_they_are_listed(project: Project) -> None:
    project.write("tests/unit/wire/test_b.py")
    project.excepted("addon/falmock/wire/a.py by tests/unit/wire/test_a.py tests/unit/wire/test_b.py")
    assert project.check()[0] == 1, "they have to cover it"
    project.ran("tests/unit/wire/test_b.py::test_it|run", WHOLE)
    assert project.check()[0] == 0


def test_a_file_that_is_listed_with_the_reason(project: Project) -> None:
    project.excepted("addon/falmock/wire/a.py because it is only met by clients")
    assert project.check()[0] == 0
    assert "(it is only met by clients)" in project.check("--all")[1]


@pytest.mark.parametrize(
    "line",
    [
        "addon/falmock/wire/gone.py because it is gone",
        "addon/falmock/wire/a.py by tests/unit/wire/test_gone.py",
        "addon/falmock/wire/a.py because",
        "addon/falmock/wire/a.py",
        "addon/falmock/wire/a.py is hard",
    ],
)
def test_a_list_that_is_wrong(project: Project, line: str) -> None:
    project.excepted(line)
    code, output = project.check()
    assert code == 2
    assert output.startswith("tests/unit/coverage_exceptions.txt: line 3: ")
