"""The README's commands as they are printed: a first answer, an app that is recorded and replayed, and a falmock by itself.

The tests change only what they must: a free port replaces 8080, a temporary folder the home, and a stand-in the internet.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from clients import running
from clients.running import CLIENTS
from clients.running import FALMOCK
from clients.running import MITMDUMP
from clients.running import ROOT
from clients.test_run import OF_USERS
from clients.upstream import upstream

SECONDS = 60


def printed(heading: str) -> dict[str, list[str]]:
    """The code blocks of a section of the README, by language."""
    section = (ROOT / "README.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks: dict[str, list[str]] = {}
    for language, text in re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL):
        blocks.setdefault(language, []).append(text)
    return blocks


class Newcomer:
    """Somebody with a clone that is installed, and a shell in a folder of their own in which nothing is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        self.is_("python", sys.executable)
        self.is_("falmock", *FALMOCK)
        (folder / "addon").symlink_to(ROOT / "addon")
        (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
        self.port = running.free_ports(1)[0]
        self.env = {
            **{name: value for name, value in os.environ.items() if not any(part in name for part in OF_USERS)},
            "HOME": str(folder),
            "PATH": f"{folder / 'bin'}:{MITMDUMP.parent}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
        }

    def has(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def is_(self, name: str, *command: str) -> None:
        """Make this what a command is for them."""
        script = self.folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
        script.chmod(0o755)

    def types(self, commands: str) -> list[str]:
        """What a shell prints for these commands, by lines: first their output, then what falmock says."""
        told = commands.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-ec", told],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_from_nothing_to_an_answer(newcomer: Newcomer) -> None:
    blocks = printed("From nothing to an answer")
    (newcomer.folder / "fixtures").symlink_to(ROOT / "fixtures")
    first, apps = blocks["sh"]
    install, call = first.splitlines()
    assert install == "pip install ."
    assert newcomer.types(call) == blocks["text"][0].splitlines()
    newcomer.has("app.py", blocks["python"][0])
    newcomer.has("app.mjs", blocks["js"][0])
    of_python, of_node, *told = newcomer.types(apps)
    assert (of_python, of_node) == ("17203948571029384756", "image/png")
    assert [re.sub(r"\d+ calls: \d+", "N calls: N", line) for line in told] == [
        "falmock: N calls: N replayed, 0 misses; nothing was sent to fal; report: .falmock/last.json"
    ] * 2


@pytest.mark.parametrize("version", [20, 22, 24])
def test_with_each_node(newcomer: Newcomer, version: int) -> None:
    node = CLIENTS / "runtimes" / "node_modules" / f"node-{version}" / "bin" / "node"
    if not node.exists():
        running.lacking(f"{node} is missing: npm ci in tests/clients/runtimes installs it, for Linux on x64")
    newcomer.is_("node", str(node))
    (newcomer.folder / "fixtures").symlink_to(ROOT / "fixtures")
    newcomer.has("app.mjs", printed("From nothing to an answer")["js"][0])
    of_node, *told = newcomer.types("node --version >&2\nfalmock run -- node app.mjs")
    assert of_node == "image/png"
    assert told[0].startswith(f"v{version}.")
    assert "0 misses" in told[1]


def test_without_any_fixture(newcomer: Newcomer) -> None:
    apps, run = printed("Record, then replay"), printed("Before the first recording")["sh"][0]
    newcomer.has("app.py", apps["python"][0])
    newcomer.has("app.mjs", apps["js"][0])
    first = newcomer.types(run)
    assert [re.fullmatch(r"\d+ video/mp4", line) is not None for line in first[:2]] == [True, True]
    told = "N calls: N replayed, N synthesized, N misses, N answered without a fixture; nothing was sent to fal"
    assert [re.sub(r"\d+ ", "N ", line) for line in first[2:]] == [f"falmock: {told}; report: .falmock/last.json"] * 2
    assert newcomer.types(run) == first


def test_record_an_app_cut_the_network_and_replay(newcomer: Newcomer) -> None:
    """A stand-in plays fal for the recorder, and is gone afterwards."""
    blocks = printed("Record, then replay")
    record, replay = blocks["sh"]
    newcomer.has("app.py", blocks["python"][0])
    newcomer.has("app.mjs", blocks["js"][0])
    with upstream() as fal:
        newcomer.is_("falmock", *fal.falmock)
        newcomer.env["FAL_KEY"] = "kid:ksecret"
        recorded = newcomer.types(record)[:2]
        asked = len(fal.seen)
    assert re.fullmatch(r"\d+ video/mp4", recorded[0])
    written = sorted(
        path.relative_to(newcomer.folder).as_posix() for path in (newcomer.folder / "fixtures").rglob("*.json")
    )
    assert [re.sub(r"[0-9a-f]{8}\.json", "<8 hex>.json", path) for path in written] == [
        *["fixtures/fal-ai/flux/dev/image-to-image/as-a-drawing-<8 hex>.json"] * 2,
        *["fixtures/fal-ai/kling-video/v2/image-to-video/it-moves-<8 hex>.json"] * 2,
    ]
    newcomer.is_("falmock", *FALMOCK)
    del newcomer.env["FAL_KEY"]
    assert newcomer.types(replay)[:2] == recorded
    assert len(fal.seen) == asked


def test_a_falmock_that_runs_by_itself(newcomer: Newcomer) -> None:
    """A free port is in the place of 8080."""
    serve, mitmdump = printed("A falmock that runs by itself")["sh"]
    (newcomer.folder / "fixtures").symlink_to(ROOT / "fixtures")
    answer = printed("From nothing to an answer")["text"][0].splitlines()[0]
    lines = serve.splitlines()
    assert lines[0] == "falmock serve &"
    rest = "\n".join(lines[1:]).replace("falmock env", f"falmock env --url http://127.0.0.1:{newcomer.port}")
    assert newcomer.types(f"falmock serve --port {newcomer.port} > log &\n{rest}\nkill %1")[0] == answer
    command = mitmdump.strip()
    newcomer.is_("mitmdump", str(MITMDUMP), "-p", str(newcomer.port))
    wait = next(line for line in lines if line.startswith("until "))
    use = rest.partition("\n")[2].replace("falmock env", "falmock env --confdir ~/.mitmproxy")
    assert newcomer.types(f"{command} > log &\n{wait}\n{use}\nkill -INT %1")[0] == answer
