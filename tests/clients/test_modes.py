"""The modes of mitmproxy in which falmock answers, and what each must not let out."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import ssl
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import dns_query
from clients.elsewhere import BODY
from clients.elsewhere import Elsewhere
from clients.elsewhere import Names
from clients.elsewhere import serving
from clients.http2 import offers_http2
from clients.running import ADDON
from clients.running import CLIENTS
from clients.running import KEY
from clients.running import MITMDUMP
from clients.running import Mitmdump
from clients.running import free_ports
from clients.running import mitmdump
from clients.running import write_fixtures

MODEL = "fal-ai/flux/dev"
FIXTURE = {"match": {"model": MODEL}, "response": {"json": {"seed": 1}}}
OBSERVER = str(CLIENTS / "observer.py")
OURS = "198.18.0.1"
AUTH = {"Authorization": f"Key {KEY}"}


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fixtures(tmp_path_factory.mktemp("modes") / "fixtures", FIXTURE)


class Modes:
    """One mitmdump with all its modes at once, and what an addon beside ours saw."""

    def __init__(self, mock: Mitmdump, observed: Path, upstream: Elsewhere, names: Names) -> None:
        self.mock = mock
        self.upstream = upstream
        self.names = names
        self._observed = observed

    def url(self, mode: str, scheme: str = "http") -> str:
        """Where a mode listens, by the name mitmproxy's log has for it."""
        return f"{scheme}://127.0.0.1:{self.mock.port(mode)}"

    def observed(self) -> dict[str, Any]:
        """The last flow."""
        return json.loads(self._observed.read_text().splitlines()[-1])

    def client(self, proxy: str | httpx.Proxy | None = None, **more: Any) -> httpx.Client:
        """A client that trusts our CA, and has no proxy but the one it is given."""
        more.setdefault("verify", trust(self.mock))
        return httpx.Client(proxy=proxy, timeout=20, trust_env=False, headers=AUTH, **more)


REGULAR = r"HTTP\(S\) proxy"
QUEUE = "reverse proxy to https://queue.fal.run"
RUN = "reverse proxy to http://fal.run"
UPSTREAM = r"HTTP\(S\) proxy \(upstream mode\)"
DNS = "DNS server"
FORWARDED_DNS = r"reverse proxy to dns://\S+"
NOT_A_NAME_SERVER = "255.255.255.255"
"""Nothing can be sent there, so mitmproxy's own resolver fails at once: a name that is known nevertheless is ours."""
SERVFAIL = 2


@pytest.fixture(scope="module")
def modes(confdir: Path, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modes]:
    observed = tmp_path_factory.mktemp("observer") / "flows.jsonl"
    with serving(Elsewhere()) as upstream, serving(Names("192.0.2.7")) as names:
        # mitmproxy takes "any free port" for several modes as the same port, and refuses it.
        ports = free_ports(5)
        args = (
            *("--mode", "regular"),
            *("--mode", f"reverse:https://queue.fal.run@{ports[0]}"),
            *("--mode", f"reverse:http://fal.run@{ports[1]}"),
            *("--mode", f"upstream:{upstream.url}@{ports[2]}"),
            *("--mode", f"dns@{ports[3]}"),
            *("--mode", f"reverse:dns://127.0.0.1:{names.port}@{ports[4]}"),
            *("--set", f"dns_name_servers={NOT_A_NAME_SERVER}"),
            *("--set", "fal_hosts=fal.example.com"),
            *("-s", OBSERVER, "--set", f"observer_file={observed}"),
        )
        with mitmdump(confdir, *args, fixtures=fixtures, modes=6) as mock:
            yield Modes(mock, observed, upstream, names)


def trust(mock: Mitmdump) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(mock.ca))


# regular mode

