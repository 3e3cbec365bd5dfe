"""`falmock env`: shells and tools take what it prints, and then a program's call comes to falmock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from clients import running
from clients.running import Mitmdump
from falmock.cli import shells

FIXTURE = {"match": {"model": "acme/plain"}, "response": {"json": {"through": True}}}
CALL = "curl -s -d '{}' -H 'content-type: application/json' https://fal.run/acme/plain"
VALUES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=20) | st.text(
    "'\"`\\$ \n#x"
)
VARIABLES = st.dictionaries(st.from_regex(r"F_[A-Z]{1,4}", fullmatch=True), VALUES, min_size=10, max_size=30)


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("env") / "it's a folder"
    fixtures = running.write_fixtures(folder / "fixtures", FIXTURE)
    with running.serve(folder / "conf dir", fixtures=fixtures) as mock:
        yield mock


def env_command(mock: Mitmdump, *words: str) -> list[str]:
    return [*running.FALMOCK, "env", "--confdir", str(mock.confdir), "--url", mock.proxy, *words]


def shell_of(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        running.lacking(f"{name} is not installed (Debian's package {name})")
    return found


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("sh", 'eval "$("$@")"'),
        ("bash", 'eval "$("$@")"'),
        ("zsh", 'eval "$("$@")"'),
        ("fish", "$argv | source"),
    ],
)
def test_a_shell_takes_it(mock: Mitmdump, shell: str, script: str) -> None:
    arguments = ["-c", f"{script}; {CALL}", *(["sh"] if shell != "fish" else [])]
    command = [shell_of(shell), *arguments, *env_command(mock, *(["--shell", "fish"] if shell == "fish" else []))]
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    assert json.loads(running.run(command, plain)) == {"through": True}


def test_node_takes_a_dotenv_file(mock: Mitmdump, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(running.run(env_command(mock, "--shell", "dotenv"), dict(os.environ)))
    printed = running.run(
        ["node", f"--env-file={file}", "-p", "JSON.stringify(process.env)"], {"PATH": os.environ["PATH"]}
    )
    expected = json.loads(running.run(env_command(mock, "--shell", "json"), dict(os.environ)))
    found = json.loads(printed)
    assert {name: found.get(name) for name in expected} == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(variables=VARIABLES)
def test_fish_reads_any_value_back(variables: dict[str, str]) -> None:
    script = f"{shells.written(variables, 'fish')}\nenv -0"
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}
    command = [shell_of("fish"), "--no-config", "-c", script]
    done = subprocess.run(command, env=plain, capture_output=True, check=True, timeout=30)
    found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert {name: found[name] for name in variables} == variables


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(VALUES, min_size=30, max_size=60))
def test_node_reads_any_value_of_a_dotenv_file_back(values: list[str]) -> None:
    variables = {}
    for number, value in enumerate(values):
        try:
            shells.dotenv("F", value)
        except shells.Unwritable:
            assert set("'\"`") & set(value)
        else:
            variables[f"F_{number}"] = value
    script = "console.log(JSON.stringify(require('node:util').parseEnv(require('node:fs').readFileSync(0, 'utf8'))))"
    done = subprocess.run(
        ["node", "-e", script],
        input=shells.written(variables, "dotenv").encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert json.loads(done.stdout) == variables
