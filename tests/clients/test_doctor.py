"""`falmock doctor`: programs whose calls go past the proxy, or that do not trust the CA, and what it says of them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from clients import own_network
from clients import running
from clients.own_network import Ended
from clients.running import write_fixtures
from clients.upstream import certificates

URL = "https://fal.run/acme/plain"
FIXTURES = [
    {"match": {"model": "acme/plain"}, "response": {"json": {"seed": 1}}},
    {"match": {"model": "acme/talks"}, "realtime": [{"json": {"n": 1}}]},
]
PROGRAMS = {
    "app.mjs": f"console.log(await (await fetch('{URL}', {{method: 'POST', body: '{{}}'}})).text());",
    "with_aiohttp.py": f"""
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.post("{URL}", json={{}}) as answer:
        print(await answer.text())
asyncio.run(main())
""",
    "with_requests.py": f"import requests\nprint(requests.post('{URL}', json={{}}).text)\n",
    "with_httpx.py": f"import httpx\nprint(httpx.post('{URL}', json={{}}).text)\n",
    "talk.mjs": """
const { WebSocket } = process.argv[2] ? await import("ws") : globalThis;
const socket = new WebSocket("wss://fal.run/acme/talks/realtime");
socket.onopen = () => socket.send("{}");
socket.onmessage = (message) => { console.log(message.data); process.exit(0); };
socket.onerror = (error) => { console.log(error.message); process.exit(1); };
""",
    "App.java": f"""
import java.net.*;
public class App {{
  public static void main(String[] given) throws Exception {{
    var connection = (HttpURLConnection) new URL("{URL}").openConnection();
    connection.setDoOutput(true);
    connection.getOutputStream().write("{{}}".getBytes());
    System.out.println(new String(connection.getInputStream().readAllBytes()));
  }}
}}
""",
}
PYTHON = sys.executable
Doctor = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor")
    write_fixtures(folder / "fixtures", *FIXTURES)
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def doctor(folder: Path, confdir: Path) -> Doctor:
    own_network.require()

    def doctor(*words: str, **more: str) -> Ended:
        return own_network.falmock(folder, confdir, ["doctor", *words], more=more)

    return doctor


def has(module: str) -> None:
    if find_spec(module) is None:
        running.lacking(f"the Python package {module} is not installed")


def test_all_calls_come_through(doctor: Doctor) -> None:
    done = doctor("--", PYTHON, "with_httpx.py")
    assert (done.code, done.out.strip()) == (0, '{"seed":1}'), done.err
    assert "with_httpx.py) came through the proxy to fal.run" in done.err
    assert done.err.endswith("all calls came through the proxy\n")


def test_node_20_without_the_preload(doctor: Doctor) -> None:
    node = own_network.needs("node", "nodejs")
    done = doctor("--", "env", "-u", "NODE_OPTIONS", node, "app.mjs")
    assert (done.code, done.out.strip()) == (1, '{"seed":1}'), done.err
    version = running.run([node, "--version"], {}).strip().removeprefix("v")
    assert f"falmock: Node.js {version} (PID " in done.err
    assert "node app.mjs) went past the proxy to fal.run\n" in done.err
    assert "NODE_OPTIONS" in remedies(done)


def test_aiohttp_without_trust_env(doctor: Doctor) -> None:
    has("aiohttp")
    done = doctor("--", "env", f"PYTHONPATH={running.ROOT / 'addon'}", PYTHON, "with_aiohttp.py")
    assert (done.code, done.out.strip()) == (1, '{"seed":1}'), done.err
    assert "with_aiohttp.py) went past the proxy to fal.run\n" in done.err
    assert "trust_env=True" in remedies(done)
    assert "PYTHONPATH" in remedies(done)


def test_requests_with_ssl_cert_file_only(doctor: Doctor) -> None:
    done = doctor("--", "env", "-u", "REQUESTS_CA_BUNDLE", "-u", "CURL_CA_BUNDLE", PYTHON, "with_requests.py")
    assert done.code == 1
    assert "the program ended with exit code 1" in done.err
    assert "with_requests.py) did not trust falmock's CA for fal.run\n" in done.err
    assert "requests reads REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, and not SSL_CERT_FILE" in remedies(done)
    assert "REQUESTS_CA_BUNDLE=" in remedies(done)


@pytest.mark.parametrize("package", ["", "ws"])
def test_a_socket_on_bun(doctor: Doctor, package: str) -> None:
    done = doctor("--", "env", "-u", "BUN_OPTIONS", own_network.bun(), "talk.mjs", *([package] if package else []))
    assert (done.code, done.out.strip()) == (1, '{"n":1}'), done.err
    assert "falmock: Bun 1." in done.err
    assert "went past the proxy to fal.run with a WebSocket\n" in done.err
    assert "BUN_OPTIONS" in remedies(done) or "falmock run --transparent" in remedies(done)


def test_a_jvm_without_its_options(doctor: Doctor) -> None:
    java = own_network.needs("java", "openjdk-17-jdk-headless")
    done = doctor("--", "env", "-u", "JAVA_TOOL_OPTIONS", java, "App.java")
    assert done.code == 1
    assert "java App.java) went past the proxy to fal.run; did not trust falmock's CA for fal.run\n" in done.err
    assert "falmock: Java " in done.err
    assert "JVM" in remedies(done) or "JAVA_TOOL_OPTIONS=" in remedies(done)


def test_a_setup_made_by_hand(doctor: Doctor, confdir: Path, tmp_path: Path) -> None:
    """What the user has set is what counts, and the port is that of the user's proxy."""
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:8080"}
    good = doctor(
        "--as-is", "--", PYTHON, "with_httpx.py", **proxy, SSL_CERT_FILE=str(confdir / "mitmproxy-ca-cert.pem")
    )
    assert (good.code, good.out.strip()) == (0, '{"seed":1}'), good.err
    another, _ = certificates.write(tmp_path, ["localhost"])
    bad = doctor("--as-is", "--", PYTHON, "with_httpx.py", **proxy, SSL_CERT_FILE=str(another))
    assert bad.code == 1
    assert "with_httpx.py) did not trust falmock's CA for fal.run\n" in bad.err
    nothing = doctor("--as-is", "--", PYTHON, "with_httpx.py")
    assert nothing.code == 1
    assert "went past the proxy to fal.run; did not trust falmock's CA for fal.run\n" in nothing.err
    assert "HTTPS_PROXY" in remedies(nothing)


