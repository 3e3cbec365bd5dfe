"""pytest-falmock: the tests of somebody who uses it, with a real falmock."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import ROOT
from clients.upstream import upstream

PROGRAMS = CLIENTS / "programs" / "plugin"
PLUGIN = ROOT / "addon" / "pytest-falmock"
SECONDS = 120
CAT = {"match": {"model": "test/pets", "input": {"prompt": "a cat"}}, "response": {"json": {"says": "meow"}}}
TURNS = [{"match": {"model": "test/turns"}, "response": {"json": {"turn": turn}}} for turn in (1, 2)]
ONE_TEST = """\
import pytest, httpx

@pytest.mark.falmock
def test_one():
    assert httpx.post("https://fal.run/test/pets", json={"prompt": "a cat"}).json() == {"says": "meow"}
"""


class Project:
    """A folder with tests and fixtures."""

    def __init__(self, folder: Path, confdir: Path) -> None:
        self.folder = folder
        running.write_fixtures(folder / "fixtures", CAT, *TURNS)
        (folder / "pytest.ini").write_text(f"[pytest]\nfalmock_options = --confdir '{confdir}'\n", "utf-8")
        kept = {
            name: value
            for name, value in os.environ.items()
            if "proxy" not in name.lower() and not name.startswith(("PYTEST_", "FAL"))
        }
        self.env = {
            **kept,
            "FALMOCK_COMMAND": f"'{sys.executable}' -m falmock.cli",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "addon"), str(PLUGIN / "src")]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "160",
        }

    def has(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def command(self, *arguments: str) -> list[str]:
        plugins = ["-p", "pytest_falmock.plugin", *(["-p", "xdist.plugin"] if "-n2" in arguments else [])]
        return [sys.executable, "-m", "pytest", *plugins, "-p", "no:cacheprovider", "-rA", *arguments]

    def pytest(self, *arguments: str, code: int = 0, **env: str) -> str:
        """What pytest prints, which must end with this code. Nothing that it started is left."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout
        for port in re.findall(r"http://127\.0\.0\.1:(\d+)$", done.stdout, re.MULTILINE):
            has_ended(int(port))
        return done.stdout

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def has_ended(port: int) -> None:
    until = time.monotonic() + 10
    while is_open(port):
        assert time.monotonic() < until, "falmock is still there"
        time.sleep(0.05)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def project(tmp_path: Path, confdir: Path) -> Project:
    return Project(tmp_path, confdir)


def told(output: str, name: str) -> str:
    """What is printed about a test that failed."""
    found = re.search(rf"^_+ (?:ERROR at \w+ of )?{name} _+$(.*?)^(?:_{{9}}|={{9}})", output, re.MULTILINE | re.DOTALL)
    assert found, output
    return found[1]