WAYS: dict[str, tuple[Callable[[Modes], httpx.Client], str, str]] = {
    "HTTP/1.1": (lambda modes: modes.client(modes.url(REGULAR)), "https", "HTTP/1.1"),
    "HTTP/2": (
        lambda modes: modes.client(modes.url(REGULAR), verify=offers_http2(modes.mock.ca), http2=True),
        "https",
        "HTTP/2",
    ),
    "the client's order": (lambda modes: modes.client(modes.url(REGULAR), http2=True), "https", "HTTP/1.1"),
    "TLS to the proxy": (
        lambda modes: modes.client(httpx.Proxy(modes.url(REGULAR, "https"), ssl_context=trust(modes.mock))),
        "https",
        "HTTP/1.1",
    ),
    "absolute form": (lambda modes: modes.client(modes.url(REGULAR)), "http", "HTTP/1.1"),
}


@pytest.mark.parametrize("way", WAYS)
def test_regular_mode_answers(modes: Modes, way: str) -> None:
    make, scheme, version = WAYS[way]
    with make(modes) as client:
        answer = client.post(f"{scheme}://fal.run/{MODEL}", json={})
    assert (answer.status_code, answer.json(), answer.http_version) == (200, {"seed": 1}, version)
    observed = modes.observed()
    assert observed["version"].removesuffix(".0") == version
    assert observed["mode"] == "RegularMode"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_straight_to_the_port_is_told_by_its_host_header(modes: Modes, scheme: str) -> None:
    with modes.client() as client:
        answer = client.post(
            f"{modes.url(REGULAR, scheme)}/{MODEL}",
            json={},
            headers={"Host": "fal.run"},
            extensions={"sni_hostname": "fal.run"},
        )
    assert answer.json() == {"seed": 1}


# reverse mode


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_reverse_mode_answers_clients_with_and_without_tls(modes: Modes, scheme: str) -> None:
    with modes.client(base_url=modes.url(RUN, scheme)) as client:
        answer = client.post(f"/{MODEL}", json={})
    assert answer.json() == {"seed": 1}
    assert modes.observed()["mode"] == "ReverseMode"


def through_the_queue(client: httpx.Client) -> dict[str, Any]:
    """Submit, status and result by paths alone; the answer to the submit."""
    submitted = client.post(f"/{MODEL}", json={}).json()
    request = f"/fal-ai/flux/requests/{submitted['request_id']}"
    assert client.get(f"{request}/status").json()["status"] == "COMPLETED"
    assert client.get(request).json() == {"seed": 1}
    return submitted


def test_reverse_mode_has_the_whole_queue(modes: Modes) -> None:
    with modes.client(base_url=modes.url(QUEUE)) as client:
        submitted = through_the_queue(client)
    # As fal does, whatever host it was reached by: a client that follows these leaves the reverse proxy.
    assert submitted["status_url"].startswith("https://queue.fal.run/fal-ai/flux/requests/")


def test_reverse_mode_with_the_clients_host_header(confdir: Path, fixtures: Path) -> None:
    args = ("--mode", "reverse:https://queue.fal.run", "--set", "keep_host_header=true")
    with mitmdump(confdir, *args, fixtures=fixtures) as mock, httpx.Client(base_url=mock.proxy) as client:
        submitted = through_the_queue(client)
        calls = client.get("/__falmock/journal").json()["entries"]
    assert submitted["status_url"].startswith("https://queue.fal.run/fal-ai/flux/requests/")
    assert [call["call"] for call in calls] == ["submit", "status", "result"]


def test_a_reverse_port_for_the_doors_alone(confdir: Path, fixtures: Path) -> None:
    args = ("--mode", "reverse:http://falmock.invalid", "--set", "keep_host_header=true")
    with mitmdump(confdir, *args, fixtures=fixtures) as mock, httpx.Client(base_url=mock.proxy) as client:
        assert client.get("/__falmock/health").json()["status"] == "ok"
        target = {"x-fal-target-url": f"https://fal.run/{MODEL}"}
        assert client.post("/api/fal/proxy", json={}, headers=target).json() == {"seed": 1}
        begun = client.post(
            "/fal/storage/upload/initiate", json={"file_name": "a.png"}, headers={"x-fal-target-host": "rest.fal.ai"}
        )
        assert begun.json()["upload_url"].startswith(f"{mock.proxy}/fal/@")
        assert client.get("/elsewhere").status_code == 404
        unnamed = client.get("/__falmock/health", headers={"Host": "evil.example"})
        assert unnamed.status_code == 403


