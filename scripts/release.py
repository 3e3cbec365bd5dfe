"""Checks what scripts/release has built.

release.py contents DIST                    checks that the archives contain exactly the committed files
release.py call FIXTURES                    checks that the addon of this interpreter's environment answers a call through mitmdump
release.py run FIXTURES                     checks `falmock addon` and `falmock run` of this environment
release.py plugin FIXTURES FALMOCK          checks that the pytest plugin of this environment, which has no falmock, uses that falmock
release.py npm FIXTURES FALMOCK FOLDER      checks the npm package that is installed in a folder, with that falmock
"""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.request import HTTPSHandler
from urllib.request import ProxyHandler
from urllib.request import Request
from urllib.request import build_opener

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("addon", "fixtures", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", ".gitignore")
"""The contents of the sdist; hatchling reads the .gitignore."""
PLUGIN, NPM = "addon/pytest-falmock/", "addon/npm/"
"""The other packages, which are not part of falmock's."""
MODEL = "fal-ai/any-llm"
PROMPT = "Write a haiku about a black cat on a hill."
SECONDS = 120
APP = f"""\
import json, urllib.request
body = json.dumps({{"prompt": {PROMPT!r}}}).encode()
request = urllib.request.Request("https://fal.run/{MODEL}", body, {{"content-type": "application/json"}})
print(json.load(urllib.request.urlopen(request))["output"])
"""
TEST = f"""\
import json, urllib.request, pytest
@pytest.mark.falmock(fixtures={{fixtures!r}})
def test_it():
    body = json.dumps({{{{"prompt": {PROMPT!r}}}}}).encode()
    request = urllib.request.Request("https://fal.run/{MODEL}", body, {{{{"content-type": "application/json"}}}})
    assert "cat" in json.load(urllib.request.urlopen(request))["output"]
"""
CALL = f"""\
const asked = {{ method: "POST", headers: {{ "content-type": "application/json" }}, body: JSON.stringify({{ prompt: {json.dumps(PROMPT)} }}) }};
fetch("https://fal.run/{MODEL}", asked).then((answer) => answer.json()).then((answer) => console.log(answer.output));
"""
IMPORT = """\
import { startFalmock } from "falmock";
const mock = await startFalmock({ fixtures: process.argv[2] });
console.log(mock.version, (await mock.journal()).length);
await mock.stop();
"""


def contents(dist: str) -> None:
    """Compare all archives with the committed files. Raises SystemExit."""
    committed = subprocess.run(
        ["git", "ls-files", "--", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = set(committed.stdout.split("\n")) - {""}
    plugin, npm = below(PLUGIN, files), below(NPM, files)
    main = {name for name in files if not name.startswith((PLUGIN, NPM))}
    compare_wheel(one(dist, "falmock-*.whl"), {name for name in below("addon/", main) if name.startswith("falmock")})
    compare_tar(one(dist, "falmock-*.tar.gz"), main | {"PKG-INFO"})
    if plugin:
        compare_wheel(one(dist, "pytest_falmock-*.whl"), below("src/", plugin))
        compare_tar(one(dist, "pytest_falmock-*.tar.gz"), plugin | {"PKG-INFO", ".gitignore"})
    if npm:
        compare_tar(one(dist, "falmock-*.tgz"), npm)


def below(folder: str, files: set[str]) -> set[str]:
    return {name.removeprefix(folder) for name in files if name.startswith(folder)}


def one(dist: str, pattern: str) -> Path:
    (found,) = Path(dist).glob(pattern)
    return found


def compare_wheel(wheel: Path, expected: set[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        compare(wheel, {name for name in archive.namelist() if ".dist-info/" not in name}, expected)


def compare_tar(archive: Path, expected: set[str]) -> None:
    """All its files are in one folder."""
    with tarfile.open(archive) as opened:
        compare(archive, {name.partition("/")[2] for name in opened.getnames()}, expected)


def compare(archive: Path, names: set[str], expected: set[str]) -> None:
    for name in sorted(names ^ expected):
        print(f"{archive.name}: {name} {'is not expected' if name in names else 'is missing'}", file=sys.stderr)
    if names != expected:
        raise SystemExit(1)
    print(f"{archive.name}: {len(names)} files")


def call(fixtures: str) -> None:
    """Call an API through this environment's mitmdump with this environment's addon. Raises SystemExit."""
    addon = addon_here()
    mitmdump = Path(sys.executable).with_name("mitmdump")
    with tempfile.TemporaryDirectory() as confdir:
        settings = (f"confdir={confdir}", f"fal_fixtures={fixtures}", "termlog_verbosity=info")
        options = [argument for setting in settings for argument in ("--set", setting)]
        with subprocess.Popen(
            [mitmdump, "--listen-host", "127.0.0.1", "-p", "0", "-s", addon, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=confdir,
        ) as process:
            try:
                port = port_of(process)
                text = answer(port, Path(confdir) / "mitmproxy-ca-cert.pem")
                page(port)
            finally:
                process.terminate()
    version = distribution("mitmproxy").version
    print(f"  mitmproxy {version} with {addon.name} answers: {text!r}")


def addon_here() -> Path:
    found = find_spec("falmock_addon")
    if found is None or found.origin is None:
        raise SystemExit("falmock_addon.py is not installed")
    return Path(found.origin)


def port_of(process: subprocess.Popen[str]) -> int:
    """Wait until falmock is ready; return mitmdump's port. Raises SystemExit."""
    output, port = "", None
    for line in process.stdout or ():
        output += line
        if found := re.search(r"listening at \S*?:(\d+)\.?$", line.rstrip()):
            port = int(found[1])
        if port and re.search(r"falmock [0-9][^:]*: mode ", output):
            return port
    raise SystemExit(f"mitmdump did not start:\n{output}")


def answer(port: int, ca: Path) -> str:
    """The output of the model, called through the proxy."""
    trust = HTTPSHandler(context=ssl.create_default_context(cafile=str(ca)))
    opener = build_opener(ProxyHandler({"https": f"http://127.0.0.1:{port}"}), trust)
    body = json.dumps({"prompt": PROMPT}).encode()
    headers = {"authorization": "Key any:key", "content-type": "application/json"}
    with opener.open(Request(f"https://fal.run/{MODEL}", body, headers), timeout=60) as response:
        return str(json.load(response)["output"])


def page(port: int) -> None:
    """Load the inspector's page, whose files are data of the package. Raises OSError."""
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/__falmock/", timeout=60) as response:
        print(f"  the inspector's page has {len(response.read())} bytes")


def run(fixtures: str) -> None:
    """Use the commands of this environment. Raises SystemExit."""
    falmock = Path(sys.executable).with_name("falmock")
    printed = Path(output([falmock, "addon"]).strip())
    if printed != addon_here():
        raise SystemExit(f"falmock addon: expected {addon_here()}, found {printed}")
    text = output([falmock, "run", "--fixtures", fixtures, "--", sys.executable, "-I", "-c", APP])
    print(f"  falmock run answers: {text.strip()!r}")


def plugin(fixtures: str, falmock: str) -> None:
    """Run a test with the plugin of this environment. Raises SystemExit."""
    needed = distribution("pytest-falmock").requires or []
    if (
        [re.split(r"[^a-z]", line)[0] for line in needed] != ["pytest"]
        or find_spec("mitmproxy")
        or find_spec("falmock")
    ):
        raise SystemExit(f"pytest-falmock: expected pytest alone, found {', '.join(needed) or 'nothing'}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_it.py").write_text(TEST.format(fixtures=fixtures), "utf-8")
        text = output([sys.executable, "-m", "pytest", "-q"], folder, FALMOCK_COMMAND=falmock)
    print(f"  pytest with the plugin: {text.splitlines()[-1]}")


def npm(fixtures: str, falmock: str, folder: str) -> None:
    """Use the command and the module of the npm package in a folder. Raises SystemExit."""
    installed = sorted(path.name for path in (Path(folder) / "node_modules").iterdir() if not path.name.startswith("."))
    if installed != ["falmock"]:
        raise SystemExit(f"the npm package: expected no dependencies, found {', '.join(installed)}")
    program = Path(folder) / "use.mjs"
    program.write_text(IMPORT, "utf-8")
    command = ["npx", "--no-install", "falmock", "run", "--fixtures", fixtures, "--", "node", "-e", CALL]
    text = output(command, folder, FALMOCK_COMMAND=falmock)
    print(f"  its command answers: {text.strip()!r}")
    text = output(["node", program, fixtures], folder, FALMOCK_COMMAND=falmock)
    print(f"  its module starts falmock {text.strip()}")


def output(command: Sequence[str | Path], folder: str | None = None, **more: str) -> str:
    """What a command prints, with a home folder of its own. Raises SystemExit if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder or home,
            env=environment | {"HOME": home} | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    {"contents": contents, "call": call, "run": run, "plugin": plugin, "npm": npm}[name](*arguments)
