"""Large bodies in replay: they are written to and read from disk in constant memory, and no file is left."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import answers
from clients import running
from clients import tape
from clients.http2 import offers_http2
from clients.running import CLIENTS
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures

MIB = 1024 * 1024
ROOM = 40 * MIB
"""Bytes by which mitmdump may grow while bodies pass that are several times as large."""
BLOCK = bytes(range(256)) * (MIB // 256)
UPLOAD = "https://v3.fal.media/files/upload"
REST = "https://rest.fal.ai/storage/upload"


class Disk:
    """A mitmdump in replay, and the folder in which it puts bodies."""

    def __init__(self, mock: Mitmdump, folder: Path) -> None:
        self.mock = mock
        self.folder = folder

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def settles_at(self, count: int) -> None:
        """Wait until there are so many files."""
        deadline = time.monotonic() + 30
        while len(self.files) != count:
            assert time.monotonic() < deadline, f"expected {count} files, found {self.files}"
            time.sleep(0.02)

    def grows_little(self, action: Callable[[], Any]) -> Any:
        """What the action comes to, during which the process may not grow by much."""
        status = Path(f"/proc/{self.mock.process.pid}")
        if not (status / "clear_refs").exists():
            running.lacking("the memory of a process is read from /proc")
        (status / "clear_refs").write_text("5")  # the peak is counted anew
        before = self._memory("VmRSS")
        result = action()
        assert self._memory("VmHWM") - before < ROOM
        return result

    def _memory(self, name: str) -> int:
        text = Path(f"/proc/{self.mock.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        assert found is not None
        return int(found[1]) * 1024


@pytest.fixture
def disk(confdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": {"model": "acme/x"}, "response": {"json": {}}})
    with mitmdump(confdir, fixtures=fixtures) as mock:
        yield Disk(mock, folder)
        for bad in ("server connect", "Traceback", "500 Internal Server Error", "502 Bad Gateway"):
            assert bad not in mock.output
    assert list(folder.iterdir()) == []


@pytest.fixture
def app(disk: Disk) -> Iterator[httpx.Client]:
    with tape.client(disk.mock) as app:
        app.post(UPLOAD, content=blocks(2)).raise_for_status()  # all is loaded now
        yield app


def blocks(count: int, first: bytes = b"") -> Iterator[bytes]:
    for number in range(count):
        yield (first or number.to_bytes(8, "big")) + BLOCK[len(first or b"12345678") :]


def whole(count: int, first: bytes = b"") -> bytes:
    return b"".join(blocks(count, first))


def digest_of(app: httpx.Client, url: str, **headers: str) -> str:
    """The digest of what is downloaded from a URL."""
    digest = hashlib.sha256()
    with app.stream("GET", url, headers=headers) as answer:
        assert answer.status_code in (200, 206)
        for piece in answer.iter_raw():
            digest.update(piece)
    return digest.hexdigest()


@pytest.mark.parametrize("length", [True, False], ids=["content-length", "chunked"])
def test_up_and_down_in_constant_memory(disk: Disk, app: httpx.Client, length: Any) -> None:
    size = 96
    headers = {"Content-Type": "video/mp4"} | ({"Content-Length": str(size * MIB)} if length else {})
    answer = disk.grows_little(lambda: app.post(UPLOAD, content=blocks(size), headers=headers))
    url = answer.json()["access_url"]
    content = whole(size)
    assert disk.grows_little(lambda: digest_of(app, url)) == answers.sha256(content)
    assert len(disk.files) == 2
    again = app.post(UPLOAD, content=blocks(size), headers=headers)
    assert again.json() == answer.json()
    disk.settles_at(2)  # the same bytes are kept once
    head = app.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(size * MIB))
    assert app.get(url, headers={"If-None-Match": head.headers["etag"]}).status_code == 304
    some = digest_of(app, url, Range=f"bytes={MIB - 5}-{20 * MIB}")
    assert some == answers.sha256(content[MIB - 5 : 20 * MIB + 1])
    last = app.get(url, headers={"Range": "bytes=-3"})
    assert (last.status_code, last.content) == (206, content[-3:])
    assert last.headers["content-range"] == f"bytes {size * MIB - 3}-{size * MIB - 1}/{size * MIB}"
    beyond = app.get(url, headers={"Range": f"bytes={size * MIB}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size * MIB}")


# the clients


@pytest.mark.parametrize("program", ["python_sync.py", "python_async.py", "client.mjs", "serverless_client.mjs"])
def test_the_upload_of_a_client(disk: Disk, app: httpx.Client, tmp_path: Path, program: str) -> None:
    big = answers.write_big(tmp_path / "big.mp4", 60 * MIB)
    more = {"type": "video/mp4"} if program.endswith(".mjs") else {}
    with running.app(CLIENTS / "programs" / program, disk.mock) as act:
        url = disk.grows_little(lambda: act("upload", path=str(big), **more))
        assert act("download", url=url, headers={}) == answers.read_back(big.read_bytes(), "video/mp4")
    assert app.head(url).status_code == 200
    assert len(disk.files) == 2


@pytest.mark.parametrize(("program", "size"), [("python_async.py", 110), ("client.mjs", 95)])
def test_the_upload_of_a_client_in_parts(
    disk: Disk, app: httpx.Client, tmp_path: Path, program: str, size: int
) -> None:
    assert app.head("https://fal.run/acme/x").status_code == 405
    big = answers.write_big(tmp_path / "big.mp4", size * MIB)
    more = {"type": "video/mp4"} if program.endswith(".mjs") else {}
    with running.app(CLIENTS / "programs" / program, disk.mock) as act:
        url = disk.grows_little(lambda: act("upload", path=str(big), **more))
        assert act("download", url=url, headers={}) == answers.read_back(big.read_bytes(), "video/mp4")
    disk.settles_at(2)  # the parts are gone


# the ways a body comes


def test_http2(confdir: Path, tmp_path: Path) -> None:
    content = whole(5)
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": {"model": "acme/x"}, "response": {"json": {}}})
    with (
        mitmdump(confdir, "--set", "fal_fast=off", fixtures=fixtures) as mock,
        httpx.Client(proxy=mock.proxy, verify=offers_http2(mock.ca), trust_env=False, timeout=30, http2=True) as app,
    ):
        for more in ({"Content-Length": str(len(content))}, {}):
            answer = app.post(UPLOAD, content=blocks(5), headers={"Content-Type": "video/mp4"} | more)
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
            assert digest_of(app, answer.json()["access_url"]) == answers.sha256(content)


def test_an_encoded_upload(app: httpx.Client) -> None:
    content = os.urandom(2 * MIB) + bytes(40 * MIB)
    for packed, status in ((gzip.compress(content, 1), 200), (gzip.compress(content, 1)[:-9], 400)):
        answer = app.post(UPLOAD, content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == status
        if status == 200:
            assert digest_of(app, answer.json()["access_url"]) == answers.sha256(content)


def tunnel(mock: Mitmdump, host: str) -> ssl.SSLSocket:
    """A TLS connection through the proxy, by hand."""
    plain = socket.create_connection(("127.0.0.1", mock.ports[0]), timeout=20)
    plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    assert b" 200 " in plain.recv(65536)
    return ssl.create_default_context(cafile=str(mock.ca)).wrap_socket(plain, server_hostname=host)


def head_of(length: int, *more: str) -> bytes:
    lines = ["POST /files/upload HTTP/1.1", "Host: v3.fal.media", f"Content-Length: {length}", *more]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def test_a_client_that_waits_to_be_asked_for_the_body(disk: Disk) -> None:
    with tunnel(disk.mock, "v3.fal.media") as line:
        line.sendall(head_of(3 * MIB, "Expect: 100-continue"))
        assert line.recv(65536).startswith(b"HTTP/1.1 100 ")
        line.sendall(whole(3))
        assert line.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert [path.read_bytes() for path in disk.files] == [whole(3)]


def test_parts_in_parallel_and_again(disk: Disk, app: httpx.Client) -> None:
    begun = app.post(f"{UPLOAD}/multipart".replace("v3.", "v3b."), headers={"Content-Type": "video/mp4"}).json()
    base = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    parts = {number: whole(3, str(number).encode()) for number in range(1, 9)}
    parts[9] = b"a short end"

    def send(number: int) -> dict[str, Any]:
        return {"partNumber": number, "etag": app.put(f"{base}/{number}", content=parts[number]).headers["ETag"]}

    with ThreadPoolExecutor(5) as pool:
        told = list(pool.map(send, [9, 3, 1, 8, 3, 2, 7, 5, 5, 4, 6]))
        completed = list(pool.map(lambda _: app.post(f"{base}/complete", json={"parts": told}), range(2)))
    assert [answer.status_code for answer in completed] == [200, 200]
    content = b"".join(parts[number] for number in sorted(parts))
    assert digest_of(app, begun["access_url"]) == answers.sha256(content)
    disk.settles_at(2)


def begun(app: httpx.Client) -> str:
    """Where the parts of a new upload go."""
    told = app.post(f"{UPLOAD}/multipart".replace("v3.", "v3b."), headers={"Content-Type": "video/mp4"}).json()
    return f"{told['access_url']}/multipart/{told['uploadId']}"


def test_what_a_complete_came_to_and_the_fault_it_met(disk: Disk, app: httpx.Client) -> None:
    base = begun(app)
    etag = app.put(f"{base}/1", content=whole(2)).headers["ETag"]
    for parts, status in (([{"partNumber": 2, "etag": etag}], 400), ([{"partNumber": 1, "etag": etag}], 200)):
        fault = {"contentType": "text/plain", "drip": {"bytes": 50, "every": 0.01}}
        answer = app.post(f"{base}/complete", json={"parts": parts}, headers={"x-falmock-fault": json.dumps(fault)})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/plain")
        assert answer.headers["x-falmock-fault"] == "drip + contentType"
        entry = httpx.get(f"{disk.mock.proxy}/__falmock/journal", trust_env=False).json()["entries"][-1]
        assert (entry["path"], entry["status"]) == (httpx.URL(f"{base}/complete").path, status)
        assert entry["fault"] == "drip + contentType"


# nothing is left


def test_parts_that_nobody_goes_on_with(confdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": {"model": "acme/x"}, "response": {"json": {}}})
    (tmp_path / "bodies").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "bodies"))
    with mitmdump(confdir, "--set", "fal_job_ttl=2s", fixtures=fixtures) as mock, tape.client(mock) as app:
        disk = Disk(mock, tmp_path / "bodies")
        base = begun(app)
        app.put(f"{base}/1", content=whole(2)).raise_for_status()
        disk.settles_at(0)
        parts = {"parts": [{"partNumber": 1, "etag": "x"}]}
        answer = app.post(f"{base}/complete", json=parts)
        assert (answer.status_code, "part 1 was not uploaded" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("path", ["/files/upload", "/files/b/00000000/none_x.bin/multipart/abc/3"])
def test_an_upload_that_is_cut_off(disk: Disk, path: str) -> None:
    head = head_of(64 * MIB)
    if path != "/files/upload":
        head = head.replace(b"POST /files/upload", f"PUT {path}".encode())
    with tunnel(disk.mock, "v3.fal.media") as line:
        line.sendall(head)
        line.sendall(whole(8))
        disk.settles_at(1)
    disk.settles_at(0)
    disk.mock.wait_for("client disconnect")


def test_an_upload_that_is_refused(disk: Disk, app: httpx.Client) -> None:
    answer = app.put("https://v3b.fal.media/files/b/00000000/none_x.bin", content=blocks(3))
    assert answer.status_code == 404
    assert "No upload was started" in answer.json()["detail"]
    disk.settles_at(1)


def test_a_download_that_is_cut_off(disk: Disk, app: httpx.Client) -> None:
    url = httpx.URL(app.post(UPLOAD, content=blocks(64)).json()["access_url"])
    (file,) = (path for path in disk.files if path.stat().st_size == 64 * MIB)

    def is_open() -> bool:
        return any(file.samefile(opened) for opened in Path(f"/proc/{disk.mock.process.pid}/fd").iterdir())

    with tunnel(disk.mock, "v3b.fal.media") as line:
        line.sendall(f"GET {url.raw_path.decode()} HTTP/1.1\r\nHost: v3b.fal.media\r\n\r\n".encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert is_open()
    deadline = time.monotonic() + 30
    while is_open():
        assert time.monotonic() < deadline, "the file is still open"
        time.sleep(0.02)
    assert digest_of(app, str(url)) == answers.sha256(whole(64))


def test_what_a_killed_mock_left_goes_with_the_next(
    confdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    fixtures = write_fixtures(tmp_path / "fixtures", {"match": {"model": "acme/x"}, "response": {"json": {}}})
    with mitmdump(confdir, fixtures=fixtures) as mock, tape.client(mock) as app:
        app.post(UPLOAD, content=blocks(2)).raise_for_status()
        mock.process.send_signal(signal.SIGKILL)
        mock.process.wait(10)
    assert len(list(tmp_path.glob("falmock-bodies-*"))) == 1
    with mitmdump(confdir, fixtures=fixtures):
        assert list(tmp_path.glob("falmock-bodies-*")) == []


@pytest.mark.parametrize("empty", ["content-length", "chunked", "gzip"])
@pytest.mark.parametrize("first", [1, 3 * MIB])
def test_parts_without_content_are_taken(app: httpx.Client, empty: str, first: int) -> None:
    base, content = begun(app), b"a" * first
    ways: dict[str, tuple[Any, dict[str, str]]] = {
        "content-length": (b"", {}),
        "chunked": (iter([b""]), {}),
        "gzip": (gzip.compress(b""), {"content-encoding": "gzip"}),
    }
    nothing, headers = ways[empty]
    etags = [app.put(f"{base}/1", content=content).headers["ETag"]]
    etags.append(app.put(f"{base}/2", content=nothing, headers=headers).headers["ETag"])
    told = [{"partNumber": number, "etag": etag} for number, etag in enumerate(etags, 1)]
    answer = app.post(f"{base}/complete", json={"parts": told})
    assert answer.status_code == 200, answer.text
    assert digest_of(app, answer.json()["access_url"]) == answers.sha256(content)
