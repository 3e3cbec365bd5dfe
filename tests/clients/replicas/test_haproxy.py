"""The recipe with HAProxy: its configuration as it is printed, in a real HAProxy before two falmocks."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import running
from clients.replicas import group
from clients.running import Mitmdump
from clients.running import free_ports
from clients.running import write_fixtures
from clients.test_recipes import printed

FILM = {"match": {"model": "test/film"}, "response": {"json": {"film": 1}}}
LIMIT = 20.0
"""Seconds within which HAProxy sees what became of a falmock."""


class Balanced:
    """Two falmocks behind HAProxy, and a client that connects anew for each call."""

    def __init__(self, port: int, members: list[Mitmdump]) -> None:
        self.members = members
        self._url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, host: str = "queue.fal.run", **body: Any) -> httpx.Response:
        return httpx.request(method, self._url + path, headers={"Host": host, "Authorization": "Key a:b"}, **body)

    def job(self) -> None:
        """One whole job, each call on a connection of its own."""
        path = "/test/film/requests/" + self.call("POST", "/test/film", json={"a": 1}).json()["request_id"]
        for _ in range(3):
            assert self.call("GET", f"{path}/status").json()["status"] == "COMPLETED"
        assert self.call("GET", path).json() == {"film": 1}

    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/ready", host="127.0.0.1").status_code == 200
        except httpx.TransportError:
            return False


def program() -> str:
    """The path of HAProxy, which Debian has where only root looks."""
    return (
        shutil.which("haproxy")
        or shutil.which("haproxy", path="/usr/sbin")
        or running.lacking("haproxy is not installed")
    )


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def configuration(port: int, members: list[Mitmdump]) -> str:
    """What is printed, with ports of this test."""
    text = printed("Several falmocks")[0]
    for old, new in [
        ("bind :8080", f"bind 127.0.0.1:{port}"),
        *((f"falmock{n}:8080", f"127.0.0.1:{each.ports[0]}") for n, each in enumerate(members, 1)),
    ]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@pytest.fixture
def balanced(confdir: Path, tmp_path: Path) -> Iterator[Balanced]:
    group.needs_server()
    haproxy = program()
    fixtures, file = write_fixtures(tmp_path / "fixtures", FILM), tmp_path / "haproxy.cfg"
    with ExitStack() as stack:
        url = group.store_url()
        members = [stack.enter_context(group.STARTING["serve"](confdir, url, (), fixtures, None)) for _ in range(2)]
        (port,) = free_ports(1)
        file.write_text(configuration(port, members))
        process = subprocess.Popen([haproxy, "-f", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            made = Balanced(port, members)
            until(made.is_ready)
            yield made
        finally:
            process.kill()
            process.wait()


def test_one_of_two_dies(balanced: Balanced) -> None:
    for _ in range(4):
        balanced.job()
    for member in balanced.members:
        assert "; state in unix://" in member.output
        assert "/ready" not in member.output  # nobody wants to read a line of each check
    counts = [member.output.count("POST") for member in balanced.members]
    assert min(counts) > 0, counts
    balanced.members[0].process.kill()
    balanced.members[0].process.wait()  # until then it may take connections
    for _ in range(10):
        balanced.job()


def test_a_check_without_a_host(balanced: Balanced) -> None:
    """As HAProxy checks with `option httpchk GET /ready`, in HTTP/1.0."""
    for member in balanced.members:
        with socket.create_connection(("127.0.0.1", member.ports[0]), 10) as client:
            client.sendall(b"GET /ready HTTP/1.0\r\n\r\n")
            assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_printed_configuration_has_no_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "haproxy.cfg"
    file.write_text(printed("Several falmocks")[0])
    done = subprocess.run([program(), "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
