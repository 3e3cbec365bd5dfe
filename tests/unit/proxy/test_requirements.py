from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pytest

import falmock
from falmock.proxy import requirements
from falmock.proxy.requirements import unmet

OK = ((3, 11, 0), "11.0.2")


@pytest.mark.parametrize("version", ["11.0.2", "12.2.3", "12.3.1", "12.4.0.dev0"])
def test_all_is_there(version: str) -> None:
    assert unmet((3, 13, 0), version) == ""


def test_a_python_that_is_too_old() -> None:
    assert unmet((3, 10, 13), "11.0.2") == (
        "falmock needs Python 3.11 or newer, but this mitmproxy runs with Python 3.10.13"
    )


@pytest.mark.parametrize("version", ["10.4.2", "11.0.1", "13.0.0", "13.0.0.dev0"])
def test_a_mitmproxy_that_is_not_supported(version: str) -> None:
    assert unmet((3, 13, 0), version) == (
        f"falmock does not work with mitmproxy {version}: run {sys.executable} -m pip install 'mitmproxy>=11.0.2,<13'"
    )


def test_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jsonschema", "msgpack"):
        monkeypatch.setitem(sys.modules, name, None)
    assert unmet(*OK) == (
        "falmock needs packages that are not installed (jsonschema, msgpack): "
        f"run {sys.executable} -m pip install jsonschema msgpack"
    )


def test_a_package_in_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "PACKAGES", ("msgpack", "no_such_package.yaml"))
    assert "packages that are not installed (no_such_package.yaml)" in unmet(*OK)


def test_the_command_for_an_environment_of_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("msgpack", "pip"):
        monkeypatch.setitem(sys.modules, name, None)
    assert unmet(*OK).endswith(f": run uv pip install --python {sys.executable} msgpack")


def test_a_standalone_binary_takes_no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert unmet(*OK).partition("(msgpack): ")[2] == (
        "this mitmproxy is a standalone binary, which takes no packages; install mitmproxy with pip or uv instead"
    )


@pytest.mark.parametrize("module", [falmock, sys.modules["falmock.proxy"], requirements])
def test_a_python_that_is_too_old_reads_what_tells_it(module: ModuleType) -> None:
    ast.parse(Path(str(module.__file__)).read_text("utf-8"), feature_version=(3, 8))
