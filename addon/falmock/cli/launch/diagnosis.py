"""What became of each program's calls to fal, and what helps those whose calls did not come through the proxy."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from falmock.serving import runtimes
from falmock.serving import trust
from falmock.serving.runtimes import Runtime
from falmock.serving.sightings import ANSWERED
from falmock.serving.sightings import ASKED
from falmock.serving.sightings import CONNECTED
from falmock.serving.sightings import NO_PROXY
from falmock.serving.sightings import REFUSED
from falmock.serving.sightings import UNKNOWN_NAME
from falmock.serving.sightings import Program
from falmock.serving.sightings import Sighting

_INSTEAD = "run it with falmock run --transparent, which needs no proxy"
_REQUESTS = "requests reads REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, and not SSL_CERT_FILE"
_SHOWN = 5
"""How many hosts are named."""


class Finding(NamedTuple):
    """A program, what became of its calls, and what helps: nothing if they came through."""

    who: str
    happened: str
    remedies: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether its calls came through the proxy."""
        return not self.remedies


class _Seen(NamedTuple):
    """All that was seen of one program."""

    program: Program | None
    sightings: tuple[Sighting, ...]

    def of(self, what: str, *, is_past: bool | None = None) -> list[Sighting]:
        return [each for each in self.sightings if each.what == what and is_past in (None, each.is_past)]

    @property
    def runtime(self) -> Runtime | None:
        if self.program is not None:
            found = runtimes.runs(PurePath(self.program.file).name)
            if found is not None:
                return found
        agents = ((each.agent, each.ciphers) for each in self.sightings if each.agent or each.ciphers)
        return next((found for each in agents if (found := runtimes.runtime_of(*each)) is not None), None)


def findings(
    sightings: Iterable[Sighting], wanted: Mapping[str, str], ca: str, version: Callable[[str], str]
) -> list[Finding]:
    """What became of each program's calls. `wanted` are falmock's variables; `version` returns that of a program by its file."""
    found: dict[tuple[str, Finding], list[int]] = {}
    for seen in _by_program(sightings):
        happened = "; ".join(_happened(seen))
        if happened:
            program = seen.program
            command = "" if program is None else program.command
            finding = Finding(_name(seen, version), happened, tuple(dict.fromkeys(_remedies(seen, wanted, ca))))
            found.setdefault((command, finding), []).extend([] if program is None else [program.pid])
    return [finding._replace(who=_who(finding.who, command, pids)) for (command, finding), pids in found.items()]


def unknown_names(sightings: Iterable[Sighting]) -> list[str]:
    """The names that programs looked up and that do not exist in their network."""
    return list(dict.fromkeys(each.host for each in sightings if each.what == UNKNOWN_NAME))


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """What people read: first what is fine."""
    for finding in sorted(found, key=lambda each: not each.is_fine):
        yield f"{finding.who} {finding.happened}"
        for remedy in finding.remedies:
            yield f"  -> {remedy}"


def _by_program(sightings: Iterable[Sighting]) -> list[_Seen]:
    found: dict[tuple[int, str], list[Sighting]] = {}
    for each in sightings:
        key = (each.program.pid, "") if each.program is not None else (0, each.agent or str(each.ciphers))
        found.setdefault(key, []).append(each)
    return [_Seen(group[0].program, tuple(group)) for group in found.values()]


def _happened(seen: _Seen) -> Iterator[str]:
    past, through = seen.of(CONNECTED), seen.of(ANSWERED, is_past=False)
    if past:
        what = " with a WebSocket" if any(each.is_socket for each in seen.of(ANSWERED, is_past=True)) else ""
        yield f"went past the proxy to {_hosts(past)}{what}"
    refused = seen.of(REFUSED)
    if refused:
        yield f"did not trust falmock's CA for {_hosts(refused)}"
    if past or refused:
        return
    if through:
        yield f"came through the proxy to {_hosts(through)}"
    elif asked := seen.of(ASKED):
        yield f"looked up {_hosts(asked)}, which the proxy makes unnecessary, and did not connect"


def _remedies(seen: _Seen, wanted: Mapping[str, str], ca: str) -> Iterator[str]:
    refused = seen.of(REFUSED)
    is_through = bool(seen.of(ANSWERED, is_past=False) or refused)
    if seen.of(CONNECTED) or (seen.of(ASKED) and not is_through):
        yield from _to_proxy(seen, wanted)
    if refused:
        yield from _to_trust(seen, wanted, ca)


def _to_proxy(seen: _Seen, wanted: Mapping[str, str]) -> Iterator[str]:
    runtime, lacks = seen.runtime, () if seen.program is None else seen.program.lacks
    if NO_PROXY in lacks:
        yield "its NO_PROXY covers this host: take fal's hosts out of NO_PROXY and no_proxy"
    agents = [each.agent for each in seen.of(ANSWERED, is_past=True)]
    library = next((found for each in agents if (found := runtimes.library_of(each)) is not None), None)
    if library is not None:
        yield library.remedy
    missing = _missing(("HTTPS_PROXY",) if runtime is None else runtime.proxied, lacks, wanted)
    if missing:
        yield missing
    elif library is None and NO_PROXY not in lacks:
        otherwise = "" if runtime is None else runtime.otherwise
        yield otherwise or f"it does not take the proxy from the environment: {_INSTEAD}"


def _to_trust(seen: _Seen, wanted: Mapping[str, str], ca: str) -> Iterator[str]:
    runtime, lacks = seen.runtime, () if seen.program is None else seen.program.lacks
    trusting = ("SSL_CERT_FILE",) if runtime is None else runtime.trusting
    missing = _missing(trusting, lacks, wanted)
    if runtime is not None and runtime.name == "Python" and "SSL_CERT_FILE" not in lacks:
        yield _REQUESTS
    if missing:
        yield missing
    elif runtime is not None:
        yield trust.remedy(runtime, ca)
    else:
        yield f"make it trust the CA in {ca}: it does not read SSL_CERT_FILE, or brings CAs of its own"


def _missing(names: Iterable[str], lacks: Sequence[str], wanted: Mapping[str, str]) -> str:
    """How to set those of these variables that a program lacks; "" if it lacks none."""
    found = [name for name in names if name in lacks and name in wanted]
    if not found:
        return ""
    settings = " ".join(f"{name}={shlex.quote(wanted[name])}" for name in found)
    return f"it does not have falmock's {' and '.join(found)}: set {settings} before it starts, or keep what falmock run sets"


def _hosts(sightings: Iterable[Sighting]) -> str:
    found = list(dict.fromkeys(each.host or "a host that it did not name" for each in sightings))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _name(seen: _Seen, version: Callable[[str], str]) -> str:
    """The runtime with its version, or the name of a program."""
    runtime = seen.runtime
    if seen.program is None:
        return runtime.name if runtime is not None else "a program"
    file = PurePath(seen.program.file)
    if runtime is None or not runtime.program.fullmatch(file.name):
        return runtime.name if runtime is not None and not file.name else file.name or "a program"
    number = version(str(file))
    return f"{runtime.name} {number}" if number else runtime.name


def _who(name: str, command: str, pids: Sequence[int]) -> str:
    if not pids:
        return name
    return f"{name} (PID {', '.join(map(str, sorted(set(pids))))}: {command})"