# upstream mode


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_upstream_mode_answers_without_the_upstream_proxy(modes: Modes, scheme: str) -> None:
    before = list(modes.upstream.seen)
    with modes.client(modes.url(UPSTREAM)) as client:
        answer = client.post(f"{scheme}://fal.run/{MODEL}", json={})
        missed = client.post(f"{scheme}://fal.run/fal-ai/unknown", json={})
    assert answer.json() == {"seed": 1}
    assert missed.headers["x-falmock-miss"] == "1"
    assert modes.observed()["mode"] == "UpstreamMode"
    assert modes.upstream.seen == before


def test_upstream_mode_forwards_other_hosts(modes: Modes) -> None:
    with modes.client(modes.url(UPSTREAM)) as client:
        answer = client.get("http://other.test/path")
    assert answer.content == BODY
    assert modes.upstream.seen[-1] == "GET http://other.test/path"


# several at once


def test_all_modes_share_one_state(modes: Modes) -> None:
    with modes.client(base_url=modes.url(QUEUE)) as reverse:
        submitted = reverse.post(f"/{MODEL}", json={}).json()
    for mode in (REGULAR, UPSTREAM):
        with modes.client(modes.url(mode)) as client:
            assert client.get(submitted["response_url"]).json() == {"seed": 1}


# dns mode

OUR_NAMES = ["fal.run", "queue.fal.run", "v3b.fal.media", "rest.fal.ai", "new.fal.run", "FAL.run", "fal.example.com"]
OTHER_NAMES = ["example.com", "notfal.run", "fal.run.example.com", "storage.googleapis.com", "router.huggingface.co"]


@pytest.mark.parametrize("mode", [DNS, FORWARDED_DNS])
@pytest.mark.parametrize("name", OUR_NAMES)
def test_fals_names_are_answered_here(modes: Modes, mode: str, name: str) -> None:
    port = modes.mock.port(mode)
    assert dns_query.ask(port, name) == (0, (OURS,))
    # No IPv6, and no HTTPS record: it would bring the addresses and the keys of the real service.
    assert dns_query.ask(port, name, dns_query.AAAA) == (0, ())
    assert dns_query.ask(port, name, dns_query.HTTPS) == (0, ())
    assert f"name {name}" not in modes.names.seen


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_are_asked_elsewhere(modes: Modes, name: str) -> None:
    assert dns_query.ask(modes.mock.port(FORWARDED_DNS), name) == (0, ("192.0.2.7",))
    assert modes.names.seen[-1] == f"name {name}"


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_other_names_are_left_to_the_resolver(modes: Modes, name: str) -> None:
    assert dns_query.ask(modes.mock.port(DNS), name) == (SERVFAIL, ())


# other hosts, and what is noted on the flows


def test_other_hosts_are_left_alone(modes: Modes, elsewhere: Elsewhere) -> None:
    with modes.client(modes.url(REGULAR)) as client:
        answer = client.post(f"{elsewhere.url}/{MODEL}?a=b", json={})
    direct = httpx.post(f"{elsewhere.url}/{MODEL}?a=b", json={}, trust_env=False)
    assert answer.content == direct.content
    assert answer.headers.keys() == direct.headers.keys()
    requests = [line for line in elsewhere.seen if line.startswith("POST")]
    assert requests == [f"POST /{MODEL}?a=b"] * 2
    assert (modes.observed()["comment"], modes.observed()["metadata"]) == ("", {})


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("http://storage.googleapis.com/falserverless/x", True),
        ("http://storage.googleapis.com/someone/x", False),
        ("http://router.huggingface.co/fal-ai/x", True),
        ("http://router.huggingface.co/together/x", False),
    ],
)
def test_hosts_that_fal_shares_are_ours_by_path_alone(modes: Modes, url: str, *, ours: bool) -> None:
    with modes.client(modes.url(UPSTREAM)) as client:
        answer = client.get(url)
    assert (answer.content == BODY) is not ours
    assert (f"GET {url}" in modes.upstream.seen) is not ours


