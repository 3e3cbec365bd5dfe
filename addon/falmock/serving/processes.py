"""Which process on this machine has a connection, as Linux tells in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_DELETED = " (deleted)"


class Process(NamedTuple):
    """A process: its id, the file that it runs, its command line, and the environment that it began with."""

    pid: int
    program: str
    command: tuple[str, ...]
    environment: dict[str, str]


def inode_in(table: str, local: int, remote: int) -> str:
    """The inode of the socket with these ports in a table of /proc/net; "" if there is none. A remote port of 0 is any.

    https://docs.kernel.org/networking/proc_net_tcp.html
    """
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and _port(fields[1]) == local and (not remote or _port(fields[2]) == remote):
            return fields[9]
    return ""


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def holder(local: int, remote: int, protocol: str = "tcp", proc: Path = PROC) -> Process | None:
    """The process with the socket from port `local` to port `remote` (0 for any) of this machine; None if it is not known."""
    for table in (protocol, f"{protocol}6"):
        with suppress(OSError):
            inode = inode_in((proc / "net" / table).read_text("ascii"), local, remote)
            if inode and inode != "0":
                return _with_socket(inode, proc)
    return None


def _with_socket(inode: str, proc: Path) -> Process | None:
    link = f"socket:[{inode}]"
    for folder in _of_this_network(proc):
        with suppress(OSError):
            if any(_link(file) == link for file in (folder / "fd").iterdir()):
                return read(folder)
    return None


def _of_this_network(proc: Path) -> Iterator[Path]:
    """The folders of the processes in the network of this one, the newest first."""
    network = _link(proc / "self" / "ns" / "net")
    for pid in sorted((int(each.name) for each in proc.iterdir() if each.name.isdecimal()), reverse=True):
        if _link(proc / str(pid) / "ns" / "net") == network and pid != os.getpid():
            yield proc / str(pid)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def read(folder: Path) -> Process:
    """A process by its folder in /proc. Raises OSError."""
    command = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    pairs = (os.fsdecode(pair).partition("=") for pair in (folder / "environ").read_bytes().split(b"\0") if pair)
    return Process(
        int(folder.name),
        _link(folder / "exe").removesuffix(_DELETED),
        tuple(map(os.fsdecode, command)),
        {name: value for name, _, value in pairs},
    )
