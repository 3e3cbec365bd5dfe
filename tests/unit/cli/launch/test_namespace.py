"""A network of its own: which calls Linux gets, and what is told when it refuses them. Real ones are in tests/clients."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from falmock.cli.launch import namespace
from falmock.cli.launch.namespace import Kernel
from falmock.cli.launch.namespace import NoNamespace

USER, NETWORK, MOUNTS = 0x10000000, 0x40000000, 0x20000


class Recorded(Kernel):
    """Keeps the calls, and fails at those whose names begin with a text in `fails`."""

    def __init__(self, **fails: int) -> None:
        self.calls: list[str] = []
        self.fails = fails
        self.mounted: dict[str, str] = {}

    def _call(self, name: str, text: str) -> None:
        self.calls.append(f"{name} {text}")
        for key, number in self.fails.items():
            if f"{name} {text}".startswith(key.replace("__", " ")):
                raise OSError(number, os.strerror(number))

    def unshare(self, flags: int) -> None:
        self._call("unshare", f"{flags:x}")

    def mount(self, source: Path | None, target: Path, kind: str | None, flags: int) -> None:
        self._call("mount", f"{target} {kind} {flags:x}")
        if source is not None and source.exists():
            self.mounted[str(target)] = source.read_text()

    def set_up(self, request: int, value: bytes) -> None:
        self._call("set_up", f"{request:x} {value[:4]!r} {value[20:24]!r}")

    def write(self, file: Path, text: str) -> None:
        self._call("write", f"{file} {text}")


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("resolv.conf", "nsswitch.conf"):
        (tmp_path / name).write_text("nameserver 8.8.8.8\n")
    (tmp_path / "nscd").mkdir()
    monkeypatch.setattr(namespace, "_ETC", tmp_path)
    monkeypatch.setattr(namespace, "_CACHES", (tmp_path / "nscd", tmp_path / "none"))
    monkeypatch.setattr(namespace, "_is_linux", lambda: True)
    return tmp_path


def as_user(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: number)
    monkeypatch.setattr(os, "getegid", lambda: number)


NETWORK_CALLS = [
    r"set_up 8914 b'lo\x00\x00' b'\x00\x00\x00\x00'",
    r"set_up 8916 b'lo:1' b'\x01\x02\x03\x04'",
    r"set_up 891c b'lo:1' b'\xff\xff\xff\xff'",
    "write /proc/sys/net/ipv4/ip_unprivileged_port_start 0",
    "mount / None 44000",
]


def test_root_leaves_network_and_mounts(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 0)
    kernel = Recorded()
    namespace.enter(kernel)
    assert kernel.calls == [
        f"unshare {NETWORK | MOUNTS:x}",
        *NETWORK_CALLS,
        f"mount {etc}/resolv.conf None 1000",
        f"mount {etc}/nsswitch.conf None 1000",
        f"mount {etc}/nscd tmpfs 0",
    ]
    assert kernel.mounted == {
        f"{etc}/resolv.conf": "nameserver 127.0.0.1\n",
        f"{etc}/nsswitch.conf": "hosts: files dns\n",
    }


def test_others_take_a_user_namespace_and_keep_their_ids(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 1000)
    (etc / "resolv.conf").unlink()
    kernel = Recorded()
    namespace.enter(kernel)
    assert kernel.calls == [
        f"unshare {USER | NETWORK | MOUNTS:x}",
        "write /proc/self/setgroups deny",
        "write /proc/self/uid_map 1000 1000 1",
        "write /proc/self/gid_map 1000 1000 1",
        *NETWORK_CALLS,
        f"mount {etc}/nsswitch.conf None 1000",
        f"mount {etc}/nscd tmpfs 0",
    ]


def test_root_without_the_right_takes_a_user_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 0)
    kernel = Recorded(**{f"unshare__{NETWORK | MOUNTS:x}": errno.EPERM, "write__/proc/sys": errno.EROFS})
    namespace.enter(kernel)
    assert kernel.calls[1:3] == [f"unshare {USER | NETWORK | MOUNTS:x}", "write /proc/self/setgroups deny"]


@pytest.mark.parametrize(
    ("user", "fails", "number", "told"),
    [
        (0, "unshare", errno.EPERM, "--cap-add SYS_ADMIN"),
        (1000, "unshare", errno.EPERM, "run falmock as root"),
        (1000, "write__/proc/self/uid_map", errno.EACCES, "apparmor_restrict_unprivileged_userns"),
        (1000, "write__/proc/sys", errno.EROFS, "Read-only"),
        (1000, "unshare", errno.ENOSPC, "max_user_namespaces"),
        (1000, "unshare", errno.ENOSYS, "not implemented"),
        (0, "set_up", errno.ENODEV, "No such device"),
    ],
)
def test_what_is_missing_is_told(
    user: int, fails: str, number: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch, user)
    with pytest.raises(NoNamespace) as error:
        namespace.enter(Recorded(**{fails: number}))
    assert str(error.value).startswith("Linux does not allow a network for the program alone (")
    assert told in str(error.value)


def test_other_systems_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "_is_linux", lambda: False)
    with pytest.raises(NoNamespace, match=f"it needs Linux.*{sys.platform}$"):
        namespace.enter(Recorded())
    assert "it needs Linux" in namespace.problem()


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux's")
@pytest.mark.parametrize("why", ["", "it is forbidden"])
def test_it_is_tried_in_another_process(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def enter() -> None:
        if why:
            raise NoNamespace(why)

    monkeypatch.setattr(namespace, "enter", enter)
    assert namespace.problem() == why


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux's")
def test_the_try_tells_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = []

    def end(code: int) -> None:
        codes.append(code)

    def enter() -> None:
        raise NoNamespace("no")

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(namespace, "enter", enter)
    reading, writing = os.pipe()
    namespace._try(writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert (told.read(), codes) == ("no", [0])


@pytest.mark.skipif(sys.platform != "linux", reason="it is Linux's")
def test_linux_says_why_not(tmp_path: Path) -> None:
    kernel = Kernel()
    with pytest.raises(OSError, match="Invalid argument"):
        kernel.unshare(0x1)
    with pytest.raises(OSError, match=r"No such file|not permitted"):
        kernel.mount(tmp_path / "none", tmp_path / "nowhere", "none", 0)
    with pytest.raises(OSError, match=r"No such device|not permitted"):
        kernel.set_up(0x8914, b"falmock-none".ljust(40, b"\0"))
    kernel.write(tmp_path / "file", "1")
    assert (tmp_path / "file").read_text() == "1"
