"""Nothing leaves for fal, however its name is written: a sink at the end of the only cable sees all that does.

It needs root and some system programs. Without them the tests are skipped, and in CI they fail.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients import namespaces
from clients.namespaces import ELSEWHERE
from clients.namespaces import GATEWAY
from clients.namespaces import PROXY_PORT
from clients.namespaces import Network
from clients.programs.hostile import FORMS
from clients.programs.hostile import other_of
from clients.running import CLIENTS
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import free_ports
from clients.running import mitmdump

UPSTREAM_PORT = 3128
SPELLINGS = (
    "fal.run",
    "FAL.RUN",
    "fal.run.",
    "FAL.RUN.",
    "fal.run..",
    "Queue.Fal.Run",
    "any.fal.run",
    "v9b.fal.media",
    "fal\u3002run",
    "fal\uff0erun",
    "fal\uff61run",
    "fal\u2024run",
    "fal\ufe52run",
    "fal.run\u3002",
    "\uff46\uff41\uff4c.run",
    "\uff26\uff21\uff2c\uff0e\uff32\uff35\uff2e",
    "\u24d5\u24d0\u24db.\u24e1\u24e4\u24dd",
    "\U0001d41f\U0001d41a\U0001d425.\U0001d42b\U0001d42e\U0001d427",
    "\U0001f135\U0001f130\U0001f13b.run",
    "fal.\u1d63un",
    "re\u017ft.fal.ai",
    "f\u00adal.run",
    "fal.r\u00adun\u00ad",
    "f\u200bal.run",
    "f\u200cal.run",
    "f\u200dal.run",
    "f\u2060al.run",
    "f\ufeffal.run",
    "fa\ufe0fl.run",
    "f\u034fal.run",
    "f\u180bal.run",
    "fal%2erun",
    "fal%2Erun",
    "%66al.run",
    "fal%E3%80%82run",
    "fal%C2%AD.run",
    "fal\uff052erun",
    "xn--fal-.run",
    "XN--FAL-.run",
    "xn--mi7cjat.run",
    "fal.run\0",
    "fal.run\0.test",
    "fal\t.run",
    "fal.run\t",
    " fal.run",
    "fal.run\u00a0",
    "[fal.run]",
    ".fal.run",
    "a..fal.run",
    f"{'a' * 64}.fal.run",
    "a." * 125 + "fal.run",
    "a_b.fal.run",
    "-.fal.run",
    "*.fal.run",
    "fal.run\u0300.fal.run",
    "\u0627b.fal.run",
)
STAYS = {"door_by_header", "door_by_path", "server_proxy", "http2_with_a_host_header"}
"""The forms in which only calls to fal can be made, and one that mitmproxy refuses."""
NO_NAMES = (
    ".fal.run",
    "a..queue.fal.run",
    "fal.run..",
    f"{'a' * 64}.fal.run",
    "a." * 124 + "fal.run",
    "a\u0627b.fal.run",
    ".example.test",
    "a..example.test",
    f"{'a' * 64}.example.test",
    "a." * 122 + "example.test",
    "a\u0627b.example.test",
)
"""What no resolver takes, below fal's domains and elsewhere."""

_MARKS = itertools.count()


@dataclass
class Setup:
    """The network, the mock in it, and what the sink saw so far."""

    network: Network
    mock: Mitmdump
    seen: Callable[[], list[str]]

    def settled(self) -> list[str]:
        """What the sink saw so far. It sees packets in their order: once it saw a question of ours, it saw all before."""
        name = f"marker-{next(_MARKS)}.test"
        ask = "import socket, sys; socket.getaddrinfo(sys.argv[1], None)"
        subprocess.run(self.network.at_client(sys.executable, "-c", ask, name), check=True, timeout=60)
        until = time.monotonic() + 20
        while f"name {name}" not in self.seen():
            assert time.monotonic() < until, f"the sink did not see {name}"
            time.sleep(0.02)
        seen = self.seen()
        return [line for line in seen[: seen.index(f"name {name}")] if not line.startswith("name marker-")]

    def ask(self, names: dict[str, list[str]]) -> dict[str, dict[str, str]]:
        """What came of these names, by form."""
        modes = {
            "regular": r"HTTP\(S\) proxy",
            "upstream": r"HTTP\(S\) proxy \(upstream mode\)",
            "socks5": "SOCKS v5 proxy",
        }
        ports = {mode: self.mock.port(text) for mode, text in modes.items()}
        command = self.network.at_client(sys.executable, str(CLIENTS / "programs" / "hostile.py"))
        given = json.dumps({"ports": ports, "names": names})
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=True)
        outcomes: dict[str, dict[str, str]] = json.loads(done.stdout)
        return outcomes


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    namespaces.require()
    with namespaces.network() as network:
        yield network


@pytest.fixture(scope="module")
def seen(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], list[str]]]:
    """The sink at the gateway; gives what it saw so far."""
    sink = ("clients.sink", "cable", ELSEWHERE, str(PROXY_PORT), str(UPSTREAM_PORT))
    log = tmp_path_factory.mktemp("sink") / "sink.log"
    with namespaces.telling(network.at_gateway(sys.executable, "-m", *sink), log) as seen:
        yield seen


@contextmanager
def mocking(
    network: Network, seen: Callable[[], list[str]], confdir: Path, *args: str, **more: Path
) -> Iterator[Setup]:
    regular, upstream, socks = free_ports(3)
    modes = (
        *("--mode", f"regular@{regular}", "--mode", f"socks5@{socks}"),
        *("--mode", f"upstream:http://{GATEWAY}:{UPSTREAM_PORT}@{upstream}"),
    )
    program = network.at_client(str(MITMDUMP))
    with mitmdump(confdir, *modes, *args, modes=3, program=program, **more) as mock:
        yield Setup(network, mock, seen)


@pytest.fixture(scope="module")
def setup(network: Network, seen: Callable[[], list[str]], confdir: Path) -> Iterator[Setup]:
    with mocking(network, seen, confdir) as setup:
        yield setup


def unanswered(outcomes: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """The forms and names for which nothing came: no answer, and no end of the connection."""
    return [(form, name) for form, by_name in outcomes.items() for name, came in by_name.items() if came == "nothing"]


def test_the_sink_sees_what_is_for_others(setup: Setup) -> None:
    names = {form: f"{form.replace('_', '-')}.test" for form in FORMS}
    before = len(setup.settled())
    setup.ask({form: [name] for form, name in names.items()})
    seen = setup.settled()[before:]
    for form, name in names.items():
        if not form.startswith("upstream"):
            is_seen = any(name in line.lower() or f" {other_of(form)}:" in line for line in seen)
            assert is_seen is (form not in STAYS), form
    assert seen.count(f"tcp {GATEWAY}:{UPSTREAM_PORT}") >= sum(form.startswith("upstream") for form in FORMS)


def test_nothing_leaves_for_fal_and_everything_ends(setup: Setup) -> None:
    before = len(setup.settled())
    outcomes = setup.ask({form: list(SPELLINGS) for form in FORMS})
    assert setup.settled()[before:] == []
    assert unanswered(outcomes) == []


@pytest.mark.parametrize("mode", ["record", "auto"])
def test_a_name_that_no_resolver_takes_ends_at_once(
    network: Network, seen: Callable[[], list[str]], confdir: Path, tmp_path: Path, mode: str
) -> None:
    with mocking(network, seen, confdir, "--set", f"fal_mode={mode}", fixtures=tmp_path) as setup:
        outcomes = setup.ask({form: list(NO_NAMES) for form in FORMS})
    assert unanswered(outcomes) == []
