"""The table of what clients need names tests that there are."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from clients import contract
from clients.contract import Row

CLIENTS = Path(contract.__file__).parent


@cache
def functions_in(name: str) -> frozenset[str]:
    tree = ast.parse((CLIENTS / f"{name}.py").read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", contract.ROWS, ids=lambda row: row.client)
def test_every_row_names_tests_that_exist(row: Row) -> None:
    assert row.tests
    for test in row.tests:
        file, _, function = test.partition("::")
        assert function.startswith("test_")
        assert function in functions_in(file), test


def test_every_test_at_wire_level_is_named_by_a_row() -> None:
    named = {test.partition("::")[2] for row in contract.ROWS for test in row.tests if test.startswith(contract.WIRE)}
    assert {name for name in functions_in(contract.WIRE) if name.startswith("test_")} == named


def test_rows_are_told_apart_and_say_what_must_be() -> None:
    assert len({row.client for row in contract.ROWS}) == len(contract.ROWS)
    assert all(row.must for row in contract.ROWS)
