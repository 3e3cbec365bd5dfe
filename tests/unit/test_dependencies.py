"""What is imported is declared in pyproject.toml, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from falmock.proxy import requirements

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DECLARED = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
OPTIONAL = [Requirement(line) for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
TEST = [Requirement(line) for line in PROJECT["dependency-groups"]["test"]]
LINT = [Requirement(line) for line in PROJECT["dependency-groups"]["lint"]]
BUILD = [Requirement(line) for line in PROJECT["build-system"]["requires"]]
LOCKS = sorted((ROOT / "scripts" / "locks").glob("3.*.txt"))
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
PLUGIN = tomllib.loads((ROOT / "addon" / "pytest-falmock" / "pyproject.toml").read_text("utf-8"))["project"]
OURS = {"falmock", "pytest_falmock", "clients", "fuzz", "unit"}
STANDARD = {*sys.stdlib_module_names, "compression"}
"""`compression` is standard from Python 3.14."""


def names(declared: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in declared}


def imported(folder: str) -> set[str]:
    """The packages that the files of a folder import, by name; not the standard library, and not our own."""
    files = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    ours = {path.stem for path in files} - names(DECLARED + OPTIONAL) | OURS
    modules = {module for path in files for module in modules_of(ast.parse(path.read_text("utf-8")))}
    return {package(module) for module in modules if module.partition(".")[0] not in STANDARD | ours}


def modules_of(tree: ast.AST) -> Iterator[str]:
    """What is imported, wherever it stands; both `a` and `a.b` of `from a import b`, for what is a namespace."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package(module: str) -> str:
    """The package that a module comes with: the one declared by this name, else what the installed ones say."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = canonicalize_name(".".join(parts[:length]))
        if name in names(DECLARED + OPTIONAL + TEST):
            return name
    distributions = packages_distributions().get(parts[0], parts[:1])
    return canonicalize_name(distributions[0])


def test_the_addon_imports_what_it_declares_and_nothing_else() -> None:
    assert imported("addon/falmock") == names(DECLARED + OPTIONAL)


def test_the_pytest_plugin_imports_pytest_alone_and_nothing_of_the_addon() -> None:
    assert PLUGIN["dependencies"] == ["pytest>=7"]
    sources = [path.read_text("utf-8") for path in (ROOT / "addon" / "pytest-falmock").rglob("*.py")]
    modules = {module.partition(".")[0] for source in sources for module in modules_of(ast.parse(source))}
    assert modules - STANDARD == {"pytest", "pytest_falmock"}


@pytest.mark.parametrize("folder", ["tests", "scripts"])
def test_the_rest_imports_what_is_declared(folder: str) -> None:
    assert imported(folder) - names(DECLARED + TEST) == set()


def test_an_undeclared_import_is_found() -> None:
    source = "import yaml\n\ndef late() -> None:\n    from nacl.signing import SigningKey\n    import urllib.parse\n"
    assert {package(module) for module in modules_of(ast.parse(source))} == {"pyyaml", "pynacl", "urllib"}


def test_the_addon_itself_looks_for_what_it_cannot_do_without() -> None:
    """mitmproxy is there, or it would not be asked."""
    assert set(map(canonicalize_name, requirements.PACKAGES)) == names(DECLARED) - {"mitmproxy"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.stem))
def test_each_lock_has_what_is_declared(lock: Path) -> None:
    locked = dict(LOCKED.findall(lock.read_text("utf-8")))
    environment = {"python_version": lock.stem, "python_full_version": f"{lock.stem}.0"}
    for requirement in [*DECLARED, *TEST, *LINT, *BUILD]:
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name in locked, f"{requirement}: run scripts/lock"
            assert requirement.specifier.contains(locked[name]), f"{requirement}: run scripts/lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.stem))
def test_a_lock_has_hashes_and_names_no_index(lock: Path) -> None:
    requirements_ = lock.read_text("utf-8").replace("\\\n", "").splitlines()
    assert all(" --hash=sha256:" in line for line in requirements_)
    assert not re.search(r"://|--index|--find-links|@", "".join(requirements_))


def test_the_oldest_and_the_newest_mitmproxy_are_locked() -> None:
    mitmproxies = {lock.stem: dict(LOCKED.findall(lock.read_text("utf-8")))["mitmproxy"] for lock in LOCKS}
    assert mitmproxies["3.11"] == "11.0.2"
    assert mitmproxies["3.12"] == mitmproxies["3.13"] >= "12.3.1"


def test_the_range_of_mitmproxy_is_the_declared_one() -> None:
    told = re.search(r"mitmproxy>=[^']*", requirements.unmet((3, 11), "0.1"))
    assert told is not None
    assert Requirement(told[0]) in DECLARED


def test_the_python_is_the_declared_one() -> None:
    assert PROJECT["project"]["requires-python"] == ">={}.{}".format(*requirements.PYTHON)
