"""Every client of addon/README.md's table: by hand, in `falmock run`, and, so that a pass means something, without falmock.

All of it happens in a network namespace that has nothing but the loopback device: no name resolves, so what does not come to
falmock fails at once. The paths have spaces and a quote in them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from clients import namespaces
from clients import running
from clients.runtimes import table
from clients.runtimes.table import BY_HAND
from clients.runtimes.table import WITHOUT_SCOPE

HERE = Path(__file__).parent / "runtimes"
PACKAGES = HERE / "node_modules"
FIXTURES = (
    {"match": {"model": "acme/plain"}, "response": {"json": {"through": True}}},
    {"match": {"model": "acme/talks", "input": {"prompt": "hi"}}, "realtime": [{"json": {"through": True}}]},
)
SCOPE = "a scope/1"
TWICE = f"""
"$@"
curl -sS -H "x-falmock-scope: $FALMOCK_SCOPE" "$FALMOCK_URL/__falmock/journal"; echo
exec env -i PATH="$PATH" HOME="$HOME" {" ".join(f'{name}="${name}"' for name in BY_HAND)} PYTHONPATH="$OTHERS" "$@"
"""
"""Runs a program in the environment as it is, prints the scope's journal, and runs it with what is set by hand alone."""


class Place(NamedTuple):
    """Where programs run: before each of them stands `prefix`; `env` is the environment of a user's shell."""

    folder: Path
    prefix: tuple[str, ...]
    env: dict[str, str]

    def falmock(self, *program: str) -> list[str]:
        """The command of `falmock run` for a program."""
        options = ("--fixtures", str(self.folder / "fixtures"), "--scope", SCOPE)
        return [*self.prefix, *running.FALMOCK, "run", *options, "--", *program]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("runtimes") / "it's a folder"
    running.write_fixtures(folder / "fixtures", *FIXTURES)
    (folder / "falmock").symlink_to(running.ROOT / "addon" / "falmock")
    others = os.environ.get("PYTHONPATH", "")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": f"{folder}{os.pathsep}{others}",
        "OTHERS": others,
        "FALMOCK_HOME": str(folder / "falmock's own"),
        "NO_COLOR": "1",
    }
    with namespaces.loopback() as prefix:
        yield Place(folder, prefix, env)


# the programs


