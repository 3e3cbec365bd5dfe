"""Takes this process to a network of its own, where fal's names lead to falmock, and which nothing leads out of.

It needs no program: a network namespace whose only interface is the loopback one, which also has the address of fal's names,
and a mount namespace in which resolvers ask 127.0.0.1. Who may not make them makes a user namespace as well, in which it may.
The processes that this one starts are there too, and see all files.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

ADDRESS = "1.2.3.4"
"""The address of fal's names there: clients that check addresses refuse those that no host on the internet has."""
_LOOPBACK = b"lo"
_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x20000, 0x10000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C
"""The numbers of ioctl for network interfaces (netdevice(7))."""
_UP = 0x41
"""IFF_UP and IFF_RUNNING."""
_RESOLVER = "nameserver 127.0.0.1\n"
_SWITCH = "hosts: files dns\n"
_ETC = Path("/etc")
_CACHES = (Path("/run/nscd"), Path("/var/run/nscd"))
"""Where a daemon outside answers for names before any name server does."""
_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_IDS = Path("/proc/self")
_NOT_LINUX = f"it needs Linux, which can give a program a network of its own; this is {sys.platform}"


class NoNamespace(Exception):
    """No network can be made here; the text says why, and what to do."""


class Kernel:
    """The calls of Linux that Python does not have. All raise OSError."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def unshare(self, flags: int) -> None:
        """Leave namespaces (unshare(2))."""
        self._check(self._libc.unshare(flags))

    def mount(self, source: Path | None, target: Path, kind: str | None, flags: int) -> None:
        """Mount something over a path (mount(2))."""
        encoded = (None if source is None else os.fsencode(source), os.fsencode(target), kind and kind.encode())
        self._check(self._libc.mount(*encoded, ctypes.c_ulong(flags), None))

    def set_up(self, request: int, value: bytes) -> None:
        """Change a network interface (ioctl(2))."""
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, request, value)

    def write(self, file: Path, text: str) -> None:
        """Write to a file of /proc."""
        with file.open("w", encoding="ascii") as opened:
            opened.write(text)

    def _check(self, result: int) -> None:
        if result:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _is_linux() -> bool:
    return sys.platform == "linux"


def problem() -> str:
    """Why no network can be made here; "" if it can. A child of this process tries it."""
    if not _is_linux():
        return _NOT_LINUX
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _try(writing)
    os.close(writing)
    with open(reading, encoding="utf-8") as told:  # noqa: PTH123 - a descriptor
        why = told.read()
    os.waitpid(child, 0)
    return why


def _try(writing: int) -> NoReturn:
    why = "it failed"
    try:
        enter()
        why = ""
    except NoNamespace as error:
        why = str(error)
    finally:
        os.write(writing, why.encode())
        os._exit(0)


def enter(kernel: Kernel | None = None) -> None:
    """Take this process, which must have no second thread, to a new network. Raises NoNamespace."""
    if not _is_linux():
        raise NoNamespace(_NOT_LINUX)
    kernel = kernel or Kernel()
    user, group = os.geteuid(), os.getegid()
    try:
        if not _leave(kernel, user):
            kernel.write(_IDS / "setgroups", "deny")
            kernel.write(_IDS / "uid_map", f"{user} {user} 1")
            kernel.write(_IDS / "gid_map", f"{group} {group} 1")
        _make_network(kernel)
        _make_names(kernel)
    except OSError as error:
        raise NoNamespace(_why_not(error, user)) from None


def _leave(kernel: Kernel, user: int) -> bool:
    """Leave network and mounts; returns whether the ids of users are still those of the machine."""
    if user == 0:
        try:
            kernel.unshare(_NEW_NETWORK | _NEW_MOUNTS)
        except PermissionError:  # root of a container
            pass
        else:
            return True
    kernel.unshare(_NEW_USER | _NEW_NETWORK | _NEW_MOUNTS)
    return False


def _make_network(kernel: Kernel) -> None:
    label = _LOOPBACK + b":1"
    kernel.set_up(_SET_FLAGS, struct.pack("16sh22x", _LOOPBACK, _UP))
    kernel.set_up(_SET_ADDRESS, struct.pack("16s16s8x", label, _as_sockaddr(ADDRESS)))
    kernel.set_up(_SET_MASK, struct.pack("16s16s8x", label, _as_sockaddr("255.255.255.255")))
    try:
        kernel.write(_PORTS, "0")  # for a falmock that is not root's: port 53 is its own in here
    except OSError:
        if os.geteuid() != 0:
            raise


def _as_sockaddr(address: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def _make_names(kernel: Kernel) -> None:
    """Make resolvers ask 127.0.0.1, which they do without any configuration too."""
    kernel.mount(None, Path("/"), None, _RECURSIVE | _PRIVATE)
    with tempfile.TemporaryDirectory(prefix="falmock-") as folder:
        for name, text in (("resolv.conf", _RESOLVER), ("nsswitch.conf", _SWITCH)):
            file = Path(folder, name)
            file.write_text(text, "ascii")
            file.chmod(0o644)
            if (_ETC / name).exists():
                kernel.mount(file, _ETC / name, None, _BIND)
    for cache in _CACHES:
        if cache.is_dir():
            kernel.mount(Path("none"), cache, "tmpfs", 0)


def _why_not(error: OSError, user: int) -> str:
    what = f"Linux does not allow a network for the program alone ({error.strerror or error})"
    if error.errno in (errno.EPERM, errno.EACCES) and user == 0:
        return f"{what}: root needs the capability SYS_ADMIN, as in docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined"
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"{what}: run falmock as root, or let users make namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0, kernel.unprivileged_userns_clone=1)"
    if error.errno in (errno.ENOSPC, errno.EUSERS):
        return f"{what}: run falmock as root, or let users make namespaces (sysctl user.max_user_namespaces)"
    return what
