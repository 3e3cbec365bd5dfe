"""Helpers for tests of recording: calls of an app, answers without what differs between runs, files on disk."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect

from clients import running
from clients.running import KEY
from clients.running import Mitmdump
from falmock.fixtures.disk.loader import FixtureLoader
from falmock.fixtures.disk.loader import LoadedFixtures

QUEUE = "https://queue.fal.run"
AUTH = {"Authorization": f"Key {KEY}"}
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(255, -1, -1)) * 4
"""What apps upload."""
UNTOLD = frozenset(
    {"date", "server", "etag", "content-length", "content-encoding", "transfer-encoding", "x-fal-served-from"}
    | {"x-fal-request-id", "x-falmock-fixture", "strict-transport-security", "x-robots-tag"}
)
"""Headers that comparisons ignore: those of all answers, those that differ between runs, framing."""
_FILE = re.compile(r"https://v3b?\.fal\.media/files/[^\s\"\\]*?(\.\w+)?(?=[\s\"\\]|$)")
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z-]*")
WAL = ".falmock-wal"
"""The folder of the write-ahead log."""
RECORDED = b'"recorded"'
"""The last key of an entry, which describes the recording itself."""
_SECONDS = re.compile(rb'"(?:at|started|completed|cancelled)": ([0-9.]+)')


def plain(seen: Any) -> Any:
    """What an app got, without what differs between runs: ids, times, and URLs of files except their extension."""
    text = json.dumps(seen)
    for pattern, by in ((_FILE, r"FILE\1"), (_ID, "ID"), (_TIME, "TIME")):
        text = pattern.sub(by, text)
    return json.loads(text)


def client(mock: Mitmdump, **more: Any) -> httpx.Client:
    """A client through the proxy, with a key."""
    more.setdefault("headers", AUTH)
    more.setdefault("timeout", 30)
    more.setdefault("verify", ssl.create_default_context(cafile=str(mock.ca)))
    more.setdefault("proxy", mock.proxy)
    return httpx.Client(trust_env=False, **more)


def socket(mock: Mitmdump, url: str, **more: Any) -> ClientConnection:
    """A WebSocket through the proxy, with a key."""
    context = running.trust_for_sockets(mock.ca)
    return connect(url, proxy=mock.proxy, ssl=context, additional_headers=AUTH, compression=None, max_size=None, **more)


def told(answer: httpx.Response) -> dict[str, Any]:
    """An answer with every digit, but without what differs between runs and without the white space of JSON."""
    shown = ((name, value) for name, value in answer.headers.items() if not name.startswith("access-control-"))
    headers = {name: value for name, value in shown if name not in UNTOLD}
    body: Any = answer.content.decode("latin-1")
    if answer.status_code == 204:
        headers.pop("content-type", None)  # of no body
    if "json" in headers.get("content-type", ""):
        body = json.loads(answer.content, parse_int=_number, parse_float=_number)
    return plain({"status": answer.status_code, "headers": headers, "body": body})


def _number(text: str) -> str:
    return f"the number {text}"


def submit(app: httpx.Client, endpoint: str, value: dict[str, Any], **more: Any) -> str:
    """Submit a job; return its URL."""
    answer = app.post(f"{QUEUE}/{endpoint}", json=value, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["response_url"])


def finish(app: httpx.Client, url: str, logs: int = 0) -> httpx.Response:
    """Poll a job until it is completed; return the answer with its result."""
    for _ in range(1000):
        status = app.get(f"{url}/status", params={"logs": logs})
        if status.json()["status"] == "COMPLETED":
            return app.get(url)
        time.sleep(0.03)
    raise AssertionError(f"{url} is never done")


def job(app: httpx.Client, endpoint: str, value: dict[str, Any]) -> httpx.Response:
    """Submit a job and return the answer with its result."""
    return finish(app, submit(app, endpoint, value))


def upload(app: httpx.Client, content: bytes = PHOTO, name: str = "photo.jpg", kind: str = "image/jpeg") -> str:
    """Upload a file as the JavaScript client does; return its URL."""
    wanted = {"content_type": kind, "file_name": name}
    promised = app.post(
        "https://rest.fal.ai/storage/upload/initiate", params={"storage_type": "fal-cdn-v3"}, json=wanted
    )
    place = promised.json()
    put = app.put(place["upload_url"], content=content, headers={"Content-Type": kind})
    assert put.status_code == 200, put.text
    return str(place["file_url"])


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """All recorded fixture files by their path below the folder."""
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.json"))
    }


def entries(folder: Path) -> list[dict[str, Any]]:
    """All recorded fixtures."""
    return [entry for found in documents(folder).values() for entry in found["fixtures"]]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, without the write-ahead log."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and WAL not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """The files in which a second recording changed more than the description of the recording."""
    names = before.keys() & after.keys()
    differ = {name for name in names if before[name].partition(RECORDED)[0] != after[name].partition(RECORDED)[0]}
    differ -= {name for name in differ if was_held_up(before[name], after[name])}
    return sorted(differ | (before.keys() ^ after.keys()))


def was_held_up(before: bytes, after: bytes) -> bool:
    """Whether one recording took so much longer (a busy machine) that the recorder keeps the later one."""
    times = [[float(at) for at in _SECONDS.findall(raw)] for raw in (before, after)]
    return len(times[0]) == len(times[1]) and any(abs(old - new) >= 1 for old, new in zip(*times, strict=True))


def leftovers(folder: Path) -> list[str]:
    """The temporary files below a folder."""
    return sorted(path.name for path in folder.rglob(".*.tmp"))


def logs(folder: Path) -> list[Path]:
    """The write-ahead logs of a folder."""
    return sorted((folder / WAL).glob("[!.]*"))


def whole(folder: Path, *, lacks_files: bool = False) -> LoadedFixtures:
    """Load a folder as at a start. Every file must be complete, without temporary files beside them.

    `lacks_files`: some files that answers name could not be kept, and the only warnings say so.
    """
    assert leftovers(folder) == []
    library = FixtureLoader([str(folder)]).load()
    assert bool(library.warnings) is lacks_files, library.warnings
    assert all("that nothing serves" in warning for warning in library.warnings)
    assert sum(1 for _ in _fixture_files(folder)) == library.files
    return library


def _fixture_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.json") if "_assets" not in path.parts)
