"""Large files pass through a recording falmock without delay and in constant memory."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import running
from clients import tape
from clients.running import Mitmdump
from clients.upstream import Answer
from clients.upstream import Upstream
from clients.upstream import recording

SIZE = 96 * 1024 * 1024
ROOM = 48 * 1024 * 1024
"""Bytes by which mitmdump may grow while SIZE bytes pass."""


def memory(mock: Mitmdump, name: str = "VmRSS") -> int:
    """The memory of the process (bytes): VmRSS now, VmHWM at most so far."""
    status = Path(f"/proc/{mock.process.pid}/status")
    if not status.exists():
        running.lacking("the memory of a process is read from /proc")
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_a_big_download(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        app.get(app.post("https://fal.run/test/video", json={}).json()["video"]["url"])  # all is loaded now
        url = app.post("https://fal.run/test/video", json={"bytes": SIZE}).json()["video"]["url"]
        before, digest, size = memory(mock), hashlib.sha256(), 0
        with app.stream("GET", url) as answer:
            for piece in answer.iter_raw():
                digest.update(piece)
                size += len(piece)
        assert size == SIZE
        assert memory(mock, "VmHWM") - before < ROOM
        mock.wait_for(f"kept the file {url}")
    kept = tmp_path / "_assets" / f"{digest.hexdigest()}.mp4"
    assert kept.stat().st_size == SIZE
    tape.whole(tmp_path)


def test_a_big_upload(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    block = bytes(range(256)) * 4096

    def content() -> Iterator[bytes]:
        for _ in range(SIZE // len(block)):
            yield block

    wanted = {"content_type": "video/mp4", "file_name": "big.mp4"}
    with recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        tape.upload(app)
        place = app.post("https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3", json=wanted).json()
        before = memory(mock)
        head = {"Content-Type": "video/mp4", "Content-Length": str(SIZE)}
        assert app.put(place["upload_url"], content=content(), headers=head).status_code == 200
        assert memory(mock, "VmHWM") - before < ROOM
        app.post("https://fal.run/test/image-to-video", json={"image_url": place["file_url"]})
    (entry,) = tape.entries(tmp_path)
    digest = hashlib.sha256(block * (SIZE // len(block))).hexdigest()
    assert entry["match"]["input"]["image_url"] == {"$file": f"sha256:{digest}", "type": "video/mp4", "size": SIZE}


def test_a_long_session(confdir: Path, tmp_path: Path, fal: Upstream) -> None:
    """Of what is said beyond the limit nothing is kept, neither by falmock nor by mitmproxy."""
    part = bytes(range(256)) * 4096
    rounds, room = 100, (64 + 48) * 1024 * 1024
    with recording(confdir, fal, tmp_path, "--set", "flow_detail=0") as mock, tape.client(mock) as app:
        app.post("https://fal.run/test/echo", json={})
        before = memory(mock)
        with tape.socket(mock, "wss://fal.run/test/raw/ws") as line:
            assert line.recv(30) == "hello"
            for _ in range(rounds):  # 200 MiB both ways
                line.send(part)
                assert line.recv(30) == part
        mock.wait_for("it has more than 64 MiB of messages, what follows is not recorded")
        assert memory(mock, "VmHWM") - before < room
        mock.wait_for("recorded the opening of the socket of test/raw/ws")
    answers = [entry for entry in tape.entries(tmp_path) if entry["match"].get("model") == "test/raw/ws"]
    assert len(answers) == 2, "the same answer many times is told once"


@pytest.mark.parametrize("mode", ["record", "passthrough"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("video/mp4", ""),
        ("text/event-stream", ""),
        ("application/octet-stream", ""),
        ("application/json", "/stream"),
        ("text/plain", "/stream"),
    ],
)
def test_the_first_byte_comes_before_the_last_was_sent(
    confdir: Path, tmp_path: Path, fal: Upstream, kind: str, path: str, mode: str
) -> None:
    """The rest is sent only when the app has the beginning."""
    arrived: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        yield b"data: first\n\n"
        for _ in range(200):
            if arrived:
                yield b"data: last\n\n"
                return
            fal.server.wait(0.05)

    fal.trouble(f"POST fal.run/test/echo{path}", Answer(200, (("Content-Type", kind),), pieces()))
    with (
        recording(confdir, fal, tmp_path, mode=mode) as mock,
        tape.client(mock) as app,
        app.stream("POST", f"https://fal.run/test/echo{path}", json={}) as answer,
    ):
        for piece in answer.iter_raw():
            arrived.append(piece)  # noqa: PERF402 - piece by piece, as the upstream looks
    # It would be "first" alone if it had waited for the end.
    assert b"".join(arrived) == b"data: first\n\ndata: last\n\n"
