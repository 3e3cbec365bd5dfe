"""What mitmdump prints: fal flows as calls and without secrets, other flows as usual."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import msgpack  # type: ignore[import-untyped, unused-ignore]
import pytest
from websockets.sync.client import connect

from clients import running
from clients.running import ADDON
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

KEY = "planted-id:planted-secret-77"
COOKIE = "planted-cookie-77"
JWT = "planted-jwt-77"
SIGNATURE = "planted-signature-77"
ANSWERED = "planted-answer-77"
SECRETS = ("planted-id", "planted-secret-77", COOKIE, JWT, SIGNATURE, ANSWERED)
FIXTURES = (
    {
        "match": {"model": "fal-ai/flux/dev"},
        "response": {
            "json": {"seed": 7, "url": f"https://v3b.fal.media/files/a.png?Signature={SIGNATURE}", "key": KEY},
            "headers": {"set-cookie": f"session={ANSWERED}; Path=/"},
        },
    },
    {
        "match": {"model": "acme/draw"},
        "realtime": [
            {"msgpack": {"seed": 7, "key": KEY, "image": {"$base64": "AAAA"}}},
            {"json": {"type": "x-fal-message", "token": KEY}},
            {"close": {}},
        ],
    },
    {"match": {"model": "acme/words"}, "response": {"text": f'{{"token": "{KEY}"', "headers": {"x-note": KEY}}},
)


@contextmanager
def ordinary_host() -> Iterator[str]:
    """A host that is not fal's; its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("X-Api-Key", "ordinary-key-1")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def client(mock: Mitmdump) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=str(mock.ca))
    headers = {"Authorization": f"Key {KEY}", "Cookie": f"s={COOKIE}"}
    with httpx.Client(proxy=mock.proxy, verify=trust, timeout=20, trust_env=False, headers=headers) as made:
        yield made


def talk(mock: Mitmdump, ordinary: str = "") -> str:
    """Have every kind of secret pass by; what was printed."""
    with client(mock) as fal:
        query = {"fal_jwt_token": JWT, "Signature": SIGNATURE}
        fal.post("https://fal.run/fal-ai/flux/dev", json={"prompt": f"a cat named {KEY}"}, params=query)
        job = fal.post("https://queue.fal.run/fal-ai/flux/dev", json={"prompt": "a dog"}, params=query).json()
        fal.get(job["status_url"], params=query)
        fal.get(job["response_url"], params=query)
        fal.post("https://fal.run/acme/words", json={})
        fal.post("https://fal.run/acme/unknown", json={"prompt": f"{SIGNATURE} miss", "api_key": KEY})
        fal.post("https://fal.run/acme/words", files={"token": (None, KEY)})
        fal.get("https://ws.fal.run/x", params=query)
        if ordinary:
            httpx.get(f"{ordinary}/page", params={"token": "ordinary-token-1"}, proxy=mock.proxy, trust_env=False)
        fal.get("https://v3b.fal.media/files/the-end.png", params=query)
    mock.wait_for("the-end.png")
    if "<<" in mock.output:
        mock.wait_until(lambda: re.search(r"the-end\.png.*<< 404", mock.output, re.DOTALL) is not None)
    return mock.output


def assert_no_secret(output: str) -> None:
    for secret in SECRETS:
        where = output.find(secret)
        assert where < 0, f"{secret!r} in: {output[max(0, where - 300) : where + 100]}"


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return write_fixtures(tmp_path / "fixtures", *FIXTURES)


@pytest.mark.parametrize("detail", [1, 2, 3, 4])
def test_no_secret_of_a_fal_flow_is_printed(confdir: Path, fixtures: Path, detail: int) -> None:
    with ordinary_host() as ordinary, mitmdump(confdir, "--flow-detail", str(detail), fixtures=fixtures) as mock:
        output = talk(mock, ordinary)
        assert f"GET {ordinary}/page?token=ordinary-token-1\n" in output
        assert ("X-Api-Key: ordinary-key-1" in output) == (detail >= 2)
        assert "POST https://fal.run/fal-ai/flux/dev?[hidden]" in output
        assert ("Authorization: [hidden]" in output) == (detail >= 2)
        assert ("user-agent: python-httpx" in output.lower()) == (detail >= 2)
    assert_no_secret(mock.output)


@pytest.mark.parametrize("view", ["raw", "json", "query", "hex dump"])
def test_other_views_hide_secrets_too(confdir: Path, fixtures: Path, view: str) -> None:
    settings = ("--flow-detail", "4", "--set", f"dumper_default_contentview={view}")
    with mitmdump(confdir, *settings, fixtures=fixtures) as mock:
        assert_no_secret(talk(mock))


@pytest.mark.parametrize(
    "broken",
    [
        f"GET http://fal.run/x?fal_jwt_token={JWT} y HTTP/1.1\r\n\r\n",
        f"GET http://fal.run/x HTTP/1.1\r\nHost: fal.run\r\nAuthorization Key {KEY.partition(':')[2]}\r\n\r\n",
    ],
)
def test_the_event_log_quotes_broken_requests_without_secrets(confdir: Path, fixtures: Path, broken: str) -> None:
    settings = ("--flow-detail", "1", "--set", "termlog_verbosity=debug")
    with mitmdump(confdir, *settings, fixtures=fixtures) as mock:
        before = mock.output.count("client disconnect")
        with socket.create_connection(("127.0.0.1", mock.ports[0])) as opened:
            opened.sendall(broken.encode())
            while opened.recv(4096):
                pass
        mock.wait_until(lambda: mock.output.count("client disconnect") > before)
        assert re.search(r"(Bad HTTP request|Invalid header) line: .*\[hidden\]", mock.output) is not None
    assert_no_secret(mock.output)


