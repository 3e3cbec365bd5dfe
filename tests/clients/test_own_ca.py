"""falmock's own CA: what starts without a `--confdir` has the same one, and leaves other hosts alone."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from clients import running
from clients.elsewhere import BODY
from clients.elsewhere import Elsewhere
from clients.elsewhere import serving
from clients.running import CLIENTS
from clients.running import FALMOCK
from clients.running import Mitmdump
from clients.running import write_fixtures
from clients.upstream import Upstream
from clients.upstream import certificates

FLUX = "fal-ai/flux/dev"
FIXTURE = {"match": {"model": FLUX}, "response": {"json": {"seed": 1}}}


@contextmanager
def own(home: Path, *args: str, program: Sequence[str] = FALMOCK) -> Iterator[Mitmdump]:
    """A running `falmock serve` with its own CA."""
    environment = os.environ | {"FALMOCK_HOME": str(home), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "400"}
    ca = running.run([*FALMOCK, "ca", "path"], environment).strip()
    process = subprocess.Popen(
        [*program, "serve", "--port", "0", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    mock = running.followed(process, Path(ca).parent)
    try:
        mock.wait_for("falmock 0", running.START_SECONDS)
        yield mock
    finally:
        running.stop(mock)


def through(mock: Mitmdump, ca: Path) -> httpx.Client:
    return httpx.Client(
        proxy=mock.proxy, verify=ssl.create_default_context(cafile=str(ca)), trust_env=False, timeout=60
    )


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of another host, and the CA that vouches for it."""
    authority, chain = certificates.write(tmp_path, ["localhost"])
    server = Elsewhere()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield f"https://localhost:{server.server_port}/", authority


def test_fals_hosts_are_answered_and_others_keep_their_certificates(tmp_path: Path, other: tuple[str, Path]) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", FIXTURE)
    url, authority = other
    with own(tmp_path / "home", "--fixtures", str(fixtures)) as mock:
        with through(mock, mock.ca) as client:
            for host in ("fal.run", "router.huggingface.co/fal-ai"):
                assert client.post(f"https://{host}/{FLUX}", json={}).json() == {"seed": 1}
        with through(mock, authority) as client:
            assert client.get(url).content == BODY
        curl = ["curl", "-sS", "-x", mock.proxy, "https://fal.run/"]
        assert subprocess.run(curl, capture_output=True, check=False, timeout=60).returncode == 60
        told = mock.wait_for(f"It looks like curl: set CURL_CA_BUNDLE={mock.ca}")
        assert "it does not trust falmock's CA" in told
    assert mock.confdir.parent == tmp_path / "home/ca"


def test_a_recording_leaves_other_hosts_alone(tmp_path: Path, fal: Upstream, other: tuple[str, Path]) -> None:
    """The stand-in's certificate names hosts that are not fal's. The CA cannot sign for those."""
    url, authority = other
    fixtures = tmp_path / "fixtures"
    with own(tmp_path / "home", "--mode", "record", "--fixtures", str(fixtures), program=fal.falmock) as mock:
        with running.app(CLIENTS / "programs" / "python_sync.py", mock) as app:
            assert app("run", app="test/echo", arguments={"prompt": "a cat"})["input"] == {"prompt": "a cat"}
            assert app("subscribe", app="test/image", arguments={"prompt": "a dog"})["result"]["images"]
        with through(mock, mock.ca) as client:
            assert client.get("https://storage.googleapis.com/another-bucket/x").status_code < 500
        with through(mock, authority) as client:
            for _ in range(2):
                assert client.get(url).content == BODY
        with through(mock, mock.ca) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get(url)
    assert len([*fixtures.rglob("*.json")]) == 2
    assert fal.asked("GET storage.googleapis.com/another-bucket/x")
    assert "does not trust" not in mock.output


def test_all_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", FIXTURE)

    def call(_: int) -> Path:
        with (
            own(tmp_path / "home", "--fixtures", str(fixtures)) as mock,
            through(mock, mock.ca) as client,
        ):
            assert client.post(f"https://fal.run/{FLUX}", json={}).json() == {"seed": 1}
            return mock.ca

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(call, range(3)))) == 1
