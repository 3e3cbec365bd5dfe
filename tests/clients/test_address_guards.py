"""Clients that refuse to download from addresses that no host on the internet has, in the network of the recipe for them.

Each runs with the address that fal's names have by default, which it refuses, and with the address of the recipe.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from clients import dns_query
from clients import namespaces
from clients.namespaces import Network
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import MITMDUMP
from clients.running import ROOT
from clients.running import Mitmdump
from clients.running import free_ports
from clients.running import mitmdump
from clients.running import run
from clients.running import write_fixtures

MODEL = "fal-ai/flux/dev"
INPUT = {"prompt": "a cat"}
README = (ROOT / "addon" / "README.md").read_text("utf-8")
DEFAULT = "198.18.0.1"
CONNECT = """
import errno, socket, sys
with socket.socket() as connection:
    connection.settimeout(1)
    print(errno.errorcode.get(connection.connect_ex((sys.argv[1], int(sys.argv[2]))), "connected"))
"""


def animation() -> bytes:
    """An animated GIF: the image optimizer passes it on as it is."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), color) for color in ("black", "white")]
    frames[0].save(file, "gif", save_all=True, append_images=frames[1:])
    return file.getvalue()


CAT = animation()
ANSWER = {"sha256": hashlib.sha256(CAT).hexdigest()}


def blocks() -> tuple[str, str, str]:
    """Of the recipe: the commands that make the network, those that start mitmdump, and those that remove the network."""
    section = README.partition("**Clients that check addresses.**")[2].partition("\n### ")[0]
    make, start, _ = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    remove = section.partition("To remove it:")[2]
    return make, start, "\n".join(re.findall(r"`(.+?)`", remove, re.DOTALL))


MAKE, START, REMOVE = blocks()
(ADDRESS,) = re.findall(r"fal_dns_address=(\S+)", START)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """The network that the recipe makes, with other names: another run of the tests may be making it too."""
    namespaces.require()
    names = Network(f"falmock-{os.getpid()}-mock", f"falmock-{os.getpid()}-app")

    def shell(commands: str, *, check: bool = True) -> None:
        renamed = re.sub(r"\b(?:mock|app)\b", lambda name: f"falmock-{os.getpid()}-{name[0]}", commands)
        subprocess.run(["sh", "-ec" if check else "-c", renamed], check=check)

    try:
        shell(MAKE)
        yield names
    finally:
        shell(REMOVE, check=False)
    made = (Path("/run/netns", names.gateway), Path("/run/netns", names.client), Path("/etc/netns", names.client))
    assert not [path for path in made if path.exists()], "the recipe did not remove all of it"


@pytest.fixture(scope="module", params=[DEFAULT, ADDRESS])
def address(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def mock(network: Network, address: str, confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = tmp_path_factory.mktemp("guards") / "fixtures"
    image = {"url": {"$file": "cat.gif"}, "content_type": "image/gif", "width": 16, "height": 16}
    write_fixtures(folder, {"match": {"model": MODEL, "input": INPUT}, "response": {"json": {"images": [image]}}})
    (folder / "_assets").mkdir()
    (folder / "_assets" / "cat.gif").write_bytes(CAT)
    command = shlex.split(START.replace("\\\n", "").replace(ADDRESS, address))
    args = command[command.index("addon/falmock_addon.py") + 1 :]
    program = network.at_gateway(str(MITMDUMP))
    with mitmdump(confdir, "-p", "8080", *args, fixtures=folder, modes=2, program=program) as mock:
        yield mock
    assert "server connect " not in mock.output


@pytest.fixture(scope="module")
def at_client(network: Network, mock: Mitmdump) -> Callable[..., str]:
    def at_client(*command: str) -> str:
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        ca = str(mock.ca)
        env |= {"FAL_KEY": KEY, "CURL_CA_BUNDLE": ca, "NODE_EXTRA_CA_CERTS": ca, "NEXT_TELEMETRY_DISABLED": "1"}
        return run(network.at_client(*command), env)

    return at_client


def test_the_ai_sdk_downloads_what_a_model_made(at_client: Callable[..., str], address: str) -> None:
    answer = json.loads(at_client("node", str(CLIENTS / "programs" / "ai_sdk_fal.mjs"), MODEL))
    if address == DEFAULT:
        assert re.search(rf"fal\.media resolved to disallowed IP address {DEFAULT}", answer["refused"])
    else:
        assert answer == ANSWER


def test_the_image_optimizer_of_next_downloads_a_picture(
    at_client: Callable[..., str], address: str, tmp_path: Path
) -> None:
    made = json.loads(at_client("curl", "-sS", "-d", json.dumps(INPUT), f"https://fal.run/{MODEL}"))
    picture = made["images"][0]["url"]
    output = at_client("node", str(CLIENTS / "programs" / "next_images.mjs"), str(tmp_path), picture)
    answer = json.loads(output.splitlines()[-1])
    if address == DEFAULT:
        assert f'{picture} hostname resolved to private IP ["{DEFAULT}"]' in answer["refused"]
    else:
        assert answer == ANSWER


@pytest.mark.parametrize(("host", "port"), [(ADDRESS, 22), (ADDRESS, 443), ("10.83.0.1", 53), ("10.83.0.1", 8080)])
@pytest.mark.usefixtures("mock")
def test_nothing_but_the_redirect_leads_out(network: Network, host: str, port: int) -> None:
    """Checked at both ends of the cable: the app reaches mitmproxy's ports alone, and mitmproxy nothing."""
    found = run(network.at_client(sys.executable, "-c", CONNECT, host, str(port)), dict(os.environ)).strip()
    assert (found == "connected") is (port != 22)
    if host == ADDRESS:
        assert (
            run(network.at_gateway(sys.executable, "-c", CONNECT, host, str(port)), dict(os.environ)) == "ENETUNREACH\n"
        )


def test_a_connection_to_the_public_address_by_another_name_is_refused(
    at_client: Callable[..., str], mock: Mitmdump, address: str
) -> None:
    at_client("curl", "-sS", "--resolve", f"other.test:80:{address}", "http://other.test/")
    if address == ADDRESS:
        mock.wait_for(f"falmock refused a connection to {ADDRESS}: in replay nothing is sent to fal")


def test_a_name_server_answers_with_one_address_of_each_kind(confdir: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    addresses = [argument for each in ("10.0.0.1", "4000::1") for argument in ("--set", f"fal_dns_address={each}")]
    with mitmdump(confdir, "--mode", f"dns@{port}", *addresses, fixtures=write_fixtures(tmp_path)):
        assert dns_query.ask(port, "queue.fal.run") == (0, ("10.0.0.1",))
        assert dns_query.ask(port, "queue.fal.run", dns_query.AAAA) == (0, ("4000::1",))
        assert dns_query.ask(port, "queue.fal.run", dns_query.HTTPS) == (0, ())
