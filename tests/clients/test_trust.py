"""Clients that do not trust mitmproxy's CA: the log names what each has to be given, and with that it works."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import browser
from clients import running
from clients.running import CLIENTS
from clients.running import FLOWS
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

URL = "https://fal.run/acme/plain"
FIXTURE = {"match": {"model": "acme/plain"}, "response": {"json": {"trusted": True}}}
PYTHON = f"import httpx; print(httpx.post({URL!r}, json={{}}).text)"
NODE = f"const headers = {{ 'content-type': 'application/json' }}; fetch({URL!r}, {{ method: 'POST', body: '{{}}', headers }}).then(async (answer) => console.log(await answer.text()))"


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory, confdir: Path) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("trust") / "fixtures", FIXTURE)
    with mitmdump(confdir, fixtures=folder) as running_mock:
        yield running_mock


def ran(mock: Mitmdump, command: list[str], **variables: str) -> str:
    """What a program prints that uses the proxy, and has these variables besides."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    environment = {**kept, "HTTPS_PROXY": mock.proxy, "https_proxy": mock.proxy, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.parametrize(
    ("name", "command", "variables"),
    [
        ("Python", [sys.executable, "-c", PYTHON], ["SSL_CERT_FILE"]),
        ("Node.js", ["node", "--require", str(CLIENTS / "preload.cjs"), "-e", NODE], ["NODE_EXTRA_CA_CERTS"]),
        ("curl", ["curl", "-s", "-H", "Content-Type: application/json", "-d", "{}", URL], ["CURL_CA_BUNDLE"]),
    ],
    ids=["httpx", "node", "curl"],
)
def test_the_log_names_the_variable_that_helps(
    mock: Mitmdump, confdir: Path, name: str, command: list[str], variables: list[str]
) -> None:
    assert "trusted" not in ran(mock, command)
    mock.wait_for(f"It looks like {name}: ")
    advised = re.search(f"It looks like {re.escape(name)}: (.*)", mock.output)
    assert advised
    given = dict(re.findall(r"([A-Z_]+)=(\S+?)(?=,|\s|$)", advised[1]))
    assert set(variables) <= set(given)
    assert Path(given[variables[0]]).parent == confdir
    assert "trusted" in ran(mock, command, **{variable: given[variable] for variable in variables})


def test_chromium_in_a_fresh_home(mock: Mitmdump, tmp_path: Path) -> None:
    """The line in the README and in the log makes a Chromium that never ran trust the CA."""
    chromium = browser.require()
    if shutil.which("certutil") is None:
        running.lacking("certutil is not installed (Debian's package libnss3-tools)")
    page = [str(chromium), "--headless", "--no-sandbox", f"--proxy-server={mock.proxy}", "--dump-dom", f"{URL}"]
    assert "trusted" not in ran(mock, page, HOME=str(tmp_path))
    mock.wait_for("It looks like Chromium: run ")
    advised = re.search("It looks like Chromium: run (.*)", mock.output)
    assert advised
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"`{advised[1].replace(str(mock.ca), '$CA')}`" in readme
    home = tmp_path / "fresh"
    home.mkdir()
    ran(mock, ["sh", "-c", advised[1]], HOME=str(home))
    shown = ran(mock, page, HOME=str(home))
    assert "trusted" in shown


def test_private_keys_are_for_their_owner_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    """All files with a private key, found by what is in them; then the same with rights that were widened by hand."""
    fixtures, confdir = write_fixtures(tmp_path / "fixtures", FIXTURE), tmp_path / "confdir"
    program = ("sh", "-c", 'umask 000; exec "$0" "$@"', str(MITMDUMP))

    def keys_of() -> dict[str, int]:
        with mitmdump(confdir, fixtures=fixtures, program=program) as mock:
            jwks = ["curl", "-s", "--cacert", str(mock.ca), "https://rest.fal.ai/.well-known/jwks.json"]
            assert "keys" in ran(mock, jwks)
        outputs.append(mock.output)
        files = [path for path in confdir.iterdir() if path.suffix == ".p12" or b"PRIVATE KEY" in path.read_bytes()]
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in files if path.name != "mitmproxy-ca-cert.p12"}

    outputs: list[str] = []
    ours = ["falmock-webhook-key.pem", *(() if FLOWS else ("falmock-leaf.pem",))]
    names = [*ours, "mitmproxy-ca.p12", "mitmproxy-ca.pem"]
    assert keys_of() == dict.fromkeys(names, 0o600)
    assert "has mode" not in outputs[0].replace(f"{confdir} has mode 0777", "")
    for name in names:
        (confdir / name).chmod(0o644)
    assert keys_of() == {name: 0o600 if name in ours else 0o644 for name in names}
    for name in names:
        assert re.search(rf"{re.escape(str(confdir / name))}, ha[sd] mode 0644", outputs[1])
