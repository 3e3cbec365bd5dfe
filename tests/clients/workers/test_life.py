"""`falmock serve --workers 2`: real processes that start, die, and end together. All calls are such as need no shared state."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.running import write_fixtures
from clients.workers import group
from clients.workers.group import workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in /proc")
QUICK = "from falmock.cli.launch.workers import restarts; restarts.PAUSES = (0.0, 0.1)"


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return write_fixtures(tmp_path / "fixtures", group.FIXTURE)


@pytest.mark.parametrize("code", ["pass", group.ONE_SOCKET], ids=["a socket for each", "one socket"])
def test_two_answer_at_one_port(confdir: Path, fixtures: Path, code: str) -> None:
    with workers(confdir, fixtures=fixtures, code=code) as mock:
        group.call_until(mock, {"1", "2"})
        with httpx.Client(proxy=mock.proxy, verify=running.trust_for_sockets(mock.ca), trust_env=False) as client:
            for _ in range(4):
                assert client.post(f"https://fal.run/{group.FLUX}", json={}).json() == {"seed": 1}
        assert httpx.get(f"{mock.proxy}/__falmock/health", trust_env=False).status_code == 200
        assert mock.output.count("listening at") == mock.output.count("falmock 0.") == 1
        assert mock.output.count("the inspector, which shows") == 1
        mine = group.below(mock.process.pid)
        (server,) = group.servers_of_a_store(mine)
        (socket,) = [word for word in Path(f"/proc/{server}/cmdline").read_text().split() if "unixsocket:" in word][-1:]
        path = Path(socket.removeprefix("unixsocket:").strip("\0"))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.is_socket()
    assert not path.parent.exists()
    assert "Traceback" not in mock.output


def test_one_that_is_killed_is_started_again_while_the_other_answers(confdir: Path, fixtures: Path) -> None:
    with workers(confdir, fixtures=fixtures) as mock:
        (server,) = group.servers_of_a_store(group.below(mock.process.pid))
        first, second = sorted(pid for pid in group.below(mock.process.pid) if pid != server)
        for killed, number in ((second, 2), (first, 1)):
            os.kill(killed, signal.SIGKILL)
            assert group.left([killed]) == []
            while f"worker {number} is back" not in mock.output:
                assert group.call(mock) == '200 {"seed":1}'
            assert f"worker {number} ended by SIGKILL: it is started again" in mock.output
        group.call_until(mock, {"1", "2"})
        assert mock.output.count("listening at") == 1


def test_a_store_that_is_killed_is_started_again(confdir: Path, fixtures: Path) -> None:
    with workers(confdir, fixtures=fixtures) as mock:
        (server,) = group.servers_of_a_store(group.below(mock.process.pid))
        os.kill(server, signal.SIGKILL)
        mock.wait_for("ended by SIGKILL: it is started again")
        mock.wait_for("is lost: jobs, uploads, counts and the journal")
        assert group.servers_of_a_store(group.below(mock.process.pid)) != [server]
        assert group.call(mock) == '200 {"seed":1}'


def test_what_is_wrong_is_told_once(confdir: Path, tmp_path: Path) -> None:
    broken = write_fixtures(tmp_path / "broken", {"match": {"model": 5}})
    mock = running.start_serve(confdir, "--port", "0", "--workers", "3", "--fixtures", str(broken))
    assert running.exit_code(mock) == 1
    assert mock.output.count("problems in the fixtures") == 1
    assert mock.output.count("falmock: ") == 1
    assert group.with_word(str(broken)) == []


def test_one_that_dies_again_and_again_is_given_up(confdir: Path, fixtures: Path) -> None:
    with workers(confdir, fixtures=fixtures, code=QUICK) as mock:
        (fixtures / "fixtures.json").write_text("{")
        pid = max(pid for pid in group.below(mock.process.pid) if not group.servers_of_a_store([pid]))
        os.kill(pid, signal.SIGKILL)
        assert running.exit_code(mock) == 1
        assert "ended with exit code 1, 3 times in a row within 10 s of being ready: falmock ends" in mock.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all(confdir: Path, fixtures: Path, number: int) -> None:
    with workers(confdir, fixtures=fixtures) as mock:
        group.call_until(mock, {"1", "2"})
        mine = group.below(mock.process.pid)
        assert len(mine) == 3
        assert os.getpgid(mock.process.pid) not in set(map(os.getpgid, mine))  # a Ctrl-C comes to the first alone
        mock.process.send_signal(number)
        assert running.exit_code(mock) == 0
        assert group.left(mine, 0) == []
        assert "[1] falmock: " in mock.output
        assert "is started again" not in mock.output


def test_the_second_signal_ends_all_at_once(confdir: Path, fixtures: Path) -> None:
    with workers(confdir, fixtures=fixtures) as mock:
        mine = group.below(mock.process.pid)
        hung = max(pid for pid in mine if not group.servers_of_a_store([pid]))
        os.kill(hung, signal.SIGSTOP)
        mock.process.send_signal(signal.SIGTERM)
        assert group.left([pid for pid in mine if pid != hung], 1) != []  # the store waits for all workers
        mock.process.send_signal(signal.SIGTERM)
        assert running.exit_code(mock) == 130
        assert group.left(mine, 1) == []


@pytest.mark.parametrize("code", ["pass", group.NOT_TOLD], ids=["Linux", "elsewhere"])
def test_nothing_is_left_when_the_first_process_is_killed(confdir: Path, fixtures: Path, code: str) -> None:
    with workers(confdir, fixtures=fixtures, code=code) as mock:
        mine = group.below(mock.process.pid)
        assert len(mine) == 3
        mock.process.kill()
        assert group.left(mine, 5) == []


def test_no_call_for_a_while_ends_all(confdir: Path, fixtures: Path) -> None:
    with workers(confdir, "--idle-timeout", "1s", fixtures=fixtures) as mock:
        mine = group.below(mock.process.pid)
        assert running.exit_code(mock, 20) == 0
        assert "no call came for 1 s (--idle-timeout): falmock ends" in mock.output
        assert group.left(mine, 0) == []
