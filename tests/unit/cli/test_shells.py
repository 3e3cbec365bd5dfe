"""What is printed for a shell or a tool is what it reads back. fish and Node.js read it in tests/clients/test_env.py."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from falmock.cli import shells

NAMES = st.from_regex(r"F_[A-Z0-9_]{1,6}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text("'\"`\\$ \n#!%;&|x")
VARIABLES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=8)


@pytest.mark.parametrize("shell", ["sh", "bash"])
@settings(max_examples=60, deadline=None)
@given(variables=VARIABLES)
def test_a_shell_reads_it_back(shell: str, variables: dict[str, str]) -> None:
    script = f"{shells.written(variables, 'sh')}\nexec env -0"
    done = subprocess.run(
        [shell], input=script.encode(), env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert {name: found[name] for name in variables} == variables
    assert done.stderr == b""


@given(variables=VARIABLES)
def test_powershell(variables: dict[str, str]) -> None:
    """By its rule: in single quotes a quote of any of five kinds is written twice, and stands for itself."""
    rest = shells.written(variables, "pwsh")
    found = {}
    while rest:
        line = re.match(r"\$env:(\w+) = '((?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*)'(?:\n|\Z)", rest)
        assert line
        found[line[1]] = re.sub(r"(['\u2018-\u201b])\1", r"\1", line[2])
        rest = rest[line.end() :]
    assert found == variables


@given(variables=VARIABLES)
def test_github(variables: dict[str, str]) -> None:
    """By its rule: after NAME<<END come the lines of the value, up to the line END."""
    lines = iter(shells.written(variables, "github").split("\n"))
    found = {}
    for line in lines:
        name, _, end = line.partition("<<")
        found[name] = "\n".join(iter(lambda: next(lines), end))
    assert found == variables


@given(variables=VARIABLES)
def test_json(variables: dict[str, str]) -> None:
    assert json.loads(shells.written(variables, "json")) == variables


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("http://127.0.0.1:8080", "N=http://127.0.0.1:8080"),
        ("", "N="),
        ("a b", "N='a b'"),
        ("it's", 'N="it\'s"'),
        ("it's\\n", "N=`it's\\n`"),
        ("#$", "N='#$'"),
        ("'\"", "N=`'\"`"),
    ],
)
def test_dotenv(value: str, line: str) -> None:
    assert shells.dotenv("N", value) == line


def test_dotenv_cannot_write_all() -> None:
    with pytest.raises(shells.Unwritable, match="N cannot be written"):
        shells.dotenv("N", "'\"`")


def test_fish() -> None:
    assert shells.fish("N", r"it's \ 1") == r"set -gx N 'it\'s \\ 1'"
