"""Checks what scripts/release has built.

release.py contents DIST    checks that the wheel and the sdist contain exactly the committed files
release.py call FIXTURES    checks that the falmock of this interpreter's environment answers a call
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import tarfile
import tempfile
import zipfile
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
MODEL = "fal-ai/any-llm"
PROMPT = "Write a haiku about a black cat on a hill."


def contents(dist: Path) -> None:
    """Compare both archives with the committed files. Raises SystemExit."""
    committed = subprocess.run(
        ["git", "ls-files", "--", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = set(committed.stdout.split("\n")) - {""}
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    compare(wheel, names, {name.removeprefix("addon/") for name in files if name.startswith("addon/")} - {"README.md"})
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive_:
        names = {name.partition("/")[2] for name in archive_.getnames()}
    compare(sdist, names, files | {"PKG-INFO"})


def compare(archive: Path, names: set[str], expected: set[str]) -> None:
    for name in sorted(names ^ expected):
        print(f"{archive.name}: {name} {'is not expected' if name in names else 'is missing'}", file=sys.stderr)
    if names != expected:
        raise SystemExit(1)
    print(f"{archive.name}: {len(names)} files")


def call(fixtures: Path) -> None:
    """Call an API through this environment's mitmdump with this environment's addon. Raises SystemExit."""
    addon = find_spec("falmock_addon")
    if addon is None or addon.origin is None:
        raise SystemExit("falmock_addon.py is not installed")
    mitmdump = Path(sys.executable).with_name("mitmdump")
    with tempfile.TemporaryDirectory() as confdir:
        settings = (f"confdir={confdir}", f"fal_fixtures={fixtures}", "termlog_verbosity=info")
        options = [argument for setting in settings for argument in ("--set", setting)]
        with subprocess.Popen(
            [mitmdump, "--listen-host", "127.0.0.1", "-p", "0", "-s", addon.origin, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=confdir,
        ) as process:
            try:
                text = answer(port_of(process), Path(confdir) / "mitmproxy-ca-cert.pem")
            finally:
                process.terminate()
    version = distribution("mitmproxy").version
    print(f"  mitmproxy {version} with {addon.origin.rpartition('/')[2]} answers: {text!r}")


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


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    {"contents": contents, "call": call}[name](*map(Path, arguments))
