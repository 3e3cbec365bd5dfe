"""`falmock serve` in this process: its start, its end, and what keeps it from starting."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from falmock.cli import main as main_
from falmock.cli import serve
from falmock.cli.launch.workers import supervised
from falmock.cli.launch.workers import with_parent
from falmock.cli.launch.workers.assignment import Assignment
from falmock.engine.effects import Forward
from falmock.fixtures import age
from falmock.serving import sightings
from falmock.serving import starter
from falmock.serving.own_ca import folder as own_ca
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import Role
from falmock.wire.message import Request

FIXTURE = {"match": {"model": "a/b"}, "response": {"json": {"seed": 1}}}


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conf")


@pytest.fixture
def arguments(confdir: Path, tmp_path: Path) -> list[str]:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps({"fixtures": [FIXTURE]}))
    return ["serve", "--confdir", str(confdir), "--fixtures", str(folder), "--port", str(free_port())]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(arguments: list[str], act: Callable[[str], None] = lambda _: None, signals: int = signal.SIGTERM) -> int:
    """Run the command in this thread, and `act` in another one when it listens; then a signal comes."""

    def acts() -> None:
        port = int(arguments[arguments.index("--port") + 1])
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        try:
            act(f"http://127.0.0.1:{port}")
        finally:
            os.kill(os.getpid(), signals)

    thread = threading.Thread(target=acts)
    thread.start()
    try:
        return main_.main(arguments)
    finally:
        thread.join()


def get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=b"{}" if "fal/run" in url else None, timeout=20) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_from_the_start_to_the_end(arguments: list[str], capsys: pytest.CaptureFixture[str], number: int) -> None:
    def act(base: str) -> None:
        assert get(f"{base}/fal/run/a/b") == b'{"seed":1}'

    assert run(arguments, act, number) == 0
    out = capsys.readouterr().out
    port = arguments[-1]
    assert f"] HTTP(S) proxy listening at 127.0.0.1:{port}.\n" in out
    assert "mode replay; 1 fixture in 1 file from " in out
    assert "flows" not in out
    assert f"POST http://127.0.0.1:{port}/fal/run/a/b\n" in out
    assert "falmock: 1 call: 1 replayed, 0 misses" in out


def test_a_port_that_is_taken(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(arguments[-1])))
        other.listen()
        assert main_.main(arguments) == serve.FAILED
    assert f"falmock: port {arguments[-1]} is taken at 127.0.0.1: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (["--host", "no.such.host.invalid"], 1, "cannot listen at no.such.host.invalid:"),
        (["--confdir", "/dev/null/x"], 1, "cannot listen at 127.0.0.1:"),
        (["--confdir", "/dev/null/x"], 1, "no CA can be made in /dev/null/x, choose another folder with --confdir: "),
        (["--fixtures", "/nowhere"], 1, "/nowhere"),
        (["--pace", "fastt"], 2, "falmock: --pace: "),
        (["--set", "fal_pace=fastt"], 2, "falmock: fal_pace: "),
        (["--set", "fal_pase=x"], 2, "falmock: unknown option fal_pase"),
        (["--transparent-at", "203.0.113.77"], 1, "It needs a network of its own: falmock run --transparent makes one"),
        (
            ["--transparent-at", "203.0.113.77", "--mode", "record"],
            2,
            "are for mode replay: mode record sends calls to fal",
        ),
        (["--observe", "seen", "--mode", "auto"], 2, "are for mode replay: mode auto sends calls to fal"),
    ],
)
def test_what_keeps_it_from_starting(
    arguments: list[str], capsys: pytest.CaptureFixture[str], more: list[str], code: int, text: str
) -> None:
    assert main_.main([*arguments, *more]) == code
    printed = capsys.readouterr()
    assert text in (printed.err if code == serve.BAD_USAGE else printed.out)


def test_an_address_is_needed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main_.main([*arguments, "--transparent-at", "fal.run"])
    assert "expected an IPv4 address such as 1.2.3.4, found 'fal.run'" in capsys.readouterr().err


def test_what_is_seen_is_written(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    did = []

    class Fake:
        """Does nothing."""

        def __init__(self, _: object, address: object) -> None:
            did.append(str(address))

        async def start(self) -> None:
            did.append("start")

        def stop(self) -> None:
            did.append("stop")

    def act(base: str) -> None:
        proxy = urllib.request.ProxyHandler({"http": base})
        with urllib.request.build_opener(proxy).open("http://fal.run/a/b", data=b"{}", timeout=20) as answer:
            assert answer.read() == b'{"seed":1}'

    monkeypatch.setattr(serve, "Transparent", Fake)
    seen = tmp_path / "seen"
    assert run([*arguments[:-2], "--observe", str(seen), "--transparent-at", "1.2.3.4", *arguments[-2:]], act) == 0
    assert did == ["1.2.3.4", "start", "stop"]
    wanted, (answered,) = sightings.read(seen.read_text())
    assert wanted["HTTPS_PROXY"] == f"http://127.0.0.1:{arguments[-1]}"
    assert (answered.what, answered.host, answered.is_past) == ("answered", "fal.run", False)
    assert answered.agent.startswith("Python-urllib/")


def test_old_recordings_are_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(age, "older", lambda *_: 1)
    file = Path(arguments[4]) / "a.json"
    file.write_text(json.dumps({"fixtures": [{**FIXTURE, "recorded": {"at": "2020-01-01T00:00:00Z"}}]}))
    assert run([*arguments, "--max-age", "90d"]) == 0
    assert "1 recording is older than fal_max_age=90d" in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["record", "auto", "passthrough"])
def test_modes_that_forward_become_mitmdump(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.append([str(program), *words[1:]]))
    main_.main([*arguments, "--mode", mode, "--control-token", "secret-token"])
    ((program, *words),) = started
    assert Path(program).name == "mitmdump"
    assert f"fal_mode={mode}" in words
    out = capsys.readouterr().out
    assert f"falmock: mode {mode} forwards calls, which mitmproxy does: mitmdump -s " in out
    assert "secret-token" not in out


def test_without_a_mitmdump(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "execv", fails)
    assert main_.main([*arguments, "--mode", "auto"]) == serve.FAILED
    assert "mitmdump cannot be started: No such file or directory" in capsys.readouterr().err


def test_its_own_ca_is_used_without_a_confdir(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(own_ca.HOME, str(tmp_path / "home"))
    alone = [arguments[0], *arguments[3:]]
    folder = own_ca.path(Hosts().names)

    def act(base: str) -> None:
        assert get(f"{base}/fal/run/a/b") == b'{"seed":1}'
        assert {"mitmproxy-ca-cert.pem", "falmock-leaf.pem"} <= {file.name for file in folder.iterdir()}

    assert run(alone, act) == 0
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, words: started.append([str(program), *words[1:]]))
    main_.main([*alone, "--mode", "record", "--hosts", "fal.example.com"])
    other = own_ca.path(Hosts({"fal.example.com": Role.RUN, "queue.fal.example.com": Role.QUEUE}).names)
    assert f"confdir={other}" in started[0]
    assert (other / "mitmproxy-ca.pem").is_file()
    assert other != folder


@pytest.mark.parametrize("mode", ["replay", "record"])
def test_where_no_ca_can_be_made(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv(own_ca.HOME, "/dev/null/x")
    assert main_.main([arguments[0], *arguments[3:], "--mode", mode]) == serve.FAILED
    told = "".join(capsys.readouterr())
    assert told.endswith("Not a directory. Choose another folder with FALMOCK_HOME, or with --confdir\n")


def test_doors_forward_nothing() -> None:
    answer = asyncio.run(serve._forward(Request("GET", "fal.run", "/", "", {}, b""), Forward("why")))
    assert answer.status == 502


# one of several


def test_a_worker(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It listens where it is told, says little, and tells of calls."""
    monkeypatch.setattr(with_parent, "IS_TOLD", False)
    reading, writing = os.pipe()
    address = ("127.0.0.1", int(arguments[-1]))
    told = Assignment(2, os.getppid(), "unix:///store", (address,), activity=writing)
    monkeypatch.setenv(starter.WORKER, told.as_text())
    stores: list[str] = []
    monkeypatch.setattr(serve.store, "share", lambda _, url, __: stores.append(url))
    monkeypatch.setattr(serve.activity, "SHARE", 1000)

    def act(base: str) -> None:
        assert get(f"{base}/fal/run/a/b") == b'{"seed":1}'
        assert os.read(reading, 10) == b"."

    assert run([*arguments[:-2], "--workers", "2", "--idle-timeout", "5s", "--port", arguments[-1]], act) == 0
    out = capsys.readouterr().out
    assert "listening at" not in out
    assert "] [2] falmock: 1 call: 1 replayed, 0 misses" in out
    assert f"POST http://127.0.0.1:{arguments[-1]}/fal/run/a/b\n" in out
    assert stores == ["unix:///store"]
    os.close(reading)
    os.close(writing)


def test_several_workers_have_a_supervisor(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "run", lambda words, *_: len(words))
    words = [*arguments, "--workers", "2"]
    assert main_.main(words) == len(words) - 1
    assert main_.main([*words, "--mode", "record"]) == serve.BAD_USAGE
    assert "falmock: --workers 2: mode record has one recorder" in capsys.readouterr().err