@pytest.mark.parametrize("processes", [(), ("-n2",)], ids=["alone", "xdist"])
def test_the_tests_of_an_app(project: Project, processes: tuple[str, ...]) -> None:
    project.has("tests/conftest.py", "import httpx\n\nCLIENT = httpx.Client()\n")
    project.has("tests/test_app.py", (PROGRAMS / "app_tests.py").read_text("utf-8"))
    running.write_fixtures(project.folder / "tests" / "own", {**CAT, "response": {"json": {"says": "purr"}}})
    project.has("tests/faults.json", json.dumps({"faults": [{"fault": "internal_server_error"}]}))
    output = project.pytest(*processes, code=1)
    failed = re.findall(r"^FAILED tests/test_app\.py::(\S+)", output, re.MULTILINE)
    errors = re.findall(r"^ERROR tests/test_app\.py::(\S+)", output, re.MULTILINE)
    assert sorted(failed) == ["test_fails_by_itself_after_a_miss", "test_fails_for_a_miss", "test_fails_without_a_call"]
    assert sorted(errors) == [
        "test_is_an_error_for_an_unknown_argument",
        "test_is_an_error_without_its_fixtures",
        "test_passes_and_is_an_error_for_a_miss_at_its_end",
    ]
    assert re.search(r"3 failed, \d+ passed, 1 skipped, 1 xfailed, 3 errors", output)

    for name in ("test_fails_for_a_miss", "test_passes_and_is_an_error_for_a_miss_at_its_end"):
        text = told(output, name)
        assert "no fixture answered 1 call of this test" in text
        assert '$.prompt: expected "a cat", found "a dog"' in text
        assert "To record it from the real fal: pytest --falmock-mode=auto" in text
        assert "Traceback" not in text
    assert "run test/pets -> 404 MISS" in told(output, "test_fails_for_a_miss")
    assert '$.prompt: expected "a cat", found "a dog"' in told(output, "test_fails_by_itself_after_a_miss")
    assert "no call reached falmock in this test" in told(output, "test_fails_without_a_call")
    assert "there is nothing at" in told(output, "test_is_an_error_without_its_fixtures")
    assert "During handling" not in output
    assert "did you mean 'fixtures'?" in told(output, "test_is_an_error_for_an_unknown_argument")
    # The report has those of both falmocks: a test has fixtures of its own.
    line = re.search(
        r"^falmock: (\d+) calls of (\d+) tests, (\d+) replayed, 7 missed; report: \.falmock/last\.json$",
        output,
        re.MULTILINE,
    )
    assert line, output
    report = json.loads((project.folder / ".falmock" / "last.json").read_text("utf-8"))
    assert (report["mode"], report["exit_code"], report["misses"]) == ("replay", 1, 7)
    assert (report["calls"], report["replayed"], report["fixtures"]) == (int(line[1]), int(line[3]), 4)
    assert report["unused"] == []
    assert "a dog" in report["missed"][0]["text"]


def test_a_recording_and_its_replay(project: Project) -> None:
    project.has(
        "tests/test_app.py",
        "import fal_client, httpx, pytest\n"
        "def use(prompt):\n"
        "    image = fal_client.subscribe('test/image', arguments={'prompt': prompt})['images'][0]\n"
        "    assert httpx.get(image['url']).content.startswith(b'\\x89PNG')\n"
        "@pytest.mark.falmock\n"
        "def test_cat():\n"
        "    use('a cat')\n"
        "@pytest.mark.falmock(fixtures='own')\n"
        "def test_dog():\n"
        "    use('a dog')\n",
    )
    with upstream() as fal:
        recorded = project.pytest(
            "--falmock-mode=record",
            FAL_KEY=running.KEY,
            FALMOCK_COMMAND=shlex.join(fal.falmock),
        )
        assert len(fal.asked("POST queue.fal.run/test/image")) == 2
    line = r"^falmock: \d+ calls of 2 tests, 0 replayed, 0 missed, \d+ forwarded to fal; report"
    assert re.search(line, recorded, re.MULTILINE)
    assert "completing the recordings" in recorded
    for folder, name in ((project.folder / "fixtures" / "test", "cat"), (project.folder / "tests" / "own", "dog")):
        (entry,) = tape.entries(folder)
        assert entry["match"]["input"] == {"prompt": f"a {name}"}
        assert entry["recorded"]["scope"] == f"tests-test_app.py-test_{name}"
    replayed = project.pytest()
    assert re.search(r"^falmock: \d+ calls of 2 tests, \d+ replayed, 0 missed; report", replayed, re.MULTILINE)


def test_aiohttp(project: Project) -> None:
    if find_spec("aiohttp") is None:
        running.lacking("there is no aiohttp")
    project.has(
        "test_app.py",
        "import aiohttp, asyncio, pytest\n"
        "@pytest.mark.falmock\n"
        "def test_it():\n"
        "    async def answer():\n"
        "        async with aiohttp.ClientSession() as session:\n"
        "            async with session.post('https://fal.run/test/pets', json={'prompt': 'a cat'}) as response:\n"
        "                return await response.json()\n"
        "    assert asyncio.run(answer()) == {'says': 'meow'}\n",
    )
    project.pytest()


