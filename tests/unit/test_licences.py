"""scripts/licences.py lists all that falmock runs with, and fails on a licence that nobody has looked at."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIT = (ROOT / "LICENSE").read_text("utf-8")


def licences(folder: Path | None = None, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the script with the packages of this environment; those in the folder, if any, are found first."""
    script = str(ROOT / "scripts" / "licences.py")
    code = (
        "import runpy, sys; folder, *sys.argv = sys.argv[1:]; sys.path[:0] = [folder] if folder else []; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-I", "-c", code, str(folder or ""), script, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def package(folder: Path, name: str, *lines: str) -> None:
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1", *lines]) + "\n")


def listed(output: str) -> set[str]:
    return {name.lower() for name in re.findall(r"^\| (\S+) \| \d", output, re.MULTILINE)}


def test_what_falmock_contains_is_told() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    files = [path for pattern in project["license-files"] for path in ROOT.glob(pattern)]
    assert sorted(path.name for path in files) == ["LICENSE", "LICENSE.htm", "LICENSE.preact"]
    told = (files[-1].parent / "README.md").read_text("utf-8")
    vendored = dict(re.findall(r"^\| `LICENSE\.(\w+)` \| (\S+) \|", told, re.MULTILINE))
    assert set(project["license"].split(" AND ")) == {"MIT", *vendored.values()}
    notices = " ".join(licences().stdout.split())
    assert [name for name, licence in vendored.items() if f"{name} ({licence})" not in notices] == []


def test_what_falmock_runs_with_is_listed_and_permissive_or_reviewed() -> None:
    result = licences()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# Third-party notices\n")
    found = listed(result.stdout)
    # Declared, of mitmproxy, and of what mitmproxy needs.
    assert {"mitmproxy", "jsonschema", "rpds-py", "flask", "werkzeug", "urwid", "certifi"} <= found
    assert found.isdisjoint({"falmock", "pip", "pytest", "ruff", "hatchling", "fal_client", "pillow"})


@pytest.mark.parametrize(
    "line",
    [
        "License-Expression: MIT",
        "License-Expression: Apache-2.0 OR GPL-3.0-only",
        "License-Expression: MIT AND PSF-2.0",
        "License-Expression: (MIT OR Apache-2.0) AND BSD-3-Clause",
        "Classifier: License :: OSI Approved :: BSD License",
        "License: MIT\n        and the rest of its text",
    ],
)
def test_a_permissive_one_passes(tmp_path: Path, line: str) -> None:
    package(tmp_path, "falmock", "Requires-Dist: other")
    package(tmp_path, "other", line)
    result = licences(tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert listed(result.stdout) == {"other"}


@pytest.mark.parametrize(
    "line",
    [
        "Keywords: none",
        "License-Expression: GPL-3.0-only",
        "License-Expression: MIT AND GPL-3.0-only",
        "License-Expression: (MIT OR GPL-2.0-only) AND GPL-3.0-only",
        "License-Expression: LGPL-2.1-only",
        "License-Expression: MPL-2.0",
        "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved :: GNU Affero General Public License v3",
        "Classifier: License :: Other/Proprietary License",
        "License: see LICENSE",
        "License: UNKNOWN",
    ],
)
@pytest.mark.parametrize("extra", ["", " ; extra == 'zstd'"])
def test_any_other_fails_wherever_it_comes_from(tmp_path: Path, line: str, extra: str) -> None:
    package(tmp_path, "falmock", f"Requires-Dist: first-one[more] >=1{extra}", "Provides-Extra: zstd")
    package(tmp_path, "first_one", "License-Expression: MIT", "Requires-Dist: other>=1; extra == 'more'")
    package(tmp_path, "other", line)
    result = licences(tmp_path)
    assert result.returncode == 1
    assert "other 1: expected a permissive licence, found " in result.stderr


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([MIT], 0),
        ([MIT.replace("MIT License", "")], 0),
        ([MIT, MIT], 0),
        ([MIT, "Apache-2.0"], 1),
        ([MIT, "GNU GENERAL PUBLIC LICENSE"], 1),
        ([MIT + "\nThe software shall not be sold.\n"], 1),
        (["Copyright (c) 2026\n\nMIT License"], 1),
        ([""], 1),
    ],
)
def test_a_package_that_only_has_files_about_it_is_known_by_their_texts(
    tmp_path: Path, texts: list[str], code: int
) -> None:
    names = [f"LICENSE.{number}" for number, _ in enumerate(texts)]
    package(tmp_path, "falmock", "Requires-Dist: other")
    package(tmp_path, "other", *(f"License-File: {name}" for name in names))
    (tmp_path / "other-1.dist-info" / "licenses").mkdir()
    for name, text in zip(names, texts, strict=True):
        (tmp_path / "other-1.dist-info" / "licenses" / name).write_text(text)
    assert licences(tmp_path).returncode == code


def test_another_package(tmp_path: Path) -> None:
    package(tmp_path, "pytest_falmock", "Requires-Dist: other")
    package(tmp_path, "other", "License-Expression: MIT")
    result = licences(tmp_path, "pytest-falmock")
    assert (result.returncode, listed(result.stdout)) == (0, {"other"})


def test_what_is_not_needed_does_not_count(tmp_path: Path) -> None:
    package(tmp_path, "falmock", "Requires-Dist: other", "Requires-Dist: absent; sys_platform == 'win32'")
    package(tmp_path, "other", "License-Expression: MIT", "Requires-Dist: paid; extra == 'dev'")
    package(tmp_path, "paid", "License-Expression: LicenseRef-Paid")
    assert licences(tmp_path).returncode == 0


def test_a_package_with_a_reviewed_licence_fails_with_another(tmp_path: Path) -> None:
    package(tmp_path, "falmock", "Requires-Dist: certifi")
    package(tmp_path, "certifi", "License-Expression: AGPL-3.0-only")
    assert "certifi 1: expected a permissive licence, found AGPL-3.0-only" in licences(tmp_path).stderr
