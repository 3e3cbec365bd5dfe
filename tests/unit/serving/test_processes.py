"""Which process has a connection: from tables as Linux writes them, and from this machine's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from falmock.serving import processes
from falmock.serving.processes import Process

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 ffff 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 ffff 20 4 30 10 -1
   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 333 1 ffff 20 4 30 10 -1
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF000004030201:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 444 1 ffff 20 4 30 10 -1
"""


@pytest.mark.parametrize(
    ("table", "local", "remote", "inode"),
    [
        (TCP, 0xD431, 8080, "333"),
        (TCP, 8080, 0xD431, "222"),
        (TCP, 0xD431, 0, "333"),
        (TCP, 0xD431, 443, ""),
        (TCP, 1, 0, ""),
        (TCP6, 0xD432, 443, "444"),
        ("", 1, 2, ""),
    ],
)
def test_a_socket_in_a_table(table: str, local: int, remote: int, inode: str) -> None:
    assert processes.inode_in(table, local, remote) == inode


def proc(folder: Path) -> Path:
    """A /proc with three processes: 30 has the sockets, 20 cannot be looked at, 40 is in another network."""
    (folder / "net").mkdir()
    (folder / "net/tcp").write_text(TCP)
    (folder / "net/tcp6").write_text(TCP6)
    for pid, network in (("20", 1), ("30", 1), ("40", 2), ("self", 1)):
        (folder / pid / "ns").mkdir(parents=True)
        (folder / pid / "ns/net").symlink_to(f"net:[{network}]")
    for pid in ("30", "40"):
        (folder / pid / "fd").mkdir()
        (folder / pid / "fd/0").symlink_to("/dev/null")
        for inode in (333, 444):
            (folder / pid / f"fd/{inode}").symlink_to(f"socket:[{inode}]")
        (folder / pid / "exe").symlink_to("/usr/bin/node (deleted)")
        (folder / pid / "cmdline").write_bytes(b"node\0app.mjs\0")
        (folder / pid / "environ").write_bytes(b"A=1\0B=x=y\0\0")
    (folder / "version").write_text("Linux")
    return folder


NODE = Process(30, "/usr/bin/node", ("node", "app.mjs"), {"A": "1", "B": "x=y"})


def test_the_process_that_has_a_socket(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    assert processes.holder(0xD431, 8080, proc=folder) == NODE
    assert processes.holder(0xD432, 443, proc=folder) == NODE
    assert processes.holder(8080, 0xD431, proc=folder) is None  # nobody has it open
    assert processes.holder(1, 2, proc=folder) is None
    assert processes.holder(0xD431, 0, "udp", proc=folder) is None  # no such table


def test_another_system_has_no_proc(tmp_path: Path) -> None:
    assert processes.holder(5000, 8080, proc=tmp_path / "proc") is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_process_of_this_machine() -> None:
    program = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        command = [sys.executable, "-c", program, str(port)]
        with subprocess.Popen(command, env={**os.environ, "MARK": "it"}) as child:
            connection, (_, its_port) = server.accept()
            with connection:
                found = processes.holder(its_port, port)
                assert found is not None
                assert (found.pid, found.command, found.environment["MARK"]) == (child.pid, tuple(command), "it")
                assert Path(found.program) == Path(sys.executable).resolve()
                connection.send(b"x")
