"""falmock refuses every connection that mitmproxy would otherwise let through to the real, billed API.

Each test starts a real mitmdump, because only what the process does counts.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from clients.running import ADDON
from clients.running import Mitmdump
from clients.running import exit_code
from clients.running import mitmdump
from clients.running import start
from clients.running import trust_for_sockets
from clients.running import write_fixtures

FIXTURE = {"match": {"model": "fal-ai/flux/dev"}, "response": {"json": {"seed": 1}}}


def client_of(mock: Mitmdump) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(mock.ca))
    return httpx.Client(proxy=mock.proxy, verify=trust, timeout=20, trust_env=False)


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    return write_fixtures(tmp_path / "fixtures", FIXTURE)


def refusal(confdir: Path, *args: str, cwd: Path | None = None, addon: Path = ADDON) -> str:
    """The output of a mitmdump that must not come up."""
    mock = start(confdir, "--listen-host", "127.0.0.1", "-p", "0", *args, cwd=cwd, addon=addon)
    code = exit_code(mock)
    assert code == 1, f"exit code {code}:\n{mock.output}"
    assert "Traceback" not in mock.output
    return mock.output


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fal_mode=bogus", "fal_mode: expected one of replay, record, auto, passthrough, found 'bogus'"),
        ("fal_mode=reply", "did you mean 'replay'"),
        ("fal_mode=", "fal_mode: expected one value"),
        ("fal_mode", "fal_mode: expected one value"),
        ("fal_pace=fast", "fal_pace: 'fast' is not a pace, expected instant"),
        ("fal_dns_address=1.2.3.4", "fal_dns_address: 1.2.3.4 is a public address"),
        ("fal_pace=x0", "fal_pace: x0"),
        ("fal_max_jobs=x", "fal_max_jobs: expected a whole number from 1"),
        ("fal_max_jobs=0", "fal_max_jobs: expected a whole number from 1"),
        ("fal_max_jobs=-1", "fal_max_jobs: expected a whole number from 1"),
        ("fal_job_ttl=soon", "fal_job_ttl: 'soon' is not a duration"),
        ("fal_job_ttl=0", "fal_job_ttl: expected more than nothing"),
        ("fal_auth=maybe", "fal_auth: expected any, required or env:NAME"),
        ("fal_auth=env:FALMOCK_UNSET", "the environment variable 'FALMOCK_UNSET'"),
        ("fal_hosts=https://fal.example", "fal_hosts: 'https://fal.example': expected a host name"),
        ("fal_hosts=fal.example=proxy", "unknown role 'proxy', expected one of run, queue, rest, cdn"),
        ("fal_ignore=@uid", "fal_ignore: there is no shape '@uid', did you mean 'uuid'"),
        ("fal_redact=/(/", "fal_redact: '/(/' is not a regular expression"),
        ("fal_zzzzzzzz=1", "unknown option fal_zzzzzzzz, expected one of fal_mode"),
        ("fal_modes=replay", "unknown option fal_modes, did you mean 'fal_mode'"),
        ("stream_large_bodies=1m", "stream_large_bodies"),
    ],
)
def test_a_bad_option_stops_the_start(confdir: Path, fixtures: Path, setting: str, words: str) -> None:
    assert words in refusal(confdir, "--set", f"fal_fixtures={fixtures}", "--set", setting)


def test_an_option_given_twice_stops_the_start(confdir: Path, fixtures: Path) -> None:
    # mitmproxy itself answers this by dropping the addon and proxying on.
    args = ("--set", "fal_mode=replay", "--set", "fal_mode=passthrough", "--set", f"fal_fixtures={fixtures}")
    assert "fal_mode: expected one value such as replay, found 2 values" in refusal(confdir, *args)


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("fal_max_jobs: many\n", "fal_max_jobs: expected a whole number"),
        ("fal_mode: true\n", "fal_mode: expected one of replay, record, auto, passthrough, found 'True'"),
        ("fal_mode: {a: b}\n", "fal_mode"),
        ("fal_typo: 1\n", "unknown option fal_typo"),
    ],
)
def test_a_bad_config_file_stops_the_start(tmp_path: Path, fixtures: Path, yaml: str, words: str) -> None:
    confdir = tmp_path / "conf"
    confdir.mkdir()
    (confdir / "config.yaml").write_text(yaml)
    assert words in refusal(confdir, "--set", f"fal_fixtures={fixtures}")


def test_plain_values_in_a_config_file_are_understood(tmp_path: Path, fixtures: Path) -> None:
    confdir = tmp_path / "conf"
    confdir.mkdir()
    (confdir / "config.yaml").write_text(f"fal_fixtures: {fixtures}\nfal_max_jobs: 5\nfal_job_ttl: 60\nfal_pace: 3s\n")
    with mitmdump(confdir) as mock:
        assert f"1 fixture in 1 file from {fixtures}; pace 3s" in mock.output


def test_a_missing_fixture_path_stops_the_start(confdir: Path, tmp_path: Path) -> None:
    output = refusal(confdir, "--set", f"fal_fixtures={tmp_path / 'nowhere'}")
    assert "nowhere: expected a folder or file of fixtures, found nothing" in output


def test_only_the_default_folder_may_be_missing(confdir: Path, tmp_path: Path) -> None:
    with mitmdump(confdir, cwd=tmp_path) as mock, client_of(mock) as client:
        assert "no folder ./fixtures" in mock.output
        answer = client.post("https://fal.run/fal-ai/flux/dev", json={})
    assert answer.status_code == 404
    assert answer.headers["x-falmock-miss"] == "1"


def test_broken_fixtures_stop_the_start_with_every_problem(confdir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"
    write_fixtures(folder, {"match": {"modle": "a/b"}, "response": {"json": 1}}, name="a.json")
    write_fixtures(folder, {"match": {"model": "a/b"}, "response": {}}, name="b.json")
    (folder / "c.json").write_text('{"fixtures": [')
    output = refusal(confdir, "--set", f"fal_fixtures={folder}")
    assert "a.json: $.fixtures[0].match.modle: unknown key 'modle', did you mean 'model'?" in output
    assert "b.json: $.fixtures[0].response: expected exactly one of json" in output
    assert "c.json: line 1: expected JSON" in output


def test_a_missing_package_stops_the_start(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    copy = copy_of_the_addon(tmp_path)
    (copy.parent / "httptools.py").write_text("raise ImportError('No module named httptools')\n")
    mock = start(confdir, "-p", "0", "--set", f"fal_fixtures={fixtures}", addon=copy)
    assert exit_code(mock) == 1, mock.output
    assert "No module named httptools" in mock.output


def test_the_addon_twice_stops_the_start(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    mock = start(confdir, "-p", "0", "-s", str(copy_of_the_addon(tmp_path)), "--set", f"fal_fixtures={fixtures}")
    assert exit_code(mock) == 1, mock.output
    assert "An addon called 'falmock' already exists" in mock.output


def copy_of_the_addon(tmp_path: Path) -> Path:
    folder = tmp_path / "addon"
    shutil.copytree(ADDON.parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / ADDON.name


def test_eager_connections_are_switched_off(confdir: Path, fixtures: Path) -> None:
    # With eager connections mitmproxy asks DNS for fal.run before it lets the addon answer.
    with mitmdump(confdir, "--set", "connection_strategy=eager", fixtures=fixtures) as mock, client_of(mock) as client:
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 200
        assert "server connect" not in mock.output


def test_a_reload_keeps_answering(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    addon = copy_of_the_addon(tmp_path)
    with mitmdump(confdir, fixtures=fixtures, addon=addon) as mock, client_of(mock) as client:
        addon.write_text(addon.read_text() + "# touched\n")
        wait_for_count(mock, "Loading script", 2)
        wait_for_count(mock, "falmock 0", 2)
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 200


@pytest.mark.parametrize("damage", ["syntax error", "removed"])
def test_a_script_that_is_lost_leaves_fal_shut(confdir: Path, fixtures: Path, tmp_path: Path, damage: str) -> None:
    addon = copy_of_the_addon(tmp_path)
    with mitmdump(confdir, fixtures=fixtures, addon=addon) as mock, client_of(mock) as client:
        if damage == "removed":
            addon.unlink()
            mock.wait_for("Removing script")
        else:
            addon.write_text("def broken(:\n")
            mock.wait_for("SyntaxError")
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 502
        mock.wait_for("falmock refused a connection to fal.run: the addon is not loaded any more")


def wait_for_count(mock: Mitmdump, text: str, count: int) -> None:
    mock.wait_until(lambda: mock.output.count(text) >= count, 15)


SABOTAGE = """
from falmock.engine.engine import Engine