def test_a_test_that_runs_again(project: Project) -> None:
    project.has(
        "conftest.py",
        "from _pytest.runner import runtestprotocol\n"
        "def pytest_runtest_protocol(item, nextitem):\n"
        "    item._initrequest()\n"
        "    assert [each.outcome for each in runtestprotocol(item, nextitem=nextitem, log=False)][1] == 'failed'\n"
        "    item._initrequest()\n",
    )
    project.has("test_app.py", ONE_TEST.replace("a cat", "a dog"))
    output = project.pytest(code=1)
    assert "falmock: 2 calls of 2 tests, 0 replayed, 2 missed" in output
    assert "During handling" not in output


def test_pytest_within_a_test(project: Project) -> None:
    """It has a falmock of its own, as it would have outside."""
    project.has("inner/pytest.ini", (project.folder / "pytest.ini").read_text("utf-8"))
    project.has("inner/inner.py", ONE_TEST.replace("meow", "purr"))
    running.write_fixtures(project.folder / "inner" / "fixtures", {**CAT, "response": {"json": {"says": "purr"}}})
    command = project.command("--rootdir", "inner", "inner/inner.py")
    project.has("test_app.py", f"{ONE_TEST}    import subprocess\n    subprocess.run({command}, check=True)\n")
    output = project.pytest("-s")
    assert output.count("1 passed") == 2
    headers = [line for line in output.splitlines() if line.startswith("falmock: ")]
    assert [line.partition(" at ")[0] for line in headers] == [
        *["falmock: mode replay"] * 2,
        *["falmock: 1 call of 1 test, 1 replayed, 0 missed; report: .falmock/last.json"] * 2,
    ]


def test_fixtures_beside_the_module(project: Project) -> None:
    project.has(
        "pytest.ini",
        (project.folder / "pytest.ini").read_text("utf-8") + "falmock_fixtures =\n  {dir}/{module}\n  fixtures\n",
    )
    project.has("one/test_own.py", ONE_TEST.replace("meow", "purr"))
    running.write_fixtures(project.folder / "one" / "test_own", {**CAT, "response": {"json": {"says": "purr"}}})
    project.has("two/test_none.py", ONE_TEST)
    assert "2 passed" in project.pytest()


def test_falmock_is_off(project: Project) -> None:
    project.has(
        "test_app.py",
        "import os, pytest\n"
        "@pytest.mark.falmock\n"
        "def test_marked():\n"
        "    assert 'FALMOCK_URL' not in os.environ\n"
        "def test_it(falmock):\n"
        "    falmock.verify('test/pets')\n",
    )
    assert "1 passed, 1 skipped" in project.pytest("--falmock-mode=off", FALMOCK_COMMAND="/nowhere")


def test_nothing_is_started_where_no_test_runs(project: Project) -> None:
    project.has("test_app.py", ONE_TEST)
    for option, expected in (
        ("--collect-only", "test_one"),
        ("--markers", "@pytest.mark.falmock"),
        ("--help", "--falmock-mode"),
    ):
        assert expected in project.pytest(option, FALMOCK_COMMAND="/nowhere")


ANNOUNCING = f"'{sys.executable}' '{PROGRAMS / 'announcing.py'}'"


