"""`falmock serve`: real clients through a real process without mitmproxy."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import websockets.sync.client

from clients import answers
from clients import running
from clients import webhook_verifier
from clients.elsewhere import BODY
from clients.elsewhere import Elsewhere
from clients.receiver import receiver
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import Mitmdump
from clients.running import write_fixtures
from clients.upstream import certificates

FLUX = "fal-ai/flux/dev"
UPLOAD = 100 * 1024 * 1024
FIXTURES = [
    {"match": {"model": FLUX}, "response": {"json": {"seed": 1}}, "queue": {"started": 0, "completed": 0}},
    {"match": {"model": "acme/manual"}, "response": {"json": {"seed": 2}}},
    {"match": {"model": "acme/talks", "input": {"prompt": "hi"}}, "realtime": [{"json": {"n": 1}}]},
]


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("serve") / "fixtures", *FIXTURES)


@pytest.fixture(scope="module")
def mock(confdir: Path, fixtures: Path) -> Iterator[Mitmdump]:
    with running.serve(confdir, fixtures=fixtures) as mock:
        yield mock
        assert "Traceback" not in mock.output
        assert modules_of_mitmproxy(mock.process.pid) == []


def modules_of_mitmproxy(pid: int) -> list[str]:
    """The files of mitmproxy's that a process has open or mapped: its compiled parts."""
    maps = Path(f"/proc/{pid}/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    return [line for line in lines if "mitmproxy" in line and ".so" in line]


@pytest.fixture
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    with through(mock) as client:
        yield client


def through(mock: Mitmdump, trust: Path | None = None) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(trust or mock.ca))
    return httpx.Client(proxy=mock.proxy, verify=context, trust_env=False, timeout=60)


# calls to fal


@pytest.mark.parametrize(("program", "name"), [("python_sync.py", "arguments"), ("client.mjs", "input")])
def test_fals_clients(confdir: Path, tmp_path: Path, program: str, name: str) -> None:
    with (
        answers.mock(confdir, tmp_path / "fixtures", started=running.serve) as mock,
        running.app(CLIENTS / "programs" / program, mock) as app,
    ):
        answer = app("run", app=FLUX, **{name: {"prompt": "a cat é"}})
        answer = answer.get("data", answer)  # today's JavaScript client wraps it
        picture = answer["images"][0]
        assert (answer["seed"], picture["content_type"]) == (7, "image/png")
        more = {"headers": {}} if name == "arguments" else {}
        assert app("download", url=picture["url"], **more) == answers.read_back(answers.PICTURE, "image/png")
        assert app("subscribe", app="acme/refuses", **{name: {"steps": 3}})["result"]["status"] == 422
        assert " << 200 OK" in mock.wait_for("POST https://fal.run/fal-ai/flux/dev\n")


