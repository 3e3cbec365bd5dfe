"""The recipes of addon/recipes.md as they are printed: workflows of GitHub Actions step by step, and mitmweb.

The tests change only what they must: a free port replaces 8080, and this checkout the one of a workflow.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from clients import running
from clients.running import ROOT

SECONDS = 120
USES = {"actions/checkout@v5", "actions/setup-python@v6"}
"""What the tests stand in for."""
APP = """\
import json, os, urllib.request
request = urllib.request.Request("https://fal.run/acme/one", b"{}", {"authorization": "Key " + os.environ["FAL_KEY"]})
print(json.load(urllib.request.urlopen(request)))
"""
TEST = """\
const answer = await fetch("https://fal.run/acme/one", { method: "POST", body: "{}" });
console.log(await answer.json());
"""


def printed(heading: str) -> list[str]:
    """The code blocks of a section."""
    section = (ROOT / "addon" / "recipes.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


class Project:
    """Somebody's project with a checkout of falmock in it, on a machine of GitHub's."""

    def __init__(self, folder: Path, fixture: dict[str, Any]) -> None:
        self.folder = folder / "project"
        running.write_fixtures(self.folder / "fixtures", fixture)
        (self.folder / "app.py").write_text(APP)
        (self.folder / "test.mjs").write_text(TEST)
        (self.folder / "package.json").write_text(json.dumps({"scripts": {"test": "node test.mjs"}}))
        (self.folder / "falmock").symlink_to(ROOT)
        self._written = folder / "written"
        self._written.mkdir()
        keeps = {
            name: value for name, value in os.environ.items() if "PROXY" not in name.upper() and name != "PYTHONPATH"
        }
        self.env = {
            **keeps,
            "HOME": str(folder),
            "PATH": f"{python(folder / 'python')}:{os.environ['PATH']}",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
        }
        self.port = free_port()
        self._groups: list[int] = []

    def step(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the `run` of a step, with the variables that earlier ones have set."""
        files = {name: self._written / name for name in ("GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        # The output goes to a file: programs in the background keep it open.
        with (self._written / "log").open("w+") as log:
            process = subprocess.Popen(
                ["bash", "-e", "-c", text.replace("8080", str(self.port))],
                cwd=self.folder,
                env=self.env | {name: str(file) for name, file in files.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            code = process.wait(SECONDS)
            log.seek(0)
            said = log.read()
        self.env |= variables(files["GITHUB_ENV"].read_text())
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return subprocess.CompletedProcess(text, code, said)

    def end(self) -> None:
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def python(folder: Path) -> Path:
    """The programs of a Python that has what falmock needs, and no falmock, as pip sees it: it cannot download here."""
    venv.create(folder, symlinks=True)
    bin_ = folder / "bin"
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    pip = bin_ / "pip"
    pip.write_text(
        f'#!/bin/sh\n[ "$1" = install ] && shift && exec {bin_}/python -m pip install -q --no-index --no-build-isolation "$@"\n'
    )
    pip.chmod(0o755)
    return bin_


def variables(text: str) -> dict[str, str]:
    """What a step has written to $GITHUB_ENV: `NAME=value`, or with a delimiter the lines up to it."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, delimiter = line.split("<<", 1) if re.match(r"\w+<<", line) else (line.partition("=")[0], "")
        assert re.fullmatch(r"\w+", name), line
        assert name != "NODE_OPTIONS", "GitHub refuses it"
        found[name] = "\n".join(iter(lines.__next__, delimiter)) if delimiter else line.partition("=")[2]
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def project(folder: Path, **fixture: Any) -> Iterator[Project]:
    for name in ("npm", "node", "curl"):
        if shutil.which(name) is None:
            running.lacking(f"the recipes need {name}")
    made = Project(folder, {"match": {"model": "acme/one", **fixture}, "response": {"json": {"n": 1}}})
    try:
        yield made
    finally:
        made.end()


def steps(workflow: str) -> list[dict[str, Any]]:
    """The steps that run something, of the only job."""
    (job,) = yaml(workflow)["jobs"].values()
    assert {step["uses"] for step in job["steps"] if "uses" in step} == USES
    return [step for step in job["steps"] if "run" in step]


def test_a_command_with_falmock(tmp_path: Path) -> None:
    install, test, check = steps(printed("GitHub Actions")[0])
    with project(tmp_path) as made:
        for step in (install, test):
            done = made.step(step["run"])
            assert done.returncode == 0, done.stdout
        assert "{ n: 1 }" in done.stdout
        assert "1 call: 1 replayed, 0 misses" in done.stdout
        assert "| replayed | 1 |" in made.summary
        done = made.step(check["run"])
        assert (done.returncode, done.stdout) == (0, "falmock: no problems (1 fixture, 1 file)\n")

        (made.folder / "test.mjs").write_text(TEST.replace("acme/one", "acme/two"))
        done = made.step(test["run"])
        assert done.returncode == 97, done.stdout
        assert "::error title=falmock%3A no fixture answers a call to acme/two::" in done.stdout
        later = (made.folder / "fixtures" / "fixtures.json").stat().st_mtime - 60
        os.utime(made.folder / "fixtures" / "fixtures.json", (later, later))
        done = made.step(check["run"])
        assert done.returncode == 0, done.stdout
        assert done.stdout.startswith("::warning file=fixtures/fixtures.json,title=falmock%3A unused::")


def test_one_falmock_for_several_steps(tmp_path: Path) -> None:
    found = steps(printed("GitHub Actions")[1])
    *_, verdict, log = found
    with project(tmp_path) as made:
        outputs = []
        for step in found:
            done = made.step(step["run"])
            assert done.returncode == 0, done.stdout
            outputs.append(done.stdout)
        assert outputs.count("{'n': 1}\n") == 2
        assert outputs[-1].count("POST https://fal.run/acme/one") == 2
        (made.folder / "app.py").write_text(APP.replace("acme/one", "acme/two"))
        assert made.step("python app.py").returncode != 0
        assert made.step(verdict["run"]).returncode == 1
        assert "no fixture answers this call to acme/two" in made.step(log["run"]).stdout


def test_mitmweb(tmp_path: Path) -> None:
    start, use = printed("mitmweb")
    with project(tmp_path) as made:
        wrapper = Path(made.env["PATH"].partition(":")[0]) / "mitmweb"
        real = running.MITMDUMP.with_name("mitmweb")
        wrapper.write_text(
            f'#!/bin/sh\nexec {shlex.quote(str(real))} --no-web-open-browser --web-port {free_port()} "$@"\n'
        )
        wrapper.chmod(0o755)
        (wrapper.parent / "falmock").write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT / "addon"} exec {shlex.join(running.FALMOCK)} "$@"\n'
        )
        (wrapper.parent / "falmock").chmod(0o755)
        wait = f"curl -s --retry 60 --retry-delay 1 --retry-connrefused http://127.0.0.1:{made.port}/ready"
        done = made.step(f"{start.strip()} >web.log 2>&1 &\n{wait} || {{ cat web.log; exit 1; }}")
        assert done.returncode == 0, done.stdout
        done = made.step(use)
        assert (done.returncode, done.stdout) == (0, "{'n': 1}\n"), (made.folder / "web.log").read_text()


def test_each_flag_of_falmock_is_there() -> None:
    """Also in the recipes that are not run."""
    composed = printed("Docker Compose") + printed("Several falmocks")[1:]
    blocks = [json.dumps(yaml(block)) for block in printed("GitHub Actions") + composed]
    found = re.findall(
        r"\bfalmock (serve|run|env|check) ((?:--[\w-]+(?: [^-\s]\S*)? ?)*)", " ".join(blocks).replace("\\n", " ")
    )
    assert len(found) == 10
    for command in {command for command, _ in found}:
        told = running.run([*running.FALMOCK, command, "--help"], dict(os.environ))
        words = " ".join(words for each, words in found if each == command)
        assert set(re.findall(r"--[\w-]+", words)) <= set(re.findall(r"--[\w-]+", told)), command
