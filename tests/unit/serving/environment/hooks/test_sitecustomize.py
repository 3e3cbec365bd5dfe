"""The module that Python loads at its start, in this process and in others."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from falmock.serving.environment.trust_files import HOOKS

SESSION = """
class ClientSession:
    def __init__(self, url=None, *, trust_env=False):
        self.trust_env = trust_env
"""
OLD = """
class ClientSession:
    def __init__(self, **more):
        self.trust_env = False
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path, where a package aiohttp is; nothing of the test is left over."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("aiohttp", "sitecustomize")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "path", [str(HOOKS), str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "aiohttp").mkdir()
    (tmp_path / "aiohttp" / "__init__.py").write_text("from aiohttp.client import ClientSession\n")
    (tmp_path / "aiohttp" / "client.py").write_text(SESSION)
    importlib.invalidate_caches()
    yield tmp_path
    for name in ("aiohttp", "aiohttp.client", "sitecustomize"):
        sys.modules.pop(name, None)


def load() -> ModuleType:
    """Load the module as Python does at its start. Under this name its lines count as the package's."""
    name = "falmock.serving.environment.hooks.sitecustomize"
    spec = importlib.util.spec_from_file_location(name, HOOKS / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)
    return sys.modules["sitecustomize"]


def test_sessions_use_the_environment_unless_told_otherwise(path: Path) -> None:
    load()
    aiohttp = importlib.import_module("aiohttp")
    assert aiohttp.__file__ == str(path / "aiohttp" / "__init__.py")
    assert aiohttp.ClientSession().trust_env
    assert not aiohttp.ClientSession(trust_env=False).trust_env
    client = sys.modules["aiohttp.client"]
    assert client.__spec__ is not None
    assert client.__loader__ is client.__spec__.loader
    assert "sitecustomize" not in type(client.__loader__).__module__
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_Finder"]


def test_another_aiohttp_stays_as_it_is(path: Path) -> None:
    (path / "aiohttp" / "client.py").write_text(OLD)
    load()
    assert not importlib.import_module("aiohttp").ClientSession().trust_env


def test_without_aiohttp(path: Path) -> None:
    (path / "aiohttp" / "client.py").unlink()
    load()
    with pytest.raises(ModuleNotFoundError, match=r"aiohttp\.client"):
        importlib.import_module("aiohttp.client")


def test_the_programs_own_is_loaded(path: Path) -> None:
    (path / "sitecustomize.py").write_text("mine = True\n")
    before = list(sys.path)
    assert load().mine
    assert sys.path == before


@pytest.mark.usefixtures("path")
def test_it_is_loaded_once() -> None:
    module = load()
    finders = len(sys.meta_path)
    assert load() is not module
    assert len(sys.meta_path) == finders


def test_a_broken_one_of_the_programs_is_told(path: Path) -> None:
    (path / "sitecustomize.py").write_text("import is_not_there\n")
    before = list(sys.path)
    with pytest.raises(ModuleNotFoundError, match="is_not_there"):
        load()
    assert sys.path == before


def ran(folder: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HOOKS), str(folder)))}
    done = subprocess.run(
        [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_in_a_program(path: Path) -> None:
    (path / "sitecustomize.py").write_text("import sys; sys.mine = True\n")
    (path / "app.py").write_text("import aiohttp, sys\nprint(aiohttp.ClientSession().trust_env, sys.mine)\n")
    for words in (["app.py"], ["-m", "app"], ["-c", "import app"]):
        assert ran(path, *words) == "True True\n"
    assert ran(path, "-E", "-c", "import sys; print(hasattr(sys, 'mine'))") == "False\n"


def test_in_pytest(path: Path) -> None:
    (path / "test_app.py").write_text("import aiohttp\ndef test_it():\n    assert aiohttp.ClientSession().trust_env\n")
    assert "1 passed" in ran(path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py")


def test_it_imports_nothing(tmp_path: Path) -> None:
    words = ("-c", "import sys; print(sorted(sys.modules))")
    with_it = set(eval(ran(tmp_path, *words)))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    without = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=True)
    assert with_it - set(eval(without.stdout)) <= {"sitecustomize"}
