"""Several falmocks with one store and one CA behind a balancer, in place of one mitmdump."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from clients import running
from clients.replicas.balancer import Balancer
from clients.replicas.balancer import balancing
from clients.running import Mitmdump
from unit.store.servers import Server
from unit.store.servers import server

MIXED = ("mitmdump", "serve")
_OF_MITMPROXY = re.compile(r"-s|-w|-q|--mode|--flow-detail|(?!fal_)\w+=.*")
"""Arguments that `falmock serve` does not take."""
Started = AbstractContextManager[Mitmdump]
_numbers = itertools.count()


@dataclass
class Group(Mitmdump):
    """Several falmocks, used as one: at the balancer's port."""

    members: list[Mitmdump] = field(default_factory=list)
    balancer: Balancer | None = None

    @property
    def output(self) -> str:
        """The output of all, one after the other."""
        return "".join(member.output for member in self.members)

    @property
    def ports(self) -> list[int]:
        assert self.balancer is not None
        return [self.balancer.port]


def needs_server() -> None:
    """Skip the test if there is no Redis here."""
    if shutil.which("redis-server") is None:
        running.lacking("redis-server is not installed")


@functools.cache
def store_server() -> Server:
    """A Redis for all tests of this process, which is stopped at its end."""
    needs_server()
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(server("redis"))


def store_url(at: Server | None = None, **parameters: str) -> str:
    """The URL of an empty store."""
    chosen = {"prefix": f"g{os.getpid()}-{next(_numbers)}:", "timeout": "5", **parameters}
    return f"unix://{(at or store_server()).socket}?" + "&".join(f"{name}={value}" for name, value in chosen.items())


@contextmanager
def group(
    confdir: Path,
    *args: str,
    fixtures: Path | None = None,
    cwd: Path | None = None,
    kinds: Sequence[str] = MIXED,
    store: str = "",
) -> Iterator[Group]:
    """Running falmocks of these kinds ("mitmdump", "flows", "serve"), all with these options."""
    if any(_OF_MITMPROXY.fullmatch(arg) for arg in args):
        kinds = ["mitmdump"] * len(kinds)
    with ExitStack() as stack:
        # Uploads of any size need a folder for all.
        url = store or store_url(files=stack.enter_context(tempfile.TemporaryDirectory()))
        members = [stack.enter_context(STARTING[kind](confdir, url, args, fixtures, cwd)) for kind in kinds]
        ports = [member.ports[0] for member in members]
        balancer = stack.enter_context(balancing(confdir, ports))
        yield Group(members[0].process, confdir, [], members=members, balancer=balancer)


def _mitmdump(confdir: Path, url: str, args: Sequence[str], fixtures: Path | None, cwd: Path | None) -> Started:
    options = (*args, "--set", f"fal_store={url}")
    return running.mitmdump(confdir, *options, fixtures=fixtures, cwd=cwd, alone=True)


def _flows(confdir: Path, url: str, args: Sequence[str], fixtures: Path | None, cwd: Path | None) -> Started:
    return _mitmdump(confdir, url, (*args, "--set", "fal_fast=off"), fixtures, cwd)


def _serve(confdir: Path, url: str, args: Sequence[str], fixtures: Path | None, cwd: Path | None) -> Started:
    return running.serve(confdir, *args, "--set", f"fal_store={url}", fixtures=fixtures, cwd=cwd)


STARTING: Mapping[str, Callable[..., Started]] = {"mitmdump": _mitmdump, "flows": _flows, "serve": _serve}
"""How a falmock of each kind is started on a store."""