def test_names_that_do_not_exist_are_told_and_secrets_are_not(doctor: Doctor) -> None:
    curl = own_network.needs("curl", "curl")
    url = "https://other.test/"
    done = doctor("--", curl, "-sS", "--noproxy", "*", "-H", "Authorization: Key abcdefgh:ijklmnop", URL, url)
    assert done.code == 1
    assert "looked up, but not there in the program's network: other.test\n" in done.err
    assert "went past the proxy to fal.run" in done.err
    assert "ijklmnop" not in done.err


def test_without_a_network_of_its_own(folder: Path, confdir: Path) -> None:
    """As where Linux forbids it: trust is seen, and it is said what is not."""
    setpriv, sh = own_network.needs("setpriv", "util-linux"), shutil.which("sh")
    own_network.require()
    limit = "echo 0 > /proc/sys/user/max_user_namespaces"
    unprivileged = (setpriv, "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    words = ["doctor", "--", "env", "-u", "REQUESTS_CA_BUNDLE", "-u", "CURL_CA_BUNDLE", PYTHON, "with_requests.py"]
    prefix = ("unshare", "-U", "-r", str(sh), "-c", f'{limit} && exec "$@"', "sh", *unprivileged)
    done = own_network.falmock(folder, confdir, words, prefix)
    assert done.code == 1
    assert "what goes past the proxy was not seen, since the program has no network of its own: " in done.err
    assert "did not trust falmock's CA for fal.run" in done.err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--", "no-such-program"], 127, "no-such-program"),
        (["--pase", "3s", "--", "true"], 2, "did you mean '--pace'?"),
        (["--mode", "record", "--", "true"], 2, "are for mode replay"),
        ([], 2, "there is no COMMAND"),
        (["--", "true"], 1, "no call to fal was seen"),
    ],
)
def test_what_is_not_examined(doctor: Doctor, words: list[str], code: int, text: str) -> None:
    done = doctor(*words)
    assert (done.code, text in done.err) == (code, True), done.err


def remedies(done: Ended) -> str:
    """The lines that tell what helps."""
    return "\n".join(line for line in done.err.splitlines() if line.startswith("falmock:   -> "))