def test_an_upload_of_100_mib(client: httpx.Client) -> None:
    begun = client.post(
        "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3",
        json={"file_name": "a.bin", "content_type": "application/octet-stream"},
        headers={"Authorization": f"Key {KEY}"},
    ).json()
    block = bytes(range(256)) * 4096

    def pieces() -> Iterator[bytes]:
        for _ in range(UPLOAD // len(block)):
            yield block

    put = client.put(begun["upload_url"], content=pieces(), headers={"Content-Type": "application/octet-stream"})
    assert put.status_code == 200, put.text
    with client.stream("GET", begun["file_url"]) as answer:
        assert sum(map(len, answer.iter_bytes())) == UPLOAD


def test_a_status_stream_is_woken_by_the_control_api(confdir: Path, fixtures: Path) -> None:
    with running.serve(confdir, "--pace", "manual", fixtures=fixtures) as mock, through(mock) as client:
        job = client.post("https://queue.fal.run/acme/manual", json={}).json()
        seen = []
        with client.stream("GET", f"{job['status_url']}/stream") as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    seen.append(json.loads(line[5:])["status"])
                    told = httpx.post(f"{mock.proxy}/__falmock/jobs/{job['request_id']}/advance", trust_env=False)
                    assert told.status_code in {200, 409}, told.text
    assert seen == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


def test_a_realtime_socket(mock: Mitmdump) -> None:
    host, _, port = mock.proxy.removeprefix("http://").partition(":")
    line = socket.create_connection((host, int(port)), 30)
    line.sendall(b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run:443\r\n\r\n")
    assert b" 200 " in line.recv(4096)
    with websockets.sync.client.connect(
        "wss://fal.run/acme/talks/realtime", sock=line, ssl=running.trust_for_sockets(mock.ca)
    ) as talk:
        talk.send('{"prompt": "hi"}')
        assert json.loads(talk.recv(30)) == {"n": 1}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_webhook_is_delivered_and_genuine(confdir: Path, fixtures: Path, tmp_path: Path, scheme: str) -> None:
    authority, chain = certificates.write(tmp_path, ["localhost"]) if scheme == "https" else (None, None)
    more = ("--trusted-ca", str(authority)) if authority else ()
    with (
        receiver(chain, "localhost" if chain else "127.0.0.1") as app_server,
        running.serve(confdir, *more, fixtures=fixtures) as mock,
        through(mock) as client,
    ):
        hook = app_server.hook(200)
        job = client.post(f"https://queue.fal.run/{FLUX}", params={"fal_webhook": hook.url}, json={})
        (post,) = hook.wait()
        keys = client.get("https://rest.fal.ai/.well-known/jwks.json").json()
        webhook_verifier.verify(post.headers, post.body, keys, time.time())
        assert json.loads(post.body)["request_id"] == job.json()["request_id"]
        mock.wait_for("delivered (status 200)")


# falmock's own doors


def test_doors_on_the_same_port(mock: Mitmdump) -> None:
    with httpx.Client(base_url=mock.proxy, trust_env=False) as direct:
        assert direct.get("/__falmock/health").status_code == 200
        job = direct.post(f"/fal/queue/submit/{FLUX}", json={}).json()
        assert job["status"] == "IN_QUEUE"
        assert direct.get("/__falmock/journal").status_code == 200
        run = direct.post(f"/fal/run/{FLUX}", json={})
        assert run.json() == {"seed": 1}
        assert direct.get("/nothing/here").status_code == 404


def test_a_proxy_user_names_a_scope(mock: Mitmdump) -> None:
    proxy = mock.proxy.replace("http://", "http://my-test:x@")
    with httpx.Client(proxy=proxy, verify=ssl.create_default_context(cafile=str(mock.ca)), trust_env=False) as client:
        client.post(f"https://fal.run/{FLUX}", json={"mine": 1})
    journal = httpx.get(f"{mock.proxy}/__falmock/journal", headers={"x-falmock-scope": "my-test"}, trust_env=False).text
    assert "my-test" in httpx.get(f"{mock.proxy}/__falmock/scopes", trust_env=False).text
    assert FLUX in journal


# other hosts


class Secure(BaseHTTPRequestHandler):
    """Another host's own server, over TLS."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def test_another_host_keeps_its_own_certificate(mock: Mitmdump, tmp_path: Path) -> None:
    authority, chain = certificates.write(tmp_path, ["localhost"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Secure)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with through(mock, authority) as client:
            big = os.urandom(3_000_000)
            for _ in range(2):
                assert client.post(f"https://localhost:{server.server_port}/", content=big).content == big
    finally:
        server.shutdown()
        server.server_close()


def test_plain_http_to_another_host(mock: Mitmdump, elsewhere: Elsewhere, client: httpx.Client) -> None:
    for _ in range(2):
        assert client.post(f"{elsewhere.url}/path?x=1", content=b"body").content == BODY
    curl = subprocess.run(
        ["curl", "-sS", "-x", mock.proxy, f"{elsewhere.url}/by-curl"], capture_output=True, check=True, timeout=60
    )
    assert curl.stdout == BODY
    asked = [seen for seen in elsewhere.seen if "/" in seen]
    assert asked == ["POST /path?x=1", "POST /path?x=1", "GET /by-curl"]


def test_another_host_that_is_not_there(client: httpx.Client) -> None:
    (port,) = running.free_ports(1)
    answer = client.get(f"http://127.0.0.1:{port}/")
    assert answer.status_code == 502
    assert "falmock cannot connect to 127.0.0.1" in answer.text
    with pytest.raises(httpx.ProxyError):
        client.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", ["fal.run", "FAL.RUN.", "new.fal.ai", "f\xaal.run"])
def test_nothing_reaches_fal(mock: Mitmdump, host: str) -> None:
    """Whatever form a name has, it is answered here or refused; what connects would wait for a network."""
    with socket.create_connection(("127.0.0.1", mock.ports[0]), 30) as line:
        line.sendall(f"GET http://{host}/fal-ai/none HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
        answer = line.recv(65536)
    assert answer.split(b" ", 2)[1] in {b"404", b"501", b"502", b"400"}, answer
    assert b"falmock" in answer


def test_a_shared_host_is_answered_where_it_is_fals(client: httpx.Client) -> None:
    answer = client.post(f"https://router.huggingface.co/fal-ai/{FLUX}", json={})
    assert answer.json() == {"seed": 1}


# the command


def test_no_mitmproxy_is_imported(tmp_path: Path) -> None:
    """In the process itself, up to a call that is answered and a webhook's key."""
    program = """
import asyncio, sys, threading, urllib.request
from falmock.cli import main, serve
started = []
stop = asyncio.Event
def asked():
    import socket, time
    for _ in range(400):
        time.sleep(0.05)
        if (tmp / "conf/falmock-leaf.pem").exists():
            break
    time.sleep(0.5)
    text = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{port}/__falmock/health").read()
    found = sorted(name for name in sys.modules if name.partition(".")[0] in ("mitmproxy", "mitmproxy_rs"))
    print(f"FOUND {found}\\n", end="", flush=True)
    import os, signal
    os.kill(os.getpid(), signal.SIGTERM)
from pathlib import Path
tmp, port = Path(sys.argv[1]), sys.argv[2]
threading.Thread(target=asked, daemon=True).start()
sys.exit(main.main(["serve", "--port", port, "--confdir", str(tmp / "conf"), "--fixtures", str(tmp / "fixtures")]))
"""
    write_fixtures(tmp_path / "fixtures", *FIXTURES)
    (port,) = running.free_ports(1)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FOUND []" in done.stdout


def test_its_ca_is_mitmdumps(tmp_path: Path) -> None:
    """Who started first makes the CA: clients that trust it trust the other one, too."""
    fixtures = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    with running.serve(tmp_path / "conf", fixtures=fixtures) as mock, through(mock) as client:
        assert client.post(f"https://fal.run/{FLUX}", json={}).status_code == 200
    before = mock.ca.read_bytes()
    for options in ((), ("--set", "fal_fast=off")):
        with running.mitmdump(tmp_path / "conf", *options, fixtures=fixtures) as other, through(other) as client:
            assert client.post(f"https://fal.run/{FLUX}", json={}).status_code == 200
            assert other.ca.read_bytes() == before


def test_a_client_that_does_not_trust_the_ca_is_told_how(mock: Mitmdump) -> None:
    done = subprocess.run(
        ["curl", "-sS", "-x", mock.proxy, "https://fal.run/"], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 60
    mock.wait_for(f"It looks like curl: set CURL_CA_BUNDLE={mock.ca}")


def test_fixtures_are_watched(confdir: Path, tmp_path: Path) -> None:
    folder = write_fixtures(tmp_path / "fixtures", *FIXTURES)
    with running.serve(confdir, fixtures=folder) as mock, through(mock) as client:
        assert client.post("https://fal.run/acme/new", json={}).status_code == 404
        write_fixtures(folder, {"match": {"model": "acme/new"}, "response": {"json": {}}}, name="more.json")
        mock.wait_for("fixtures changed on disk")
        assert client.post("https://fal.run/acme/new", json={}).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(confdir: Path, fixtures: Path, number: int) -> None:
    with running.serve(confdir, fixtures=fixtures) as mock, through(mock) as client:
        client.post(f"https://fal.run/{FLUX}", json={})
        mock.process.send_signal(number)
        assert running.exit_code(mock) == 0
        assert "1 call: 1 replayed, 0 misses" in mock.output


def test_a_port_that_is_taken(confdir: Path, fixtures: Path, mock: Mitmdump) -> None:
    port = mock.ports[0]
    other = running.start_serve(confdir, "--port", str(port), "--fixtures", str(fixtures))
    assert running.exit_code(other) == 1
    assert f"port {port} is taken" in other.output


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--pace", "fastt"], 2, "--pace: 'fastt' is not a pace"),
        (["--set", "fal_pace=fastt"], 2, "fal_pace: 'fastt' is not a pace"),
        (["--pace", "instant", "--pace", "3s"], 2, "--pace: expected one value"),
        (["--pase", "instant"], 2, "unrecognized arguments: --pase"),
        (["--pase", "instant"], 2, "did you mean '--pace'?"),
        (["--port", "http"], 2, "expected a port from 0 to 65535"),
        (["--set", "fal_pase=instant"], 2, "did you mean 'fal_pace'"),
        (["--set", "proxyauth=a:b"], 2, "mitmproxy's are for mitmdump"),
        (["--fixtures", "/nowhere/at/all"], 1, "/nowhere/at/all"),
    ],
)
def test_bad_arguments(tmp_path: Path, options: list[str], code: int, text: str) -> None:
    other = running.start_serve(tmp_path / "conf", "--port", "0", *options, cwd=tmp_path)
    assert running.exit_code(other) == code
    assert text in other.output
    assert "Traceback" not in other.output


def test_a_mode_that_forwards_is_mitmdump(confdir: Path, tmp_path: Path) -> None:
    with running.serve(confdir, "--mode", "record", fixtures=tmp_path / "new", cwd=tmp_path) as mock:
        assert "mode record forwards calls, which mitmproxy does: mitmdump -s " in mock.output
        mock.wait_for("mode record; ")
        assert httpx.get(f"{mock.proxy}/__falmock/health", trust_env=False).status_code == 200


def test_help_and_version() -> None:
    def told(*arguments: str) -> str:
        done = subprocess.run([*running.FALMOCK, *arguments], capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    assert told("--version").startswith("falmock 0.")
    text = told("serve", "--help")
    assert "--pace VALUE" in text
    assert "falmock serve --fixtures ./fixtures" in text