@pytest.mark.parametrize(
    ("arguments", "env", "expected"),
    [
        (("--falmock-mode=record",), {}, "mode record forwards calls to fal: set FAL_KEY"),
        (("--falmock-record=missing",), {}, "mode auto forwards calls to fal: set FAL_KEY"),
        (("--falmock-record=all", "--falmock-mode=auto"), {}, "contradicts"),
        ((), {"FALMOCK_COMMAND": "/nowhere/falmock"}, "/nowhere/falmock: No such file"),
        ((), {"FALMOCK_COMMAND": "'"}, "expected a command as for a shell"),
        ((), {"FALMOCK_COMMAND": f"'{sys.executable}' -c 'print(1/0)'"}, "ZeroDivisionError"),
        ((), {"FALMOCK_COMMAND": f"'{sys.executable}' -c 'pass'"}, "is too old"),
        (
            (),
            {"FALMOCK_COMMAND": f"{ANNOUNCING} '" + '{"falmock": "9.0", "control": 2}' + "'"},
            "upgrade pytest-falmock",
        ),
        ((), {"FALMOCK_COMMAND": f"{ANNOUNCING} hello"}, "expected JSON"),
        (("-o", "falmock_mode=rekord"), {}, "falmock_mode = rekord in "),
        (("-o", "falmock_options=--pase 3s"), {}, "did you mean '--pace'"),
    ],
)
def test_what_stops_the_start(project: Project, arguments: tuple[str, ...], env: dict[str, str], expected: str) -> None:
    project.has("test_app.py", ONE_TEST)
    output = project.pytest(*arguments, code=4, **env)
    assert expected in output
    if "ZeroDivisionError" not in expected:
        assert "Traceback" not in output


def test_no_falmock_is_installed(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    code = (
        "import sys; sys.executable = sys.argv.pop(1)\n"
        "import pytest; sys.exit(pytest.main(['-p', 'pytest_falmock.plugin']))"
    )
    project.has("run.py", code)
    done = subprocess.run(
        [sys.executable, "run.py", str(tmp_path / "bin" / "python")],
        cwd=project.folder,
        env={**project.env, "FALMOCK_COMMAND": "", "PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "there is no falmock" in done.stderr) == (4, True), done


def test_fixtures_that_are_broken(project: Project) -> None:
    project.has("test_app.py", ONE_TEST)
    project.has("fixtures/broken.json", '{"fixtures": [{}]}')
    output = project.pytest(code=4)
    assert "falmock could not start (exit code 1)" in output
    assert "fixtures/broken.json" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_end_of_pytest_is_that_of_falmock(project: Project, number: int) -> None:
    project.has(
        "test_app.py",
        "import time, os\ndef test_it(falmock):\n    print('url', falmock.url, flush=True)\n    time.sleep(60)\n",
    )
    with project.started("-s") as process:
        assert process.stdout is not None
        found = next(line for line in process.stdout if "url http" in line)
        port = int(found.strip().rpartition(":")[2])
        assert is_open(port)
        os.killpg(process.pid, number)  # as the terminal does
        rest = process.stdout.read()
        assert process.wait(SECONDS) == (2 if number == signal.SIGINT else -number)
    has_ended(port)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in rest
        assert "falmock: 0 calls of 1 test" in rest


def test_a_worker_that_crashes(project: Project) -> None:
    project.has(
        "test_app.py",
        "import os, pytest, httpx\n"
        "@pytest.mark.falmock(fixtures='own')\n"
        "def test_crash(falmock):\n"
        "    open('url', 'w').write(falmock.url)\n"
        "    os._exit(1)\n" + ONE_TEST,
    )
    running.write_fixtures(project.folder / "own", {**CAT, "response": {"json": {"says": "purr"}}})
    output = project.pytest("-n2", code=1)
    assert "1 failed, 1 passed" in output
    has_ended(int((project.folder / "url").read_text("utf-8").rpartition(":")[2]))


def test_the_readme(project: Project) -> None:
    readme = (PLUGIN / "README.md").read_text("utf-8")
    recipes = re.findall(r"```python\n# (test_\w+\.py)\n(.*?)```", readme, re.DOTALL)
    for name, text in recipes:
        project.has(name, text)
    answer = {"images": [{"url": "https://example.com/cat.png"}]}
    entry = {"match": {"model": "fal-ai/flux/schnell"}, "response": {"json": answer}}
    running.write_fixtures(project.folder / "fixtures", entry)
    assert "2 passed" in project.pytest()
