"""The package runs on macOS too: nothing that only Linux has is used. `mypy --platform darwin`, in `scripts/test`, knows more names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import falmock

PACKAGE = Path(falmock.__file__).parent
LINUX_ALONE = re.compile(
    r"sched_\w+|sendfile|splice|tee|memfd_create|eventfd\w*|pidfd_open|posix_fadvise|posix_fallocate|copy_file_range|setresuid"
    r"|epoll|EPOLL\w+|O_PATH|O_TMPFILE|O_DIRECT|O_NOATIME|F_SETPIPE_SZ|F_OFD_\w+|F_ADD_SEALS|SOCK_NONBLOCK|SOCK_CLOEXEC"
    r"|TCP_(?!NODELAY|MAXSEG|KEEPINTVL|KEEPCNT)\w+|SO_(ORIGINAL_DST|PEERCRED|PASSCRED|MARK|BINDTODEVICE|INCOMING_CPU|BUSY_POLL)"
    r"|IP_(TRANSPARENT|BIND_ADDRESS_NO_PORT|FREEBIND)|AF_(NETLINK|PACKET|VSOCK|ALG)|MSG_(NOSIGNAL|MORE|ERRQUEUE)|sigtimedwait"
)
"""Attributes of `os`, `socket`, `select`, `fcntl` and `signal` that macOS does not have, or has otherwise."""
FOR_LINUX = ("cli/launch/namespace.py", "serving/processes.py")
"""Files of what only Linux can do. Elsewhere the first says so, and the second knows no process: their tests show it."""
_PATHS = ("/proc/", "/proc", "/sys/", "/dev/shm")
_ABSTRACT = "\0"
"""The first character of the name of a socket that is in no folder."""


def found(source: str) -> Iterator[str]:
    """What of a file's code only Linux has."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and LINUX_ALONE.fullmatch(node.attr):
            yield f"line {node.lineno}: {node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"line {node.lineno}: {each.name}" for each in node.names if LINUX_ALONE.fullmatch(each.name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(_PATHS):
            yield f"line {node.lineno}: {node.value}"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("bind", "connect")
        ):
            names = (each.value for each in node.args if isinstance(each, ast.Constant))
            yield from (f"line {node.lineno}: an abstract socket" for name in names if str(name).startswith(_ABSTRACT))


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nothing_is_of_linux_alone(file: Path) -> None:
    is_for_linux = str(file.relative_to(PACKAGE)) in FOR_LINUX
    assert bool(list(found(file.read_text("utf-8")))) is is_for_linux


@pytest.mark.parametrize(
    "source",
    [
        "os.sched_getaffinity(0)",
        "from os import sendfile",
        "sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)",
        "sock.getsockopt(socket.SOL_IP, socket.SO_ORIGINAL_DST, 16)",
        "Path('/proc/self/status')",
        "sock.bind('\\0falmock')",
        "select.epoll()",
    ],
)
def test_what_is_found(source: str) -> None:
    assert len(list(found(source))) == 1


def test_what_macos_has_too() -> None:
    assert list(found("sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); os.open('/', os.O_NOFOLLOW)")) == []