def needs(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        running.lacking(f"{program} is not installed (Debian's package {package})")
    return found


def from_npm(name: str, path: str) -> str:
    program = PACKAGES / name / path
    if not program.exists():
        running.lacking(f"{program} is missing: npm ci in {HERE} installs it, for Linux on x64")
    return str(program)


def compiled(place: Place, made: str, *command: str) -> str:
    """The file that a compiler has made, in an environment of its own."""
    path = place.folder / made
    if not path.exists():
        env = place.env | {"GO111MODULE": "off"}
        subprocess.run(command, env=env, cwd=place.folder, capture_output=True, check=True, timeout=120)
    return str(path)


def python(_: Place) -> list[str]:
    return [sys.executable, str(HERE / "clients.py")]


def node(version: int) -> Callable[[Place], list[str]]:
    return lambda _: [from_npm(f"node-{version}", "bin/node"), str(HERE / "clients.mjs")]


def bun(_: Place) -> list[str]:
    return [from_npm("bun", "bin/bun"), str(HERE / "clients.mjs")]


def deno(_: Place) -> list[str]:
    return [from_npm("deno", "deno"), "run", "--allow-all", str(HERE / "clients.mjs")]


def java(place: Place) -> list[str]:
    program = needs("java", "default-jdk-headless")
    compiler = needs("javac", "default-jdk-headless")
    classes = compiled(place, "java", compiler, "-d", "java", str(HERE / "Clients.java"))
    return [program, "-XX:TieredStopAtLevel=1", "-cp", classes, "Clients"]


def ruby(_: Place) -> list[str]:
    return [needs("ruby", "ruby"), str(HERE / "clients.rb")]


def php(_: Place) -> list[str]:
    program = needs("php", "php-cli")
    if "curl" not in running.run([program, "-m"], dict(os.environ)).split():
        running.lacking("PHP has no curl (Debian's package php-curl)")
    return [program, str(HERE / "clients.php")]


def curl(_: Place) -> list[str]:
    needs("curl", "curl")
    return ["sh", str(HERE / "clients.sh")]


def go(place: Place) -> list[str]:
    compiler = needs("go", "golang-go")
    return [compiled(place, "clients-go", compiler, "build", "-o", "clients-go", str(HERE / "clients.go"))]


PROGRAMS: dict[str, Callable[[Place], list[str]]] = {
    "Python": python,
    "Node.js 20": node(20),
    "Node.js 22": node(22),
    "Node.js 24": node(24),
    "Bun": bun,
    "Deno": deno,
    "Java": java,
    "Ruby": ruby,
    "PHP": php,
    "curl": curl,
    "Go": go,
}


def ran(place: Place, command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=place.env, cwd=cwd or place.folder, capture_output=True, text=True, timeout=100, check=False
    )


def results(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What the program printed: how each client's call went."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, f"{done.args} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return [json.loads(line) for line in lines]


def came(result: str) -> bool:
    """Whether a call came to falmock; else it has failed."""
    if result.startswith("failed: "):
        assert not re.search("No module named|Cannot find|is not defined|is not a function", result), result
        return False
    assert json.loads(result) == {"through": True}
    return True


# the table


def test_each_runtime_has_a_program() -> None:
    assert tuple(PROGRAMS) == table.runtimes()


@pytest.mark.parametrize("runtime", PROGRAMS)
def test_the_table(place: Place, runtime: str) -> None:
    expected = table.expected(runtime)
    command = [*PROGRAMS[runtime](place), *expected]
    done = ran(place, place.falmock("sh", "-c", TWICE, "sh", *command))
    assert done.returncode == 0, done.stdout + done.stderr
    in_run, journal, by_hand = results(done)
    found = {client: (came(by_hand[client]), came(in_run[client])) for client in expected}
    assert found == expected, f"by hand: {by_hand}\nin falmock run: {in_run}\n{done.stderr}"
    answered = [entry for entry in journal["entries"] if entry["call"] in {"run", "message"}]
    assert len(answered) == (0 if runtime in WITHOUT_SCOPE else sum(run for _, run in expected.values()))


@pytest.mark.parametrize("runtime", PROGRAMS)
def test_without_falmock_every_call_fails(place: Place, runtime: str) -> None:
    expected = table.expected(runtime)
    done = ran(place, [*place.prefix, *PROGRAMS[runtime](place), *expected])
    (found,) = results(done)
    assert {client: came(found[client]) for client in expected} == dict.fromkeys(expected, False)


@pytest.mark.parametrize("runtime", ["Python", "Node.js 20", "Node.js 22", "Node.js 24", "Bun", "Deno"])
def test_a_program_prints_nothing_more(place: Place, runtime: str) -> None:
    """What falmock has a program load is silent."""
    client = "httpx" if runtime == "Python" else "fetch"
    program = ["sh", "-c", '"$@" 2>"$HOME/complaints"', "sh", *PROGRAMS[runtime](place), client]
    (found,) = results(ran(place, place.falmock(*program)))
    assert came(found[client])
    assert (place.folder / "complaints").read_text() == ""


def test_several_node_processes_of_one_npm_script(place: Place) -> None:
    needs("npm", "npm")
    project = place.folder / "a project"
    project.mkdir()
    (project / "package.json").write_text(
        json.dumps({"scripts": {"all": "node ../clients.mjs fetch worker & node ../clients.mjs ws & wait"}})
    )
    (place.folder / "clients.mjs").write_text((HERE / "clients.mjs").read_text())
    (place.folder / "node_modules").symlink_to(PACKAGES)
    path = f"{Path(from_npm('node-22', 'bin/node')).parent}{os.pathsep}{place.env['PATH']}"
    there = place._replace(env=place.env | {"PATH": path})
    found = results(ran(there, there.falmock("npm", "--silent", "run", "all"), cwd=project))
    assert sorted((name, came(result)) for each in found for name, result in each.items()) == [
        ("fetch", True),
        ("worker", True),
        ("ws", True),
    ]
