"""Clients that are killed at random moments leave no task, socket, thread, file or table entry behind."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx
import pytest

from clients import running
from clients import tape
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import Upstream
from clients.upstream import recording
from clients.upstream import upstream

MIB = 1024 * 1024
BLOCK = bytes(range(256)) * 256
KILLED = 48
"""How many clients are killed in a test, AT_ONCE at the same time."""
AT_ONCE = 8
TICKS = [{"at": 4.0 * number, "json": {"n": number}} for number in range(200)]
"""Events that come all the time, at the pace of the tests."""
FIXTURES = [
    {"match": {"model": "acme/ticks"}, "stream": TICKS},
    {"match": {"model": "acme/live"}, "realtime": TICKS},
    {"match": {"model": "acme/cut"}, "realtime": TICKS, "fault": {"socket": {"midFrame": True, "after": 5}}},
    {"match": {"model": "acme/late"}, "response": {"json": {}}, "queue": {"started": 6000, "completed": 6000}},
    {"match": {"model": "acme/cat"}, "response": {"json": {}}, "queue": {"started": 0, "completed": 0}},
]
_RESET = struct.pack("ii", 1, 0)


class Habit(NamedTuple):
    """What a client does until it is killed: it sends this to a host, then waits, or reads."""

    host: str
    sends: Callable[[], Iterator[bytes]]
    reads: int = 64 * 1024


def head(start: str, host: str, *more: str) -> bytes:
    lines = [f"{start} HTTP/1.1", f"Host: {host}", f"Authorization: Key {KEY}", *more]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def sends(host: str, start: str, body: bytes = b"", *more: str, reads: int = 64 * 1024) -> Habit:
    """One whole request."""
    length = f"Content-Length: {len(body)}"
    whole = head(start, host, "Content-Type: application/json", length, *more) + body
    return Habit(host, lambda: iter([whole]), reads)


def uploads(start: str, host: str = "v3.fal.media", *, chunked: bool = False) -> Habit:
    """A file of 32 MiB, at no great speed."""

    def pieces() -> Iterator[bytes]:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {32 * MIB}"
        yield head(start, host, "Content-Type: video/mp4", framing)
        for _ in range(32 * MIB // len(BLOCK)):
            yield b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK
            time.sleep(0.001)
        if chunked:
            yield b"0\r\n\r\n"

    return Habit(host, pieces)


def talks(host: str, path: str, message: str) -> Habit:
    """A WebSocket on which the same is said again and again."""

    def pieces() -> Iterator[bytes]:
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        yield head(f"GET {path}", host, "Upgrade: websocket", "Connection: Upgrade", key, "Sec-WebSocket-Version: 13")
        said = message.encode()
        for _ in range(100):
            time.sleep(0.01)
            yield bytes((0x81, 0x80 | len(said), 0, 0, 0, 0)) + said

    return Habit(host, pieces)


@contextmanager
def connected(mock: Mitmdump, host: str) -> Iterator[ssl.SSLSocket]:
    """A TLS connection through the proxy, by hand."""
    with socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=60) as plain:
        plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert b" 200 " in plain.recv(65536)
        trust = ssl.create_default_context(cafile=str(mock.ca))
        with trust.wrap_socket(plain, server_hostname=host) as line:
            yield line


def live_and_die(mock: Mitmdump, habit: Habit, random: Random) -> None:
    """A client that is killed between the first byte it sends and some time after the last."""
    with connected(mock, habit.host) as line:
        patience = random.choice([0.0, 0.02, 0.1, 0.3, 0.6])
        killed_at = time.monotonic() + patience
        with suppress(OSError):
            for piece in habit.sends():
                line.sendall(piece if patience else piece[: random.randrange(len(piece) + 1)])
                if time.monotonic() >= killed_at:
                    break
            reads = random.choice([0, habit.reads])
            while (left := killed_at - time.monotonic()) > 0:
                line.settimeout(left)
                if reads <= 0:
                    time.sleep(left)
                elif came := line.recv(min(reads, 65536)):
                    reads -= len(came)
                else:
                    break
        if random.random() < 0.5:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)  # as when a process dies with bytes unread


def kill_many(mock: Mitmdump, habits: dict[str, Habit], seed: int) -> None:
    """Have each habit be cut short several times, in any order, several at once."""
    random = Random(seed)
    names = [name for name in habits for _ in range(-(-KILLED // len(habits)))]
    random.shuffle(names)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seeds = [Random(random.random()) for _ in names]
        list(pool.map(lambda name, own: live_and_die(mock, habits[name], own), names, seeds))


class Held:
    """What the process of a mitmdump holds."""

    def __init__(self, mock: Mitmdump) -> None:
        self.mock = mock
        self.before: dict[str, int] = {}

    def now(self) -> dict[str, int]:
        with httpx.Client(proxy=self.mock.proxy, trust_env=False, timeout=60) as client:
            counts: dict[str, int] = client.get("http://counter.test/").json()
        return counts

    def settled(self) -> dict[str, int]:
        """What it holds when it holds the same for a while."""
        seen = [self.now()]
        for _ in range(200):
            time.sleep(0.05)
            seen.append(self.now())
            if len(seen) > 5 and all(counts == seen[-1] for counts in seen[-5:]):
                return seen[-1]
        raise AssertionError(f"it does not come to rest: {seen[-2:]}")

    def returns(self) -> None:
        """Wait until it holds what it held before."""
        deadline = time.monotonic() + 60
        while (counts := self.now()) != self.before:
            names = counts.keys() | self.before.keys()
            differ = {
                n: (self.before.get(n, 0), counts.get(n, 0)) for n in names if counts.get(n) != self.before.get(n)
            }
            assert time.monotonic() < deadline, f"(before, now): {differ}\n{self.mock.output[-3000:]}"
            time.sleep(0.1)


COUNTER = ("-s", str(CLIENTS / "counter.py"))
BAD = ("Traceback", "Task exception", "Task was destroyed", "never retrieved", "never awaited", "500 Internal Server")


@pytest.fixture(autouse=True)
def _its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/fd").exists():
        running.lacking("open files are counted in /proc")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


@pytest.fixture(params=["on", "off"])
def replay(request: pytest.FixtureRequest, confdir: Path, tmp_path: Path) -> Iterator[Mitmdump]:
    """Through the fast lane, and through flows."""
    fixtures = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    options = ("--set", "fal_pace=x100", "--set", f"fal_fast={request.param}")
    with mitmdump(confdir, *COUNTER, *options, fixtures=fixtures) as mock:
        yield mock
        for bad in BAD:
            assert bad not in mock.output


def replayed(mock: Mitmdump) -> dict[str, Habit]:
    """All that clients do in replay."""
    with tape.client(mock) as app:
        answer = app.post("https://v3.fal.media/files/upload", content=(BLOCK for _ in range(512)))
        file = httpx.URL(answer.json()["access_url"])
        job = httpx.URL(tape.submit(app, "acme/late", {}))
    return {
        "upload": uploads("POST /files/upload"),
        "upload in chunks": uploads("POST /files/upload", chunked=True),
        "upload of a part": uploads("PUT /files/b/00000000/none_x.mp4/multipart/abc/3", "v3b.fal.media"),
        "upload with PUT": uploads("PUT /files/b/00000000/none_x.mp4", "v3b.fal.media"),
        "download": sends(file.host, f"GET {file.raw_path.decode()}", reads=16 * MIB),
        "download of a part": sends(file.host, f"GET {file.raw_path.decode()}", b"", "Range: bytes=5-", reads=16 * MIB),
        "late run": sends("fal.run", "POST /acme/late", b"{}"),
        "stream": sends("fal.run", "POST /acme/ticks/stream", b"{}"),
        "status stream": sends(job.host, f"GET {job.path}/status/stream?logs=1"),
        "realtime": talks("fal.run", "/acme/live/realtime", '{"prompt": "a cat"}'),
        "realtime that ends within a message": talks("fal.run", "/acme/cut/realtime", "{}"),
        "runs on a socket": talks("ws.fal.run", "/acme/ticks/stream", "{}"),
    }


def test_in_replay(replay: Mitmdump) -> None:
    held, habits = Held(replay), replayed(replay)
    kill_many(replay, habits, seed=0)  # what is made once is made now
    held.before = held.settled()
    kill_many(replay, habits, seed=1)
    held.returns()
    with tape.client(replay) as app:  # and it works as before
        assert app.post("https://fal.run/acme/cat", json={}).status_code == 200
    held.returns()


class Deaf:
    """A receiver of webhooks that hangs up, in the middle of the post or after it; some it takes."""

    def __init__(self, seed: int) -> None:
        self.taken = 0
        self._random = Random(seed)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/hook"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._server.accept()
                with line, suppress(OSError):
                    self._meet(line)

    def _meet(self, line: socket.socket) -> None:
        way = self._random.choice([*["taken"] * 6, "nothing", "head", "reset", "half an answer"])
        if way != "nothing":
            line.settimeout(5)
            line.recv(100 if way == "head" else 65536)
        if way == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        elif way == "half an answer":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        elif way == "taken":
            self.taken += 1
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def test_webhooks_whose_receiver_is_killed(replay: Mitmdump) -> None:
    held, deaf = Held(replay), Deaf(seed=1)

    def submit(count: int) -> None:
        expected = deaf.taken + count
        with tape.client(replay) as app:
            for _ in range(count):
                tape.submit(app, "acme/cat", {}, params={"fal_webhook": deaf.url})
        deadline = time.monotonic() + 60
        while deaf.taken < expected:
            assert time.monotonic() < deadline, f"{deaf.taken} of {expected} were taken"
            time.sleep(0.05)

    submit(2)
    held.before = held.settled()
    submit(15)
    held.returns()
    deaf.close()


@pytest.fixture
def fal() -> Iterator[Upstream]:
    with upstream() as fal:
        yield fal


@pytest.fixture
def record(confdir: Path, tmp_path: Path, fal: Upstream) -> Iterator[Mitmdump]:
    with recording(confdir, fal, tmp_path / "fixtures", *COUNTER) as mock:
        yield mock
        for bad in BAD:
            assert bad not in mock.output


def recorded(mock: Mitmdump) -> dict[str, Habit]:
    """All that clients do while they are recorded."""
    with tape.client(mock) as app:
        wanted = {"prompt": "a film", "bytes": 32 * MIB}
        film = httpx.URL(app.post("https://fal.run/test/video", json=wanted).json()["video"]["url"])
        job = httpx.URL(tape.submit(app, "test/waiting", {}))
    slow = json.dumps({"prompt": "a cat", "pace": {"running": 2}}).encode()
    return {
        "upload": uploads("POST /files/upload"),
        "upload in chunks": uploads("POST /files/upload", chunked=True),
        "download": sends(film.host, f"GET {film.raw_path.decode()}", reads=16 * MIB),
        "run": sends("fal.run", "POST /test/echo", slow),
        "stream": sends("fal.run", "POST /test/chatty/stream", slow),
        "status stream": sends(job.host, f"GET {job.path}/status/stream?logs=1"),
        "realtime": talks("fal.run", "/test/counting/realtime", '{"to": 3}'),
        "socket": talks("fal.run", "/test/raw/ws", "hello"),
        "runs on a socket": talks("ws.fal.run", "/test/echo", "{}"),
    }


def test_while_recording(record: Mitmdump) -> None:
    held, habits = Held(record), recorded(record)
    kill_many(record, habits, seed=0)
    held.before = held.settled()
    kill_many(record, habits, seed=3)
    held.returns()
