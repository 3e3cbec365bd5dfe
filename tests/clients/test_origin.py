"""Streams and sockets in all modes of a real mitmdump; the origin that serves them stays invisible."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect

from clients import running
from clients.elsewhere import Elsewhere
from clients.elsewhere import serving
from clients.http2 import offers_http2
from clients.running import ADDON
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import run
from clients.running import write_fixtures

with warnings.catch_warnings():
    # mitmproxy 12 parses filters in a way that its library would like to see changed.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mitmproxy import http
    from mitmproxy import io

WITNESS = str(CLIENTS / "witness.py")
HEADER = "x-falmock-ticket"
STREAMING = str(CLIENTS / "programs" / "streaming.py")
AUTH = {"Authorization": f"Key {KEY}"}
EVENTS = [{"n": number} for number in range(3)]
TALK = {"events": EVENTS, "messages": [{"answer": 0}, {"answer": 1}]}
"""What the app `programs/streaming.py` sees."""
LONG = 10_000
FIXTURES: list[dict[str, Any]] = [
    {"match": {"model": "test/talk"}, "stream": [{"at": 0.05 * event["n"], "json": event} for event in EVENTS]},
    *(
        {"match": {"model": "test/talk/realtime", "input": {"n": n}}, "realtime": [{"json": {"answer": n}}]}
        for n in range(2)
    ),
    {
        "match": {"model": "test/talk/realtime", "input": {"end": True}},
        "realtime": [{"json": {"answer": "bye"}}, {"close": {"code": 1011, "reason": "it broke"}}],
    },
    {
        "match": {"model": "test/endless"},
        "stream": [{"at": 0.02 * number, "json": {"n": number}} for number in range(LONG)],
    },
    {
        "match": {"model": "test/late"},
        "response": {"json": {"late": True}},
        "queue": {"started": 1.5, "completed": 1.5},
    },
]


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("origin") / "fixtures", *FIXTURES)


class Watched:
    """A mitmdump, the clients of it, and what the addon beside ours saw."""

    def __init__(self, mock: Mitmdump, written: Path) -> None:
        self.mock = mock
        self.trust = running.trust_for_sockets(mock.ca)
        self._written = written

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._written.read_text().splitlines()] if self._written.exists() else []

    @property
    def secrets(self) -> list[str]:
        return [line["secret"] for line in self.lines() if "secret" in line]

    @property
    def ports(self) -> list[int]:
        """The ports of the origins so far."""
        return [int(secret[1:]) for secret in self.secrets if secret.startswith(":")]

    def hooks(self) -> set[str]:
        return {line["hook"] for line in self.lines() if "hook" in line}

    def client(self, **more: Any) -> httpx.Client:
        parts = {"verify": self.trust, "headers": AUTH, **more}
        return httpx.Client(proxy=self.mock.proxy, timeout=30, trust_env=False, **parts)

    def socket(self, endpoint: str = "test/talk/realtime", fault: Any = None) -> ClientConnection:
        url = f"wss://fal.run/{endpoint}"
        headers = AUTH if fault is None else AUTH | {"x-falmock-fault": json.dumps(fault)}
        return connect(url, proxy=self.mock.proxy, ssl=self.trust, additional_headers=headers, open_timeout=30)


@contextmanager
def watched(confdir: Path, fixtures: Path, folder: Path, *args: str, **more: Any) -> Iterator[Watched]:
    written = folder / "witness.jsonl"
    options = ("--set", "fal_pace=recorded", "-s", WITNESS, "--set", f"witness_file={written}")
    with mitmdump(confdir, *options, *args, fixtures=fixtures, **more) as mock:
        yield Watched(mock, written)


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


# what can be seen


def stream(watched: Watched, **more: Any) -> None:
    with watched.client(**more) as client:
        answer = client.post("https://fal.run/test/talk/stream", json={})
    assert list(events_of(answer.iter_lines())) == EVENTS
    assert answer.http_version == ("HTTP/2" if more else "HTTP/1.1")


def stream_over_http2(watched: Watched) -> None:
    stream(watched, http2=True, verify=offers_http2(watched.mock.ca))


def talk(watched: Watched) -> None:
    with watched.socket() as connection:
        connection.send('{"n": 0}')
        assert json.loads(connection.recv(30)) == {"answer": 0}
        assert connection.ping().wait(30)


def talk_to_a_bad_end(watched: Watched) -> None:
    with watched.socket() as connection:
        connection.send('{"end": true}')
        assert json.loads(connection.recv(30)) == {"answer": "bye"}
        with pytest.raises(ConnectionClosedError, match=r"1011 \(internal error\) it broke"):
            connection.recv(30)


def talk_to_an_end_within_a_message(watched: Watched) -> None:
    for ending in ({"midFrame": True}, {"midFrame": True, "close": 1012}, {"midFrame": True, "reset": True}):
        with watched.socket(fault={"socket": ending}) as connection:
            connection.send('{"n": 0}')
            with pytest.raises(ConnectionClosedError):
                connection.recv(30)


def leave_a_stream(watched: Watched) -> None:
    with watched.client() as client, client.stream("POST", "https://fal.run/test/endless/stream", json={}) as answer:
        assert next(events_of(answer.iter_lines())) == {"n": 0}
    watched.mock.wait_for("test/endless/stream")


def leave_a_socket(watched: Watched) -> None:
    with watched.socket() as connection:
        connection.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionClosed):
            connection.recv(30)


def wait_for_a_late_reply(watched: Watched) -> None:
    with watched.client() as client:
        assert client.post("https://fal.run/test/late", json={}).json() == {"late": True}


def leave_before_a_late_reply(watched: Watched) -> None:
    with watched.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post("https://fal.run/test/late", json={}, timeout=0.3)


def see_broken_answers(watched: Watched) -> None:
    with watched.client() as client:
        for fault in ('{"reset": "before-headers"}', '{"reset": "after-headers"}', '{"truncate": 3}'):
            with pytest.raises(httpx.TransportError):
                client.post("https://fal.run/test/late", json={}, headers={"x-falmock-fault": fault})


def upload(watched: Watched) -> None:
    photo = bytes(3 * 1024 * 1024)
    with watched.client() as client:
        start = {"content_type": "image/png", "file_name": "a.png"}
        urls = client.post("https://rest.fal.ai/storage/upload/initiate", json=start).json()
        assert client.put(urls["upload_url"], content=photo).status_code == 200
        assert client.get(urls["file_url"]).content == photo


def kept_flows(file: Path) -> list[http.HTTPFlow]:
    """The flows in a file that mitmproxy wrote."""
    with file.open("rb") as opened:
        kept = list(io.FlowReader(opened).stream())
    found = [flow for flow in kept if isinstance(flow, http.HTTPFlow)]
    assert len(found) == len(kept)
    return found


ACTS: tuple[Callable[[Watched], None], ...] = (
    stream,
    stream_over_http2,
    talk,
    talk_to_a_bad_end,
    talk_to_an_end_within_a_message,
    leave_a_stream,
    leave_a_socket,
    wait_for_a_late_reply,
    leave_before_a_late_reply,
    see_broken_answers,
    upload,
)


def check_hidden(secrets: list[str], place: str, text: str) -> None:
    """Check that nothing of the origin stands in a text."""
    # A port of a client's may begin with the digits of ours.
    found = [secret for secret in (HEADER, *secrets) if re.search(rf"{re.escape(secret)}(?!\d)", text, re.IGNORECASE)]
    assert found == [], f"{found} in {place}:\n{text}"


@pytest.mark.parametrize("detail", [1, 2, 3, 4])
def test_nothing_of_the_origin_is_seen(confdir: Path, fixtures: Path, tmp_path: Path, detail: int) -> None:
    kept = tmp_path / "kept.flows"
    args = ("--set", f"flow_detail={detail}", "--set", "termlog_verbosity=debug", "-w", str(kept))
    with watched(confdir, fixtures, tmp_path, *args) as seen:
        for act in ACTS:
            act(seen)
        seen.mock.wait_until(lambda: seen.hooks() >= {"error", "response", "websocket_end"})
    # All of the output: what mitmproxy says as it ends too.
    shown = {"the output": seen.mock.output}
    shown |= {f"the flow in {line['hook']}": line["seen"] for line in seen.lines() if "hook" in line}
    flows = kept_flows(kept)
    shown |= {f"flow {number} of the file": repr(flow.get_state()) for number, flow in enumerate(flows)}
    assert len(seen.secrets) > len(ACTS)
    for place, text in shown.items():
        check_hidden(seen.secrets, place, text)
    assert not re.search(r"Traceback|Task exception|has crashed", shown["the output"]), shown["the output"]
    urls = {flow.request.pretty_url for flow in flows}
    assert "https://fal.run/test/talk/stream" in urls
    assert all(url.startswith(("https://fal.run/", "https://rest.fal.ai/", "https://v3b.fal.media/")) for url in urls)


# who is let in


@pytest.fixture
def one(confdir: Path, fixtures: Path, tmp_path: Path) -> Iterator[Watched]:
    with watched(confdir, fixtures, tmp_path) as seen:
        yield seen


STRANGERS = {
    "nothing": b"",
    "no ticket": b"POST /test/talk/stream HTTP/1.1\r\nHost: fal.run\r\n\r\n",
    "a wrong ticket": b"GET / HTTP/1.1\r\nHost: fal.run\r\nx-falmock-ticket: " + b"A" * 43 + b"\r\n\r\n",
    "a proxy's": b"CONNECT fal.run:443 HTTP/1.1\r\nHost: fal.run\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506),
}


def test_who_connects_to_the_origin_hears_nothing(one: Watched) -> None:
    stream(one)
    [port] = one.ports
    [used] = [secret for secret in one.secrets if not secret.startswith(":")]
    before = len(one.mock.output)
    again = b"GET / HTTP/1.1\r\nHost: fal.run\r\nx-falmock-ticket: %s\r\n\r\n" % used.encode()
    for said in (*STRANGERS.values(), again):
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            try:
                heard = connection.recv(4096)
            except ConnectionResetError:
                heard = b""
        assert heard == b"", said
    stream(one)
    assert one.ports == [port]
    assert "Traceback" not in one.mock.output[before:]


def test_a_client_that_brings_a_ticket_header_gets_nothing_by_it(one: Watched) -> None:
    with one.client(headers={"x-falmock-ticket": "A" * 43}) as client:
        answer = client.post("https://fal.run/test/talk/stream", json={})
        assert list(events_of(answer.iter_lines())) == EVENTS
        assert client.post("https://fal.run/test/none", json={}).headers["x-falmock-miss"] == "1"


# modes


@contextmanager
def in_mode(confdir: Path, fixtures: Path, mode: str, name: str) -> Iterator[tuple[Mitmdump, int]]:
    with mitmdump(confdir, "--set", "fal_pace=recorded", "--mode", mode, fixtures=fixtures) as mock:
        yield mock, mock.port(name)


def told(env: dict[str, str], over_http: str, over_ws: str) -> object:
    return json.loads(run([sys.executable, STREAMING, over_http, over_ws], env))


def test_regular_mode_plays(confdir: Path, fixtures: Path) -> None:
    with in_mode(confdir, fixtures, "regular", r"HTTP\(S\) proxy") as (mock, _):
        assert told(mock.env(), "https://fal.run", "wss://fal.run") == TALK
        assert told(mock.env(), "http://fal.run", "ws://fal.run") == TALK


def test_upstream_mode_plays_without_the_upstream_proxy(confdir: Path, fixtures: Path) -> None:
    with (
        serving(Elsewhere()) as upstream,
        in_mode(confdir, fixtures, f"upstream:{upstream.url}", r"HTTP\(S\) proxy \(upstream mode\)") as (mock, _),
    ):
        assert told(mock.env(), "https://fal.run", "wss://fal.run") == TALK
        assert told(mock.env(), "http://fal.run", "ws://fal.run") == TALK
        assert upstream.seen == []
        with httpx.Client(proxy=mock.proxy, trust_env=False) as client:
            client.get("http://other.test/path")
        assert upstream.seen[-1] == "GET http://other.test/path"


@pytest.mark.parametrize("target", ["https://fal.run", "http://fal.run"])
def test_reverse_mode_plays(confdir: Path, fixtures: Path, target: str) -> None:
    with in_mode(confdir, fixtures, f"reverse:{target}", f"reverse proxy to {target}") as (mock, port):
        env = mock.env(no_proxy="*")
        assert told(env, f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}") == TALK


# a reload


def test_a_reload_while_a_stream_plays(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    addon = tmp_path / "falmock_addon.py"
    addon.write_text(f"import sys\nsys.path.insert(0, {str(ADDON.parent)!r})\n{ADDON.read_text()}")
    with watched(confdir, fixtures, tmp_path, addon=addon) as seen:
        files = open_files(seen.mock)
        old = threading.Thread(target=lambda: ended.extend(until_it_ends(seen)))
        ended: list[str] = []
        old.start()
        seen.mock.wait_until(lambda: len(seen.ports) == 1)
        addon.write_text(addon.read_text() + "# touched\n")
        seen.mock.wait_until(lambda: seen.mock.output.count("falmock 0") >= 2, 15)
        stream(seen)
        talk(seen)
        old.join(30)
        assert ended == ["cut"]
        first, second = seen.ports
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", first), 30)
        socket.create_connection(("127.0.0.1", second), 30).close()
        # One more than before: the port of the new origin.
        seen.mock.wait_until(lambda: open_files(seen.mock) <= files + 1, 15, "files are left open")
    assert not re.search(r"Traceback|Task exception", seen.mock.output), seen.mock.output
    check_hidden(seen.secrets, "the output", seen.mock.output)


def until_it_ends(seen: Watched) -> list[str]:
    try:
        with seen.client() as client:
            client.post("https://fal.run/test/endless/stream", json={})
    except httpx.RemoteProtocolError:
        return ["cut"]
    return ["whole"]


def open_files(mock: Mitmdump) -> int:
    """How many files and sockets a mitmdump has open; 0 where the system does not tell."""
    folder = Path(f"/proc/{mock.process.pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


# a pause by hand

XSRF = {"_xsrf": "ab" * 16, "_mitmproxy_xsrf": "ab" * 16}
"""The cookies that mitmweb, in its versions, wants to see again in a header of whoever changes something."""


def test_a_stream_that_was_held_by_hand_plays_when_it_is_let_go(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    port = free_port()
    args = ("--no-web-open-browser", "--web-host", "127.0.0.1", "--web-port", str(port), "--set", "intercept=~m POST")
    args = (*args, "--set", "web_password=open", "--set", "fal_pace=recorded")
    web = (str(MITMDUMP.with_name("mitmweb")),)
    with (
        mitmdump(confdir, *args, fixtures=fixtures, program=web) as mock,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, cookies=XSRF) as control,
    ):
        came: list[Any] = []
        seen = Watched(mock, tmp_path / "none")

        def follow() -> None:
            with seen.client() as client:
                came.extend(events_of(client.post("https://fal.run/test/talk/stream", json={}).iter_lines()))

        follower = threading.Thread(target=follow)
        follower.start()
        control.get("/", params={"token": "open"}).raise_for_status()
        control.headers["X-XSRFToken"] = XSRF["_xsrf"]
        while follower.is_alive():
            # At the request, and again at the answer.
            for flow in control.get("/flows").json():
                if flow["intercepted"]:
                    control.post(f"/flows/{flow['id']}/resume").raise_for_status()
            follower.join(0.05)
        assert came == EVENTS
        [flow] = control.get("/flows").json()
        assert (flow["request"]["scheme"], flow["request"]["host"]) == ("https", "fal.run")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
