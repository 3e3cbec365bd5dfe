"""What falmock has Node.js load: connections to fal's hosts go through the proxy however they are opened, and no others do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.elsewhere import Elsewhere
from clients.elsewhere import serving
from clients.running import CLIENTS
from clients.running import Mitmdump
from falmock.serving.environment import trust_files
from falmock.serving.environment import variables
from falmock.serving.environment.trust_files import HOOKS
from falmock.wire.hosts import Hosts

FIXTURE = {"match": {"model": "acme/plain"}, "response": {"json": {"through": True}}}
PROGRAM = CLIENTS / "programs" / "sockets.cjs"
RUNTIMES = CLIENTS / "runtimes" / "node_modules"


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory, confdir: Path) -> Iterator[Mitmdump]:
    fixtures = running.write_fixtures(tmp_path_factory.mktemp("preload") / "fixtures", FIXTURE)
    with running.serve(confdir, fixtures=fixtures) as mock:
        yield mock


def environment(mock: Mitmdump) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"]}
    files = trust_files.write(mock.confdir, plain)
    return plain | variables.environment(mock.proxy, files, plain, Hosts(), is_replay=True).variables


@pytest.fixture(scope="module", params=[20, 22, 24])
def node(request: pytest.FixtureRequest) -> str:
    program = RUNTIMES / f"node-{request.param}" / "bin" / "node"
    if not program.exists():
        running.lacking(f"{program} is missing: npm ci in {RUNTIMES.parent} installs it, for Linux on x64")
    return str(program)


@pytest.fixture(scope="module")
def found(node: str, mock: Mitmdump) -> dict[str, Any]:
    """What came of each connection."""
    with serving(Elsewhere()) as elsewhere:
        command = [node, str(PROGRAM), mock.proxy, elsewhere.url]
        done = subprocess.run(command, env=environment(mock), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_each_way_to_connect(found: dict[str, Any]) -> None:
    ok = "HTTP/1.1 200 OK"
    size = 32 * 1024 * 1024
    assert {name: result for name, result in found.items() if "proxy" not in name and "brought" not in name} == {
        "tls.connect(options)": ok,
        "tls.connect(port, host)": ok,
        "tls.connect(port, host, options, callback)": "http/1.1",
        "an address, with the name for TLS": ok,
        "a name in capitals, with a dot": ok,
        "import from node:tls": ok,
        "net.connect": ok,
        "net.createConnection, callback": ok,
        "http.get": [200, len('{"through":true}')],
        "an agent that keeps connections": [200, 200, 200],
        "a large body both ways": [200, 200, size],
        "another scope": 200,
        "another host": 200,
    }


def test_the_scope_is_that_of_the_proxy_as_it_is_set_now(mock: Mitmdump, found: dict[str, Any]) -> None:
    assert found["another scope"] == 200
    scopes = httpx.get(f"{mock.proxy}/__falmock/scopes", trust_env=False).text
    assert "my/scope" in scopes


def test_errors_say_what_happened(found: dict[str, Any]) -> None:
    assert found["a proxy that is not there"] == (
        "ECONNREFUSED falmock: fal.run:443 cannot be reached, because the proxy that HTTPS_PROXY names (127.0.0.1:1) cannot: "
        "ECONNREFUSED. Is falmock running?"
    )
    assert "refused a connection to fal.run:443: HTTP/1.1 " in found["a proxy that refuses"]
    assert found["no proxy"] == " fal.run is looked up"
    assert "ECONNREFUSED 127.0.0.1:1" in found["a socket that is brought"]
    assert "falmock" not in found["a socket that is brought"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_kept_keeps_no_process_alive(mock: Mitmdump, node: str, scheme: str) -> None:
    script = f"""
        const {{ Agent, get }} = require('node:{scheme}');
        get('{scheme}://fal.run/acme/plain', {{ agent: new Agent({{ keepAlive: true }}) }}, (answer) => answer.resume());
        fetch('{scheme}://fal.run/acme/plain').then((answer) => answer.text()).then(console.log);
    """
    assert running.run([node, "-e", script], environment(mock), seconds=10) == '{"through":true}\n'


def test_without_a_list_of_hosts_it_does_nothing() -> None:
    script = "console.log(require('node:tls').connect.name, Object.getOwnPropertySymbols(require('node:tls')).length)"
    plain = {"PATH": os.environ["PATH"], "NODE_OPTIONS": f"--require {HOOKS / 'preload.cjs'}"}
    bare = running.run(["node", "-e", script], {"PATH": os.environ["PATH"]})
    assert running.run(["node", "-e", script], plain) == bare
    wrapped = running.run(["node", "-e", script], plain | {"FALMOCK_HOSTS": ".fal.run"})
    assert wrapped != bare


def test_loaded_twice_it_works_once(mock: Mitmdump) -> None:
    env = environment(mock)
    script = "const tls = require('node:tls'); const was = tls.connect; require(process.argv[1]); console.log(was === tls.connect)"
    copy = mock.confdir / "preload.cjs"
    copy.write_text((HOOKS / "preload.cjs").read_text())
    assert running.run(["node", "-e", script, str(copy)], env) == "true\n"
