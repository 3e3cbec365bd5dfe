"""`falmock run --transparent`: clients that use no proxy, in a network of their own that nothing leads out of."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clients import own_network
from clients.own_network import Ended
from clients.running import CLIENTS
from clients.running import write_fixtures
from clients.test_address_guards import CAT

MODEL = "fal-ai/flux/dev"
IMAGE = {"url": {"$file": "cat.gif"}, "content_type": "image/gif", "width": 16, "height": 16}
FIXTURES = [
    {"match": {"model": MODEL, "input": {"prompt": "a cat"}}, "response": {"json": {"images": [IMAGE]}}},
    {"match": {"model": "acme/plain"}, "response": {"json": {"seed": 1}}},
    {"match": {"model": "acme/talks"}, "realtime": [{"json": {"n": 1}}]},
]
ANSWER = {"sha256": hashlib.sha256(CAT).hexdigest()}
PYTHON = sys.executable
Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("transparent")
    write_fixtures(folder / "fixtures", *FIXTURES)
    (folder / "fixtures" / "_assets").mkdir()
    (folder / "fixtures" / "_assets" / "cat.gif").write_bytes(CAT)
    return folder


@pytest.fixture
def run(folder: Path, confdir: Path) -> Run:
    own_network.require()

    def run(*command: str, options: tuple[str, ...] = (), prefix: tuple[str, ...] = ()) -> Ended:
        return own_network.falmock(
            folder,
            confdir,
            ["run", "--transparent", *options, "--", *command],
            prefix,
            {"NEXT_TELEMETRY_DISABLED": "1"},
        )

    return run


def test_the_ai_sdk_downloads_what_a_model_made(run: Run) -> None:
    done = run(own_network.needs("node", "nodejs"), str(CLIENTS / "programs" / "ai_sdk_fal.mjs"), MODEL)
    assert (done.code, json.loads(done.out)) == (0, ANSWER), done.err


NEXT = """
import json, subprocess, sys, urllib.request
call = urllib.request.Request("https://fal.run/fal-ai/flux/dev", b'{"prompt": "a cat"}', {"Content-Type": "application/json"})
picture = json.load(urllib.request.urlopen(call))["images"][0]["url"]
sys.exit(subprocess.run([*sys.argv[1:], picture]).returncode)
"""


def test_the_image_optimizer_of_next_downloads_a_picture(run: Run, tmp_path: Path) -> None:
    program = str(CLIENTS / "programs" / "next_images.mjs")
    done = run(PYTHON, "-c", NEXT, own_network.needs("node", "nodejs"), program, str(tmp_path))
    assert (done.code, json.loads(done.out.splitlines()[-1])) == (0, ANSWER), done.err


WS = """
import WebSocket from "ws";
const socket = new WebSocket("wss://fal.run/acme/talks/realtime");
socket.on("open", () => socket.send("{}"));
socket.on("message", (data) => { console.log(String(data)); process.exit(0); });
"""


def test_the_package_ws_on_bun(run: Run, folder: Path) -> None:
    (folder / "talk.mjs").write_text(WS)
    done = run(own_network.bun(), "talk.mjs")
    assert (done.code, done.out.strip()) == (0, '{"n":1}'), done.err


def test_the_streams_of_php(run: Run) -> None:
    php = own_network.needs("php", "php-cli")
    code = (
        "$with = ['http' => ['method' => 'POST', 'content' => '{}'], 'ssl' => ['cafile' => getenv('SSL_CERT_FILE')]];"
        "echo file_get_contents('https://fal.run/acme/plain', false, stream_context_create($with));"
    )
    done = run(php, "-r", code)
    assert (done.code, done.out) == (0, '{"seed":1}'), done.err


BARE = """
import json, os, socket, ssl, struct, sys
server = [line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")][0]
query = struct.pack("!HHHHHH", 1, 0x100, 1, 0, 0, 0) + b"\\3fal\\3run\\0" + struct.pack("!HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(20)
    asking.sendto(query, (server, 53))
    address = socket.inet_ntoa(asking.recv(512)[-4:])
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
with trust.wrap_socket(socket.create_connection((address, 443), 20), server_hostname="fal.run") as line:
    line.sendall(b"POST /acme/plain HTTP/1.1\\r\\nHost: fal.run\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
    print(address, line.makefile("rb").read().partition(b"\\r\\n\\r\\n")[2].decode())
"""
"""What a static binary does, with a resolver and TLS of its own."""


def test_a_program_with_a_resolver_of_its_own(run: Run) -> None:
    done = run(PYTHON, "-c", BARE)
    assert (done.code, done.out.strip()) == (0, '1.2.3.4 {"seed":1}'), done.err
    assert "1 call: 1 replayed, 0 misses" in done.err


NOTHING = """
import errno, socket, time
def tried(host, port):
    with socket.socket() as line:
        line.settimeout(10)
        try:
            return errno.errorcode.get(line.connect_ex((host, port)), "connected")
        except socket.gaierror as error:
            return "no name" if error.errno == socket.EAI_NONAME else str(error)
began = time.monotonic()
print(tried("8.8.8.8", 53), tried("1.2.3.4", 22), tried("1.2.3.4", 443), tried("example.com", 443), tried("localhost", 9))
assert time.monotonic() - began < 5
"""


def test_nothing_leads_out(run: Run) -> None:
    done = run(PYTHON, "-c", NOTHING)
    assert (done.code, done.out.split("\n")[0]) == (0, "ENETUNREACH ECONNREFUSED connected no name ECONNREFUSED"), (
        done.err
    )


HOOK = """
import json, threading, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        print(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["status"], flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
with HTTPServer(("127.0.0.1", 0), Receiver) as server:
    hook = f"http://127.0.0.1:{server.server_port}/"
    url = f"https://queue.fal.run/acme/plain?fal_webhook={hook}"
    urllib.request.urlopen(urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})).read()
    server.handle_request()
"""


def test_webhooks_come_to_the_program(run: Run) -> None:
    done = run(PYTHON, "-c", HOOK)
    assert (done.code, done.out.strip()) == (0, "OK"), done.err


def test_without_the_rights_of_root(run: Run) -> None:
    """Who may not make a network makes a user namespace in which it may."""
    setpriv = own_network.needs("setpriv", "util-linux")
    done = run(PYTHON, "-c", BARE, prefix=(setpriv, "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"))
    assert (done.code, done.out.strip()) == (0, '1.2.3.4 {"seed":1}'), done.err


def test_the_programs_exit_code_and_misses(run: Run) -> None:
    assert run("sh", "-c", "exit 7").code == 7
    miss = run(PYTHON, "-c", BARE.replace("/acme/plain", "/acme/other"))
    assert miss.code == 97
    assert "acme/other" in miss.err


@pytest.mark.parametrize("option", ["--record", "--auto", "--keep"])
def test_what_needs_a_way_out_is_refused(run: Run, option: str) -> None:
    done = run("true", options=(option,))
    assert done.code == 2
    assert "nothing leads out of the program's network" in done.err
