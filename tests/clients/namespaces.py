"""Two connected network namespaces: one for a client, one for the gateway that gets all its traffic.

Neither reaches anything else, and the machine's own network stays as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from clients import running

GATEWAY = "10.83.0.1"
CLIENT = "10.83.0.2"
ELSEWHERE = "203.0.113.9"
"""An address of the gateway, from a range for documentation: servers there stand for the internet."""
PROXY_PORT = 8080
PROGRAMS = ("ip", "iptables", "curl", "node")
_ETC = Path("/etc/netns")


class Network(NamedTuple):
    """The names of the two namespaces."""

    gateway: str
    client: str

    def at_gateway(self, *command: str) -> tuple[str, ...]:
        """A command that runs in the gateway's namespace."""
        return ("ip", "netns", "exec", self.gateway, *command)

    def at_client(self, *command: str) -> tuple[str, ...]:
        """A command that runs in the client's namespace."""
        return ("ip", "netns", "exec", self.client, *command)


def require() -> None:
    """Skip the test if something is missing, and say what. In CI it fails."""
    missing = _missing()
    if missing:
        running.lacking(f"network namespaces need: {', '.join(missing)}")


def _missing() -> list[str]:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if os.geteuid() != 0:
        missing.insert(0, "root")
    return missing or _forbidden()


def _forbidden() -> list[str]:
    """What even root may not do here, as in a container without privileges."""
    name = f"falmock-{os.getpid()}-probe"
    try:
        _do("ip", "netns", "add", name)
    except CommandError as error:
        return [f"the right to make them ({error})"]
    try:
        _do("ip", "netns", "exec", name, "iptables", "-w", "-t", "nat", "-S")
    except CommandError as error:
        return [f"iptables with a nat table ({error})"]
    finally:
        _do("ip", "netns", "del", name)
    return []


@contextmanager
def network() -> Iterator[Network]:
    """The two namespaces, which are always removed at the end."""
    names = Network(f"falmock-{os.getpid()}-gateway", f"falmock-{os.getpid()}-client")
    with ExitStack() as stack:
        for name, name_server in ((names.gateway, "127.0.0.1"), (names.client, GATEWAY)):
            _do("ip", "netns", "add", name)
            stack.callback(_do, "ip", "netns", "del", name)
            stack.callback(_forget_names, name)
            _ask_for_names(name, name_server)
            _do("ip", "-n", name, "link", "set", "lo", "up")
        cable = ("link", "add", "cable", "netns", names.gateway, "type", "veth", "peer", "name", "cable")
        _do("ip", *cable, "netns", names.client)
        for name, address in ((names.gateway, GATEWAY), (names.client, CLIENT)):
            _do("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
            _do("ip", "-n", name, "link", "set", "cable", "up")
        _do("ip", "-n", names.client, "route", "add", "default", "via", GATEWAY)
        _do("ip", "-n", names.gateway, "address", "add", f"{ELSEWHERE}/32", "dev", "lo")
        for port in ("80", "443"):
            rule = ("PREROUTING", "-i", "cable", "-p", "tcp", "--dport", port, "-j", "REDIRECT")
            _do(*names.at_gateway("iptables", "-w", "-t", "nat", "-A", *rule, "--to-ports", str(PROXY_PORT)))
        yield names


@contextmanager
def loopback() -> Iterator[tuple[str, ...]]:
    """A namespace that has the loopback device alone; gives what stands before a command to run it there."""
    require()
    name = f"falmock-{os.getpid()}-loopback"
    with ExitStack() as stack:
        _do("ip", "netns", "add", name)
        stack.callback(_do, "ip", "netns", "del", name)
        stack.callback(_forget_names, name)
        _ask_for_names(name, "127.0.0.1")
        _do("ip", "-n", name, "link", "set", "lo", "up")
        yield ("ip", "netns", "exec", name)


@contextmanager
def telling(command: Sequence[str], log: Path) -> Iterator[Callable[[], list[str]]]:
    """A program that prints "ready" and then a line for each event; gives the lines of the events so far."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, cwd=running.CLIENTS.parent)
    try:
        until = time.monotonic() + 20
        while "ready" not in log.read_text():
            assert process.poll() is None, f"it ended with {process.returncode}"
            assert time.monotonic() < until
            time.sleep(0.02)
        yield lambda: log.read_text().splitlines()[1:]
    finally:
        process.kill()
        process.wait()


def _ask_for_names(name: str, server: str) -> None:
    """Make programs in a namespace use only this name server: `ip netns exec` mounts these files over /etc."""
    folder = _ETC / name
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text(f"nameserver {server}\n")
    if Path("/etc/nsswitch.conf").exists():
        # Without a daemon of the machine, such as systemd's resolver.
        (folder / "nsswitch.conf").write_text("hosts: files dns\n")


def _forget_names(name: str) -> None:
    shutil.rmtree(_ETC / name, ignore_errors=True)
    with suppress(OSError):
        _ETC.rmdir()


class CommandError(Exception):
    """A command failed; the text is its error output."""


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{' '.join(command)}: {done.stderr.strip()}")
