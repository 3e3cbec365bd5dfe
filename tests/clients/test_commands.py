"""The commands that look at fixtures and make them, as real processes: their output, exit codes and ends."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from clients import running
from clients import tape
from clients.running import ADDON
from clients.running import FALMOCK
from clients.running import KEY
from clients.test_import import BAD
from clients.test_import import cassette
from clients.test_import import entry
from clients.test_import import har
from clients.test_import import interaction

SECONDS = 60
LONG = 200
"""How many files of 200 fixtures take a check long."""


def falmock(*words: str | Path, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [*FALMOCK, *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=SECONDS, **more)


def test_a_check(tmp_path: Path) -> None:
    running.write_fixtures(tmp_path / "fixtures", {"match": {"model": "a/b"}, "response": {"json": {"n": 1}}})
    done = falmock("check", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "falmock: no problems (1 fixture, 1 file)\n", "")
    (tmp_path / "fixtures" / "bad.json").write_text(json.dumps({"fixtures": [{"match": {}, "key": f"Key {KEY}" * 9}]}))
    done = falmock("check", "--format", "github", cwd=tmp_path, env=os.environ | {"GITHUB_WORKSPACE": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=fixtures/bad.json,title=falmock%3A does not load::$.fixtures[0]")
    done = falmock("check", "elsewhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["check", "check --help"])
def test_what_reads_the_output_ends_first(tmp_path: Path, words: str) -> None:
    (tmp_path / "fixtures").mkdir()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*FALMOCK, *words.split()],
        cwd=tmp_path,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
        timeout=SECONDS,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_long_work_shows_how_far_it_is_on_a_terminal_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    (tmp_path / "fixtures").mkdir()
    for file in range(LONG):
        fixtures = [{"match": {"model": f"a/b{file}-{n}"}, "response": {"json": {"n": n}}} for n in range(200)]
        (tmp_path / "fixtures" / f"{file}.json").write_text(json.dumps({"fixtures": fixtures}))
    reading, writing = pty.openpty()
    seen = b""
    with subprocess.Popen([*FALMOCK, "check"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=writing) as process:
        os.close(writing)
        try:
            while b" files" not in seen:
                seen += os.read(reading, 4096)
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) == 130
            with suppress(OSError):  # how the end of a terminal is told
                while True:
                    seen += os.read(reading, 4096)
        finally:
            process.kill()
            os.close(reading)
    assert re.fullmatch(rb"(\r\x1b\[K[a-z ]+: \d+ of \d+ files)+\r\x1b\[K", seen)


def test_the_path_of_the_addon(tmp_path: Path) -> None:
    done = falmock("addon", cwd=tmp_path)
    assert (done.returncode, Path(done.stdout.rstrip("\n")).resolve()) == (0, ADDON)


def test_an_import(confdir: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    one = har(captures, entry("POST", "https://fal.run/acme/one", {"a": 1}, got={"n": 1}))
    again = har(tmp_path, entry("POST", "https://fal.run/acme/one", {"a": 1}, got={"n": 2}, at=9))
    two = tmp_path / "two.yaml"
    two.write_text(cassette(interaction("POST", "https://fal.run/acme/two", {"a": 2}, {"n": 3})))
    more = ("--fixtures", "made", "--confdir", str(confdir), "--record-schemas", "none")
    done = falmock("import", captures, again, two, *more, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *_, before, last = done.stdout.splitlines()
    assert before.endswith(f"falmock: read 3 of 3 captures in {captures}, {again}, {two}")
    assert last.endswith("falmock: 3 calls to fal: 3 recorded in 3 fixtures")
    assert "POST https" not in done.stdout
    assert one.parent == captures
    with running.serve(confdir, fixtures=tmp_path / "made") as mock, tape.client(mock) as app:
        answers = [app.post("https://fal.run/acme/one", json={"a": 1}).json() for _ in range(3)]
        assert answers == [{"n": 1}, {"n": 2}, {"n": 2}]
        assert app.post("https://fal.run/acme/two", json={"a": 2}).json() == {"n": 3}
    assert falmock("check", "made", "--strict", cwd=tmp_path).returncode == 0


def test_an_import_of_which_some_cannot_be_read_or_written(confdir: Path, tmp_path: Path) -> None:
    bad = tmp_path / "cut.har"
    bad.write_bytes(BAD["cut.har"][0])
    good = har(tmp_path, entry("POST", "https://fal.run/acme/one", {"a": 1}, got={"n": 1}))
    done = falmock("import", bad, "gone.har", good, "--fixtures", "made", "--confdir", confdir, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{bad} cannot be imported: " in done.stdout
    assert "gone.har cannot be read: No such file or directory" in done.stdout
    assert len(tape.entries(tmp_path / "made")) == 1
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "acme").write_text("in the way of a folder")
    done = falmock("import", good, "--fixtures", "full", "--confdir", confdir, cwd=tmp_path)
    assert done.returncode == 1
    assert "the run of acme/one could not be written: " in done.stdout
    done = falmock("import", good, "--fixture", "made", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean '--fixtures'" in done.stderr


def test_ctrl_c_ends_an_import_and_what_was_read_is_kept(confdir: Path, tmp_path: Path) -> None:
    """As a terminal sends it: to the command and to the mitmdump that it runs."""
    for number in range(1000):
        source = tmp_path / "captures" / f"{number:04}"
        source.mkdir(parents=True)
        har(source, entry("POST", f"https://fal.run/acme/m{number}", {"a": 1}, got={"n": 1}))
    command = [*FALMOCK, "import", "captures", "--fixtures", "made", "--confdir", str(confdir)]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert any("recorded the run of" in line for line in process.stdout)
            os.killpg(process.pid, signal.SIGINT)
            rest = process.stdout.read()
            assert process.wait(SECONDS) == 130, rest
        finally:
            process.kill()
    assert "Traceback" not in rest
    told = re.search(r"(\d+) calls? to fal: \1 recorded in \1 fixtures?", rest)
    assert told
    assert 0 < len(tape.entries(tmp_path / "made")) == int(told[1]) < 1000


def test_a_server_goes_on_when_nobody_reads_its_output(confdir: Path, tmp_path: Path) -> None:
    fixtures = running.write_fixtures(tmp_path / "f", {"match": {"model": "a/b"}, "response": {"json": {"n": 1}}})
    command = [*FALMOCK, "serve", "--port", "0", "--confdir", str(confdir), "--fixtures", str(fixtures)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = re.search(r"listening at (\S+)\.$", process.stdout.readline())
            assert found
            process.stdout.close()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            for _ in range(3):
                with opener.open(f"http://{found[1]}/fal/run/a/b", data=b"{}", timeout=SECONDS) as answer:
                    assert answer.read() == b'{"n":1}'
                time.sleep(0.1)  # the lines of calls are gathered
            process.send_signal(signal.SIGTERM)
            assert (process.wait(SECONDS), process.stderr.read()) == (0, "")
        finally:
            process.kill()
