"""Transparent mode in network namespaces: the clients have no proxy setting, no route out and no other name server.

It needs root and some system programs. Without them the tests are skipped, and in CI they fail.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients import namespaces
from clients.elsewhere import BODY
from clients.namespaces import ELSEWHERE
from clients.namespaces import GATEWAY
from clients.namespaces import PROXY_PORT
from clients.namespaces import Network
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import run
from clients.running import write_fixtures

MODEL = "fal-ai/flux/dev"
EVENTS = [{"n": number} for number in range(3)]
FIXTURES = [
    {"match": {"model": MODEL}, "response": {"json": {"seed": 1}}},
    {"match": {"model": "test/talk"}, "stream": [{"json": event} for event in EVENTS]},
    *(
        {"match": {"model": "test/talk/realtime", "input": {"n": n}}, "realtime": [{"json": {"answer": n}}]}
        for n in range(2)
    ),
]
REFUSED = "killed before connect: falmock refused a connection to {}: in replay nothing is sent to fal"


@dataclass
class Setup:
    """The network, the mock at its gateway, and what became of the connections to elsewhere."""

    network: Network
    mock: Mitmdump
    elsewhere: Callable[[], list[str]]

    def at_client(self, *command: str) -> str:
        """The output of a program that runs where the client is, and is told nothing but which CA to trust."""
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        ca = str(self.mock.ca)
        env |= {"FAL_KEY": KEY, "SSL_CERT_FILE": ca, "CURL_CA_BUNDLE": ca, "NODE_EXTRA_CA_CERTS": ca}
        return run(self.network.at_client(*command), env)


@pytest.fixture(scope="module")
def setup(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    namespaces.require()
    folder = tmp_path_factory.mktemp("transparent")
    fixtures = write_fixtures(folder / "fixtures", *FIXTURES)
    args = (
        *("--mode", "transparent", "--mode", "dns@53", "--listen-host", GATEWAY, "-p", str(PROXY_PORT)),
        *("--set", r"ignore_hosts=^ignored\."),
    )
    with namespaces.network() as network, elsewhere_at(network, folder / "elsewhere.log") as elsewhere:
        program = network.at_gateway(str(MITMDUMP))
        with mitmdump(confdir, *args, fixtures=fixtures, modes=2, program=program) as mock:
            yield Setup(network, mock, elsewhere)


def elsewhere_at(network: Network, log: Path) -> AbstractContextManager[Callable[[], list[str]]]:
    """A name server for all names and web servers, at the gateway; gives what happened there so far."""
    addresses = (f"127.0.0.1:53={ELSEWHERE}", f"{ELSEWHERE}:80", f"{ELSEWHERE}:443")
    return namespaces.telling(network.at_gateway(sys.executable, str(CLIENTS / "elsewhere.py"), *addresses), log)


@contextmanager
def nothing_leaves(setup: Setup) -> Iterator[None]:
    """Check that mitmproxy connects to nothing, and asks nobody for a name, while this lasts."""
    logged, happened = len(setup.mock.output), len(setup.elsewhere())
    yield
    assert "server connect " not in setup.mock.output[logged:]
    assert setup.elsewhere()[happened:] == []


def test_curl_is_answered_over_http2(setup: Setup) -> None:
    with nothing_leaves(setup):
        headers = ("-H", f"Authorization: Key {KEY}", "-H", "Content-Type: application/json")
        url = f"https://fal.run/{MODEL}"
        output = setup.at_client("curl", "-sS", "-w", "\n%{http_version}", *headers, "-d", "{}", url)
    assert output.splitlines() == ['{"seed":1}', "2"]


PROGRAMS = {
    "httpx and fal_client": (sys.executable, "direct.py"),
    "Node's fetch and @fal-ai/client": ("node", "direct.mjs"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_answered_without_any_setting(setup: Setup, program: str) -> None:
    interpreter, script = PROGRAMS[program]
    with nothing_leaves(setup):
        output = setup.at_client(interpreter, str(CLIENTS / "programs" / script))
    assert json.loads(output) == {"answered": {"seed": 1}, "subscribed": {"seed": 1}, "downloaded": "a file"}


def test_streams_and_sockets_are_played_without_any_setting(setup: Setup) -> None:
    script = str(CLIENTS / "programs" / "streaming.py")
    with nothing_leaves(setup):
        output = setup.at_client(sys.executable, script, "https://fal.run", "wss://fal.run")
    assert json.loads(output) == {"events": EVENTS, "messages": [{"answer": 0}, {"answer": 1}]}


ADDRESSES = """
import json, socket, sys
print(json.dumps(sorted({found[4][0] for found in socket.getaddrinfo(sys.argv[1], 443)})))
"""


@pytest.mark.parametrize("name", ["fal.run", "queue.fal.run", "rest.fal.ai", "v3b.fal.media"])
def test_fals_names_are_answered_at_the_gateway(setup: Setup, name: str) -> None:
    with nothing_leaves(setup):
        addresses = json.loads(setup.at_client(sys.executable, "-c", ADDRESSES, name))
    assert addresses == ["198.18.0.1"]


def test_other_names_are_asked_elsewhere(setup: Setup) -> None:
    addresses = json.loads(setup.at_client(sys.executable, "-c", ADDRESSES, "name.test"))
    assert addresses == [ELSEWHERE]
    assert "name name.test" in setup.elsewhere()


def test_other_hosts_are_left_alone(setup: Setup) -> None:
    output = setup.at_client("curl", "-sS", "-i", "http://other.test/path")
    assert output.endswith(BODY.decode())
    assert "falmock" not in output
    assert setup.elsewhere()[-1] == "GET /path"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_to_fal_is_refused_by_the_name_it_gives(setup: Setup, scheme: str) -> None:
    # The address is an IP that exists: without the veto the tunnel would arrive.
    name, port = f"ignored.{scheme}.fal.run", 443 if scheme == "https" else 80
    with nothing_leaves(setup), pytest.raises(AssertionError, match="curl: "):
        setup.at_client("curl", "-sS", *resolve(name, port), f"{scheme}://{name}/")
    setup.mock.wait_for(REFUSED.format(name))


def test_a_tunnel_to_another_host_arrives(setup: Setup) -> None:
    # There is no TLS at the other end, so curl cannot be content: what counts is who was connected to.
    with pytest.raises(AssertionError, match="curl: "):
        setup.at_client("curl", "-sS", *resolve("ignored.test", 443), "https://ignored.test/")
    assert setup.elsewhere()[-1] == f"connection to {ELSEWHERE}:443"


def resolve(name: str, port: int) -> tuple[str, str]:
    return ("--resolve", f"{name}:{port}:{ELSEWHERE}")
