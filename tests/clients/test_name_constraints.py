"""What a stolen key of falmock's own CA is good for: which clients that trust it take its certificates for other hosts."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from clients import browser
from clients import running
from clients.running import CLIENTS
from clients.running import FALMOCK
from falmock.serving import ca
from falmock.serving import leaf

OURS = ("queue.fal.run", "a.b.fal.run", "fal.example.com", "huggingface.co")
OTHERS = ("example.com", "xfal.run", "other.example.com", "127.0.0.1")
PROGRAMS = CLIENTS / "trusting"
SECONDS = 60


class Trusted(NamedTuple):
    """A server at loopback that is each of the hosts, by certificates that the CA signed."""

    ca: Path
    chains: Path
    port: int


class Page(BaseHTTPRequestHandler):
    """Says that the certificate was taken."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>trusted</p>")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class Server(ThreadingHTTPServer):
    """Clients that refuse a certificate are no failure."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing is shown."""


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trusted]:
    folder = tmp_path_factory.mktemp("constraints")
    environment = os.environ | {"FALMOCK_HOME": str(folder / "home")}
    certificate = Path(running.run([*FALMOCK, "ca", "path", "--hosts", "fal.example.com"], environment).strip())
    contexts = {}
    for host in (*OURS, *OTHERS):
        (folder / host).mkdir()
        # The second name of the address's certificate is one of fal's, so that nothing but the address is wrong with it.
        names = ("fal.run", host) if host == "127.0.0.1" else (host,)
        contexts[host] = leaf.context(folder / host, certificate.with_name(ca.FILE), names, time.time())
    server = Server(("127.0.0.1", 0), Page)

    def choose(line: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        line.context = contexts[name or "127.0.0.1"]

    contexts["127.0.0.1"].sni_callback = choose
    server.socket = contexts["127.0.0.1"].wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Trusted(certificate, folder, server.server_port)
    server.shutdown()
    server.server_close()


def output(*command: str | Path, **environment: str) -> str:
    """What a program prints, whatever its exit code is."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "GOROOT")}
    done = subprocess.run(
        list(map(str, command)), env=kept | environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stdout


def at_once(program: str, *command: str) -> Callable[[Trusted], set[str]]:
    """A program that is told all hosts, and prints those that it connects to."""

    def accepted(trusted: Trusted) -> set[str]:
        arguments = (*command, PROGRAMS / program, trusted.ca, str(trusted.port), *OURS, *OTHERS)
        return set(output(*arguments, NODE_EXTRA_CA_CERTS=str(trusted.ca), GOCACHE=f"{trusted.chains}/go").split())

    return accepted


def by_curl(trusted: Trusted) -> set[str]:
    def shown(host: str) -> str:
        there = f"{host}:443:127.0.0.1:{trusted.port}"
        return output("curl", "-s", "--cacert", trusted.ca, "--connect-to", there, f"https://{host}/")

    return {host for host in (*OURS, *OTHERS) if "trusted" in shown(host)}


def by_openssl(trusted: Trusted) -> set[str]:
    def shown(host: str) -> str:
        chain = trusted.chains / host / leaf.FILE
        kind = "-verify_ip" if host == "127.0.0.1" else "-verify_hostname"
        return output("openssl", "verify", "-CAfile", trusted.ca, kind, host, chain)

    return {host for host in (*OURS, *OTHERS) if shown(host).endswith(": OK\n")}


def by_chromium(trusted: Trusted) -> set[str]:
    """It shows a page of each, in a home of its own, whose store has the CA as `falmock ca --help` says."""
    chromium = browser.require()
    if shutil.which("certutil") is None:
        running.lacking("certutil is not installed (Debian's package libnss3-tools)")
    home = trusted.chains / "chromium"
    (home / ".pki/nssdb").mkdir(parents=True)
    store = f"sql:{home}/.pki/nssdb"
    output("certutil", "-d", store, "-A", "-t", "C,,", "-n", "falmock", "-i", trusted.ca, HOME=str(home))
    there = "--host-resolver-rules=MAP * 127.0.0.1"

    def shown(host: str) -> str:
        page = f"https://{host}:{trusted.port}/"
        return output(chromium, "--headless", "--no-sandbox", there, "--dump-dom", page, HOME=str(home))

    return {host for host in ("queue.fal.run", "xfal.run", "127.0.0.1") if "trusted" in shown(host)}


CLIENT = {
    "curl": by_curl,
    "openssl": by_openssl,
    "python": at_once("trusts.py", sys.executable),
    "node": at_once("trusts.mjs", "node"),
    "go": at_once("trusts.go", "go", "run"),
    "ruby": at_once("trusts.rb", "ruby"),
    "php": at_once("trusts.php", "php"),
}
INSTALLED = ("curl", "node")
"""Programs that CI installs for all tests. What else is not found is no row of the table."""


@pytest.mark.parametrize(
    "client",
    [name for name in CLIENT if name in ("python", *INSTALLED) or shutil.which(name)],
)
def test_other_hosts_are_refused(trusted: Trusted, client: str) -> None:
    if client in INSTALLED and shutil.which(client) is None:
        running.lacking(f"{client} is not installed")
    assert CLIENT[client](trusted) == set(OURS)


def test_chromium_refuses_other_hosts(trusted: Trusted) -> None:
    assert by_chromium(trusted) == {"queue.fal.run"}


@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no Java compiler")
def test_java_does_not_read_the_constraints(trusted: Trusted) -> None:
    """As the documentation says: there the CA is as good for any host."""
    assert at_once("Trusts.java", "java")(trusted) == {*OURS, *OTHERS}
