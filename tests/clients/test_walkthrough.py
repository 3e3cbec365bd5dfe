"""The README's commands as they are printed: a first call, and an app that is recorded and replayed.

A stand-in plays fal. The tests change only what they must: a free port replaces 8080, a temporary folder the home, and
the stand-in the internet.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clients import running
from clients.running import CLIENTS
from clients.running import MITMDUMP
from clients.running import ROOT
from clients.running import Mitmdump
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
    """Somebody with a clone, an app, and a shell in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "addon").symlink_to(ROOT / "addon")
        (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
        (folder / "preload.cjs").write_text((CLIENTS / "preload.cjs").read_text("utf-8"), "utf-8")
        self.port = _free_port()
        self.env = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "HOME": str(folder),
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FAL_KEY": "kid:ksecret",
            "PYTHONUNBUFFERED": "1",
        }

    def has(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    @contextmanager
    def terminal(self, command: str, *more: str) -> Iterator[Mitmdump]:
        """A terminal in which mitmdump runs, until Ctrl-C; `more` is what has it find the stand-in."""
        script = self.folder / "bin" / "mitmdump"
        arguments = " ".join(f"'{argument}'" for argument in ("-p", str(self.port), *more))
        script.write_text(f'#!/bin/sh\nexec "{MITMDUMP}" "$@" {arguments}\n', "utf-8")
        script.chmod(0o755)
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        mock = running.followed(process, self.folder / ".mitmproxy")
        try:
            mock.wait_for("listening at", SECONDS)
            mock.wait_for("falmock 0", SECONDS)
            _wait_for(self.folder / ".mitmproxy" / "mitmproxy-ca-cert.pem")
            yield mock
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 0, mock.output
        finally:
            running.stop(mock)

    def types(self, commands: str) -> list[str]:
        """What a shell prints for these commands, by lines."""
        told = commands.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        return running.run(["bash", "-ec", told], self.env, SECONDS, self.folder).splitlines()


def _wait_for(file: Path) -> None:
    end = time.monotonic() + SECONDS
    while not file.exists():
        assert time.monotonic() < end, f"{file} is not there"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_first_call_on_the_shipped_fixtures(tmp_path: Path) -> None:
    blocks = printed("A first call")
    newcomer = Newcomer(tmp_path)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    start, call = blocks["sh"]
    (answer,) = blocks["text"]
    in_background, wait = printed("Tests")["sh"][0].splitlines()
    assert in_background == f"{start.strip()} &"
    with newcomer.terminal(start):
        newcomer.types(wait)
        assert newcomer.types(call) == answer.splitlines()


def test_record_an_app_stop_cut_the_network_and_replay(tmp_path: Path) -> None:
    blocks = printed("Record, then replay")
    newcomer = Newcomer(tmp_path)
    (python,), (javascript,) = blocks["python"], blocks["js"]
    record, use, replay, use_again = blocks["sh"]
    newcomer.has("app.py", python)
    newcomer.has("app.mjs", javascript)
    with upstream() as fal:
        with newcomer.terminal(record, *fal.arguments):
            recorded = newcomer.types(use)
        way_to_fal = fal.arguments
        asked = len(fal.seen)
    assert len(recorded) == 2
    assert re.fullmatch(r"\d+ video/mp4", recorded[0])
    written = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "fixtures").rglob("*.json"))
    assert [re.sub(r"[0-9a-f]{8}\.json", "<8 hex>.json", path) for path in written] == [
        *["fixtures/fal-ai/flux/dev/image-to-image/as-a-drawing-<8 hex>.json"] * 2,
        *["fixtures/fal-ai/kling-video/v2/image-to-video/it-moves-<8 hex>.json"] * 2,
    ]

    exported = "\n".join(line for line in use.splitlines() if line.startswith("export"))
    with newcomer.terminal(replay, *way_to_fal) as mock:
        assert newcomer.types(f"{exported}\n{use_again}") == recorded
    assert "refused" not in mock.output
    assert len(fal.seen) == asked