decide = Engine.decide

def sabotaged(self, request, *rest):
    if "boom" in request.path:
        raise RuntimeError("sabotaged")
    return decide(self, request, *rest)

Engine.decide = sabotaged
"""


def test_an_exception_of_ours_is_answered_and_logged(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    script = tmp_path / "sabotage.py"
    script.write_text(SABOTAGE)
    with mitmdump(confdir, "-s", str(script), fixtures=fixtures) as mock, client_of(mock) as client:
        failed = client.post("https://fal.run/boom/boom", json={})
        assert failed.status_code == 500
        assert failed.headers["x-falmock-error"] == "internal error"
        assert "sabotaged" not in failed.text
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 200
        mock.wait_for("RuntimeError: sabotaged")
        assert "POST fal.run/boom/boom failed" in mock.output


CHANGE_OPTION = """
from mitmproxy import ctx, exceptions, http

class Change:
    def request(self, flow):
        if flow.request.host == "change.test":
            try:
                ctx.options.update(**{flow.request.path.strip("/"): [flow.request.text] })
                text = "taken"
            except exceptions.OptionsError as error:
                text = str(error)
            flow.response = http.Response.make(200, text)

addons = [Change()]
"""


def test_a_bad_option_while_running_is_refused_and_changes_nothing(
    confdir: Path, fixtures: Path, tmp_path: Path
) -> None:
    script = tmp_path / "change.py"
    script.write_text(CHANGE_OPTION)
    with mitmdump(confdir, "-s", str(script), fixtures=fixtures) as mock, client_of(mock) as client:
        refused = client.post("http://change.test/fal_mode", content="bogus").text
        assert "expected one of replay, record, auto, passthrough" in refused
        refused = client.post("http://change.test/fal_fixtures", content=str(tmp_path / "nowhere")).text
        assert "found nothing" in refused
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).json() == {"seed": 1}
        assert client.post("http://change.test/fal_auth", content="required").text == "taken"
        assert client.post("https://fal.run/fal-ai/flux/dev", json={}).status_code == 401


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "https://docs.fal.ai/", 501),
        ("GET", "https://api.fal.ai/v1/keys", 501),
        ("GET", "https://new.fal.run/x/y", 501),
        ("GET", "https://rest.fal.ai/nothing", 404),
        ("DELETE", "https://fal.run/fal-ai/flux/dev", 405),
        ("GET", "https://queue.fal.run/fal-ai/flux/dev", 405),
        ("GET", "https://v3.fal.media/files/b/none.png", 404),
        ("GET", "https://storage.googleapis.com/falserverless/none.png", 404),
        ("PUT", "https://v3b.fal.media/files/b/0/none.png", 404),
        ("POST", "https://router.huggingface.co/fal-ai/no-such/endpoint", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_and_not_forwarded(
    shared_mock: Mitmdump, method: str, url: str, status: int
) -> None:
    with client_of(shared_mock) as client:
        answer = client.request(method, url, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["detail"] == answer.json()["message"]


def test_a_socket_that_no_fixture_knows_is_not_forwarded(shared_mock: Mitmdump) -> None:
    trust = trust_for_sockets(shared_mock.ca)
    with connect("wss://fal.run/fal-ai/lcm/realtime", proxy=shared_mock.proxy, ssl=trust) as connection:
        connection.send('{"prompt": "a cat"}')
        told = json.loads(connection.recv(30))
    assert (told["type"], told["error"]) == ("x-fal-error", "MISS")


def test_a_forwarding_script_cannot_reach_fal(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    # Another addon that takes falmock's answer away again: the connection is vetoed below HTTP.
    script = tmp_path / "undo.py"
    script.write_text("def request(flow):\n    flow.response = None\n")
    with mitmdump(confdir, "-s", str(script), fixtures=fixtures) as mock, client_of(mock) as client:
        answer = client.post("https://fal.run/fal-ai/flux/dev", json={})
        assert answer.status_code == 502
        mock.wait_for("falmock refused a connection to fal.run: in replay nothing is sent to fal")


@pytest.fixture(scope="module")
def shared_mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    folder = write_fixtures(tmp_path_factory.mktemp("shared") / "fixtures", FIXTURE)
    with mitmdump(confdir, fixtures=folder) as mock:
        yield mock
        assert "server connect" not in mock.output


@contextmanager
def stand_in() -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that plays the real fal: it answers every request and keeps what it got."""
    got: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                got.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nreal")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], got
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_passthrough_forwards_and_says_so(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    script = tmp_path / "dns.py"
    with stand_in() as (port, got):
        script.write_text(f"def server_connect(data):\n    data.server.address = ('127.0.0.1', {port})\n")
        args = ("-s", str(script), "--set", "fal_mode=passthrough")
        with mitmdump(confdir, *args, fixtures=fixtures) as mock, client_of(mock) as client:
            assert "FORWARDED to fal and billed" in mock.output
            answer = client.post("http://fal.run/fal-ai/flux/dev", json={"prompt": "a"})
            assert answer.text == "real"
    assert got[0].startswith(b"POST /fal-ai/flux/dev HTTP/1.1")
