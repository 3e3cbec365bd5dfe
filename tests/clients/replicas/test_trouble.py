"""A store that hangs, is slow, full, gone, or fails over: calls say so, readiness says so, and it comes back by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from clients import running
from clients.replicas import group
from clients.replicas.relay import Relay
from clients.replicas.relay import relaying
from clients.replicas.work import detail
from clients.running import Mitmdump
from clients.running import write_fixtures
from unit.store.servers import Server
from unit.store.servers import server

FILM = {"match": {"model": "acme/film"}, "response": {"json": {"film": 1}}}
TIMEOUT = 1.0
KINDS = ("mitmdump", "serve")


class Mock:
    """A falmock on a store, and direct calls to it, each on its own connection."""

    def __init__(self, mock: Mitmdump) -> None:
        self.mock = mock
        self.output = lambda: mock.output

    def call(self, method: str, path: str) -> httpx.Response:
        headers = {"x-fal-target-host": "queue.fal.run", "Authorization": f"Key {running.KEY}"}
        body = {"json": {}} if method == "POST" else {}
        return httpx.request(
            method, f"{self.mock.proxy}/fal/acme/film{path}", headers=headers, timeout=20, trust_env=False, **body
        )

    def submit(self) -> httpx.Response:
        return self.call("POST", "")

    def job(self) -> str:
        """The path of a new job."""
        answer = self.submit()
        assert answer.status_code == 200, answer.text
        return f"/requests/{answer.json()['request_id']}"

    def is_ready(self) -> bool:
        return httpx.get(f"{self.mock.proxy}/ready", timeout=20, trust_env=False).status_code == 200

    def refuses(self) -> str:
        """Calls are refused, at once and in fal's form; readiness is down, and the process lives. Returns the reason."""
        started = time.monotonic()
        answer = self.submit()
        assert time.monotonic() - started < 3 * TIMEOUT + 2
        assert answer.status_code == 503, answer.text
        until(lambda: not self.is_ready())
        assert httpx.get(f"{self.mock.proxy}/health", timeout=20, trust_env=False).status_code == 200
        reason = detail(answer)
        assert "password" not in reason
        return reason

    def recovers(self) -> None:
        """It answers again, without a restart."""
        until(lambda: self.submit().status_code == 200)
        until(self.is_ready)


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.1)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Place:
    """Starts stores, relays and falmocks for one test."""

    def __init__(self, stack: ExitStack, confdir: Path, folder: Path) -> None:
        self._stack = stack
        self._confdir = confdir
        self._fixtures = write_fixtures(folder / "fixtures", FILM)

    def store(self, *options: str) -> Server:
        group.needs_server()
        return self._stack.enter_context(server("redis", *options))

    def relay(self, store: Server) -> Relay:
        return self._stack.enter_context(relaying(store.socket))

    def mock(self, kind: str, at: Any) -> Mock:
        url = group.store_url(at, timeout=f"{TIMEOUT:g}", prefix="fm:")
        return Mock(self._stack.enter_context(group.STARTING[kind](self._confdir, url, (), self._fixtures, None)))


@pytest.fixture
def place(stack: ExitStack, confdir: Path, tmp_path: Path) -> Place:
    return Place(stack, confdir, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_hangs(place: Place, kind: str) -> None:
    relay = place.relay(place.store())
    mock = place.mock(kind, relay)
    job = mock.job()
    relay.hang()
    assert "store" in mock.refuses()
    assert mock.call("GET", f"{job}/status").status_code == 503
    relay.go_on()
    mock.recovers()
    assert mock.call("GET", job).json() == {"film": 1}
    assert "Traceback" not in mock.mock.output


def test_a_store_that_is_slow(place: Place) -> None:
    relay = place.relay(place.store())
    mock = place.mock("serve", relay)
    job = mock.job()
    relay.delay = 0.2
    assert mock.call("GET", f"{job}/status").status_code in (200, 202)
    assert mock.submit().status_code == 200
    relay.delay = 3 * TIMEOUT
    mock.refuses()
    relay.delay = 0
    mock.recovers()
    assert mock.call("GET", job).json() == {"film": 1}


def test_a_store_that_is_full(place: Place) -> None:
    store = place.store()
    mock = place.mock("serve", store)
    job = mock.job()
    with redis.Redis(unix_socket_path=store.socket) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1mb")
        assert "memory" in mock.refuses()
        client.config_set("maxmemory", "0")
    mock.recovers()
    assert mock.call("GET", job).json() == {"film": 1}


def test_a_store_that_fails_over(place: Place) -> None:
    (port,) = running.free_ports(1)
    first = place.store("--port", str(port), "--bind", "127.0.0.1")
    second = place.store("--replicaof", "127.0.0.1", str(port))
    relay = place.relay(first)
    mock = place.mock("serve", relay)
    job = mock.job()
    with redis.Redis(unix_socket_path=second.socket) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
        with redis.Redis(unix_socket_path=first.socket) as leading:
            until(lambda: client.dbsize() == leading.dbsize() > 0)
        first.kill()
        relay.lead_to(second.socket)
        mock.refuses()  # it is read-only until somebody promotes it
        client.replicaof("NO", "ONE")
    mock.recovers()
    assert mock.call("GET", job).json() == {"film": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_killed_and_keeps_what_it_has(place: Place, kind: str) -> None:
    store = place.store("--appendonly", "yes", "--appendfsync", "always")
    mock = place.mock(kind, store)
    job = mock.job()
    store.kill()
    mock.refuses()
    store.start()
    mock.recovers()
    assert mock.call("GET", job).json() == {"film": 1}
    assert "Traceback" not in mock.mock.output


def test_a_store_that_is_killed_and_forgets_all(place: Place) -> None:
    store = place.store()
    mock = place.mock("serve", store)
    job = mock.job()
    store.kill()
    mock.refuses()
    store.start()
    mock.recovers()
    gone = mock.call("GET", job)
    assert gone.status_code in (404, 503), "never another answer"


def test_there_is_no_start_without_a_store(confdir: Path, tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/nothing.sock"
    mock = running.start_serve(confdir, "--port", "0", "--store", url)
    assert running.exit_code(mock) not in (0, None)
    assert "does not start without its store" in mock.output
