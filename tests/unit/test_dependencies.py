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
TEST = [Requirement(line) for line in PROJECT["dependency-groups"]["test"]]
STANDARD = {*sys.stdlib_module_names, "compression"}
"""`compression` is standard from Python 3.14."""


def names(declared: list[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in declared}


def imported(folder: str) -> set[str]:
    """The packages that the files of a folder import, by name; not the standard library, and not our own."""
    files = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    ours = {path.stem for path in files} | {"falmock", "clients", "unit"}
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
        if name in names(DECLARED + TEST):
            return name
    distributions = packages_distributions().get(parts[0], parts[:1])
    return canonicalize_name(distributions[0])


def test_the_addon_imports_what_it_declares_and_nothing_else() -> None:
    assert imported("addon") == names(DECLARED)


@pytest.mark.parametrize("folder", ["tests", "scripts"])
def test_the_rest_imports_what_is_declared(folder: str) -> None:
    assert imported(folder) - names(DECLARED + TEST) == set()


def test_an_undeclared_import_is_found() -> None:
    source = "import yaml\n\ndef late() -> None:\n    from nacl.signing import SigningKey\n    import urllib.parse\n"
    assert {package(module) for module in modules_of(ast.parse(source))} == {"pyyaml", "pynacl", "urllib"}


def test_the_addon_itself_looks_for_what_it_cannot_do_without() -> None:
    """A package for zstandard it can do without, and mitmproxy is there."""
    optional = {"zstandard", "backports-zstd"}
    assert set(requirements.PACKAGES) == names(DECLARED) - optional - {"mitmproxy"}


def test_the_range_of_mitmproxy_is_the_declared_one() -> None:
    told = re.search(r"mitmproxy>=[^']*", requirements.unmet((3, 11), "0.1"))
    assert told is not None
    assert Requirement(told[0]) in DECLARED


def test_the_python_is_the_declared_one() -> None:
    assert PROJECT["project"]["requires-python"] == ">={}.{}".format(*requirements.PYTHON)
