"""Variables that are set for a while, and the names of scopes."""

from __future__ import annotations

import os
import re

import pytest
from pytest_falmock.environment import Patch
from pytest_falmock.environment import python_path
from pytest_falmock.environment import scope_name
from pytest_falmock.environment import with_scope


def test_variables_are_as_before() -> None:
    environ = {"A": "1", "B": "2"}
    patch = Patch(environ, {"B": "3", "C": "4"})
    assert environ == {"A": "1", "B": "3", "C": "4"}
    environ["A"] = "5"
    environ.pop("C")
    patch.undo()
    assert environ == {"A": "5", "B": "2"}
    environ["B"] = "6"
    patch.undo()
    assert environ == {"A": "5", "B": "6"}


@pytest.mark.parametrize(
    ("told", "own", "expected"),
    [
        (["/hooks"], [], ["/hooks"]),
        (["/hooks", "/a"], ["/a"], ["/hooks", "/a"]),
        (["/hooks", "/falmock"], ["/a", "/b"], ["/hooks", "/a", "/b"]),
        (["/hooks", "/a"], ["/hooks", "/a"], ["/hooks", "/a"]),
    ],
)
def test_a_python_path_is_not_that_of_falmock(told: list[str], own: list[str], expected: list[str]) -> None:
    assert python_path(os.pathsep.join(told), os.pathsep.join(own)) == os.pathsep.join(expected)


@pytest.mark.parametrize(
    ("worker", "node_id", "expected"),
    [
        ("", "tests/test_a.py::test_b", "tests-test_a.py-test_b"),
        ("gw1", "test_a.py::TestC::test_b[a b-é/%]", "gw1-test_a.py-TestC-test_b-a-b"),
        ("pytest", "", "pytest"),
    ],
)
def test_the_scope_of_a_test(worker: str, node_id: str, expected: str) -> None:
    assert scope_name(worker, node_id) == expected


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    name = scope_name("", f"first{'x' * 500}last")
    assert len(name) < 200
    assert re.fullmatch(r"firstx+-x+last", name)


def test_a_proxy_with_a_scope() -> None:
    assert with_scope("http://127.0.0.1:80", "a.b-c") == "http://a.b-c:x@127.0.0.1:80"