def test_a_wordy_event_log_holds_no_secret(confdir: Path, fixtures: Path) -> None:
    with mitmdump(confdir, "--set", "termlog_verbosity=debug", fixtures=fixtures) as mock:
        assert_no_secret(talk(mock))


def test_quiet_is_quiet(confdir: Path, fixtures: Path) -> None:
    with mitmdump(confdir, "--flow-detail", "0", fixtures=fixtures) as mock, client(mock) as fal:
        fal.post("https://fal.run/fal-ai/flux/dev", json={}, params={"token": JWT})
        fal.post("https://fal.run/acme/unknown", json={})
        mock.wait_for("acme/unknown")
        assert "POST https://fal.run/fal-ai" not in mock.output
        assert "<< " not in mock.output


def test_a_flow_is_shown_as_what_it_is(confdir: Path, fixtures: Path) -> None:
    with mitmdump(confdir, "--flow-detail", "4", fixtures=fixtures) as mock:
        output = talk(mock)
    for line in (
        "    call: Run\n    endpoint: fal-ai/flux/dev\n",
        "    call: Submit\n",
        "    state: IN_QUEUE, queue position 0\n",
        "    call: Status\n    endpoint: fal-ai/flux\n    request id: ",
        "    state: COMPLETED\n",
        "    call: Result\n",
        "/fixtures.json#0 (matches by model)\n",
        "    report: falmock: no fixture answers this call to acme/unknown.\n    Asked: ",
        '    input: { "prompt": "a dog" }\n',
        '    output: { "seed": 7, "url": "https://v3b.fal.media/files/a.png?[hidden]", "key": "[hidden]" }\n',
        '    answer:\n    {\n      "status": "COMPLETED",\n',
        "    call: Download, https://v3b.fal.media/files/the-end.png\n",
        "    no fixture: no fixture matches\n",
    ):
        assert line in output, line
    assert "Traceback" not in output


@pytest.mark.parametrize("view", ["auto", "raw"])
def test_messages_on_a_socket_are_shown_without_secrets(confdir: Path, fixtures: Path, view: str) -> None:
    settings = ("--flow-detail", "4", "--set", f"dumper_default_contentview={view}")
    with mitmdump(confdir, *settings, fixtures=fixtures) as mock:
        trust = running.trust_for_sockets(mock.ca)
        url = f"wss://fal.run/acme/draw/realtime?Signature={SIGNATURE}"
        credentials = {"Authorization": f"Key {KEY}"}
        with connect(url, ssl=trust, proxy=mock.proxy, additional_headers=credentials) as talking:
            # Nothing but its key tells that the password is one, and in msgpack only who reads that sees it.
            talking.send(msgpack.packb({"prompt": "a cat", "password": JWT, "mask": bytes(100)}))
            assert len(list(talking)) == 2
        output = mock.wait_for("WebSocket connection closed")
    assert_no_secret(output)
    assert "Received WebSocket p" not in output
    if view == "auto":
        assert '    msgpack: { "prompt": "a cat", "password": "[hidden]", "mask": "(100 bytes)" }\n' in output
        assert '    msgpack: { "seed": 7, "key": "[hidden]", "image": "(3 bytes)" }\n' in output
        assert '    text: { "type": "x-fal-message", "token": "[hidden]" }\n' in output
        assert "    call: Socket\n    endpoint: acme/draw/realtime\n    socket: realtime\n" in output


def test_a_reload_of_the_script_stacks_nothing_and_forgets_nothing(
    confdir: Path, fixtures: Path, tmp_path: Path
) -> None:
    addon = tmp_path / "falmock_addon.py"
    shutil.copy(ADDON, addon)
    text = f"import sys\nsys.path.insert(0, {str(ADDON.parent)!r})\n" + ADDON.read_text("utf-8")
    addon.write_text(text, "utf-8")
    with mitmdump(confdir, "--flow-detail", "3", fixtures=fixtures, addon=addon) as mock:
        for reload in range(2):
            addon.write_text(text + f"# {reload}\n", "utf-8")
            mock.wait_until(lambda seen=reload + 2: mock.output.count("falmock 0") == seen)
        output = talk(mock)
        assert_no_secret(output)
        assert "Replacing existing" not in output
        assert output.count("POST https://fal.run/fal-ai/flux/dev?[hidden]") == 1
        assert "call: Run" in output
        # Now it fails to load. What is still refused is still printed, without its key.
        addon.write_text("import nothing_of_this_name\n", "utf-8")
        mock.wait_for("nothing_of_this_name")
        with client(mock) as fal:
            query = {"fal_jwt_token": JWT}
            assert fal.post("https://fal.run/fal-ai/flux/dev", json={"api_key": KEY}, params=query).status_code == 502
        mock.wait_until(lambda: mock.output.count("POST https://fal.run/fal-ai/flux/dev?[hidden]") == 2)
        mock.wait_for("<< 502")
    assert_no_secret(mock.output)