def test_a_flow_says_which_fixture_answered_and_why(modes: Modes, fixtures: Path) -> None:
    label = f"{fixtures}/fixtures.json#0"
    with modes.client(modes.url(REGULAR)) as client:
        answer = client.post(f"https://fal.run/{MODEL}", json={})
        observed = modes.observed()
    assert answer.headers["x-falmock-fixture"] == label
    assert observed["metadata"]["falmock.fixture"] == label
    why = observed["metadata"]["falmock.why"]
    assert observed["comment"] == f"falmock: {label} ({why})"
    assert "model" in why


def test_a_flow_nothing_answered_says_what_was_missing(modes: Modes) -> None:
    with modes.client(modes.url(REGULAR)) as client:
        answer = client.post("https://fal.run/fal-ai/unknown", json={})
        observed = modes.observed()
    assert observed["metadata"]["falmock.fixture"] is None
    assert observed["metadata"]["falmock.report"] == answer.json()["detail"]
    assert observed["comment"] == "falmock: no fixture answers this call to fal-ai/unknown."
    assert observed["marked"] == ":x:"


def test_a_poll_says_how_far_its_job_is(modes: Modes) -> None:
    with modes.client(modes.url(REGULAR)) as client:
        submitted = client.post(f"https://queue.fal.run/{MODEL}", json={}).json()
        client.get(submitted["status_url"])
        observed = modes.observed()
    assert observed["comment"].startswith(f"falmock: {MODEL} is COMPLETED; ")


# the programs with a face


def test_mitmweb_answers(confdir: Path, fixtures: Path) -> None:
    args = ("--no-web-open-browser", "--web-host", "127.0.0.1", "--web-port", str(free_ports(1)[0]))
    web = (str(MITMDUMP.with_name("mitmweb")),)
    with (
        mitmdump(confdir, *args, fixtures=fixtures, program=web) as mock,
        httpx.Client(proxy=mock.proxy, verify=trust(mock), timeout=20, trust_env=False) as client,
    ):
        assert client.post(f"https://fal.run/{MODEL}", json={}).json() == {"seed": 1}


_ESCAPES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@contextmanager
def console(*args: str) -> Iterator[Callable[[], str]]:
    """The console program in a terminal; gives what it has drawn so far."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    process = subprocess.Popen(
        [str(MITMDUMP.with_name("mitmproxy")), *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    drawn = bytearray()

    def screen() -> str:
        while select.select([ours], [], [], 0.05)[0]:
            drawn.extend(os.read(ours, 65536))
        return _ESCAPES.sub("", drawn.decode(errors="replace"))

    try:
        yield screen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_the_console_answers(confdir: Path, fixtures: Path, tmp_path: Path) -> None:
    observed = tmp_path / "flows.jsonl"
    args = (
        *("-s", str(ADDON), "-s", OBSERVER, "--listen-host", "127.0.0.1", "-p", "0"),
        *("--set", f"confdir={confdir}", "--set", f"fal_fixtures={fixtures}", "--set", f"observer_file={observed}"),
    )
    with console(*args) as screen:
        until = time.monotonic() + 60
        while not observed.exists():
            assert time.monotonic() < until, screen()
            screen()
        port = json.loads(observed.read_text())["ports"][0]
        ca = ssl.create_default_context(cafile=str(confdir / "mitmproxy-ca-cert.pem"))
        with httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=ca, timeout=20, trust_env=False) as client:
            answer = client.post(f"https://fal.run/{MODEL}", json={})
        assert answer.json() == {"seed": 1}
        while "fal.run /fal-ai/flux/dev" not in screen():
            assert time.monotonic() < until, screen()
