"""What is seen of each program that calls fal, as lines of JSON in a file: for `falmock doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

from falmock.redaction.command_line import hidden
from falmock.serving import processes
from falmock.serving.gate import Caller
from falmock.serving.processes import Process

ASKED = "asked"
"""A program looked a name of fal's up."""
CONNECTED = "connected"
"""A program connected to a host of fal's past the proxy."""
REFUSED = "refused"
"""A program did not trust the certificate."""
ANSWERED = "answered"
UNKNOWN_NAME = "unknown name"
"""A program looked a name up that does not exist in its network."""
NO_PROXY = "NO_PROXY"
"""Among what a program lacks: its NO_PROXY says that the host is not reached by the proxy."""
_LONGEST = 200
"""A command is cut to this many characters."""


class Program(NamedTuple):
    """A process: `command` has no secrets, `lacks` are the variables of falmock's that it does not have."""

    pid: int
    file: str
    command: str
    lacks: tuple[str, ...]


class Sighting(NamedTuple):
    """What was seen of a program, with the user agent and the first cipher suites of its TLS if they are known."""

    what: str
    host: str
    is_past: bool
    """Whether it came past the proxy."""
    program: Program | None = None
    agent: str = ""
    ciphers: tuple[int, ...] = ()
    is_socket: bool = False
    """Whether it asked for a WebSocket."""


def read(text: str) -> tuple[dict[str, str], list[Sighting]]:
    """What `Sightings` has written: the variables that bring calls to falmock, and what was seen."""
    wanted, *values = map(json.loads, text.splitlines() or ["{}"])
    return wanted, list(map(_sighting, values))


def _sighting(value: Sequence[Any]) -> Sighting:
    what, host, is_past, program, agent, ciphers, is_socket = value
    if program is not None:
        pid, file, command, lacks = program
        program = Program(pid, file, command, tuple(lacks))
    return Sighting(what, host, is_past, program, agent, tuple(ciphers), is_socket)


def lacking(environment: Mapping[str, str], wanted: Mapping[str, str], host: str) -> tuple[str, ...]:
    """The names of the variables that are not set as wanted, in an environment of a program that calls `host`."""
    found = [
        name
        for name, value in wanted.items()
        if name.upper() != NO_PROXY and not _has(environment.get(name, ""), value)
    ]
    excluded = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if any(_excludes(each.strip(), host) for each in excluded.split(",")):
        found.append(NO_PROXY)
    return tuple(found)


def _excludes(entry: str, host: str) -> bool:
    """Whether an entry of NO_PROXY is for a host: all, its name, or that of a domain of its."""
    return entry == "*" or (bool(entry) and f".{host}".endswith(f".{entry.lstrip('*.')}"))


def _has(value: str, wanted: str) -> bool:
    """Whether the value of a variable is the wanted one, or has it as a part. A proxy may have another user."""
    proxy = urlsplit(wanted)
    if proxy.scheme == "http":
        return value.rpartition("@")[2].rpartition("//")[2].rstrip("/") == proxy.netloc.rpartition("@")[2]
    return wanted in value


class Sightings:
    """Writes what is seen, each thing once. `wanted` are the variables that bring calls to falmock, `hide` hides secrets."""

    def __init__(self, file: Path, wanted: Mapping[str, str], hide: Callable[[str], str]) -> None:
        self._file = file
        file.write_text(f"{json.dumps(dict(wanted))}\n", "utf-8")
        self._wanted = wanted
        self._hide = hide
        self._written: set[str] = set()
        self._known: dict[int, tuple[Process | None, bool]] = {}
        """By the port of a connection: who connected, and whether past the proxy."""

    def asked(self, host: str, port: int, *, exists: bool) -> None:
        """A name was looked up from this port."""
        process = processes.holder(port, 0, "udp")
        self._write(Sighting(ASKED if exists else UNKNOWN_NAME, host, is_past=True), process)

    def connected(self, caller: Caller, port: int, *, is_past: bool) -> None:
        """A client connected to this port of falmock's."""
        self._known[caller.port] = processes.holder(caller.port, port), is_past

    def named(self, caller: Caller, host: str) -> None:
        """A client that came past the proxy wants to reach this host."""
        self._seen(Sighting(CONNECTED, host, is_past=True), caller)

    def refused(self, caller: Caller, host: str, ciphers: tuple[int, ...]) -> None:
        """A client did not trust the certificate of this host."""
        self._seen(Sighting(REFUSED, host, is_past=False, agent=caller.agent, ciphers=ciphers[:8]), caller)

    def answered(self, caller: Caller, host: str, agent: str, *, is_socket: bool) -> None:
        """A call was answered."""
        self._seen(Sighting(ANSWERED, host, is_past=False, agent=agent, is_socket=is_socket), caller)

    def _seen(self, sighting: Sighting, caller: Caller) -> None:
        process, is_past = self._known.get(caller.port, (None, sighting.is_past))
        self._write(sighting._replace(is_past=is_past), process)

    def _write(self, sighting: Sighting, process: Process | None) -> None:
        if process is not None:
            command = self._hide(" ".join(hidden(process.command)))
            shown = command if len(command) <= _LONGEST else f"{command[:_LONGEST]}..."
            lacks = lacking(process.environment, self._wanted, sighting.host)
            sighting = sighting._replace(program=Program(process.pid, process.program, shown, lacks))
        line = json.dumps(sighting._replace(agent=self._hide(sighting.agent)))
        if line not in self._written:
            self._written.add(line)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
