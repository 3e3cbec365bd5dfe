"""Small bodies that become large when they are decoded: mitmdump refuses them or passes them on, and stays as small as it was."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from clients import running
from clients import tape
from clients.running import Mitmdump
from clients.running import mitmdump
from clients.running import write_fixtures
from clients.upstream import recording
from clients.upstream import upstream
from unit.wire.formats.squeezing import MEBIBYTE
from unit.wire.formats.squeezing import bomb

ENCODINGS = ["gzip", "deflate", "br", "zstd", "gzip, br"]
SIZE = 160 * MEBIBYTE
"""More than any door accepts."""
STAYS = 32 * MEBIBYTE
"""By how much the process may be larger afterwards (bytes)."""
PEAK = (64 + 160) * MEBIBYTE
"""By how much it may be larger in between: the limit, and what brotli makes at a time with the blocks that it makes it of."""
JSON = {"Content-Type": "application/json"}


@cache
def made(encoding: str, size: int = SIZE) -> bytes:
    return bomb(encoding, size)


def memory(mock: Mitmdump, name: str) -> int:
    """The memory of the process (bytes): VmRSS now, VmHWM at most since `stays_small` began."""
    status = Path(f"/proc/{mock.process.pid}")
    if not (status / "clear_refs").exists():
        running.lacking("the memory of a process is read from /proc")
    found = re.search(rf"{name}:\s+(\d+) kB", (status / "status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@contextmanager
def stays_small(mock: Mitmdump) -> Iterator[None]:
    before = memory(mock, "VmRSS")
    Path(f"/proc/{mock.process.pid}/clear_refs").write_text("5")  # the peak is counted anew
    yield
    assert memory(mock, "VmHWM") - before < PEAK
    mock.wait_until(lambda: memory(mock, "VmRSS") - before < STAYS, 10, "it is too large")


@pytest.fixture(scope="module")
def mock(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    """A mitmdump in replay that prints all bodies."""
    fixtures = write_fixtures(
        tmp_path_factory.mktemp("bombs"), {"match": {"model": "acme/x"}, "response": {"json": {}}}
    )
    with mitmdump(confdir, "--set", "flow_detail=3", fixtures=fixtures) as mock:
        with tape.client(mock) as app:
            app.post("https://fal.run/acme/x", content=made("gzip", 1000), headers={**JSON, "Content-Encoding": "gzip"})
        yield mock
        assert "Traceback" not in mock.output


DOORS: list[tuple[str, str, dict[str, str], int]] = [
    ("POST", "https://fal.run/acme/x", JSON, 413),
    ("POST", "https://queue.fal.run/acme/x", JSON, 413),
    ("POST", "https://fal.run/acme/x/stream", JSON, 413),
    ("POST", "https://rest.fal.ai/storage/upload/initiate", JSON, 413),
    ("POST", "https://rest.fal.ai/tokens/", JSON, 413),
    ("POST", "https://v3.fal.media/files/upload", {"Content-Type": "video/mp4"}, 413),
    ("POST", "https://api.fal.ai/v1/nothing", JSON, 413),
    ("POST", "/__falmock/verify", JSON, 413),
    ("POST", "/__aimock/fixtures", JSON, 413),
    ("POST", "/v1/images/generations", JSON, 413),
    ("POST", "/v1/images/edits", {"Content-Type": "multipart/form-data; boundary=x"}, 413),
    ("POST", "/fal/queue/submit/acme/x", JSON, 413),
    ("POST", "/api/fal/proxy", {**JSON, "x-fal-target-url": "https://fal.run/acme/x"}, 413),
    ("POST", "/nothing", JSON, 404),
]


@pytest.mark.parametrize(
    ("method", "url", "headers", "status", "encoding"),
    [
        *(pytest.param(*row, encoding, id=f"{row[1]} {encoding}") for row in DOORS for encoding in ("gzip", "br")),
        *(pytest.param(*DOORS[0], encoding, id=encoding) for encoding in ENCODINGS),
    ],
)
def test_a_door_refuses_a_bomb(
    mock: Mitmdump, method: str, url: str, headers: dict[str, str], status: int, encoding: str
) -> None:
    body = made(encoding)
    more = {} if url.startswith("https:") else {"proxy": None, "base_url": mock.proxy}
    with tape.client(mock, **more) as app, tape.client(mock) as other, stays_small(mock):
        answer = app.request(method, url, content=body, headers={**headers, "Content-Encoding": encoding})
        assert answer.status_code == status
        if status == 413:
            assert re.search(rf"more than \d+ bytes in \d+ bytes of {encoding}, expected at most \d+", answer.text)
        assert other.post("https://fal.run/acme/x", json={}).json() == {}


@pytest.mark.parametrize("encoding", ["", *ENCODINGS])
def test_an_upload_below_the_limit_is_kept_on_disk(mock: Mitmdump, encoding: str) -> None:
    size = 40 * MEBIBYTE
    headers = {"Content-Type": "video/mp4", **({"Content-Encoding": encoding} if encoding else {})}
    with tape.client(mock) as app, stays_small(mock):
        answer = app.post("https://v3.fal.media/files/upload", content=made(encoding, size), headers=headers)
        assert answer.status_code == 200
        assert int(app.head(answer.json()["access_url"]).headers["content-length"]) == size


def test_a_message_of_a_socket(mock: Mitmdump) -> None:
    trusted = running.trust_for_sockets(mock.ca)
    with stays_small(mock), connect("wss://fal.run/acme/x/realtime", proxy=mock.proxy, ssl=trusted) as line:
        assert line.protocol.extensions, "messages are compressed"
        line.send(bytes(256 * MEBIBYTE))
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_forwarded_passes_as_it_came(confdir: Path, tmp_path: Path, encoding: str) -> None:
    body = made(encoding)
    with upstream() as fal, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        app.post("https://fal.run/test/echo", json={})
        for path, kind in [("", "application/json"), ("", "video/mp4"), ("/stream", "text/event-stream")]:
            asked = {"type": kind, "encoding": encoding, "body": base64.b64encode(body).decode()}
            with stays_small(mock), app.stream("POST", f"https://fal.run/test/packed{path}", json=asked) as answer:
                assert answer.headers["content-encoding"] == encoding
                assert b"".join(answer.iter_raw()) == body
        mock.wait_until(lambda: mock.output.count("expected at most") == 3)
        with stays_small(mock):
            answer = app.post("https://fal.run/test/echo", content=body, headers={**JSON, "Content-Encoding": encoding})
            assert answer.status_code != 413
    assert len(tape.entries(tmp_path)) == 1


def test_a_compressed_file_is_recorded_as_it_is(confdir: Path, tmp_path: Path) -> None:
    content = (random.Random(1).randbytes(MEBIBYTE // 24) + bytes(MEBIBYTE - MEBIBYTE // 24)) * 96
    asked = {"type": "video/mp4", "encoding": "gzip", "body": base64.b64encode(gzip.compress(content, 1)).decode()}
    with upstream() as fal, recording(confdir, fal, tmp_path) as mock, tape.client(mock) as app:
        app.post("https://fal.run/test/echo", json={})
        with stays_small(mock):
            assert app.post("https://fal.run/test/packed", json=asked).content == content
        mock.wait_until(lambda: "the run of test/packed in" in mock.output)
    (kept,) = (tmp_path / "_assets").glob("*.mp4")
    assert kept.read_bytes() == content


@pytest.mark.parametrize("kind", ["har", "cassette"])
def test_an_import(confdir: Path, tmp_path: Path, kind: str) -> None:
    packed = base64.b64encode(made("br")).decode()
    if kind == "har":
        headers = [{"name": "content-encoding", "value": "br"}]
        content = {"size": SIZE, "mimeType": "application/json", "text": packed, "encoding": "base64"}
        entry = {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "request": {"method": "POST", "url": "https://fal.run/a/b", "headers": [], "postData": {"text": "{}"}},
            "response": {"status": 200, "headers": headers, "content": content},
        }
        document: object = {"log": {"version": "1.2", "entries": [entry]}}
    else:
        answer = {
            "status": {"code": 200},
            "headers": {"content-encoding": ["br"]},
            "body": {"base64_string": packed},
        }
        asked = {"method": "POST", "uri": "https://fal.run/a/b", "headers": {}, "body": "{}"}
        document = {"version": 1, "interactions": [{"request": asked, "response": answer}]}
    source = tmp_path / f"bomb.{'har' if kind == 'har' else 'json'}"
    source.write_text(json.dumps(document))
    options = ("--set", "fal_mode=record", "--set", f"fal_fixtures={tmp_path / 'fixtures'}", "-n", "-r", str(source))
    ended = running.start(confdir, *options)
    assert running.exit_code(ended) == 0
    assert re.search(r"its body is too large: more than \d+ bytes in \d+ bytes of br", ended.output)
    assert tape.entries(tmp_path / "fixtures") == []
