"""The table of aimock's properties refers to existing tests, and to differences that are documented."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from unit.gateway import aimock_rows
from unit.gateway.aimock_rows import Row

UNIT = Path(aimock_rows.__file__).parents[1]
README = UNIT.parents[1] / "addon" / "falmock" / "gateway" / "README.md"


@cache
def functions_in(name: str) -> frozenset[str]:
    tree = ast.parse((UNIT / f"{name}.py").read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@cache
def told() -> frozenset[str]:
    """The first cells of the tables whose columns are aimock and falmock."""
    lines = README.read_text("utf-8").partition("## aimock's routes")[2].splitlines()
    rows = [line.split("|") for line in lines if line.startswith("|")]
    return frozenset(row[1].strip() for row in rows if len(row) == 5)


@pytest.mark.parametrize("row", aimock_rows.ROWS, ids=lambda row: row.what)
def test_every_row_is_tested_or_told(row: Row) -> None:
    assert row.tests or row.differences
    for test in row.tests:
        file, _, function = test.partition("::")
        assert function in functions_in(file), test
    assert set(row.differences) <= told()


def test_rows_are_told_apart() -> None:
    assert len({row.what for row in aimock_rows.ROWS}) == len(aimock_rows.ROWS)
