"""scripts/release.py compares the archives of a release with what is committed: each package has its own files, and no others."""

from __future__ import annotations

import importlib.util
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "release.py"
MAIN = ("addon/README.md", "addon/falmock/app.py", "addon/falmock_addon.py", "fixtures/cat.json", "pyproject.toml")
PLUGIN = ("addon/pytest-falmock/pyproject.toml", "addon/pytest-falmock/src/pytest_falmock/plugin.py")
NPM = ("addon/npm/package.json", "addon/npm/index.cjs")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, in a repository with a few files of each package, and with archives that are as they should be."""
    spec = importlib.util.spec_from_file_location("release", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in (*MAIN, *PLUGIN, *NPM, "tests/test_it.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    wheel(
        tmp_path, "falmock-1-py3-none-any.whl", ["falmock/app.py", "falmock_addon.py", "falmock-1.dist-info/METADATA"]
    )
    tar(tmp_path, "falmock-1.tar.gz", [*MAIN, "PKG-INFO"])
    wheel(tmp_path, "pytest_falmock-1-py3-none-any.whl", ["pytest_falmock/plugin.py"])
    tar(tmp_path, "pytest_falmock-1.tar.gz", [*(stripped(PLUGIN)), "PKG-INFO", ".gitignore"])
    tar(tmp_path, "falmock-1.tgz", stripped(NPM))
    return module


def stripped(names: Iterable[str]) -> list[str]:
    return [name.split("/", 2)[2] for name in names]


def wheel(root: Path, archive: str, names: Iterable[str]) -> None:
    (root / "dist").mkdir(exist_ok=True)
    with zipfile.ZipFile(root / "dist" / archive, "w") as opened:
        for name in names:
            opened.writestr(name, "")


def tar(root: Path, archive: str, names: Iterable[str]) -> None:
    (root / "empty").touch()
    with tarfile.open(root / "dist" / archive, "w:gz") as opened:
        for name in names:
            opened.add(root / "empty", f"package/{name}")


def test_archives_that_are_right(release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release.contents(str(tmp_path / "dist"))
    assert capsys.readouterr().out.splitlines() == [
        "falmock-1-py3-none-any.whl: 2 files",
        "falmock-1.tar.gz: 6 files",
        "pytest_falmock-1-py3-none-any.whl: 1 files",
        "pytest_falmock-1.tar.gz: 4 files",
        "falmock-1.tgz: 2 files",
    ]


@pytest.mark.parametrize(
    ("archive", "names", "told"),
    [
        ("falmock-1-py3-none-any.whl", ["falmock/app.py"], "falmock_addon.py is missing"),
        ("falmock-1-py3-none-any.whl", ["falmock/app.py", "falmock_addon.py", "npm/index.cjs"], "npm/index.cjs is not"),
        ("falmock-1.tar.gz", [*MAIN, *PLUGIN, "PKG-INFO"], "plugin.py is not expected"),
        ("pytest_falmock-1-py3-none-any.whl", [], "pytest_falmock/plugin.py is missing"),
        ("pytest_falmock-1.tar.gz", ["PKG-INFO", ".gitignore"], "pyproject.toml is missing"),
        ("falmock-1.tgz", [*stripped(NPM), "node_modules/x/index.js"], "node_modules/x/index.js is not expected"),
    ],
)
def test_a_file_too_many_or_too_few(
    release: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], archive: str, names: list[str], told: str
) -> None:
    (wheel if archive.endswith(".whl") else tar)(tmp_path, archive, names)
    with pytest.raises(SystemExit) as end:
        release.contents(str(tmp_path / "dist"))
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith(f"{archive}: ")
    assert told in error
